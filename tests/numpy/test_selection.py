"""NumPy's functions that choose, sort, search and assign elements, on Values."""

import functools
from typing import Any

import numpy as np
import numpy_calls
import pytest
from numpy_calls import assert_same, check_derivatives, check_values, evaluate

import tinygrad_nn as tg
from tinygrad_nn import Value
from tinygrad_nn.testing import gradcheck

ARRAYS = {**numpy_calls.ARRAYS, "knots": np.array([-2.0, -0.5, 0.25, 1.5])}

CALLS = """
np.where(a > 0, a, b)
np.where(a < b, u, 2)
np.where(a)
np.where([True, False, True], 1.0, u)
np.select([a > 0.5, a > 0], [a, u], -1)
np.select([u > 0, u < -1], [u, u * u])
np.piecewise(v, [v < 0, v > 0.1], [lambda t: t * t, 3])
np.piecewise(v, v < 0, [lambda t, k: t * k, lambda t, k: t**k], 2)
np.piecewise(x, [x < 0, x > 0], [1, np.exp])
np.piecewise(a, [a < 0], [np.negative, x])
np.choose([1, 0, 1], [u, a[0]])
np.choose([[2], [-1]], [u, u * u], mode="wrap")
np.choose([0, 3], np.transpose(a), mode="clip")
np.clip(a, -0.5, 0.5)
np.clip(a, a_min=None, a_max=x)
np.clip(a, None, 0.1)
np.clip(a, u, 1, dtype=np.float64)
np.take(a, [3, 0, 3])
np.take(c, [[0, -1]], axis=1)
np.take(c, 1, -1)
np.take(u, [5, -4, 1], mode="wrap")
np.take(a, [5, -4, 1], 1, mode="clip")
np.take_along_axis(a, np.argsort(a, axis=1), axis=1)
np.take_along_axis(c, np.array([[[0], [2], [1]]]), -1)
np.take_along_axis(a, np.array([4, 0]), axis=None)
np.compress([False, True], a)
np.compress([True, False, True], a, axis=1)
np.extract(a > 0, a)
np.extract([1, 0, 1], u)
np.sort(a)
np.sort(c, axis=0)
np.sort(c, axis=None)
np.sort(c, 1, kind="stable")
np.sort(v, stable=True)
np.partition(v, 0)
np.sort(np.partition(c, 1, axis=None)[:2])
np.unique(np.repeat(u, 2))
np.unique(a, return_index=True)
np.unique(np.repeat(u, 2), return_inverse=True, return_counts=True)
np.unique(np.repeat(a, 2, axis=0), axis=0)
np.unique(c[::-1], True, True, True, 0)
np.union1d(a, u)
np.intersect1d(np.repeat(u, 2), u[1:])
np.intersect1d(u, u[1:], return_indices=True)
np.intersect1d([1, 2], np.concatenate([u, [2.0]])) * x
np.setdiff1d(np.repeat(u, 2), u[1:])
np.setxor1d(u, np.concatenate([u[1:], 3 * u[:1]]))
np.bincount([1, 3, 1], u)
np.bincount([0, 2, 0, 1], weights=v, minlength=6)
np.bincount([1, 0, 1], np.ones(3)) * x
np.interp(v, knots, knots**2)
np.interp(a, knots, v)
np.interp(x, knots, v)
np.interp(3 * a, knots, v, left=x, right=-1)
np.interp(5 * a, knots, v, period=4.0)
np.interp(5 * a, knots, v, period=-4 * x)
np.interp(v, [0.0], [x])
np.interp([-9, 0.1, 9], knots, v)
np.interp([-1.0, 0.5, 1.0, 1.5, 2.0, 3.0], [0.0, 1.0, 1.0, 2.0], v)
np.interp([0.5, 1.0, 2.0, 3.0], [0.0, 1.0, 2.0, 2.0], v)
np.interp(x * knots, [-9.0, -9.0, 0.0, 9.0], v)
np.apply_along_axis(lambda r: r * r[0], 0, c)
np.apply_along_axis(np.sum, 1, c)
np.apply_along_axis(np.outer, -1, a, [1.0, 2.0])
np.apply_over_axes(np.sum, c, [0, -1])
np.apply_over_axes(np.max, c, 1)
""".strip().splitlines()

every_call = pytest.mark.parametrize("code", CALLS)


@every_call
def test_values_are_those_of_numpy(code: str) -> None:
    check_values(code, ARRAYS, rtol=1e-15 if "interp" in code or "apply" in code else 0.0)


@pytest.mark.parametrize("code", [code for code in CALLS if code != "np.where(a)"])
def test_first_and_second_derivatives_are_right(code: str) -> None:
    check_derivatives(code, ARRAYS)


@pytest.mark.parametrize(
    "code",
    [
        "np.argmax(a, axis=1)",
        "np.nanargmax(np.where(a > 0.5, np.nan, a), axis=1)",
        "np.nanargmin(np.where(a < 0, np.nan, a))",
        "np.argsort(a)",
        "np.argpartition(a, 1)",
        "np.lexsort((u, -u))",
        "np.searchsorted(np.sort(u), a)",
        "np.searchsorted([-1.0, 0.0, 1.0], u)",
        "np.digitize(a, np.sort(u))",
        "np.nonzero(a > 0)",
        "np.nonzero(a)",
        "np.where(a)",
        "np.flatnonzero(a)",
        "np.argwhere(a)",
        "np.isin(a, a[0])",
        "np.bincount([1, 2])",
        "np.histogram(a, bins=3)",
        "np.histogram(a, [-1, 0, 1], density=True)",
        "np.histogram2d(u, u, 2)",
        "np.histogram_bin_edges(a)",
    ],
)
def test_indices_and_counts_are_plain(code: str) -> None:
    got = evaluate(code, {name: Value(x) for name, x in ARRAYS.items()})
    assert "Value(" not in repr(got)
    assert_same(got, evaluate(code, ARRAYS), 0.0)


def test_arrays_are_printed_as_those_of_numpy() -> None:
    a = ARRAYS["a"]
    for to_text in (np.array_str, np.array_repr, np.array2string):
        assert to_text(Value(a)) == to_text(a)


def test_partition_puts_the_elements_around_the_kth() -> None:
    x = np.random.default_rng(1).normal(size=(3, 9))
    got = np.partition(Value(x), (2, 5), axis=-1).data
    np.testing.assert_array_equal(np.sort(got), np.sort(x))
    np.testing.assert_array_equal(got[:, [2, 5]], np.sort(x)[:, [2, 5]])


@pytest.mark.skipif(not hasattr(np, "unstack"), reason="since NumPy 2.1")
@pytest.mark.parametrize("code", ["np.clip(a, min=b)", "np.clip(a, max=0.1)", "np.clip(a)"])
def test_limits_by_other_names(code: str) -> None:
    check_values(code, ARRAYS)
    check_derivatives(code, ARRAYS)


def test_nan_sorts_last() -> None:
    got = np.sort(Value([np.nan, 1.0, -np.inf, np.inf]))
    np.testing.assert_array_equal(got.data, [-np.inf, 1, np.inf, np.nan])


def test_sort_complex_sorts_by_the_real_part_then_the_imaginary() -> None:
    x, y = np.array([1.0, -1.0, 1.0]), np.array([2.0, 1.0, -3.0])
    got = np.sort_complex(Value(x) + 1j * Value(y))
    np.testing.assert_array_equal(got.data, np.sort_complex(x + 1j * y))
    assert np.sort_complex(Value(x)).dtype == np.complex128
    x = np.array([1.0, -1.0, 2.0])
    assert gradcheck(lambda x, y: np.imag(np.sort_complex(x + 1j * y)), x, y, order=2)


def test_unique_in_the_array_api() -> None:
    x = np.array([3.0, 1.0, 3.0])
    every = np.unique_all(Value(x))
    assert every.values.data.tolist() == [1, 3]
    assert every.indices.tolist() == [1, 0]
    assert np.unique_values(Value(x)).data.tolist() == [1, 3]
    assert np.unique_counts(Value(x)).counts.tolist() == [1, 2]
    inverse = np.unique_inverse(Value(x))
    np.testing.assert_array_equal(inverse.values.data[inverse.inverse_indices], x)
    grad = tg.grad(lambda x: np.unique_counts(x).values.sum())(x)
    assert grad.tolist() == [1, 1, 0]


def test_weights_of_a_histogram_are_refused() -> None:
    with pytest.raises(TypeError, match="bincount"):
        np.histogram([1.0, 2.0], weights=Value([1.0, 2.0]))
    counts, _ = np.histogram(Value([1.0, 2.0]), weights=np.array([1.0, 2.0]))
    assert counts.sum() == 3


def test_gradient_of_interp_at_a_knot_is_the_slope_on_its_right() -> None:
    slope = tg.grad(lambda x: np.interp(x, [0.0, 1.0, 2.0], [0.0, 1.0, 3.0]))
    assert [slope(x) for x in (-1.0, 0.0, 1.0, 1.5, 3.0)] == [0, 1, 2, 2, 0]


@pytest.mark.parametrize(
    ("x", "knots", "heights"),
    [
        ([-1.0, 0.0, 1.0], [0.0, 1.0], [0.0, np.inf]),
        ([0.0, 0.5, 1.0], [0.0, 1.0], [np.inf, np.inf]),
        ([-np.inf, 0.0, np.inf], [-np.inf, np.inf], [1.0, 2.0]),
        ([0.0, 2e-310, 1.0], [0.0, 5e-310], [1.0, 2.0]),
        ([np.nan, 0.5], [0.0, 1.0], [1.0, 2.0]),
        ([-1.0, 0.5, 1.0, 3.0], [0.0, 1.0], [1.0, np.nan]),
    ],
)
def test_interp_at_the_ends_of_lines_that_are_too_steep(x: Any, knots: Any, heights: Any) -> None:
    with np.errstate(all="ignore"):
        got = np.interp(Value(x), knots, heights)
    np.testing.assert_array_equal(got.data, np.interp(x, knots, heights))


def test_gradient_of_interp_is_finite_where_knots_are_equal() -> None:
    slope = tg.grad(lambda x: np.interp(x, [0.0, 0.0, 1.0, 1.0], [5.0, 1.0, 3.0, 7.0]))
    assert [slope(x) for x in (-1.0, 0.0, 0.5, 1.0, 2.0)] == [0, 2, 2, 0, 0]
    knots = tg.grad(lambda k: np.interp(np.array([1.0, 2.0]), k, [1.0, 3.0, 7.0]).sum())
    np.testing.assert_array_equal(knots(np.array([0.0, 1.0, 1.0])), 0)


def test_interp_of_complex_numbers() -> None:
    fp = np.array([1.0, 3.0]) + 1j * Value([0.0, 2.0])
    got = np.interp(0.5, [0.0, 1.0], fp)
    assert got.data == 2 + 1j


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("np.select([v > 0], [v, v])", ValueError),
        ("np.select([v], [v])", TypeError),
        ("np.piecewise(v, [v > 0], [1, 2, 3])", ValueError),
        ("np.interp(v, [1, 2], [1, 2, 3])", ValueError),
        ("np.interp(v, [], [])", ValueError),
        ("np.interp(v, [0, 1], [1, 2], period=0)", ValueError),
        ("np.interp(v * 1j, [0, 1], [1, 2])", TypeError),
        ("np.bincount([0, 1], v[:1])", ValueError),
        ("np.bincount([0, 1], v[0])", ValueError),
        ("np.bincount([0, 1], v[:2] * 1j)", TypeError),
        ("np.apply_over_axes(np.sum, v, 1)", ValueError),
        ("np.take(v, 7)", IndexError),
        ("np.choose([3], [v, v])", ValueError),
        ("np.apply_along_axis(np.sum, 0, np.zeros((2, 0)) * v[0])", ValueError),
        ("np.apply_over_axes(lambda x, axis: np.ravel(x)[0] , v[:, None], 0)", ValueError),
    ],
)
def test_what_numpy_refuses_is_refused(code: str, error: Any) -> None:
    for v in (np.ones(4), Value(np.ones(4))):
        with pytest.raises(error):
            evaluate(code, {"v": v})


# ---- Assigning in place

ASSIGNMENTS = """
np.put(t, [0, -1, 4], v)
np.put(t, [[3], [5]], x)
np.put(t, [9, -8, 1], u, mode="wrap")
np.put(t, [9, -8, 1], u, mode="clip")
np.place(t, t > 0, u)
np.place(t, [[1, 0, 1], [0, 1, 1]], [x, 2.0])
np.putmask(t, t > 0, u)
np.putmask(t, t > 0, t * t)
np.putmask(t, t > 0, [x, 5.0])
np.fill_diagonal(t, x)
np.fill_diagonal(t, u[:2])
np.copyto(t, u)
np.copyto(t, x, where=[True, False, True])
np.copyto(t, a, "unsafe", where=t < 0)
np.put_along_axis(t, np.array([[2], [0]]), x, axis=1)
np.put_along_axis(t, np.array([[1, 0, 0]]), u, axis=0)
np.put_along_axis(t, np.array([5, 0]), u[:2], axis=None)
""".strip().splitlines()


def assigned(code: str, **inputs: Any) -> Any:
    target = inputs.pop("target")
    evaluate(code, {**inputs, "t": target})
    return target


@pytest.mark.parametrize("code", ASSIGNMENTS)
def test_assignments_are_those_of_numpy_and_can_be_differentiated(code: str) -> None:
    sources = {name: ARRAYS[name] for name in ("x", "u", "v", "a")}
    want = assigned(code, target=ARRAYS["b"].copy(), **sources)
    values = {name: Value(x) for name, x in sources.items()}
    assert_same(assigned(code, target=Value(ARRAYS["b"]) * 1.0, **values), want, 0.0)

    def f(b: Any, x: Any, u: Any, v: Any, a: Any) -> Any:
        return assigned(code, target=b * 2, x=x, u=u, v=v, a=a)

    assert gradcheck(f, ARRAYS["b"], *sources.values(), order=2, mode="directional")


def test_put_into_the_longer_axis_of_a_tall_matrix() -> None:
    t = Value(np.zeros((7, 2)), requires_grad=False)
    np.fill_diagonal(t, Value([1.0, 2.0, 3.0]), wrap=True)
    want = np.zeros((7, 2))
    np.fill_diagonal(want, [1.0, 2.0, 3.0], wrap=True)
    np.testing.assert_array_equal(t.data, want)


@pytest.mark.parametrize(
    "write",
    [
        lambda t, v: np.put(t, [0], v),
        lambda t, v: np.place(t, t == 0, v),
        lambda t, v: np.putmask(t, t == 0, v),
        lambda t, v: np.copyto(t, v),
        lambda t, v: np.fill_diagonal(t, v),
        lambda t, v: np.put_along_axis(t, np.array([[0], [1]]), v, 1),
    ],
)
def test_a_value_is_not_written_into_an_array(write: Any) -> None:
    target = np.zeros((2, 2))
    with pytest.raises(TypeError, match="gradient"):
        write(target, Value(1.0))
    assert not target.any()
    write(target, Value(1.0, requires_grad=False))
    assert target.any()


def test_copyto_checks_the_cast() -> None:
    target = Value([1, 2], dtype=int)
    with pytest.raises(TypeError, match="cast"):
        np.copyto(target, Value([1.5, 2.0], requires_grad=False))


def test_out_takes_the_result() -> None:
    x = Value([3.0, 1.0])
    for call in [
        functools.partial(np.take, x, [1, 0]),
        functools.partial(np.clip, x, 0, 2),
        functools.partial(np.compress, [True, True], x),
        functools.partial(np.choose, [0, 0], [x, x]),
    ]:
        out = Value(np.zeros(2), requires_grad=False)
        assert call(out=out) is out
        assert out.requires_grad
    out = Value(np.zeros(2), requires_grad=False)
    assert np.clip(x, 0, 2, out) is out
    assert out.data.tolist() == [2, 1]


def test_whole_numbers_take_no_gradient() -> None:
    whole, x = Value([1, 2], dtype=int), Value(1.5)
    for call in (
        lambda: np.insert(whole, 1, x),
        lambda: np.full_like(whole, x),
        lambda: np.pad(whole, 1, constant_values=(x, x)),
        lambda: np.piecewise(whole, [whole > 1], [lambda each: each * x]),
    ):
        with pytest.raises(TypeError, match="cannot keep the gradient"):
            call()
    assert np.insert(whole, 1, 2.5).data.tolist() == [1, 2, 2]
    assert np.full_like(whole, x, dtype=int).data.tolist() == [1, 1]
