"""NumPy's medians, percentiles and quantiles, of every method.

Of equal elements, the gradient goes to those that sorting puts at the place. Weights only choose
an element, so that the derivative by them is 0.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from ._reductions import along, cast, floating, restored, rows, without_nan
from ._table import array_of, dtype_of, implements


@implements(np.median)
def _median(
    a: Any, axis: Any = None, *, overwrite_input: bool = False, keepdims: Any = False
) -> Any:
    return restored(_middle(rows(a, axis), "propagate"), np.ndim(a), axis, keepdims)


@implements(np.nanmedian)
def _nanmedian(
    a: Any, axis: Any = None, *, overwrite_input: bool = False, keepdims: Any = False
) -> Any:
    a = without_nan(a, np.nan)
    return restored(_middle(rows(a, axis), "omit"), np.ndim(a), axis, keepdims)


def _middle(x: Any, nan: str) -> Any:
    """The median along the last axis."""
    if not x.shape[-1]:
        return np.mean(x, axis=-1)
    count, last = _counts(array_of(x), nan)
    below = np.where(count, (count - 1) // 2, last)
    above = np.where(count, count // 2, last)
    return np.mean(_in_order(x, np.stack([below, above])), axis=0)


def _counts(x: np.ndarray[Any, Any], nan: str) -> tuple[Any, int]:
    """How many elements of each row count; 0 if the result is NaN, which is in the last place."""
    missing = np.isnan(x) if x.dtype.kind in "fc" else np.zeros(x.shape, bool)
    count = np.sum(~missing, axis=-1)
    if nan == "propagate":
        count = np.where(count < x.shape[-1], 0, count)
    elif not np.all(count):
        warnings.warn("All-NaN slice encountered", RuntimeWarning, stacklevel=5)
    return count, x.shape[-1] - 1


def _in_order(x: Any, ranks: Any) -> Any:
    """The elements of each row that come at `ranks`, (k, *rows), when it is sorted."""
    order = np.argsort(array_of(x), axis=-1, kind="stable")
    places = np.take_along_axis(order, np.moveaxis(ranks, 0, -1), axis=-1)
    return np.moveaxis(np.take_along_axis(x, places, axis=-1), -1, 0)


def _both_in_order(x: Any, lower: Any, upper: Any) -> tuple[Any, Any]:
    both = _in_order(x, np.concatenate([lower, upper]))
    return both[: len(lower)], both[len(lower) :]


def _quantile_function(whole: int, nan: str) -> Callable[..., Any]:
    """np.quantile or one of its like: of 1 or 100 parts, with or without NaN."""

    def function(
        a: Any,
        q: Any,
        axis: Any = None,
        *,
        overwrite_input: bool = False,
        method: str = "linear",
        keepdims: Any = False,
        weights: Any = None,
    ) -> Any:
        if dtype_of(a).kind == "c":
            raise TypeError("quantiles are of real numbers")
        if weights is not None:
            weights = _weights(weights, a, axis, method)
        if whole == 1:
            method = _of_whole(q, method)
        a = without_nan(a, np.nan) if nan == "omit" else a
        fractions = _fractions(q, whole)
        # A Python number does not make the result more precise than the elements are.
        weak = type(q) in (int, float) and dtype_of(a).kind == "f"
        part_dtype = dtype_of(a if weak else fractions)
        return _quantiles(a, fractions, axis, method, keepdims, nan, part_dtype, weights)

    return function


implements(np.quantile)(_quantile_function(1, "propagate"))
implements(np.nanquantile)(_quantile_function(1, "omit"))
implements(np.percentile)(_quantile_function(100, "propagate"))
implements(np.nanpercentile)(_quantile_function(100, "omit"))


def _weights(weights: Any, a: Any, axis: Any, method: str) -> Any:
    """The weights, in the shape of `rows(a, axis)`."""
    if method != "inverted_cdf":
        raise ValueError(f"only method='inverted_cdf' takes weights=, not {method!r}")
    weights = np.asarray(array_of(weights))
    if np.any(weights < 0):
        raise ValueError("the weights of quantiles must not be negative")
    return rows(along(weights, a, axis, "quantiles"), axis)


def _of_whole(q: Any, method: str) -> str:
    """The method: for the integers 0 and 1, the least and the largest as they are."""
    return "lower" if method == "linear" and dtype_of(q).kind in "iu" else method


def _fractions(q: Any, whole: int) -> Any:
    """The quantiles as parts of 1."""
    q = floating(cast(q, None))
    fractions = q if whole == 1 else q / whole
    plain = array_of(fractions)
    if not np.all((plain >= 0) & (plain <= 1)):
        raise ValueError(f"quantiles must be in the range [0, {whole}]")
    return fractions


# Where between the ranks 0 … n-1 of n sorted numbers the quantile q is: (n + 1 - a - b) q + a - 1.
_CONTINUOUS = {
    "interpolated_inverted_cdf": (0.0, 1.0),
    "hazen": (0.5, 0.5),
    "weibull": (0.0, 0.0),
    "median_unbiased": (1 / 3, 1 / 3),
    "normal_unbiased": (3 / 8, 3 / 8),
}


def _nearest(position: Any, halves_to: int) -> Any:
    """The nearest whole number, and of halfway cases the even (0) or odd (1) one."""
    return np.rint(position + halves_to) - halves_to


# Those that jump from one of the numbers to the next, or to their mean: the two ranks, by n and q.
_STEPS: dict[str, Callable[[Any, Any], tuple[Any, Any]]] = {
    "inverted_cdf": lambda n, q: (np.ceil(n * q) - 1,) * 2,
    "averaged_inverted_cdf": lambda n, q: (np.ceil(n * q) - 1, np.floor(n * q)),
    "closest_observation": lambda n, q: (_nearest(n * q - 1, 1),) * 2,
    "lower": lambda n, q: (np.floor((n - 1) * q),) * 2,
    "higher": lambda n, q: (np.ceil((n - 1) * q),) * 2,
    "midpoint": lambda n, q: (np.floor((n - 1) * q), np.ceil((n - 1) * q)),
    "nearest": lambda n, q: (_nearest((n - 1) * q, 0),) * 2,
}


def _quantiles(
    a: Any, q: Any, axis: Any, method: str, keepdims: Any, nan: str, part_dtype: Any, weights: Any
) -> Any:
    if method != "linear" and method not in {*_CONTINUOUS, *_STEPS}:
        raise ValueError(f"{method!r} is not a method of quantiles")
    x = rows(a, axis)
    if not x.shape[-1]:
        raise IndexError("quantile of nothing")
    shape = np.shape(q)
    q = np.reshape(q, (-1,) + (1,) * (x.ndim - 1))
    if weights is not None:
        result = _weighted(x, array_of(q), weights, nan)
    elif method in _STEPS:
        result = _stepped(x, array_of(q), method, nan, part_dtype)
    else:
        result = _interpolated(x, q, method, nan, part_dtype)
    result = np.reshape(result, shape + x.shape[:-1])
    return restored(result, np.ndim(a), axis, keepdims, len(shape))


def _ranks(position: Any, count: Any, last: int) -> Any:
    """Positions as ranks among `count` numbers; that of a NaN is `last`."""
    inside = np.clip(np.nan_to_num(position), 0, np.maximum(count - 1, 0))
    return np.where(count > 0, inside, last).astype(np.intp)


def _weighted(x: Any, q: Any, weights: Any, nan: str) -> Any:
    """The first element at which the weights, added up in order, are the part q of them all."""
    array = array_of(x)
    count, last = _counts(array, nan)
    if nan == "omit":
        weights = np.where(np.isnan(array), 0, weights)
    order = np.argsort(array, axis=-1, kind="stable")
    sums = np.cumsum(np.take_along_axis(weights, order, axis=-1), axis=-1, dtype=np.float64)
    total = sums[..., -1:]
    known = (total > 0) & (total < np.inf)
    if not np.all(known | (count == 0)[..., None]):
        raise ValueError("the weights of quantiles must be finite, and not all 0")
    cdf = (sums / np.where(known, total, 1)).astype(q.dtype)
    # The quantile 0, too, comes behind those that have no weight.
    before = (cdf < q[..., None]) | (cdf == 0)
    return _in_order(x, np.where(count, np.sum(before, axis=-1), last))


def _stepped(x: Any, q: Any, method: str, nan: str, part_dtype: Any) -> Any:
    count, last = _counts(array_of(x), nan)
    one, other = _STEPS[method](count.astype(q.dtype), q)
    if one is other:
        return _in_order(x, _ranks(one, count, last))
    lower, upper = _both_in_order(x, _ranks(one, count, last), _ranks(other, count, last))
    return _between(lower, upper, np.where(one == other, 0, 0.5).astype(part_dtype))


def _interpolated(x: Any, q: Any, method: str, nan: str, part_dtype: Any) -> Any:
    count, last = _counts(array_of(x), nan)
    n = count.astype(dtype_of(q))
    if method == "linear":
        position = (n - 1) * q
    else:
        alpha, beta = _CONTINUOUS[method]
        position = n * q + (alpha + q * (1 - alpha - beta)) - 1
    below = np.floor(array_of(position))
    within = (below >= 0) & (below < count - 1)
    lower, upper = _both_in_order(x, _ranks(below, count, last), _ranks(below + 1, count, last))
    return _between(lower, upper, cast(np.where(within, position - below, 0), part_dtype))


def _between(lower: Any, upper: Any, part: Any) -> Any:
    """lower + part (upper - lower), exact at both ends."""
    gap = upper - lower
    return np.where(array_of(part) >= 0.5, upper - gap * (1 - part), lower + gap * part)
