"""The strategies: what they draw is valid, varied, and shrinks to something small."""

import functools
import importlib
import inspect
import math
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, find, given, settings
from hypothesis.strategies import SearchStrategy

import tinygrad_nn as tg
from tinygrad_nn import Value
from tinygrad_nn.domains import Reals, elementwise, nonzero, positive, real, reduction, untied
from tinygrad_nn.primitive import Primitive
from tinygrad_nn.testing import strategies


@functools.cache
def examples(strategy: Callable[..., SearchStrategy[Any]], *args: Any) -> list[Any]:
    """A few hundred examples of strategy(*args)."""
    found = []

    @settings(max_examples=300, phases=[Phase.generate], derandomize=True, database=None)
    @given(strategy(*args))
    def collect(drawn: Any) -> None:
        found.append(drawn)

    collect()
    return found


def share(drawn: list[Any], holds: Callable[[Any], bool]) -> float:
    """The share of what was drawn for which `holds`."""
    return sum(map(holds, drawn)) / len(drawn)


def primitive(domain: Any = None, **rules: Any) -> Callable[[Callable[..., Any]], Primitive]:
    """A primitive that is not registered."""
    return lambda forward: Primitive(forward, rules, domain)


# ---- Sets of numbers


@pytest.mark.parametrize("numbers", [real, nonzero, positive, Reals(-1e-9, 1e-9), Reals(3, 1e9)])
def test_numbers_of_a_set_are_many_and_within_its_ends(numbers: Reals) -> None:
    assert all(numbers.low <= x <= numbers.high for x in numbers.grid)
    assert 16 <= len(set(numbers.grid)) == len(numbers.grid) <= 65


def test_numbers_keep_a_margin_from_the_points_to_avoid() -> None:
    numbers = Reals(-3, 3, away_from=(-1, 0, 2), margin=0.5)
    assert min(abs(x - kink) for x in numbers.grid for kink in (-1, 0, 2)) == 0.5


def test_simple_numbers_come_first() -> None:
    assert real.grid[:6] == (0, 1, -1, 2, -2, 0.5)
    assert positive.grid[0] == 1


def test_steps_are_counted_from_the_lower_end() -> None:
    assert sorted(Reals(-0.75, 1, step=0.5).grid) == [-0.75, -0.25, 0.25, 0.75]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"low": 1, "high": 0}, "low 1 must be less than high 0"),
        ({"low": 0, "high": math.inf}, "both finite"),
        ({"low": math.nan}, "low nan must be less than high"),
        ({"step": 0}, "step must be positive"),
        ({"away_from": (0,), "margin": 3}, "has no numbers"),
    ],
)
def test_sets_without_numbers_are_refused(options: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Reals(**options).grid  # noqa: B018


# ---- Shapes and arrays


def test_shapes_have_up_to_three_axes_of_up_to_three_elements() -> None:
    drawn = examples(strategies.shapes)
    assert {len(shape) for shape in drawn} == {0, 1, 2, 3}
    assert {side for shape in drawn for side in shape} == {1, 2, 3}


def test_either_of_two_shapes_is_broadcast_often() -> None:
    pairs = examples(strategies.broadcastable_shapes, 2)
    assert share(pairs, lambda drawn: drawn[0] != np.broadcast_shapes(*drawn)) > 0.2
    assert share(pairs, lambda drawn: drawn[1] != np.broadcast_shapes(*drawn)) > 0.1
    assert share(pairs, lambda drawn: drawn[0] == drawn[1] != ()) > 0.1


@given(strategies.broadcastable_shapes(3))
def test_any_number_of_shapes_broadcast_together(drawn: Any) -> None:
    assert len(drawn) == 3
    assert len(np.broadcast_shapes(*drawn)) <= 3


def test_shapes_broadcastable_to_a_shape_are_all_those_that_numpy_takes() -> None:
    drawn = examples(strategies.shapes_broadcastable_to, (2, 3))
    assert set(drawn) == {(), (1,), (3,), (1, 1), (1, 3), (2, 1), (2, 3)}


@given(strategies.arrays((2, 3), numbers=nonzero))
def test_arrays_have_the_shape_and_the_numbers_asked_for(x: Any) -> None:
    assert x.shape == (2, 3)
    assert x.dtype == np.float64
    assert np.isin(x, nonzero.grid).all()


@given(strategies.arrays(dtype=np.float32), strategies.arrays(3), strategies.arrays(()))
def test_arrays_take_a_dtype_a_length_and_no_axes(x: Any, vector: Any, scalar: Any) -> None:
    assert x.dtype == np.float32
    assert vector.shape == (3,)
    assert isinstance(scalar, np.ndarray)
    assert scalar.shape == ()


@given(strategies.arrays(2, numbers=Reals(0, 1, step=0.1), dtype=np.float32))
def test_numbers_are_rounded_to_the_dtype(x: Any) -> None:
    assert np.isin(x, np.float32([k / 10 for k in range(11)])).all()


@given(strategies.arrays((3, 3, 3), unique=True))
def test_elements_of_a_unique_array_differ(x: Any) -> None:
    assert np.unique(x).size == 27


def test_elements_mostly_differ_anyway() -> None:
    assert share(examples(strategies.arrays, 9), lambda x: np.unique(x).size >= 5) > 0.7


@given(strategies.values((2, 2), numbers=positive, dtype=np.float32))
def test_values_are_arrays_to_differentiate_by(x: Any) -> None:
    assert isinstance(x, Value)
    assert x.requires_grad
    assert x.dtype == np.float32
    assert x.shape == (2, 2)
    assert (x.data > 0).all()


def test_a_counterexample_has_few_and_simple_elements() -> None:
    assert find(strategies.arrays(), lambda x: True).shape == ()
    assert find(strategies.arrays(), lambda x: bool((x < 0).any())).tolist() == -1
    found = find(strategies.arrays(), lambda x: bool(x.ndim == 2 and x.sum() > 1.2))
    assert found.tolist() in ([[2]], [[1.25]], [[1.5]])


# ---- Axes and indices


@given(strategies.arrays_with_axis())
def test_axes_are_what_reductions_take(drawn: Any) -> None:
    x, axis = drawn
    np.sum(x, axis=axis)


def test_axes_are_none_integers_and_tuples_from_either_end() -> None:
    axes = {None, 0, 1, -1, -2, (), (0,), (1,), (-1,), (-2,), (0, 1), (1, 0), (-1, 0)}
    assert axes <= set(examples(strategies.axes, 2))
    assert set(examples(strategies.axes, 0)) == {None, ()}


@given(strategies.arrays_with_index())
def test_indices_select_elements(drawn: Any) -> None:
    x, index = drawn
    assert np.isin(x[index], x).all()
    assert x[index].size


def _parts(index: Any) -> tuple[Any, ...]:
    return index if isinstance(index, tuple) else (index,)


@pytest.mark.parametrize(
    "kind",
    {
        "an integer": lambda part: isinstance(part, int) and part >= 0,
        "a negative integer": lambda part: isinstance(part, int) and part < 0,
        "a slice": lambda part: isinstance(part, slice),
        "a backward slice": lambda part: isinstance(part, slice) and (part.step or 1) < 0,
        "a new axis": lambda part: part is None,
        "an ellipsis": lambda part: part is ...,
        "integers": lambda part: isinstance(part, np.ndarray) and part.dtype.kind == "i",
        "a mask": lambda part: isinstance(part, np.ndarray) and part.dtype.kind == "b",
        "integers twice the same": lambda part: (
            isinstance(part, np.ndarray)
            and part.dtype.kind == "i"
            and part.size > np.unique(part).size
        ),
    }.items(),
    ids=lambda kind: kind[0],
)
def test_indices_are_of_every_kind(kind: Any) -> None:
    drawn = examples(strategies.indices, (2, 3, 2))
    assert share(drawn, lambda index: any(map(kind[1], _parts(index)))) > 0.01


def test_arrays_of_integers_stand_beside_slices_and_new_axes() -> None:
    drawn = [set(map(type, _parts(index))) for index in examples(strategies.indices, (2, 3, 2))]
    for other in (slice, type(None), type(...), int):
        assert share(drawn, lambda types, other=other: {np.ndarray, other} <= types) > 0.01


# ---- Operands


@given(strategies.matmul_operands())
def test_matmul_takes_its_operands(drawn: Any) -> None:
    np.matmul(*drawn)


def test_matmul_operands_are_vectors_matrices_and_stacks_that_broadcast() -> None:
    ndims = {(x.ndim, y.ndim) for x, y in examples(strategies.matmul_operands)}
    assert {(m, n) for m in (1, 2, 3) for n in (1, 2, 3)} <= ndims


@given(strategies.einsum_operands())
def test_einsum_takes_its_operands(drawn: Any) -> None:
    subscripts, operands = drawn
    np.einsum(subscripts, *operands)


@pytest.mark.parametrize(
    "holds",
    {
        "one operand": lambda terms, output: len(terms) == 1,
        "three operands": lambda terms, output: len(terms) == 3,
        "an ellipsis": lambda terms, output: any("..." in term for term in terms),
        "an implicit output": lambda terms, output: output is None,
        "an output": lambda terms, output: bool(output),
        "a full sum": lambda terms, output: output == "" and any(terms),
        "a diagonal": lambda terms, output: any(term.count("i") == 2 for term in terms),
        "a shared letter": lambda terms, output: sum("j" in term for term in terms) > 1,
    }.items(),
    ids=lambda holds: holds[0],
)
def test_einsum_operands_are_of_every_kind(holds: Any) -> None:
    def split(drawn: Any) -> bool:
        inputs, arrow, output = drawn[0].partition("->")
        return holds[1](inputs.split(","), output if arrow else None)

    assert share(examples(strategies.einsum_operands), split) > 0.02


def test_lengths_of_a_letter_broadcast_in_einsum() -> None:
    def stretched(drawn: Any) -> bool:
        subscripts, operands = drawn
        terms = subscripts.partition("->")[0].split(",")
        lengths = {
            letter_and_length
            for term, operand in zip(terms, operands, strict=True)
            if "..." not in term
            for letter_and_length in zip(term, operand.shape, strict=True)
        }
        return any({(letter, 1), (letter, 3)} <= lengths for letter in "ijk")

    assert share(examples(strategies.einsum_operands), stretched) > 0


# ---- Domains


def calls_of(domain: Any) -> SearchStrategy[Any]:
    """What a domain draws, for a primitive with the parameters x, y and the constants c."""

    @primitive(domain, x=lambda g: g, y=lambda g: g)
    def anything(
        x: Any, y: Any = None, c: Any = None, axis: Any = None, keepdims: Any = None
    ) -> Any:
        return x

    return strategies.calls(anything)


def test_elementwise_inputs_broadcast_and_constants_are_one_of_those_given() -> None:
    def valid(drawn: Any) -> bool:
        x, y = drawn[1]
        np.broadcast_shapes(x.shape, y.shape)
        return bool(np.isin(x, positive.grid).all() and np.isin(y, nonzero.grid).all())

    drawn = examples(calls_of, elementwise(x=positive, y=nonzero, c=("a", "b")))
    assert share(drawn, valid) == 1
    assert 0.2 < share(drawn, lambda call: "c='a'" in repr(call[0])) < 0.8


@given(calls_of(untied("x", "y")))
def test_untied_inputs_are_nowhere_near_one_another(drawn: Any) -> None:
    x, y = drawn[1]
    assert np.abs(x - y).min() >= 0.125


@given(calls_of(reduction(real, unique=True)))
def test_reductions_may_ask_for_unequal_elements(drawn: Any) -> None:
    (x,) = drawn[1]
    assert np.unique(x).size == x.size


# ---- Calls of primitives


def test_a_call_is_a_function_of_its_differentiable_inputs() -> None:
    f, inputs = find(strategies.calls(tg.where), lambda drawn: True)
    assert f.__name__ == "where"
    assert list(inspect.signature(f).parameters) == ["x", "y"]
    assert [x.dtype for x in inputs] == [np.float64, np.float64]
    assert f(Value(2.0), Value(3.0)).data == 3  # the condition is x > 0 of x = 0


def test_an_input_that_is_none_or_a_number_is_a_constant() -> None:
    f, _ = find(strategies.calls(tg.linear), lambda drawn: len(drawn[1]) == 2)
    assert str(inspect.signature(f)) == "(x, weight)"
    assert repr(f) == "linear(x, weight, bias=None)"


def test_a_variadic_input_is_as_many_parameters_as_were_drawn() -> None:
    operation = tg.primitives["concatenate"]
    f, _ = find(strategies.calls(operation), lambda drawn: len(drawn[1]) == 2)
    assert str(inspect.signature(f)) == "(*arrays)"
    assert f([1.0], [2.0, 3.0]).tolist() == [1, 2, 3]


def test_a_call_says_what_its_constants_are() -> None:
    drawn = find(strategies.calls(tg.sum), lambda drawn: drawn[1][0].ndim == 2)
    assert repr(drawn) == "(sum(x, axis=None, keepdims=False), [array([[0.]])])"


def test_a_domain_draws_from_the_strategies_of_hypothesis_too() -> None:
    def domain(draw: Any) -> dict[str, Any]:
        count = draw.integers(2, 3)
        return {"x": draw(strategies.arrays(count)), "y": draw.array_shapes(min_dims=count)}

    (x,) = find(calls_of(domain), lambda drawn: True)[1]
    assert x.tolist() == [0, 0]


def test_a_domain_that_names_no_strategy_is_told() -> None:
    with pytest.raises(AttributeError, match="no strategy named 'arays'"):
        find(calls_of(lambda draw: {"x": draw.arays()}), lambda drawn: True)


def test_a_domain_that_names_no_parameter_is_told() -> None:
    with pytest.raises(TypeError, match="the domain of anything draws 'z'"):
        find(calls_of(elementwise(z=real)), lambda drawn: True)


def test_a_primitive_without_a_domain_is_told_how_to_declare_one() -> None:
    @primitive(x=lambda g: 2 * g)
    def double(x: Any) -> Any:
        return 2 * x

    with pytest.raises(ValueError, match=r"double .* no domain .*domain=elementwise\(x=real\)"):
        strategies.calls(double)


def test_only_primitives_have_calls() -> None:
    with pytest.raises(TypeError, match="calls takes a primitive, not <function sum"):
        strategies.calls(np.sum)


def test_without_hypothesis_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "hypothesis.extra.numpy", None)
    monkeypatch.delitem(sys.modules, "tinygrad_nn.testing.strategies")
    with pytest.raises(ImportError, match=r'pip install "tinygrad-nn\[testing\]"'):
        importlib.import_module("tinygrad_nn.testing.strategies")
