"""NumPy's reductions on Values: values, derivatives, every option, NaN."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_nn as tg
from tinygrad_nn import Value
from tinygrad_nn.testing import gradcheck

rng = np.random.default_rng(0)
X = np.round(rng.permutation(24).reshape(2, 3, 4) / 5 - 1.7 + rng.uniform(0, 0.05, (2, 3, 4)), 3)
M = X[0]
WEIGHTS = rng.uniform(0.5, 2, 4)
MASK = rng.uniform(size=(2, 3, 4)) > 0.4
MASK[..., 1] = MASK[0, 1] = MASK[:, 0] = True
ROW = np.array([True, False, True, True])
HOLED = np.where(np.isin(np.arange(24).reshape(2, 3, 4), [1, 6, 7, 20]), np.nan, X)
START: Any = {"initial": 0.75}
WEIGHTED: Any = {"q": 0.5, "method": "inverted_cdf"}

AXES: list[dict[str, Any]] = [
    {},
    {"axis": 1},
    {"axis": -1, "keepdims": True},
    {"axis": (0, 2)},
    {"axis": (-1, 0), "keepdims": True},
    {"keepdims": True},
]
OPTIONS: dict[Any, list[dict[str, Any]]] = {
    np.sum: [START, {"where": MASK}, {"where": ROW, "axis": 1, **START}],
    np.prod: [START, {"where": MASK}, {"where": ROW, "axis": 1, **START}],
    np.max: [START, {"where": MASK, "axis": 1, "initial": -5.0}, {"axis": 2, **START}],
    np.min: [START, {"where": MASK, "axis": 1, "initial": 5.0}, {"axis": 2, **START}],
    np.amax: [{"where": ROW, "axis": (0, 1), "initial": -5.0}],
    np.amin: [{"where": ROW, "axis": (0, 1), "initial": 5.0}],
    np.ptp: [],
    np.mean: [{"where": MASK}, {"where": MASK, "axis": 1, "keepdims": True}],
    np.var: [
        {"ddof": 1},
        {"correction": 1, "axis": 0},
        {"where": MASK, "axis": 2},
        {"where": MASK, "axis": 1, "keepdims": True, "ddof": 0.5},
        {"mean": np.full((2, 1, 4), 0.3), "axis": 1},
    ],
    np.median: [],
    np.nansum: [START, {"where": MASK}],
    np.nanprod: [START, {"where": MASK}],
    np.nanmax: [START, {"where": MASK, "axis": 1, "initial": -5.0}],
    np.nanmin: [START, {"where": MASK, "axis": 1, "initial": 5.0}],
    np.nanmean: [{"where": MASK, "axis": 1}],
    np.nanvar: [{"ddof": 1}, {"where": MASK, "axis": 1}, {"correction": 1, "axis": 2}],
    np.nanmedian: [],
    np.average: [
        {"weights": np.abs(X)},
        {"weights": WEIGHTS, "axis": 2, "keepdims": True},
        {"weights": np.abs(X[0]).T, "axis": (2, 1)},
    ],
}
OPTIONS[np.std] = OPTIONS[np.var]
OPTIONS[np.nanstd] = OPTIONS[np.nanvar]
CALLS = [(f, options) for f, more in OPTIONS.items() for options in AXES + more]

RUNNING: list[tuple[Any, dict[str, Any]]] = [
    *((f, {}) for f in (np.cumsum, np.cumprod, np.nancumsum, np.nancumprod)),
    *((f, {"axis": 1}) for f in (np.cumsum, np.cumprod, np.nancumsum, np.nancumprod)),
    *((f, {"axis": -1}) for f in (np.cumsum, np.cumprod)),
    *((f, {"offset": k, **axes}) for f, k, axes in [
        (np.trace, 0, {}),
        (np.trace, 1, {"axis1": 2, "axis2": 0}),
        (np.trace, -2, {"axis1": 1, "axis2": 2}),
        (np.trace, 9, {}),
    ]),
]  # fmt: skip
if hasattr(np, "cumulative_sum"):
    RUNNING += [
        (f, {"axis": axis, "include_initial": initial})
        for f in (np.cumulative_sum, np.cumulative_prod)
        for axis in (0, -1)
        for initial in (False, True)
    ]

METHODS = [
    *("inverted_cdf", "averaged_inverted_cdf", "closest_observation", "interpolated_inverted_cdf"),
    *("hazen", "weibull", "linear", "median_unbiased", "normal_unbiased"),
    *("lower", "higher", "midpoint", "nearest"),
]


def named(x: Any) -> str:
    if isinstance(x, dict):
        short = [f"{k}={v}" if np.ndim(v) == 0 else k for k, v in x.items()]
        return ",".join(short) or "plain"
    return x.__name__ if callable(x) else str(x)


def same(got: Any, want: Any, rtol: float = 2e-14) -> None:
    """Values, shape and dtype as NumPy's; a rounding of the last digits is allowed."""
    got = got.data if isinstance(got, Value) else got
    assert np.shape(got) == np.shape(want)
    assert np.asarray(got).dtype == np.asarray(want).dtype
    if np.asarray(want).dtype == np.float32:
        rtol = 3e-6
    np.testing.assert_allclose(got, want, rtol=rtol, atol=rtol)


every_call = pytest.mark.parametrize(("function", "options"), CALLS + RUNNING, ids=named)


def argument(function: Any) -> Any:
    return HOLED if function.__name__.startswith("nan") else X


@every_call
def test_values_are_those_of_numpy(function: Any, options: Any) -> None:
    x = argument(function)
    for data in (x, x.astype(np.float32), (10 * X).astype(int)):
        same(function(Value(data), **options), function(data, **options))


@every_call
def test_derivatives_to_second_order(function: Any, options: Any) -> None:
    x = argument(function)
    place = ~np.isnan(x)

    def f(numbers: Any) -> Any:
        v = Value(x, requires_grad=False) * 1.0
        v[place] = numbers
        return function(v, **options)

    assert gradcheck(f, x[place], order=2, mode="directional")


@every_call
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_gradients_have_the_dtype_of_the_input_and_are_numbers(
    function: Any, options: Any, dtype: Any
) -> None:
    x = Value(argument(function).astype(dtype))
    y = function(x, **options)
    y.sum().backward()
    assert x.grad.dtype == dtype
    assert np.isfinite(x.grad).all()
    np.testing.assert_array_equal(x.grad[np.isnan(x.data)], 0)


@pytest.mark.parametrize(
    "function",
    [
        *(np.sum, np.prod, np.mean, np.var, np.std, np.cumsum, np.cumprod, np.trace),
        *(np.nansum, np.nanprod, np.nanmean, np.nanvar, np.nanstd, np.nancumsum, np.nancumprod),
    ],
    ids=named,
)
def test_dtype(function: Any) -> None:
    x = argument(function)
    for old, new in [(np.float32, np.float64), (np.float64, np.float32)]:
        data = x.astype(old)
        v = Value(data)
        y = function(v, dtype=new)
        rounded = function in (np.nanvar, np.nanstd)  # NumPy's are single precision inside
        same(y, function(data, dtype=new), 1e-7 if rounded else 1e-14)
        y.sum().backward()
        assert v.grad.dtype == old


@pytest.mark.parametrize("function", [np.sum, np.max, np.var, np.median, np.nanmean], ids=named)
def test_out(function: Any) -> None:
    v = Value(np.zeros((2, 4)))
    assert function(Value(X), axis=1, out=v) is v
    same(v, function(X, axis=1))
    with pytest.raises(TypeError, match="lose the gradient"):
        function(Value(X), axis=1, out=np.zeros((2, 4)))


def test_options_behind_out_may_be_given_by_position() -> None:
    for function, arguments in [
        (np.sum, (1, None, None, True)),
        (np.std, (0, None, None, 1, True)),
        (np.median, (0, None, False, True)),
        (np.nanmean, (0, None, None, True)),
    ]:
        same(function(Value(X), *arguments), function(X, *arguments))
    v = Value(np.zeros((2, 4)))
    assert np.max(Value(X), 1, v) is v
    same(v, np.max(X, 1))


def test_a_value_takes_results_without_derivative() -> None:
    v = Value(np.zeros(X.shape))
    before = +v
    assert np.round(Value(X), 1, out=v) is v
    same(v, np.round(X, 1))
    assert not before.data.any()
    assert np.round(Value(X), 0, v) is v
    same(v, np.round(X))
    first = Value(np.zeros((2, 4), int))
    assert np.argmax(Value(X), axis=1, out=first) is first
    same(first, np.argmax(X, axis=1))


def test_initial_can_be_a_value() -> None:
    for function in (np.sum, np.prod, np.max, np.nanmin, np.logaddexp.reduce):
        assert gradcheck(lambda x, i, f=function: f(x, axis=0, initial=i), M, 0.3, order=2)


def test_mean_can_be_a_value_and_is_not_differentiated_twice() -> None:
    def variance(x: Any) -> Any:
        return np.var(x, axis=1, mean=np.mean(x, axis=1, keepdims=True))

    np.testing.assert_allclose(variance(Value(M)).data, np.var(M, axis=1))
    assert gradcheck(variance, M, order=2)
    assert gradcheck(lambda x, m: np.std(x, axis=1, mean=m), M, np.ones((3, 1)), order=2)


# ---- Reductions of nothing, and errors


def test_reductions_of_nothing() -> None:
    nothing = np.ones((0, 3))
    v = Value(nothing)
    for function in (np.sum, np.prod, np.nansum, np.cumsum, np.cumprod, np.trace):
        same(function(v), function(nothing))
    same(np.sum(v, axis=0, initial=2), np.sum(nothing, axis=0, initial=2))
    for function in (np.max, np.nanmin):
        same(function(v, axis=0, initial=2), function(nothing, axis=0, initial=2))
        with pytest.raises(ValueError, match="zero-size"):
            function(v)
    for function in (np.mean, np.median, np.nanmean):
        with pytest.warns(RuntimeWarning):
            same(function(v), np.float64(np.nan))


@pytest.mark.parametrize(
    ("function", "options", "error", "match"),
    [
        (np.max, {"where": MASK}, ValueError, "initial"),
        (np.sum, {"where": np.ones((2, 2, 3, 4), bool)}, ValueError, "where"),
        (np.sum, {"axis": 3}, ValueError, "axis"),
        (np.median, {"axis": (0, 0)}, ValueError, "axis"),
        (np.var, {"ddof": 1, "correction": 1}, ValueError, "correction"),
        (np.quantile, {"q": 1.5}, ValueError, "range"),
        (np.quantile, {"q": 0.5, "method": "none"}, ValueError, "method"),
        (np.quantile, {"q": 0.5, "weights": np.abs(X)}, ValueError, "inverted_cdf"),
        (np.quantile, {"weights": -np.abs(X), **WEIGHTED}, ValueError, "negative"),
        (np.quantile, {"weights": 0 * X, **WEIGHTED}, ValueError, "weights"),
        (np.quantile, {"weights": X + np.inf, **WEIGHTED}, ValueError, "weights"),
        (np.quantile, {"weights": np.abs(HOLED), **WEIGHTED}, ValueError, "weights"),
        (np.quantile, {"weights": np.ones(3), **WEIGHTED}, TypeError, "axis"),
        (np.quantile, {"weights": np.ones(3), "axis": 2, **WEIGHTED}, ValueError, "weights"),
        (np.average, {"weights": np.zeros((2, 3, 4))}, ZeroDivisionError, "weights"),
        (np.average, {"weights": np.ones(3)}, TypeError, "axis"),
        (np.average, {"weights": np.ones(3), "axis": 2}, ValueError, "weights"),
        (np.sum, {"unknown": 1}, TypeError, "unexpected keyword"),
    ],
)
def test_errors(function: Any, options: Any, error: Any, match: str) -> None:
    with pytest.raises(error, match=match):
        function(Value(X), **options)


def test_quantiles_are_of_real_numbers() -> None:
    with pytest.raises(TypeError, match="real"):
        np.quantile(Value(X) * 1j, 0.5)


@pytest.mark.skipif(not hasattr(np, "cumulative_sum"), reason="not in this NumPy")
def test_cumulative_sum_of_one_axis_needs_no_axis() -> None:
    for function in (np.cumulative_sum, np.cumulative_prod):
        for x in (M[0], M[0, 0]):
            same(function(Value(x), include_initial=True), function(x, include_initial=True))
        with pytest.raises(ValueError, match="axis"):
            function(Value(M))


# ---- Ties, zeros, equal elements


def test_gradients_of_ties_are_shared_equally_by_extrema() -> None:
    x = np.array([2.0, 1.0, 2.0, np.nan])
    np.testing.assert_allclose(tg.grad(np.nanmax)(x), [0.5, 0, 0.5, 0])
    np.testing.assert_allclose(tg.grad(np.ptp)(x[:3]), [0.5, -1, 0.5])
    np.testing.assert_allclose(tg.grad(lambda x: np.max(x, initial=2.0))(x[:2]), [0.5, 0])


def test_gradients_of_ties_go_to_the_elements_that_are_selected_by_medians() -> None:
    x = np.array([3.0, 2.0, 2.0, 2.0, 1.0])
    np.testing.assert_array_equal(tg.grad(np.median)(x), [0, 0, 1, 0, 0])
    assert tg.grad(lambda x: np.quantile(x, 0.4))(x).sum() == pytest.approx(1)


@pytest.mark.parametrize("zeros", [[], [0], [2], [1, 3], [0, 1, 2, 3]])
def test_running_products_with_zeros(zeros: list[int]) -> None:
    x = np.array([2.0, 3.0, -4.0, 5.0])
    x[zeros] = 0
    assert gradcheck(np.cumprod, x, order=2)
    want = [
        [math.prod(np.delete(x[: k + 1], i)) if i <= k else 0 for i in range(4)] for k in range(4)
    ]
    got = [tg.grad(lambda x, k=k: np.cumprod(x)[k])(x) for k in range(4)]
    np.testing.assert_array_equal(got, want)


def test_standard_deviation_of_equal_elements_has_gradient_0() -> None:
    x = np.full((2, 6), 0.7)
    x[1, 3] = np.nan
    np.testing.assert_array_equal(tg.grad(lambda x: np.nanstd(x, axis=1).sum())(x), 0)
    mask = np.arange(6) < 5
    np.testing.assert_array_equal(tg.grad(lambda x: np.std(x, where=mask))(x[0]), 0)


def test_gradient_of_logsumexp_goes_to_what_is_infinite() -> None:
    x = np.array([[np.inf, 1.0, np.inf], [0.0, -np.inf, 0.0], [-np.inf, np.inf, 2.0]])
    by_x = tg.grad(lambda x: np.logaddexp.reduce(x, axis=1).sum())(x)
    np.testing.assert_allclose(by_x, [[0.5, 0, 0.5], [0.5, 0, 0.5], [0, 1, 0]])
    flat = tg.grad(lambda x: np.logaddexp.reduce(x, axis=None))(x)
    np.testing.assert_allclose(flat, (x == np.inf) / 3)


# ---- NaN

NAN_FUNCTIONS = [np.nanmean, np.nanvar, np.nanstd, np.nanmin, np.nanmax, np.nanmedian]


@pytest.mark.parametrize("function", NAN_FUNCTIONS, ids=named)
def test_rows_of_nothing_but_nan_are_nan_and_have_gradient_0(function: Any) -> None:
    x = np.array([[np.nan, np.nan, np.nan], [1.0, np.nan, 2.0]])
    v = Value(x)
    with pytest.warns(RuntimeWarning):
        y = function(v, axis=1)
    with pytest.warns(RuntimeWarning):
        same(y, function(x, axis=1))
    y.backward(np.ones(2))
    assert np.isfinite(v.grad).all()
    np.testing.assert_array_equal(v.grad[np.isnan(x)], 0)


def test_too_few_numbers_for_the_degrees_of_freedom_have_no_variance() -> None:
    x = np.array([[1.0, np.nan, 2.0], [1.0, 4.0, 2.0]])
    for function in (np.nanvar, np.nanstd):
        for options in ({"ddof": 2}, {"correction": 3, "keepdims": True}):
            with pytest.warns(RuntimeWarning, match="freedom"):
                got = function(Value(x), axis=1, **options)
            with pytest.warns(RuntimeWarning, match="freedom"):
                same(got, function(x, axis=1, **options))


def test_nan_stays_nan_where_it_is_not_left_out() -> None:
    for function in (np.sum, np.max, np.median, np.ptp):
        assert np.isnan(function(Value(HOLED)).data)
    for q in (0.0, 0.3, 1.0):
        same(np.quantile(Value(HOLED), q, axis=1), np.quantile(HOLED, q, axis=1))


def test_the_gradient_of_a_nan_is_0_in_quantiles() -> None:
    x = Value(HOLED)
    np.nanquantile(x, [0.0, 0.3, 1.0], axis=2).sum().backward()
    np.testing.assert_array_equal(x.grad[np.isnan(HOLED)], 0)
    assert x.grad.sum() == pytest.approx(18)


# ---- Quantiles


@pytest.mark.parametrize("method", METHODS)
def test_quantiles_are_those_of_numpy(method: str) -> None:
    q = np.array([0, 0.05, 1 / 7, 0.25, 0.3, 0.5, 0.6, 0.75, 0.9, 1])
    for n in (1, 2, 3, 4, 5, 8, 11):
        x = rng.normal(size=(2, n))
        holed = np.where(rng.uniform(size=(2, n)) < 0.3, np.nan, x)
        holed[:, 0] = x[:, 0]
        for f, data in [(np.quantile, x), (np.nanquantile, holed)]:
            for values in (data, data.astype(np.float32)):
                want = f(values, q, axis=1, method=method)
                same(f(Value(values), q, axis=1, method=method), want)
                for one in (0.0, 0.3, 0.5, 1.0):
                    want = f(values, one, axis=1, method=method)
                    same(f(Value(values), one, axis=1, method=method), want)
                    want = f(values, one, method=method)
                    same(f(Value(values), one, method=method), want)


@pytest.mark.parametrize("method", METHODS)
def test_derivatives_of_quantiles(method: str) -> None:
    q = [0.1, 0.37, 0.5, 0.95]
    assert gradcheck(lambda x: np.quantile(x, q, axis=1, method=method), M, order=2)
    rows = np.array([[0.5, 1.5, -1.0], [3.0, 2.0, 4.0]])

    def holed(x: Any) -> Any:
        x = np.concatenate([x, np.full((2, 1), np.nan)], axis=1)
        return np.nanquantile(x, q, axis=1, method=method)

    assert gradcheck(holed, rows, order=2)


@pytest.mark.parametrize("q", [0, 1, [1, 0, 1]])
def test_the_integers_0_and_1_are_the_quantiles_of_the_extrema(q: Any) -> None:
    for x in (np.array([1.0, np.inf, 3.0]), np.array([1, 2, 5])):
        same(np.quantile(Value(x), q), np.quantile(x, q))


def test_quantiles_by_the_part() -> None:
    assert gradcheck(lambda x, q: np.quantile(x, q, axis=0), M, np.array([0.3, 0.8]), order=2)
    assert gradcheck(lambda x, q: np.percentile(x, q, method="hazen"), M, 30.0, order=2)


@pytest.mark.parametrize("options", AXES, ids=named)
@pytest.mark.parametrize("q", [25, 62.5, [10, 50], [[10], [50]]])
def test_percentiles_along_axes(options: Any, q: Any) -> None:
    for f, data in [(np.percentile, X), (np.nanpercentile, HOLED)]:
        for x in (data, data.astype(np.float32), (X * 10).astype(int)):
            if f is np.nanpercentile and np.ndim(q) == 2:
                # For several axes, NumPy's has the last axis of q first.
                numbers = [np.reshape(f(x, k, **options), np.shape(f(x, 0, **options))) for k in q]
                same(f(Value(x), q, **options), np.expand_dims(np.stack(numbers), 1))
            else:
                same(f(Value(x), q, **options), f(x, q, **options))


@pytest.mark.parametrize("q", [0.0, 0.3, 0.5, 1.0, 1, [0.2, 0.9], [[0.0], [0.75]]], ids=str)
@pytest.mark.parametrize(
    "options",
    [
        {"weights": np.abs(X)},
        {"weights": MASK, "keepdims": True},
        {"weights": WEIGHTS, "axis": 2},
        {"weights": np.abs(X), "axis": 1, "keepdims": True},
        {"weights": MASK[0].T, "axis": (2, 1)},
        {"weights": [0, 1, 2], "axis": 1},
    ],
    ids=named,
)
def test_quantiles_with_weights(q: Any, options: Any) -> None:
    options = {**options, "method": "inverted_cdf"}
    for x in (X, X.astype(np.float32), (10 * X).astype(int), HOLED):
        same(np.quantile(Value(x), q, **options), np.quantile(x, q, **options))
    same(np.percentile(Value(X), 100 * np.array(q), **options), np.quantile(X, q, **options))
    assert gradcheck(lambda x: np.quantile(x, q, **options), X, order=2, mode="directional")


def test_whole_weights_count_how_often_there_is_an_element() -> None:
    x, counts = np.array([3.0, -1.0, 2.0, 0.5]), np.array([1, 0, 4, 2])
    q = np.linspace(0, 1, 15)
    got = np.quantile(Value(x), q, weights=counts, method="inverted_cdf")
    same(got, np.quantile(np.repeat(x, counts), q, method="inverted_cdf"))


def test_weights_of_nan_do_not_count() -> None:
    q = [0.0, 0.3, 0.8, 1.0]
    got = np.nanquantile(Value(HOLED[0]), q, axis=1, weights=WEIGHTS, method="inverted_cdf")
    for row, part in zip(HOLED[0], got.data.T, strict=True):
        there = ~np.isnan(row)
        one: Any = {"weights": WEIGHTS[there], "method": "inverted_cdf"}
        same(part, np.quantile(row[there], q, **one))
    nothing = Value([np.nan, np.nan])
    with pytest.warns(RuntimeWarning, match="All-NaN"):
        same(np.nanpercentile(nothing, 50, weights=[1, 2], method="inverted_cdf"), np.nan)


def test_weights_of_quantiles_have_gradient_0() -> None:
    def f(x: Any, w: Any) -> Any:
        return np.quantile(x, 0.5, axis=1, weights=w, method="inverted_cdf")

    assert gradcheck(f, M, WEIGHTS, order=2)
    same(f(M, Value(WEIGHTS)), f(M, WEIGHTS))


# ---- Averages and covariances


def test_average_with_the_sum_of_weights() -> None:
    for options in ({}, {"axis": 1}, {"axis": 2, "weights": WEIGHTS}, {"weights": np.abs(X)}):
        got = np.average(Value(X), returned=True, **options)
        for a, b in zip(got, np.average(X, returned=True, **options), strict=True):
            same(a, b)
    assert gradcheck(lambda x, w: np.average(x, axis=1, weights=w), M, WEIGHTS, order=2)
    single = X.astype(np.float32)
    same(np.average(Value(single), axis=1), np.average(single, axis=1))


COV: list[tuple[Callable[..., Any], dict[str, Any]]] = [
    (np.cov, {}),
    (np.cov, {"rowvar": False}),
    (np.cov, {"bias": True}),
    (np.cov, {"ddof": 2}),
    (np.cov, {"fweights": [1, 2, 3, 1]}),
    (np.cov, {"aweights": WEIGHTS}),
    (np.cov, {"fweights": [1, 2, 3, 1], "aweights": WEIGHTS}),
    (np.cov, {"y": X[1]}),
    (np.cov, {"y": X[1, 0]}),
    (np.corrcoef, {}),
    (np.corrcoef, {"rowvar": False}),
    (np.corrcoef, {"y": X[1]}),
]


@pytest.mark.parametrize(("function", "options"), COV)
def test_covariances(function: Any, options: Any) -> None:
    same(function(Value(M), **options), function(M, **options))
    single = M.astype(np.float32)
    same(function(Value(single), **options), function(single, **options))
    assert gradcheck(lambda x: function(x, **options), M[:2] if "y" in options else M, order=2)


def test_covariance_of_one_variable_and_of_two() -> None:
    x, y = M[:2]
    same(np.cov(Value(x)), np.cov(x))
    same(np.corrcoef(Value(x)), np.corrcoef(x))
    same(np.corrcoef(x, Value(y)), np.corrcoef(x, y))
    same(np.cov(Value(x), dtype=np.float32), np.cov(x, dtype=np.float32))
    assert gradcheck(np.cov, x, y, order=2)
    assert gradcheck(lambda x, w: np.cov(x, aweights=w), M[:2], WEIGHTS, order=2)


# ---- Without derivative


@pytest.mark.parametrize("function", [np.any, np.all, np.count_nonzero], ids=named)
def test_counts_are_plain(function: Any) -> None:
    got = function(Value(X), axis=1)
    assert isinstance(got, np.ndarray)
    same(got, function(X, axis=1))
