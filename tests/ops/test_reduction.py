"""Reductions over all axes, some, or none."""

import itertools
import math
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from derivatives import check_gradients
from hypothesis import given
from hypothesis.extra.numpy import array_shapes

import tinygrad_nn as tg
from tinygrad_nn import ShapeError, Value


def logsumexp(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    return np.log(np.sum(np.exp(x), axis=axis, keepdims=keepdims))


REDUCTIONS = {
    "sum": np.sum,
    "mean": np.mean,
    "prod": np.prod,
    "max": np.max,
    "min": np.min,
    "var": np.var,
    "std": np.std,
    "logsumexp": logsumexp,
}
every_reduction = pytest.mark.parametrize("name", REDUCTIONS)


@st.composite
def reduced(draw: Any) -> tuple[np.ndarray, Any, bool]:
    """An array of distinct elements, an axis, and keepdims."""
    shape = draw(st.one_of(st.just(()), array_shapes(max_dims=3, max_side=3)))
    axes = [None, ()]
    for count in range(1, len(shape) + 1):
        axes += itertools.permutations(range(len(shape)), count)
    axes += range(-len(shape), len(shape))
    axes += [(-1, 0)] if len(shape) > 1 else []
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    size = math.prod(shape)
    spaced = (rng.permutation(size) - size / 2 + rng.uniform(0.3, 0.7)) * 3 / max(size, 3)
    x = np.asarray(spaced.reshape(shape))[()]
    return x, draw(st.sampled_from(axes)), draw(st.booleans())


def combined(shape: tuple[int, ...], axis: Any) -> int:
    """How many elements each result combines."""
    axes = range(len(shape)) if axis is None else (axis,) if isinstance(axis, int) else axis
    return math.prod(shape[a] for a in axes)


@every_reduction
@given(case=reduced())
def test_values_are_those_of_numpy(name: str, case: Any) -> None:
    x, axis, keepdims = case
    want = REDUCTIONS[name](x, axis=axis, keepdims=keepdims)
    for got in (
        getattr(tg, name)(Value(x), axis=axis, keepdims=keepdims),
        getattr(Value(x), name)(axis, keepdims=keepdims),
    ):
        assert type(got.data) is (np.ndarray if np.shape(want) else np.float64)
        assert got.shape == np.shape(want)
        np.testing.assert_allclose(got.data, want, rtol=1e-13, atol=1e-15)


@every_reduction
@given(case=reduced())
def test_first_and_second_derivatives_are_right(name: str, case: Any) -> None:
    x, axis, keepdims = case
    if name == "std" and combined(np.shape(x), axis) < 2:
        return  # constant, and at its kink
    function = getattr(tg, name)
    # Neighbours are at least 3/27 apart. std has the shortest radius of convergence.
    check_gradients(
        lambda x: function(x, axis=axis, keepdims=keepdims),
        x,
        order=2,
        rtol=1e-5,
        step=4e-3,
    )


@every_reduction
@pytest.mark.parametrize("axis", [None, 0, (0, 1)])
def test_float32_is_kept(name: str, axis: Any) -> None:
    x = Value(np.arange(1, 7).reshape(2, 3), dtype=np.float32)
    y = getattr(tg, name)(x, axis=axis)
    assert y.dtype == np.float32
    y.sum().backward()
    assert x.grad.dtype == np.float32
    scalar = Value(2.0, dtype=np.float32)
    assert type(getattr(tg, name)(scalar).data) is np.float32


@every_reduction
def test_axis_out_of_range_names_the_operation(name: str) -> None:
    with pytest.raises((ValueError, IndexError)) as caught:
        getattr(tg, name)(Value(np.ones((2, 3))), axis=2)
    told = str(caught.value) + " ".join(getattr(caught.value, "__notes__", []))
    assert name in told


@pytest.mark.parametrize("name", ["max", "min"])
def test_gradient_of_an_extremum_is_shared_among_ties(name: str) -> None:
    x = np.array([[2.0, 1.0, 2.0], [3.0, 3.0, 3.0]])
    x = x if name == "max" else -x
    by_row = tg.grad(lambda x: getattr(tg, name)(x, axis=1).sum())(x)
    np.testing.assert_allclose(by_row, [[0.5, 0, 0.5], [1 / 3, 1 / 3, 1 / 3]])
    of_all = tg.grad(getattr(tg, name))(x)
    np.testing.assert_allclose(of_all, [[0, 0, 0], [1 / 3, 1 / 3, 1 / 3]])


@pytest.mark.parametrize("name", ["max", "min"])
def test_extremum_of_nothing_is_a_shape_error(name: str) -> None:
    with pytest.raises(ShapeError, match=rf"{name}.*\(0,\)"):
        getattr(Value(np.ones(0)), name)()


def test_sums_and_products_of_nothing_are_neutral_and_have_empty_gradients() -> None:
    empty = Value(np.ones((0, 3)))
    for y, neutral in [(empty.sum(), 0), (empty.prod(), 1)]:
        assert y.data == neutral
        y.backward()
        assert empty.grad.shape == (0, 3)
    y = empty.sum(axis=0) + empty.prod(axis=0)
    np.testing.assert_array_equal(y.data, [1, 1, 1])
    y.sum().backward()
    assert empty.grad.shape == (0, 3)


@pytest.mark.parametrize("zeros", [[], [1], [1, 3], [0, 1, 2], [0, 1, 2, 3]])
def test_gradient_of_prod_is_the_product_of_the_others_with_any_zeros(zeros: list[int]) -> None:
    x = np.array([2.0, 3.0, -4.0, 5.0])
    x[zeros] = 0
    others = [math.prod(np.delete(x, i)) for i in range(4)]
    np.testing.assert_array_equal(tg.grad(tg.prod)(x), others)
    projected = tg.grad(lambda x: (tg.grad(tg.prod)(x) * np.array([1.0, 10, 100, 1000])).sum())
    weights = [1.0, 10, 100, 1000]
    second = [
        sum(weights[j] * math.prod(np.delete(x, [i, j])) for j in range(4) if j != i)
        for i in range(4)
    ]
    np.testing.assert_allclose(projected(x), second, rtol=1e-13)


@pytest.mark.parametrize("axis", [None, 0, 1, -1, (0, 2), (2, 1), (2, 0, 1)])
@pytest.mark.parametrize("keepdims", [False, True])
def test_derivatives_of_prod_with_zeros_are_right_over_any_axes(axis: Any, keepdims: bool) -> None:
    x = np.random.default_rng(0).uniform(0.5, 1.5, (2, 3, 2))
    x[0, 0, 0] = x[0, 1, 1] = x[1, 2, 0] = x[1, 2, 1] = 0
    check_gradients(lambda x: x.prod(axis=axis, keepdims=keepdims), x, order=2)


@pytest.mark.parametrize("name", ["var", "std"])
@pytest.mark.parametrize("ddof", [0, 1])
def test_ddof_divides_by_fewer(name: str, ddof: int) -> None:
    x = np.random.default_rng(0).normal(size=(3, 4))
    function = getattr(tg, name)
    got = function(Value(x), axis=1, ddof=ddof)
    np.testing.assert_allclose(got.data, getattr(np, name)(x, axis=1, ddof=ddof))
    check_gradients(lambda x: function(x, axis=1, ddof=ddof), x, order=2)


def test_gradient_of_std_of_equal_elements_is_zero() -> None:
    np.testing.assert_array_equal(tg.grad(tg.std)(np.full(4, 2.0)), [0, 0, 0, 0])
    assert tg.grad(lambda x: x.std())(5.0) == 0


def test_gradient_of_mean_is_one_over_the_count() -> None:
    x = Value(np.ones((2, 4)))
    x.mean().backward()
    np.testing.assert_array_equal(x.grad, np.full((2, 4), 1 / 8))


@given(case=reduced())
def test_cumsum_is_that_of_numpy_and_its_derivatives_are_right(case: Any) -> None:
    x, axis, _ = case
    if isinstance(axis, tuple):
        axis = axis[0] if axis else None
    got = tg.cumsum(Value(x), axis=axis)
    np.testing.assert_allclose(got.data, np.cumsum(x, axis=axis), rtol=1e-13)
    check_gradients(lambda x: x.cumsum(axis=axis), x, order=2)


# ---- softmax and its relatives


def softmax(x: Any, axis: int) -> Any:
    return np.exp(x) / np.exp(x).sum(axis=axis, keepdims=True)


def log_softmax(x: Any, axis: int) -> Any:
    return np.log(softmax(x, axis))


@pytest.mark.parametrize("reference", [softmax, log_softmax])
@given(
    shape=array_shapes(min_dims=1, max_dims=3, max_side=3),
    data=st.data(),
    seed=st.integers(0, 2**32 - 1),
)
def test_softmax_and_log_softmax_along_any_axis(
    reference: Any, shape: tuple[int, ...], data: Any, seed: int
) -> None:
    axis = data.draw(st.integers(-len(shape), len(shape) - 1))
    x = np.random.default_rng(seed).normal(size=shape)
    function = getattr(tg, reference.__name__)
    np.testing.assert_allclose(function(Value(x), axis=axis).data, reference(x, axis), rtol=1e-12)
    check_gradients(lambda x: function(x, axis=axis), x, order=2)


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_softmax_is_over_the_last_axis_by_default_and_keeps_float32(name: str) -> None:
    x = np.random.default_rng(0).normal(size=(2, 3)).astype(np.float32)
    got = getattr(Value(x), name)()
    assert got.dtype == np.float32
    np.testing.assert_array_equal(got.data, getattr(tg, name)(x, axis=1))


LARGE = np.array([1e4, 1e4, -1e4])


def test_logsumexp_of_large_numbers_does_not_overflow() -> None:
    x = Value(LARGE)
    y = x.logsumexp()
    y.backward()
    assert float(y) == 1e4 + math.log(2)
    np.testing.assert_allclose(x.grad, [0.5, 0.5, 0], rtol=1e-11)
    assert float(Value(-LARGE).logsumexp()) == 1e4


def test_logsumexp_leaves_minus_infinity_out() -> None:
    x = Value([-np.inf, 0.0, 0.0])
    y = x.logsumexp()
    y.backward(create_graph=True)
    gradient = x.grad
    x.zero_grad()
    (gradient * np.array([0.0, 1.0, 0.0])).sum().backward()
    assert float(y) == pytest.approx(math.log(2))
    np.testing.assert_allclose(gradient.data, [0, 0.5, 0.5])
    np.testing.assert_allclose(x.grad, [0, 0.25, -0.25])


@pytest.mark.parametrize("keepdims", [False, True])
def test_logsumexp_of_nothing_but_minus_infinity_is_minus_infinity(keepdims: bool) -> None:
    x = Value(np.array([[-np.inf, -np.inf], [0.0, -np.inf]]))
    y = x.logsumexp(axis=1, keepdims=keepdims)
    np.testing.assert_array_equal(y.data.ravel(), [-np.inf, 0])
    y.backward(np.ones(y.shape))
    np.testing.assert_array_equal(x.grad, [[0, 0], [1, 0]])


def test_logsumexp_with_plus_infinity_is_infinity() -> None:
    assert float(Value([np.inf, 0.0]).logsumexp()) == np.inf


def test_softmax_gives_minus_infinity_probability_zero() -> None:
    x = Value([-np.inf, 1e4, 1e4])
    y = x.softmax()
    np.testing.assert_array_equal(y.data, [0, 0.5, 0.5])
    y.backward([3.0, 1.0, 0.0], create_graph=True)
    gradient = x.grad
    np.testing.assert_allclose(gradient.data, [0, 0.25, -0.25])
    x.zero_grad()
    gradient[1].backward()
    # d/dx of p (1 - p) for p = 1/2 vanishes.
    np.testing.assert_allclose(x.grad, [0, 0, 0], atol=1e-15)


def test_log_softmax_is_exact_where_softmax_underflows() -> None:
    x = Value([0.0, -1000.0, -np.inf])
    y = x.log_softmax()
    np.testing.assert_array_equal(y.data, [0, -1000, -np.inf])
    y[1].backward()
    np.testing.assert_array_equal(x.grad, [-1, 1, 0])
    np.testing.assert_array_equal(
        tg.log_softmax(LARGE), [-math.log(2), -math.log(2), -2e4 - math.log(2)]
    )


@pytest.mark.parametrize("shape", [(300_000,), (600, 500)])
def test_gradient_of_the_sum_of_a_large_array_is_an_array_of_its_own(shape: Any) -> None:
    x = Value(np.zeros(shape, np.float32))
    x.sum().backward(3.0)
    np.testing.assert_array_equal(x.grad, np.full(shape, 3, np.float32), strict=True)
    assert x.grad.flags.writeable
    x.grad[0] = 1
    np.testing.assert_array_equal(x.grad[1:], np.full_like(x.data[1:], 3))
