"""NumPy's reductions and running sums, with all their options, around the package's own."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import ops
from ..ops import reduction
from ..traced import as_array
from ._table import array_of, dtype_of, implements, is_value, no_value, without_derivative

without_derivative(np.any, np.all, np.count_nonzero)


def cast(x: Any, dtype: Any) -> Any:
    """`x` in `dtype`, if that is not None; what is a list as an array."""
    x = x if is_value(x) else as_array(x)
    if dtype is None or x.dtype == dtype:
        return x
    return ops.astype(x, dtype)


def _axes(axis: Any, ndim: int) -> tuple[int, ...]:
    """`axis` as a tuple of axes counted from 0."""
    if axis is None:
        return tuple(range(ndim))
    return np.lib.array_utils.normalize_axis_tuple(axis, ndim)


def _axis_and_array(x: Any, axis: int | None) -> tuple[Any, int]:
    """x and one of its axes, or x flattened."""
    return (np.reshape(x, -1), 0) if axis is None else (x, axis)


def rows(x: Any, axis: Any) -> Any:
    """x with the axes `axis` together as the last one."""
    shape = np.shape(x)
    axes = _axes(axis, len(shape))
    kept = [a for a in range(len(shape)) if a not in axes]
    count = math.prod([shape[a] for a in axes])
    return np.reshape(np.transpose(x, (*kept, *axes)), (*[shape[a] for a in kept], count))


def restored(reduced: Any, ndim: int, axis: Any, keepdims: Any, leading: int = 0) -> Any:
    """What was reduced, with axes of length 1, behind `leading` others, if `keepdims`."""
    if not keepdims:
        return reduced
    return np.expand_dims(reduced, tuple([a + leading for a in _axes(axis, ndim)]))


def _only(where: Any, x: Any, other: Any) -> Any:
    """x where `where` holds and `other`, in the dtype of x, elsewhere."""
    where = array_of(where)
    if np.broadcast_shapes(np.shape(x), np.shape(where)) != np.shape(x):
        raise ValueError(f"where= of shape {np.shape(where)} for an array of {np.shape(x)}")
    return np.where(where, x, cast(other, dtype_of(x)))


def _count(x: Any, axis: Any, keepdims: Any, where: Any) -> Any:
    """How many elements each result of a reduction combines."""
    chosen = np.broadcast_to(array_of(where), np.shape(x))
    return np.sum(chosen, axis=axis, keepdims=keepdims, dtype=np.intp)


# ---- Sums, products, extrema


def _total(reduce: Callable[..., Any], neutral: int, pair: Any) -> Callable[..., Any]:
    """The sum or the product; `pair` is that of two, of which one may be `neutral`."""

    def function(
        a: Any,
        axis: Any = None,
        dtype: Any = None,
        *,
        keepdims: Any = False,
        initial: Any = no_value,
        where: Any = True,
    ) -> Any:
        if dtype is not None:
            a = cast(a, dtype)
        if where is not True:
            a = _only(where, a, neutral)
        total = reduce(a, axis, keepdims)
        return total if initial is no_value else pair(total, cast(initial, dtype_of(total)))

    return function


_sum = _total(ops.sum, 0, np.add)
_prod = _total(ops.prod, 1, np.multiply)
implements(np.sum)(_sum)
implements(np.prod)(_prod)


def _extremum(reduce: Callable[..., Any], pair: Any) -> Callable[..., Any]:
    """A reduction to the largest or smallest; `pair` is that of two. Ties share the gradient."""

    def function(
        a: Any,
        axis: Any = None,
        *,
        keepdims: Any = False,
        initial: Any = no_value,
        where: Any = True,
    ) -> Any:
        if initial is no_value:
            if where is not True:
                raise ValueError(f"np.{pair.__name__}: where= needs initial=")
            return reduce(a, axis, keepdims)
        initial = cast(initial, dtype_of(a))
        if not np.size(a):
            shape = np.shape(np.sum(np.empty(np.shape(a)), axis=axis, keepdims=keepdims))
            return np.broadcast_to(initial, shape)
        if where is not True:
            a = _only(where, a, initial)
        return pair(reduce(a, axis, keepdims), initial)

    return function


implements(np.max, np.amax)(_extremum(ops.max, np.maximum))
implements(np.min, np.amin)(_extremum(ops.min, np.minimum))

fmax_reduce = _extremum(reduction.nanmax, np.fmax)
fmin_reduce = _extremum(reduction.nanmin, np.fmin)


def _nan_extremum(extremum: Callable[..., Any]) -> Callable[..., Any]:
    def function(a: Any, axis: Any = None, **options: Any) -> Any:
        result = extremum(a, axis, **options)
        if np.any(np.isnan(array_of(result))):
            warnings.warn("All-NaN slice encountered", RuntimeWarning, stacklevel=4)
        return result

    return function


implements(np.nanmax)(_nan_extremum(fmax_reduce))
implements(np.nanmin)(_nan_extremum(fmin_reduce))


@implements(np.ptp)
def _ptp(a: Any, axis: Any = None, *, keepdims: Any = False) -> Any:
    return ops.max(a, axis, keepdims) - ops.min(a, axis, keepdims)


def logsumexp(
    a: Any, axis: Any = None, keepdims: Any = False, initial: Any = no_value, where: Any = True
) -> Any:
    """np.logaddexp.reduce."""
    if where is not True:
        a = _only(where, a, -np.inf)
    if not np.size(a):
        total = np.full(np.shape(_sum(a, axis, keepdims=keepdims)), -np.inf, dtype_of(a))
    else:
        total = ops.logsumexp(a, axis, keepdims)
    return total if initial is no_value else np.logaddexp(total, cast(initial, dtype_of(total)))


# ---- Means and variances


@implements(np.mean)
def _mean(
    a: Any, axis: Any = None, dtype: Any = None, *, keepdims: Any = False, where: Any = True
) -> Any:
    if dtype is not None:
        a = cast(a, dtype)
    if where is True:
        return ops.mean(a, axis, keepdims)
    mean = _mean_of(floating(a), axis, keepdims, where)
    if not np.all(_count(a, axis, keepdims, where)):
        warnings.warn("Mean of empty slice", RuntimeWarning, stacklevel=4)
    return mean


def _mean_of(a: Any, axis: Any, keepdims: bool, where: Any) -> Any:
    total = _sum(a, axis, keepdims=keepdims, where=where)
    return _divided(total, _count(a, axis, keepdims, where))


def floating(a: Any) -> Any:
    """`a`, but integers and booleans in float64."""
    return a if dtype_of(a).kind in "fc" else cast(a, np.float64)


def _divided(total: Any, count: Any) -> Any:
    """total / count, in the dtype of total; what is divided by 0 or less has no gradient."""
    count = np.asarray(count)
    real = np.finfo(dtype_of(total)).dtype
    nothing = count <= 0
    quotient = total / np.where(nothing, 1, count).astype(real)[()]
    if not nothing.any():
        return quotient
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(nothing, np.divide(array_of(total), 0), quotient)


def _var(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    *,
    ddof: Any = 0,
    keepdims: Any = False,
    where: Any = True,
    mean: Any = no_value,
    correction: Any = no_value,
) -> Any:
    if dtype is not None:
        a = cast(a, dtype)
    ddof = _degrees(ddof, correction)
    if where is True and mean is no_value:
        return ops.var(a, axis, ddof, keepdims)
    a = floating(a)
    if mean is no_value:
        mean = _mean_of(a, axis, True, where)
    centred = a - mean
    if where is not True:
        centred = _only(where, centred, 0)
    if dtype_of(a).kind == "c":
        squares = np.square(np.real(centred)) + np.square(np.imag(centred))
    else:
        squares = np.square(centred)
    count = _count(a, axis, keepdims, where) - ddof
    if np.any(count <= 0):
        warnings.warn("Degrees of freedom <= 0 for slice", RuntimeWarning, stacklevel=4)
    return _divided(_sum(squares, axis, keepdims=keepdims), count)


def _degrees(ddof: Any, correction: Any) -> Any:
    if correction is no_value:
        return ddof
    if ddof != 0:
        raise ValueError("ddof and correction are two names of one parameter: give one of them")
    return correction


def _std(a: Any, axis: Any = None, dtype: Any = None, *, keepdims: Any = False, **rare: Any) -> Any:
    if rare.keys() <= {"ddof", "correction"}:
        ddof = _degrees(rare.get("ddof", 0), rare.get("correction", no_value))
        return ops.std(a if dtype is None else cast(a, dtype), axis, ddof, keepdims)
    variance = _var(a, axis, dtype, keepdims=keepdims, **rare)
    # Where all elements are equal is a kink: 0 is the subgradient taken, as in ops.std.
    equal = array_of(variance) == 0
    if "mean" not in rare:
        equal = equal | _all_equal(array_of(a), axis, keepdims, array_of(rare["where"]))
    root = np.sqrt(np.where(equal, 1, variance))
    return np.where(equal, np.sqrt(array_of(variance)), root)


def _all_equal(a: Any, axis: Any, keepdims: Any, where: Any) -> Any:
    """Whether the real numbers that are combined are all equal."""
    if a.dtype.kind == "c" or not a.size:
        return False
    a = floating(a)
    largest = np.max(a, axis=axis, keepdims=keepdims, initial=-np.inf, where=where)
    return largest == np.min(a, axis=axis, keepdims=keepdims, initial=np.inf, where=where)


implements(np.var)(_var)
implements(np.std)(_std)


@implements(np.average)
def _average(
    a: Any, axis: Any = None, weights: Any = None, returned: bool = False, *, keepdims: Any = False
) -> Any:
    a = cast(a, None)
    if weights is None:
        average = ops.mean(a, axis, keepdims)
        total = dtype_of(average).type(np.size(a) / max(np.size(average), 1))
    else:
        weights = cast(weights, None)
        integer = () if a.dtype.kind in "fc" else (np.float64,)
        dtype = np.result_type(a.dtype, weights.dtype, *integer)
        weights = cast(along(weights, a, axis, "np.average"), dtype)
        total = ops.sum(weights, axis, keepdims)
        if np.any(array_of(total) == 0):
            raise ZeroDivisionError("np.average: the weights sum to 0, which cannot be divided by")
        average = ops.sum(a * weights, axis, keepdims) / total
    if not returned:
        return average
    shape = np.shape(average)
    return average, total if np.shape(total) == shape else np.broadcast_to(total, shape)


def along(weights: Any, a: Any, axis: Any, name: str) -> Any:
    """Weights of the axes `axis`, in the shape of `a`."""
    shape = np.shape(a)
    if np.shape(weights) == shape:
        return weights
    if axis is None:
        raise TypeError(f"{name}: say by axis= what weights of another shape than a belong to")
    axes = _axes(axis, len(shape))
    if np.shape(weights) != tuple([shape[k] for k in axes]):
        raise ValueError(f"{name}: weights of shape {np.shape(weights)} for axis {axis} of {shape}")
    ordered = np.transpose(weights, tuple(np.argsort(axes)))
    spread = np.expand_dims(ordered, tuple([k for k in range(len(shape)) if k not in axes]))
    return np.broadcast_to(spread, shape)


@implements(np.cov)
def _cov(
    m: Any,
    y: Any = None,
    rowvar: bool = True,
    bias: bool = False,
    ddof: int | None = None,
    fweights: Any = None,
    aweights: Any = None,
    *,
    dtype: Any = None,
) -> Any:
    x = _variables(m, rowvar)
    if y is not None:
        x = np.concatenate([x, _variables(y, rowvar or np.shape(y)[:1] == (1,))], axis=0)
    x = cast(x, dtype or np.result_type(dtype_of(x), np.float64))
    ddof = (0 if bias else 1) if ddof is None else ddof
    if not x.shape[0]:
        return np.empty((0, 0), x.dtype)
    given = [w for w in (fweights, aweights) if w is not None]
    if not given:
        centred = x - np.mean(x, axis=1, keepdims=True)
        weighted, free = centred, x.shape[1] - ddof
    else:
        weights = math.prod([cast(w, None) for w in given], start=1)
        total = np.sum(weights)
        centred = x - np.sum(x * weights, axis=1, keepdims=True) / total
        weighted = centred * weights
        squared = 0 if aweights is None else ddof * np.sum(weights * cast(aweights, None)) / total
        free = total - (ddof if aweights is None else squared)
    if array_of(free) <= 0:
        warnings.warn("Degrees of freedom <= 0 for slice", RuntimeWarning, stacklevel=4)
        free = 0.0
    part = cast(np.divide(1, free), np.finfo(x.dtype).dtype)
    return np.squeeze(weighted @ np.conj(np.transpose(centred)) * part)


def _variables(m: Any, rowvar: bool) -> Any:
    """One variable in each row."""
    if np.ndim(m) > 2:
        raise ValueError("np.cov: m and y have at most 2 axes")
    m = cast(m, None)
    if m.ndim < 2:
        return np.reshape(m, (1, -1))
    return m if rowvar else np.transpose(m)


@implements(np.corrcoef)
def _corrcoef(x: Any, y: Any = None, rowvar: bool = True, *, dtype: Any = None) -> Any:
    c = _cov(x, y, rowvar, dtype=dtype)
    if not np.ndim(c):
        return c / c
    at = np.arange(c.shape[0])
    deviation = np.sqrt(np.real(c[at, at]))
    c = c / deviation[:, None] / deviation
    if dtype_of(c).kind == "c":
        return np.clip(np.real(c), -1, 1) + 1j * np.clip(np.imag(c), -1, 1)
    return np.clip(c, -1, 1)


@implements(np.trace)
def _trace(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None) -> Any:
    a = np.moveaxis(a, (axis1, axis2), (0, 1))
    up, left = max(-offset, 0), max(offset, 0)
    at = np.arange(max(min(a.shape[0] - up, a.shape[1] - left), 0))
    return _sum(a[at + up, at + left], 0, dtype)


# ---- Running sums and products


@implements(np.cumsum)
def _cumsum(a: Any, axis: int | None = None, dtype: Any = None) -> Any:
    return ops.cumsum(a if dtype is None else cast(a, dtype), axis)


@implements(np.cumprod)
def _cumprod(a: Any, axis: int | None = None, dtype: Any = None) -> Any:
    a, axis = _axis_and_array(cast(a, dtype), axis)
    return reduction.cumprod(a, axis)


def _cumulative(running: Callable[..., Any], start: int) -> Callable[..., Any]:
    def function(
        x: Any, /, *, axis: int | None = None, dtype: Any = None, include_initial: bool = False
    ) -> Any:
        if axis is None and np.ndim(x) > 1:
            raise ValueError("for arrays of more than one axis, axis= must be given")
        x, at = _axis_and_array(x, axis)
        result = running(x, at, dtype)
        if not include_initial:
            return result
        shape = list(np.shape(x))
        shape[at] = 1
        return np.concatenate([np.full(shape, start, dtype_of(result)), result], axis=at)

    return function


if hasattr(np, "cumulative_sum"):  # new in NumPy 2.1
    implements(np.cumulative_sum)(_cumulative(_cumsum, 0))
    implements(np.cumulative_prod)(_cumulative(_cumprod, 1))


# ---- Without NaN


def without_nan(a: Any, other: float) -> Any:
    """a with `other` in the place of NaN, whose gradient is 0."""
    number = _is_number(a)
    return a if number.all() else _only(number, a, other)


def _is_number(a: Any) -> Any:
    a = as_array(array_of(a))
    return ~np.isnan(a) if a.dtype.kind in "fc" else np.ones(a.shape, bool)


def _with_neutral(reduction: Callable[..., Any], neutral: float) -> Callable[..., Any]:
    """The reduction with `neutral` in the place of each NaN."""

    def function(a: Any, axis: Any = None, dtype: Any = None, **options: Any) -> Any:
        return reduction(without_nan(a, neutral), axis, dtype, **options)

    return function


implements(np.nansum)(_with_neutral(_sum, 0))
implements(np.nanprod)(_with_neutral(_prod, 1))
implements(np.nancumsum)(_with_neutral(_cumsum, 0))
implements(np.nancumprod)(_with_neutral(_cumprod, 1))


def _of_numbers(reduction: Callable[..., Any]) -> Callable[..., Any]:
    """The reduction of those elements alone that are not NaN, by its `where=`."""

    def function(
        a: Any, axis: Any = None, dtype: Any = None, *, where: Any = True, **options: Any
    ) -> Any:
        where = _is_number(a) & array_of(where)
        result = reduction(a, axis, dtype, where=where, **options)
        ddof = _degrees(options.get("ddof", 0), options.get("correction", no_value))
        few = _count(a, axis, options.get("keepdims", False), where) <= ddof
        return np.where(few, np.nan, result) if np.any(few) else result

    return function


implements(np.nanmean)(_of_numbers(_mean))
implements(np.nanvar)(_of_numbers(_var))
implements(np.nanstd)(_of_numbers(_std))
