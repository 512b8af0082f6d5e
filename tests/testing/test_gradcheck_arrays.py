"""What a function computes with Values must be what it computes with plain arrays."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from checking import X, check, kinds, operation

import tinygrad_nn as tg
from tinygrad_nn import Value, nn
from tinygrad_nn.random import generator, generator_state
from tinygrad_nn.testing import gradcheck, gradcheck_module


def doubled_for_values(x: Any) -> Any:
    return 2 * x if isinstance(x, Value) else x


def other_values(f: Callable[..., Any], *inputs: Any, **options: Any) -> str:
    """The text of the finding of a check that has found nothing but other values with arrays."""
    report = check(f, *inputs, **options)
    assert report.verdict == "fail"
    assert not report.searched
    (only,) = report.findings
    assert only.kind == "other values"
    return only.text


# ---- What is found


def test_function_that_takes_another_path_for_values_is_named_with_both_values() -> None:
    def f(x: Any) -> Any:
        return doubled_for_values(x) ** 2

    assert other_values(f, X) == (
        "f[2] is 16 with Values, but 4 with arrays (and 2 more differ): f computes something else "
        "with arrays than with Values, so its derivative is that of another function"
    )
    assert "gradcheck of f: FAILED, other values" in str(check(f, X))
    assert other_values(f, 1.5).startswith("f is 9 with Values, but 2.25 with arrays: f ")


def test_output_that_differs_is_named_among_several() -> None:
    def f(x: Any) -> Any:
        return x * x, {"loss": doubled_for_values(x).sum()}, x.mean()

    start = "f[1]['loss'] is 8 with Values, but 4 with arrays: "
    assert other_values(f, X).startswith(start)


def test_function_that_asks_for_an_ndarray_is_named() -> None:
    def scaled(x: Any) -> Any:
        return x / x.max() if isinstance(x, np.ndarray) else x * 1.0

    other_values(scaled, X)


def test_function_that_writes_into_a_view_of_arrays_is_named() -> None:
    def transposed(x: Any) -> Any:
        return x.T

    view = operation(transposed, x=lambda g: g.T)  # a copy, of Values

    def f(x: Any) -> Any:
        y = x * x
        rows = view(y)
        y[0] = 0.0
        return rows.sum(axis=1)

    text = other_values(f, np.array([[1.0, 2.0], [3.0, 4.0]]))
    assert text.startswith("f[1] is 20 with Values, but 16 with arrays (and 1 more differ): ")


@pytest.mark.parametrize("options", [{"order": 2}, {"mode": "directional"}])
def test_difference_is_found_once_whatever_the_options(options: dict[str, Any]) -> None:
    other_values(lambda x: doubled_for_values(x) ** 2, X, **options)


def test_values_that_are_not_checked_are_arrays_too() -> None:
    def f(x: Any, y: Any, z: Any) -> Any:
        assert isinstance(x, Value) == isinstance(y, Value) == isinstance(z, Value)
        return x * doubled_for_values(y) * z

    z = Value(X, requires_grad=False)
    other_values(f, X, X, z, wrt="x")


@pytest.mark.parametrize(
    "f",
    [
        lambda x: [doubled_for_values(x["a"]), x["b"][0]],
        lambda x: np.array([doubled_for_values(x["a"]), x["b"][0]]),
        lambda x: {"sum": doubled_for_values(x["a"]) + x["b"][1].sum()},
    ],
    ids=["list of numbers", "array of numbers", "dict"],
)
def test_nested_inputs_and_outputs_are_compared(f: Callable[[Any], Any]) -> None:
    other_values(f, {"a": 1.5, "b": (0.5, [2.0, 3.0])})


@pytest.mark.parametrize("x", [X.tolist(), X, Value(X)], ids=["list", "array", "Value"])
def test_every_input_comes_as_an_array(x: Any) -> None:
    def f(x: Any) -> Any:
        assert isinstance(x, (Value, np.ndarray))
        return doubled_for_values(x)

    other_values(f, x)


def test_number_comes_as_a_number() -> None:
    def f(x: Any) -> Any:
        assert isinstance(x, (Value, float))
        return doubled_for_values(x)

    other_values(f, 1.5)


def test_nan_differs_from_numbers_alone() -> None:
    def nan_for_values(x: Any) -> Any:
        return np.sqrt(-x if isinstance(x, Value) else x)

    assert "is nan with Values, but" in other_values(nan_for_values, X)
    assert kinds(check(lambda x: np.sqrt(-x), X)) == {"not finite"}
    assert kinds(check(lambda x: x / 0, X)) == {"not finite"}


# ---- What is rounding


def off_by(part: float, dtype: Any) -> Callable[[Any], Any]:
    """A function whose values are off by that part with arrays, and which computes in `dtype`."""

    def f(x: Any) -> Any:
        return (x if isinstance(x, Value) else x * (1 + part)).astype(dtype) ** 2

    return f


@pytest.mark.parametrize(("dtype", "part"), [(np.float64, 1e-12), (np.float32, 1e-7)])
def test_rounding_is_no_difference(dtype: Any, part: float) -> None:
    assert "other values" not in kinds(check(off_by(part, dtype), X))
    assert "other values" in kinds(check(off_by(100 * part, dtype), X))


def test_what_is_off_is_seen_beside_the_largest_of_its_output() -> None:
    def f(x: Any) -> Any:
        return 1e20 * x, 1e-20 * doubled_for_values(x)

    assert other_values(f, X).startswith("f[1][2] is 4e-20 with Values, but 2e-20 ")
    other_values(lambda x: (x + 1e20, doubled_for_values(x)), X)


def test_rounding_that_is_left_where_numbers_cancel_is_no_difference() -> None:
    def f(x: Any) -> Any:
        return (x + 0.1) - 0.1 - x if isinstance(x, Value) else 0 * x

    x = np.array([0.3, 0.7])
    assert np.any(f(Value(x)).data != 0)
    assert "other values" not in kinds(check(f, x))


def test_rounding_in_a_chaotic_function_is_no_difference() -> None:
    def f(x: Any) -> Any:
        for _ in range(40):
            x = 4 * x * (1 - x) if isinstance(x, Value) else 4 * (x - x * x)
        return x

    assert abs(f(0.3) - f(Value(0.3)).data) > 1e-8
    assert "other values" not in kinds(check(f, 0.3))


# ---- What is not compared


@pytest.mark.parametrize(
    "f",
    [
        lambda x: doubled_for_values(x).relu(),
        lambda x: Value(1.0) * doubled_for_values(x),
        lambda x: [doubled_for_values(x), x * Value(1.0)],
        lambda x: x * x if isinstance(x, Value) else None,
        lambda x: x * x if isinstance(x, Value) else "text",
        lambda x: x * x if isinstance(x, Value) else x + 1j,
        lambda x: x * x if isinstance(x, Value) else x[:2],
        lambda x: x * x if isinstance(x, Value) else x.astype(int),
        lambda x: x * x if isinstance(x, Value) else x.astype(object),
    ],
    ids=["raises", "Value", "Values", "None", "text", "complex", "fewer", "integers", "objects"],
)
def test_function_that_returns_no_such_numbers_for_arrays_is_not_compared(f: Any) -> None:
    report = gradcheck(f, X)
    assert report.verdict == "pass"
    assert not report.findings


def test_models_and_gradients_by_hand_are_not_compared() -> None:
    class Branching(nn.Linear):
        def forward(self, x: Any) -> Any:
            return super().forward(doubled_for_values(x))

    model = Branching(3, 2)
    assert gradcheck_module(model, X)
    assert gradcheck_module(model, Value(X))
    assert gradcheck(model, X, mode="directional")
    assert gradcheck(doubled_for_values, X, grad=np.ones_like)


def test_function_without_values_is_compared_as_well() -> None:
    assert gradcheck(nn.ReLU(), X)
    assert gradcheck(lambda x: np.linalg.norm(x) + x.std(), X)


# ---- What the call leaves behind


def test_function_may_write_into_the_arrays() -> None:
    constant = np.ones(3)

    def f(x: Any, y: Any, n: Any) -> Any:
        out = x * y * n
        if not isinstance(x, Value):
            x[...] = y[...] = n[...] = 0
        return out

    x, n = X.copy(), np.arange(3)
    assert gradcheck(f, x, constant, n, wrt="x").inputs[0].checked == 9
    for array, before in [(x, X), (constant, np.ones(3)), (n, np.arange(3))]:
        np.testing.assert_array_equal(array, before)


@pytest.mark.parametrize("f", [lambda x: x * x, lambda x: x.relu()], ids=["returns", "raises"])
def test_call_with_arrays_is_one_evaluation(f: Callable[[Any], Any]) -> None:
    given = []

    def noted(x: Any) -> Any:
        given.append(type(x))
        return f(x)

    assert gradcheck(noted, X).evaluations == len(given)
    assert given.count(np.ndarray) == 1
    assert gradcheck(noted, X, order=2)
    assert given.count(np.ndarray) == 2


def test_warnings_of_the_call_with_arrays_are_not_shown() -> None:
    def f(x: Any) -> Any:
        if not isinstance(x, Value):
            warnings.warn("an array", stacklevel=2)
            np.log(-x)
        return x * x

    with warnings.catch_warnings(record=True) as shown:
        warnings.simplefilter("always")
        assert gradcheck(f, X)
    assert not shown


def test_random_function_is_found_to_be_random_only() -> None:
    rng = np.random.default_rng(0)
    assert kinds(check(lambda x: doubled_for_values(x) * rng.normal(), X)) == {"not deterministic"}
    assert kinds(check(lambda x: nn.functional.dropout(x, 0.5), X)) == {"not deterministic"}


def test_function_that_changes_its_input_is_found_to_do_so_only() -> None:
    def f(x: Any) -> Any:
        x += 1
        return doubled_for_values(x)

    assert kinds(check(f, X)) == {"changes its input"}


def test_function_that_seeds_its_random_numbers_is_compared() -> None:
    def f(x: Any) -> Any:
        tg.manual_seed(0)
        return nn.functional.dropout(x, 0.5)

    assert gradcheck(f, X)
    other_values(lambda x: f(doubled_for_values(x)), X)


def test_call_with_arrays_draws_what_a_call_with_values_drew() -> None:
    drawn = []

    def f(x: Any) -> Any:
        drawn.append((type(x), generator().random()))
        return x * x

    assert gradcheck(f, X)
    (at,) = [at for at, (kind, _) in enumerate(drawn) if kind is np.ndarray]
    numbers = [number for _, number in drawn]
    assert numbers[at] == numbers[at - 1]
    assert len(set(numbers)) == len(numbers) - 1


def test_call_with_arrays_leaves_random_numbers_alone() -> None:
    def f(x: Any) -> Any:
        if not isinstance(x, Value):
            generator().normal(size=5)
        return x * x

    before = generator_state()
    assert gradcheck(f, X)
    assert generator_state() == before


def test_entries_of_a_dict_are_compared_by_name() -> None:
    def f(x: Any) -> Any:
        found = {"first": x[0], "second": x[1] * 2}
        return found if isinstance(x, Value) else dict(reversed(found.items()))

    assert check(f, X).verdict == "pass"


def test_gradient_that_differs_where_it_is_recorded_fails_in_second_order() -> None:
    def rule(g: Any, x: Any) -> Any:
        return g * x * (2 if isinstance(x, Value) else 3)

    def cube(x: Any) -> Any:
        return 1.5 * x * x

    report = check(operation(cube, x=rule), X, order=2)
    (finding,) = [each for each in report.findings if each.kind == "other values"]
    assert finding.text.startswith("x.grad[2] is ")
    assert "with create_graph=True, but" in finding.text
    assert report.orders == (1, 2)
    assert check(operation(cube, x=rule), X).verdict == "pass"
