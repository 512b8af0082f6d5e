"""Elementwise functions of two variables, all through one table, and where."""

from collections.abc import Callable
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from derivatives import check_gradients
from hypothesis import given
from hypothesis.extra.numpy import mutually_broadcastable_shapes

import tinygrad_nn as tg
from tinygrad_nn import ShapeError, Value


def spread(x: Any, y: Any) -> tuple[Any, Any]:
    """Pairs that are at least 0.1 apart, so that no step of a difference makes them a tie."""
    return x, np.where(np.abs(x - y) < 0.1, y + np.where(x < y, 0.1, -0.1), y)[()]


def positive(x: Any, y: Any) -> tuple[Any, Any]:
    return np.abs(x) + 0.5, y


def divisor(x: Any, y: Any) -> tuple[Any, Any]:
    return x, np.abs(y) + 0.7


def between_multiples(x: Any, y: Any) -> tuple[Any, Any]:
    """Quotients x / y with a fractional part of about one half."""
    y = np.sign(y + 1e-9) * (np.abs(y) / 20 + 1.5)
    return (np.floor(x) + 0.5) * np.sign(y) * 1.6, y


CASES: dict[str, tuple[Callable[..., Any], Callable[..., Any], Callable[..., Any]]] = {
    "add": (tg.add, np.add, lambda x, y: (x, y)),
    "subtract": (tg.subtract, np.subtract, lambda x, y: (x, y)),
    "multiply": (tg.multiply, np.multiply, lambda x, y: (x, y)),
    "divide": (tg.divide, np.divide, divisor),
    "power": (tg.power, np.power, positive),
    "maximum": (tg.maximum, np.maximum, spread),
    "minimum": (tg.minimum, np.minimum, spread),
    "clip from below": (lambda x, y: tg.clip(x, min=y), np.maximum, spread),
    "clip from above": (lambda x, y: tg.clip(x, max=y), np.minimum, spread),
    "where": (
        lambda x, y: tg.where(np.array([True, False]), x[..., None], y[..., None]),
        lambda x, y: np.where([True, False], x[..., None], y[..., None]),
        lambda x, y: (x, y),
    ),
}
every_case = pytest.mark.parametrize(
    ("function", "reference", "place"), CASES.values(), ids=CASES.keys()
)
pairs = mutually_broadcastable_shapes(num_shapes=2, max_dims=2, max_side=2, min_side=0)
seeds = st.integers(0, 2**32 - 1)


def sample(place: Any, shapes: Any, seed: int) -> tuple[Any, Any]:
    rng = np.random.default_rng(seed)
    shape_x, shape_y = shapes.input_shapes
    x = np.asarray(rng.normal(size=shape_x))
    y = np.asarray(rng.normal(size=shape_y))
    if place is spread and x.shape != y.shape:
        y = np.asarray(np.where(y > 0, y + 4, y - 4))  # each y meets several x
    x, y = place(x, y)
    return np.asarray(x)[()], np.asarray(y)[()]


@every_case
@given(shapes=pairs, seed=seeds)
def test_values_are_those_of_numpy(
    function: Any, reference: Any, place: Any, shapes: Any, seed: int
) -> None:
    x, y = sample(place, shapes, seed)
    got, want = function(Value(x), Value(y)).data, np.asarray(reference(x, y))[()]
    assert type(got) is type(want)
    np.testing.assert_allclose(got, want, rtol=1e-14)


@every_case
@given(shapes=pairs, seed=seeds)
def test_first_and_second_derivatives_are_right(
    function: Any, reference: Any, place: Any, shapes: Any, seed: int
) -> None:
    check_gradients(function, *sample(place, shapes, seed), order=2)


@given(shape=st.sampled_from([(), (2,), (2, 2)]), seed=seeds)
def test_floor_division_and_remainder_are_smooth_between_jumps(
    shape: tuple[int, ...], seed: int
) -> None:
    rng = np.random.default_rng(seed)
    y = rng.uniform(1.5, 2.0, shape) * rng.choice([-1, 1], shape)
    quotient = rng.integers(-2, 3, shape) + 0.5
    x = np.asarray(quotient * y)[()]
    y = np.asarray(y)[()]
    np.testing.assert_array_equal((Value(x) // Value(y)).data, x // y)
    np.testing.assert_array_equal((Value(x) % Value(y)).data, x % y)
    check_gradients(lambda x, y: x // y, x, y, order=2)
    check_gradients(lambda x, y: x % y, x, y, order=2)


def test_remainder_has_the_sign_of_the_divisor() -> None:
    assert [float(Value(x) % y) for x, y in [(7, 3), (-7, 3), (7, -3), (-7, -3)]] == [1, 2, -2, -1]


@pytest.mark.parametrize("name", ["maximum", "minimum"])
def test_gradient_of_a_tie_is_shared_equally(name: str) -> None:
    x, y = Value([1.0, 2.0, 3.0]), Value([1.0, 5.0, 3.0])
    getattr(tg, name)(x, y).sum().backward()
    np.testing.assert_array_equal(x.grad, [0.5, float(name == "minimum"), 0.5])
    np.testing.assert_array_equal(x.grad + y.grad, [1, 1, 1])


def test_gradient_of_clip_goes_inside_and_onto_the_limits() -> None:
    x = Value([-2.0, -1.0, 0.0, 1.0, 2.0])
    low, high = Value(-1.0), Value(1.0)
    x.clip(low, high).sum().backward()
    np.testing.assert_array_equal(x.grad, [0, 1, 1, 1, 0])
    assert (low.grad, high.grad) == (1, 1)


@pytest.mark.parametrize("limits", [{"min": 0.5}, {"max": 0.5}, {"min": -0.5, "max": 0.5}])
def test_clip_leaves_an_end_open(limits: dict[str, float]) -> None:
    x = np.array([-1.0, 0.0, 1.0])
    np.testing.assert_array_equal(Value(x).clip(**limits).data, np.clip(x, **limits))
    np.testing.assert_array_equal(tg.clip(x, **limits), np.clip(x, **limits))


def test_clip_takes_none_for_an_open_end() -> None:
    x = np.array([-1.0, 0.0, 1.0])
    np.testing.assert_array_equal(tg.clip(Value(x), None, 0.5).data, [-1, 0, 0.5])
    np.testing.assert_array_equal(tg.clip(Value(x), 0.5, None).data, [0.5, 0.5, 1])


def test_where_sends_each_gradient_to_the_side_chosen() -> None:
    x, y = Value([1.0, 2.0, 3.0]), Value(7.0)
    chosen = tg.where([True, False, False], x, y)
    np.testing.assert_array_equal(chosen.data, [1, 7, 7])
    chosen.backward([10.0, 20.0, 30.0])
    np.testing.assert_array_equal(x.grad, [10, 0, 0])
    assert y.grad == 50


def test_where_takes_comparisons_and_values_without_gradient_as_condition() -> None:
    x = Value([1.0, -2.0])
    np.testing.assert_array_equal(tg.where(x > 0, x, 0.0).data, [1, 0])
    condition = Value(np.array([False, True]))
    np.testing.assert_array_equal(tg.where(condition, x, 0.0).data, [0, -2])


def test_where_refuses_a_condition_that_requires_a_gradient() -> None:
    with pytest.raises(TypeError, match=r"where.*condition"):
        tg.where(Value([1.0, 0.0]), Value([1.0, 2.0]), 0.0)


@pytest.mark.parametrize("shape", [(), (2,)])
@pytest.mark.parametrize(
    "compute",
    [
        lambda v: v + 1,
        lambda v: 2.5 * v,
        lambda v: 1 - v,
        lambda v: v / 3,
        lambda v: 1 / v,
        lambda v: v // 2,
        lambda v: v % 2,
        lambda v: v**2,
        lambda v: v**0.5,
        lambda v: 2**v,
        lambda v: v + True,
        lambda v: tg.maximum(v, 0.5),
        lambda v: tg.minimum(0.5, v),
        lambda v: tg.clip(v, 0.25, 0.75),
        lambda v: tg.where(v > 0, v, 0.0),
        lambda v: tg.where(v > 0, 1, v),
    ],
)
def test_python_numbers_do_not_widen_float32(compute: Any, shape: tuple[int, ...]) -> None:
    v = Value(np.full(shape, 0.6), dtype=np.float32)
    result = compute(v)
    assert result.dtype == np.float32
    assert type(result.data) is (np.ndarray if shape else np.float32)
    gradient = tg.grad(lambda v: compute(v).sum())(v)
    assert gradient.dtype == np.float32


def test_mixed_dtypes_promote_and_each_gradient_has_its_own() -> None:
    a = Value([1.0, 2.0], dtype=np.float32)
    b = Value([3.0, 4.0], dtype=np.float64)
    c = Value(2.0, dtype=np.float16)
    product = a * b * c
    assert product.dtype == np.float64
    product.sum().backward()
    assert (a.grad.dtype, b.grad.dtype, c.grad.dtype) == (np.float32, np.float64, np.float16)
    np.testing.assert_array_equal(a.grad, [6, 8])
    np.testing.assert_array_equal(b.grad, [2, 4])
    assert c.grad == 11


def test_astype_converts_and_gradients_come_back_in_the_old_dtype() -> None:
    x = Value([1.5, 2.5], dtype=np.float32)
    wide = x.astype(np.float64)
    assert wide.dtype == np.float64
    (wide * np.array([1.0, 2.0])).sum().backward()
    assert x.grad.dtype == np.float32
    np.testing.assert_array_equal(x.grad, [1, 2])
    whole = x.astype(int)
    assert not whole.requires_grad
    np.testing.assert_array_equal(whole.data, [1, 2])


@pytest.mark.parametrize("name", ["add", "subtract", "multiply", "divide", "maximum", "power"])
def test_shapes_that_do_not_broadcast_are_named(name: str) -> None:
    with pytest.raises(ShapeError, match=rf"{name}.*\(2,\).*\(3,\)"):
        getattr(tg, name)(Value(np.ones(2)), Value(np.ones(3)))


@pytest.mark.parametrize("wrong", ["text", None, object(), {}, ["a"]])
def test_operands_that_are_not_numbers_are_type_errors(wrong: Any) -> None:
    with pytest.raises(TypeError, match=r"multiply.*must be a number"):
        tg.multiply(Value(1.0), wrong)


def test_integers_to_negative_powers_are_not_a_matter_of_shapes() -> None:
    with pytest.raises(ValueError, match="negative integer powers") as caught:
        Value(np.array([1, 2])) ** -1
    assert not isinstance(caught.value, ShapeError)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.longdouble])
@pytest.mark.parametrize("two", [2, 2.0, np.float64(2)])
def test_gradient_of_a_square_is_exactly_twice_the_number(dtype: Any, two: Any) -> None:
    x = Value(np.array([-1.1, 0.0, 1e-4, 3.0, np.inf, np.nan]), dtype=dtype)
    (x**two).backward(np.ones(6))
    np.testing.assert_array_equal(x.grad, 2 * x.data, strict=True)


def test_square_by_a_number_of_more_digits_does_not_overflow_between() -> None:
    x = Value(np.array([3e38]), dtype=np.float32)
    (x ** np.float64(2)).backward([0.25])
    np.testing.assert_array_equal(x.grad, x.data * np.float32(0.5), strict=True)
