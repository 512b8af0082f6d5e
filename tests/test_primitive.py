"""Definition of primitives, their registry, and what they keep alive."""

import functools
import gc
import inspect
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from derivatives import check_gradients

import tinygrad_nn as tg
from tinygrad_nn import ShapeError, Value


@contextmanager
def no_collector() -> Iterator[None]:
    """Only reference counts free memory in here."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@tg.primitive(x=lambda g, x, out, n: g * n * out / x)
def positive_power(x: Any, n: int = 2) -> Any:
    """x to the power n, by repeated multiplication."""
    return np.prod([x] * n, axis=0)


def test_user_defined_primitive_has_first_and_second_derivatives() -> None:
    x = np.array([[0.5, 1.5, 2.5]])
    np.testing.assert_allclose(positive_power(Value(x)).data, x**2)
    check_gradients(lambda x: positive_power(x, 3), x, order=2)
    np.testing.assert_allclose(tg.grad(tg.grad(lambda x: positive_power(x, 4)))(2.0), 12 * 4)


def test_user_defined_primitive_looks_like_the_function_it_was() -> None:
    assert positive_power.__name__ == "positive_power"
    assert positive_power.__doc__ == "x to the power n, by repeated multiplication."
    assert positive_power.__module__ == __name__


def test_primitive_is_the_same_function_before_and_after_its_first_call() -> None:
    @tg.primitive(x=lambda g, factor: g * factor)
    def times(x: Any, factor: float = 3.0, *, offset: float = 0.5) -> Any:
        return x * factor + offset

    before = times, inspect.signature(times), times.__defaults__, times.__kwdefaults__
    assert times(2.0) == 6.5
    assert times(2.0, 4.0, offset=0.0) == 8
    assert (times, inspect.signature(times), times.__defaults__, times.__kwdefaults__) == before
    with pytest.raises(TypeError, match=r"times\(\) .*unexpected keyword argument 'of'"):
        times(2.0, of=1)


def test_error_at_the_first_call_is_that_of_the_function() -> None:
    @tg.primitive(x=lambda g: g)
    def unmoved(x: Any) -> Any:
        return x

    with pytest.raises(TypeError, match=r"unmoved\(\) missing 1 required positional argument: 'x'"):
        unmoved()


def test_rules_may_be_any_callable() -> None:
    class Rules:
        def pull(self, g: Any, x: Any) -> Any:
            return g * 2 * x

        def __call__(self, g: Any, x: Any) -> Any:
            return g * 2 * x

    for rule in (Rules().pull, Rules(), functools.partial(Rules.pull, None)):

        @tg.primitive(x=rule)
        def squared(x: Any) -> Any:
            return x * x

        assert tg.grad(squared)(3.0) == 6


def test_primitive_without_a_value_returns_what_the_function_returns() -> None:
    assert positive_power(3.0) == 9
    assert not isinstance(positive_power(np.ones(2)), Value)


def test_primitive_takes_keywords_and_defaults() -> None:
    x = Value(2.0)
    assert float(positive_power(x=x, n=3)) == float(positive_power(x, 3)) == 8
    assert float(positive_power(x)) == 4


def test_rules_may_name_shapes_the_output_and_constants() -> None:
    seen = {}

    def rule(g: Any, out: Any, x_shape: Any, y: Any, scale: Any) -> Any:
        seen.update(g=g, out=out, x_shape=x_shape, y=y, scale=scale)
        return g * y * scale

    @tg.primitive(x=rule)
    def scaled_product(x: Any, y: Any, scale: float = 3.0) -> Any:
        return x * y * scale

    x = Value([1.0, 2.0])
    scaled_product(x, np.array([5.0, 7.0])).backward([1.0, 10.0])
    np.testing.assert_array_equal(x.grad, [15, 210])
    np.testing.assert_array_equal(seen["out"], [15, 42])
    assert (seen["x_shape"], seen["scale"]) == ((2,), 3.0)


def test_variadic_primitive_gives_each_input_its_index() -> None:
    @tg.primitive(parts=lambda g, index, parts_shape: g * (index + len(parts_shape)))
    def weighted_total(*parts: Any) -> Any:
        return sum((i + len(parts)) * part for i, part in enumerate(parts))

    a, b = Value(1.0), Value(2.0)
    y = weighted_total(a, 10.0, b)
    assert float(y) == 3 * 1 + 4 * 10 + 5 * 2
    y.backward()
    assert (a.grad, b.grad) == (3, 5)


def test_rule_need_not_undo_broadcasting() -> None:
    @tg.primitive(x=lambda g, y: g * y, y=lambda g, x: g * x)
    def product_again(x: Any, y: Any) -> Any:
        return x * y

    check_gradients(product_again, np.ones((3, 1)) / 2, np.ones(2) / 3, order=2)


# ---- Mistakes are met at the definition


def define(**rules: Any) -> Any:
    @tg.primitive(**rules)
    def mistaken(x: Any, y: Any = 1.0) -> Any:
        return x * y

    return mistaken


@pytest.mark.parametrize(
    "rules",
    [
        {"x": lambda g, z: g},
        {"x": lambda x: x},
        {"x": lambda: 1.0},
        {"x": lambda x, g: g},
        {"x": lambda g, index: g},
        {"x": lambda g, *others: g},
        {"x": lambda g, z_shape: g},
        {"z": lambda g: g},
        {"x": lambda g: g, "y": lambda g, gradient: g},
    ],
)
def test_rule_that_names_an_unknown_thing_is_an_error_at_the_definition(rules: Any) -> None:
    with pytest.raises(TypeError, match="primitive mistaken"):
        define(**rules)
    assert "mistaken" not in tg.primitives


def test_primitive_without_rules_is_an_error_at_the_definition_or_constant() -> None:
    try:
        function = define()
    except TypeError:
        return
    with pytest.raises(TypeError):
        function(Value(2.0))


def test_lambda_can_be_a_primitive_or_is_a_type_error() -> None:
    try:
        function = tg.primitive(x=lambda g: 2 * g)(lambda x: 2 * x)
    except TypeError:
        return
    assert tg.grad(function)(1.0) == 2


def test_name_of_another_modules_primitive_is_taken() -> None:
    def tanh(x: Any) -> Any:
        return np.tanh(x)

    before = tg.primitives["tanh"]
    with pytest.raises(ValueError, match=r"tanh.*taken"):
        tg.primitive(x=lambda g, out: g * (1 - out * out))(tanh)
    assert tg.primitives["tanh"] is before


def test_gradient_of_an_input_without_a_rule_is_an_error() -> None:
    @tg.primitive(x=lambda g, y: g * y)
    def one_sided(x: Any, y: Any) -> Any:
        return x * y

    assert float(one_sided(Value(2.0), 3.0)) == 6
    assert float(one_sided(Value(2.0), Value(3.0).detach())) == 6
    with pytest.raises(TypeError, match=r"one_sided.*no derivative rule for y"):
        one_sided(Value(2.0), Value(3.0))


def test_gradient_of_an_optional_input_without_a_rule_is_an_error() -> None:
    with pytest.raises(TypeError):
        tg.leaky_relu(Value(-1.0), Value(0.1)).backward()


def test_rule_that_returns_a_wrong_shape_is_named() -> None:
    @tg.primitive(x=lambda g: np.ones(7))
    def misshapen(x: Any) -> Any:
        return x * 1

    with pytest.raises(ShapeError, match=r"misshapen for x returned shape \(7,\).*\(3,\)"):
        misshapen(Value(np.ones(3))).backward(np.ones(3))


def test_error_in_a_rule_says_which_rule() -> None:
    def rule(g: Any) -> Any:
        raise ZeroDivisionError

    @tg.primitive(x=rule)
    def faulty(x: Any) -> Any:
        return x * 1

    with pytest.raises(ZeroDivisionError) as caught:
        faulty(Value(1.0)).backward()
    assert any("faulty" in note for note in caught.value.__notes__)


def test_error_in_a_forward_function_says_which_and_with_what_shapes() -> None:
    with pytest.raises(IndexError) as caught:
        Value(np.ones((2, 3)))[5]
    assert any("getitem" in note and "(2, 3)" in note for note in caught.value.__notes__)


def test_complex_result_is_an_error() -> None:
    @tg.primitive(x=lambda g: g)
    def rotated(x: Any) -> Any:
        return x * np.array([1j])

    with pytest.raises(TypeError, match=r"rotated.*complex"):
        rotated(Value([1.0]))


# ---- The registry


def test_registry_holds_every_primitive_by_name() -> None:
    expected = (
        "add subtract multiply divide floor_divide remainder power negative positive abs exp log "
        "log1p expm1 sqrt square sin cos tanh sigmoid softplus relu leaky_relu elu gelu silu "
        "erf erfc sign maximum minimum clip where sum mean prod max min var std cumsum "
        "logsumexp softmax log_softmax matmul einsum reshape transpose broadcast_to "
        "concatenate pad getitem setitem"
    )
    assert set(expected.split()) <= set(tg.primitives)
    assert all(operation.name == name for name, operation in tg.primitives.items())


def test_registry_cannot_be_written_to() -> None:
    with pytest.raises(TypeError):
        tg.primitives["tanh"] = None  # type: ignore[index]


def test_registry_says_what_each_rule_needs() -> None:
    multiply = tg.primitives["multiply"]
    assert multiply.inputs == ("x", "y")
    assert multiply.needs == {"x": ("y",), "y": ("x",)}
    assert tg.primitives["tanh"].needs == {"x": ("out",)}
    assert tg.primitives["add"].needs == {"x": (), "y": ()}
    assert repr(multiply) == "<primitive multiply(x, y)>"


def test_registry_gains_a_primitive_when_one_is_defined() -> None:
    assert tg.primitives["positive_power"].inputs == ("x",)


# ---- What is kept alive


def kept(make: Any, *inputs: Any) -> tuple[list[bool], bool]:
    """For make(*inputs), whether each input's array, and the output's, live on with the node."""
    references = [weakref.ref(x.data if isinstance(x, Value) else x) for x in inputs]
    result = make(*inputs)
    total = result.sum()
    output = weakref.ref(result.data)
    del inputs, result
    alive = [reference() is not None for reference in references]
    assert total.requires_grad
    return alive, output() is not None


def big(**keywords: Any) -> Value:
    return Value(np.linspace(0.1, 0.9, 5), **keywords)


def constant() -> Value:
    return big(requires_grad=False)


@pytest.mark.parametrize(
    ("make", "inputs_kept", "output_kept"),
    [
        (lambda x: x + 1, [False], False),
        (lambda x: -x, [False], False),
        (lambda x: x * 2.0, [False], False),
        (lambda x: x[1:], [False], False),
        (lambda x: x[[0, 1]], [False], False),
        (lambda x: x.cumsum(), [False], False),
        (lambda x: tg.exp(x), [False], True),
        (lambda x: tg.tanh(x), [False], True),
        (lambda x: tg.sigmoid(x), [False], True),
        (lambda x: tg.relu(x), [False], True),
        (lambda x: tg.sqrt(x), [False], True),
        (lambda x: tg.softmax(x), [False], True),
        (lambda x: tg.log(x), [True], False),
        (lambda x: tg.sin(x), [True], False),
        (lambda x: tg.square(x), [True], False),
    ],
)
def test_only_what_the_rule_names_is_kept_alive(
    make: Any, inputs_kept: list[bool], output_kept: bool
) -> None:
    with no_collector():
        got = kept(make, big())  # not in the assert, which pytest lets hold the input
    assert got == (inputs_kept, output_kept)


def test_only_what_the_rules_of_inputs_requiring_grad_name_is_kept_alive() -> None:
    with no_collector():
        both = kept(tg.multiply, big(), big())
        first = kept(tg.multiply, big(), constant())
        second = kept(tg.multiply, constant(), big())
        added = kept(tg.add, big(), big())
    assert both == ([True, True], False)
    assert first == ([False, True], False)
    assert second == ([True, False], False)
    assert added == ([False, False], False)


def test_inputs_of_a_matrix_product_are_kept_only_for_the_other() -> None:
    with no_collector():
        x = Value(np.ones((2, 3)), requires_grad=False)
        w = Value(np.ones((3, 2)))
        data, weight = weakref.ref(x.data), weakref.ref(w.data)
        y = x @ w
        del x, w
        assert data() is not None
        assert weight() is None
        assert y.requires_grad


def test_nothing_is_kept_without_gradients() -> None:
    with no_collector():
        x = big()
        with tg.no_grad():
            hidden = tg.exp(x)
            data = weakref.ref(hidden.data)
            y = hidden.sum()
        del hidden
        assert data() is None
        assert not y.requires_grad


def test_a_graph_is_gone_with_its_last_value() -> None:
    with no_collector():
        x = big()
        hidden = tg.exp(x)
        data, node = weakref.ref(hidden.data), weakref.ref(hidden._node)
        y = (hidden * hidden).sum()
        y.backward()
        del hidden
        assert node() is not None
        del y
        assert node() is None
        assert data() is None
        assert x.grad is not None


def test_forward_function_that_returns_a_value_is_an_error() -> None:
    outside = Value(2.0)

    @tg.primitive(x=lambda g: g)
    def captured(x: Any) -> Any:
        return x + outside

    with pytest.raises(TypeError, match="captured must return one array or number, not Value"):
        captured(Value(1.0))
