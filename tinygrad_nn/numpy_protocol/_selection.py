"""NumPy's functions that choose, sort, search and assign elements, on Values.

What is chosen is decided on arrays; the elements are then taken by indexing.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import ops
from ._reductions import cast
from ._shape import fitted, joined, positions
from ._table import (
    array_of,
    arrays_of,
    differentiable,
    dtype_of,
    implements,
    is_value,
    requires_grad,
    without_derivative,
)

without_derivative(
    *(np.argmax, np.argmin, np.nanargmax, np.nanargmin),
    *(np.argsort, np.argpartition, np.lexsort, np.searchsorted, np.digitize),
    *(np.nonzero, np.flatnonzero, np.argwhere),
    *(np.array_equal, np.array_equiv, np.allclose, np.isclose, np.isneginf, np.isposinf),
    np.isin,
)


# ---- By conditions


@implements(np.where)
def _where(condition: Any, *choices: Any) -> Any:
    condition = array_of(condition)
    return ops.where(condition, *choices) if choices else np.where(condition)


@implements(np.select)
def _select(condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    if len(condlist) != len(choicelist):
        raise ValueError(f"select: {len(condlist)} conditions for {len(choicelist)} choices")
    shape = np.broadcast_shapes(*map(np.shape, [*condlist, *choicelist]))
    conditions = [np.broadcast_to(array_of(each), shape) for each in condlist]
    if any(each.dtype != bool for each in conditions):
        raise TypeError("select: the conditions must be arrays of booleans")
    result = default
    for condition, choice in zip(reversed(conditions), reversed(list(choicelist)), strict=True):
        result = np.where(condition, choice, result)
    return result


@implements(np.piecewise)
def _piecewise(x: Any, condlist: Any, funclist: Any, *args: Any, **kw: Any) -> Any:
    x, condlist = joined(x), array_of(condlist)
    # A single condition may stand outside of a list.
    if np.isscalar(condlist) or (np.ndim(x) and not isinstance(condlist[0], (list, np.ndarray))):
        condlist = [condlist]
    conditions = [np.asarray(each, bool) for each in condlist]
    if len(funclist) == len(conditions) + 1:
        conditions.append(~np.any(conditions, axis=0))
    if len(funclist) != len(conditions):
        raise ValueError(f"piecewise: {len(funclist)} functions, {len(conditions)} conditions")
    result: Any = np.zeros(x.shape, x.dtype)
    for condition, function in zip(conditions, funclist, strict=True):
        if np.any(condition):
            part = function(x[condition], *args, **kw) if callable(function) else function
            result = ops.setitem(result, condition, fitted(part, x.dtype, "piecewise"))
    return result


@implements(np.choose)
def _choose(a: Any, choices: Any, *, mode: Any = "raise") -> Any:
    options = np.stack(np.broadcast_arrays(*choices))
    which = np.choose(array_of(a), list(range(len(options))), mode=mode)
    shape = np.broadcast_shapes(which.shape, options.shape[1:])
    options = np.broadcast_to(options, (len(options), *shape))
    return options[(np.broadcast_to(which, shape), *np.indices(shape, sparse=True))]


@implements(np.clip)
def _clip(
    a: Any,
    a_min: Any = None,
    a_max: Any = None,
    *,
    min: Any = None,
    max: Any = None,
    dtype: Any = None,
) -> Any:
    if dtype is not None:
        a = ops.astype(a, dtype)
    return ops.clip(a, a_min if min is None else min, a_max if max is None else max)


# ---- By indices


@implements(np.take)
def _take(a: Any, indices: Any, axis: int | None = None, *, mode: Any = "raise") -> Any:
    indices = array_of(indices)
    if mode != "raise":
        length = np.size(a) if axis is None else np.shape(a)[axis]
        indices = np.arange(length).take(indices, mode=mode)
    return ops.take(a, indices, axis)


@implements(np.take_along_axis)
def _take_along_axis(arr: Any, indices: Any, axis: int | None = -1) -> Any:
    return ops.take_along_axis(arr, array_of(indices), axis)


@implements(np.compress)
def _compress(condition: Any, a: Any, axis: int | None = None) -> Any:
    return np.take(a, np.flatnonzero(array_of(condition)), axis)


@implements(np.extract)
def _extract(condition: Any, arr: Any) -> Any:
    return np.reshape(arr, -1)[np.flatnonzero(array_of(condition))]


# ---- By order


@implements(np.sort)
def _sort(
    a: Any, axis: int | None = -1, kind: Any = None, order: Any = None, *, stable: Any = None
) -> Any:
    if axis is None:
        a, axis = np.reshape(a, -1), -1
    return ops.take_along_axis(a, np.argsort(array_of(a), axis, kind="stable"), axis)


@implements(np.partition)
def _partition(
    a: Any, kth: Any, axis: int | None = -1, kind: Any = "introselect", order: Any = None
) -> Any:
    if axis is None:
        a, axis = np.reshape(a, -1), -1
    return ops.take_along_axis(a, np.argpartition(array_of(a), array_of(kth), axis, kind), axis)


@implements(np.sort_complex)
def _sort_complex(a: Any) -> Any:
    return np.sort(ops.astype(a, np.sort_complex(array_of(a)).dtype))


@implements(np.unique)
def _unique(
    ar: Any,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: int | None = None,
    **options: Any,
) -> Any:
    unique: Any = np.unique
    _, index, *rest = unique(array_of(ar), True, return_inverse, return_counts, axis, **options)
    values = np.take(ar, index, axis)
    returned = [values, *([index] if return_index else []), *rest]
    return tuple(returned) if len(returned) > 1 else values


@implements(np.unique_all)
def _unique_all(x: Any) -> Any:
    result = np.unique_all(array_of(x))
    return result._replace(values=np.take(x, result.indices))


@implements(np.unique_counts)
def _unique_counts(x: Any) -> Any:
    result = _unique_all(x)
    return np.unique_counts(np.empty(0))._replace(values=result.values, counts=result.counts)


@implements(np.unique_inverse)
def _unique_inverse(x: Any) -> Any:
    result = _unique_all(x)
    return np.unique_inverse(np.empty(0))._replace(
        values=result.values, inverse_indices=result.inverse_indices
    )


@implements(np.unique_values)
def _unique_values(x: Any) -> Any:
    return _unique_all(x).values


@implements(np.union1d)
def _union1d(ar1: Any, ar2: Any) -> Any:
    return np.unique(np.concatenate([np.ravel(ar1), np.ravel(ar2)]))


@implements(np.intersect1d)
def _intersect1d(
    ar1: Any, ar2: Any, assume_unique: bool = False, return_indices: bool = False
) -> Any:
    both, first, second = np.intersect1d(array_of(ar1), array_of(ar2), assume_unique, True)
    values = cast(np.ravel(ar1)[first], both.dtype)
    return (values, first, second) if return_indices else values


@implements(np.setdiff1d)
def _setdiff1d(ar1: Any, ar2: Any, assume_unique: bool = False) -> Any:
    ar1 = np.ravel(ar1) if assume_unique else np.unique(ar1)
    return ar1[np.isin(array_of(ar1), array_of(ar2), assume_unique=True, invert=True)]


@implements(np.setxor1d)
def _setxor1d(ar1: Any, ar2: Any, assume_unique: bool = False) -> Any:
    return np.unique(np.concatenate([np.setdiff1d(ar1, ar2), np.setdiff1d(ar2, ar1)]))


# ---- Counting


@implements(np.bincount)
def _bincount(x: Any, /, weights: Any = None, minlength: int = 0) -> Any:
    x = array_of(x)
    sums = np.bincount(x, array_of(weights), minlength)  # NumPy checks what it is given
    if weights is None:
        return sums
    return ops.scatter(ops.astype(weights, np.float64), np.asarray(x, np.intp), sums.shape)


def _counted_plainly(function: Any) -> Any:
    def histogram(*args: Any, weights: Any = None, **keywords: Any) -> Any:
        if requires_grad(weights):
            raise TypeError(
                f"np.{function.__name__}: weights have no derivative rules here; "
                "use np.bincount(np.digitize(x, edges), weights)"
            )
        return function(*arrays_of(args), weights=array_of(weights), **arrays_of(keywords))

    return histogram


for _function in (np.histogram, np.histogram2d, np.histogramdd, np.histogram_bin_edges):
    differentiable[_function] = _counted_plainly(_function)


# ---- Interpolation


@implements(np.interp)
def _interp(
    x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None
) -> Any:
    x, xp, fp = joined(x), joined(xp), joined(fp)
    # NumPy checks what it is given.
    np.interp(array_of(x), array_of(xp), array_of(fp), period=array_of(period))
    x, xp = ops.astype(x, np.float64), ops.astype(xp, np.float64)
    fp = ops.astype(fp, np.complex128 if dtype_of(fp).kind == "c" else np.float64)
    if period is not None:
        x, xp, fp = _around_the_period(x, xp, fp, abs(period))
        left = right = None
    at, knots, heights = array_of(x), array_of(xp), array_of(fp)
    start = np.clip(np.searchsorted(knots, at, "right") - 1, 0, len(knots) - 1)
    end = np.minimum(start + 1, len(knots) - 1)
    constant = _constant(at, knots, heights, start, end)
    rise = np.where(constant, 0, fp[end] - fp[start])
    width = np.where(constant, 1, xp[end] - xp[start])
    result = rise / width * np.where(constant, 0, x - xp[start]) + fp[start]
    if left is not None:
        result = np.where(at < knots[0], left, result)
    return result if right is None else np.where(at > knots[-1], right, result)


def _constant(at: Any, knots: Any, heights: Any, start: Any, end: Any) -> Any:
    """Where the result is the height of a knot, fp[start]: nothing is to be interpolated.

    That is beyond the knots and, of a line whose slope is no number, at its start or if it is
    level. From the last knot on, start is end: a level line, whose slope is 0 / 0.
    """
    with np.errstate(all="ignore"):
        slope = (heights[end] - heights[start]) / (knots[end] - knots[start])
        steep = ~np.isfinite(slope * (at - knots[start]))
    level = (at >= knots[start]) & (heights[start] == heights[end])
    return (at < knots[0]) | (steep & (level | (at == knots[start])))


def _around_the_period(x: Any, xp: Any, fp: Any, period: Any) -> Any:
    """Knots within one period, in order, and one more on each side."""
    x, xp = x % period, xp % period
    order = np.argsort(array_of(xp))
    xp, fp = xp[order], fp[order]
    return (
        x,
        np.concatenate([xp[-1:] - period, xp, xp[:1] + period]),
        np.concatenate([fp[-1:], fp, fp[:1]]),
    )


# ---- Functions along axes


@implements(np.apply_along_axis)
def _apply_along_axis(func1d: Any, axis: int, arr: Any, *args: Any, **kwargs: Any) -> Any:
    axis = np.lib.array_utils.normalize_axis_index(axis, np.ndim(arr))
    rows = np.moveaxis(arr, axis, -1)
    shape = np.shape(rows)[:-1]
    results = [joined(func1d(rows[i], *args, **kwargs)) for i in np.ndindex(shape)]
    if not results:
        raise ValueError("apply_along_axis: there is nothing along the other axes")
    inner = np.shape(results[0])
    whole = np.reshape(np.stack(results), shape + inner)
    places = range(len(shape), len(shape) + len(inner))
    return np.moveaxis(whole, tuple(places), tuple(range(axis, axis + len(inner))))


@implements(np.apply_over_axes)
def _apply_over_axes(func: Any, a: Any, axes: Any) -> Any:
    ndim = np.ndim(a)
    for axis in np.atleast_1d(array_of(axes)):
        at = np.lib.array_utils.normalize_axis_index(axis, ndim)
        result = func(a, at)
        a = result if np.ndim(result) == ndim else np.expand_dims(result, at)
        if np.ndim(a) != ndim:
            raise ValueError("apply_over_axes: func does not return as many axes as it is given")
    return a


# ---- Assigning in place


def _assign(name: str, target: Any, index: Any, values: Any) -> None:
    """target[index] = values; TypeError if an array would lose their gradient."""
    if not is_value(target) and requires_grad(values):
        raise TypeError(
            f"np.{name}: a Value cannot be written into an array, which would lose the gradient; "
            "make the target a Value: tg.Value(np.zeros(...), requires_grad=False)"
        )
    target[index] = values if is_value(target) else array_of(values)


def _assign_in_turn(name: str, target: Any, index: Any, values: Any) -> None:
    """Assign the first of `values` to the first of the places, and so on, starting anew."""
    count = np.empty(np.shape(target), bool)[index].size
    values = np.reshape(joined(values), -1)
    if count and np.size(values):
        _assign(name, target, index, values[np.arange(count) % np.size(values)])


@implements(np.copyto)
def _copyto(dst: Any, src: Any, casting: Any = "same_kind", where: Any = True) -> None:
    # NumPy checks the shapes and dtypes.
    np.copyto(np.empty_like(array_of(dst)), array_of(src), casting, where=array_of(where))
    everywhere = isinstance(where, bool) and where
    new = src if everywhere else np.where(array_of(where), src, dst)
    _assign("copyto", dst, ..., new)


@implements(np.put)
def _put(a: Any, ind: Any, v: Any, mode: Any = "raise") -> None:
    places = np.arange(np.size(a)).take(np.reshape(array_of(ind), -1), mode=mode)
    _assign_in_turn("put", a, np.unravel_index(places, np.shape(a)), v)


@implements(np.place)
def _place(arr: Any, mask: Any, vals: Any) -> None:
    mask = np.reshape(np.asarray(array_of(mask), bool), np.shape(arr))
    vals = joined(vals)
    if np.any(mask) and not np.size(vals):
        raise ValueError("place: there are no values to insert")
    _assign_in_turn("place", arr, mask, vals)


@implements(np.putmask)
def _putmask(a: Any, /, mask: Any, values: Any) -> None:
    mask = np.reshape(np.asarray(array_of(mask), bool), np.shape(a))
    values = np.reshape(joined(values), -1)
    if np.size(values):
        _assign("putmask", a, mask, values[positions(mask)[mask] % np.size(values)])


@implements(np.fill_diagonal)
def _fill_diagonal(a: Any, val: Any, wrap: bool = False) -> None:
    mask = np.zeros(np.shape(a), bool)
    np.fill_diagonal(mask, True, wrap)
    _assign_in_turn("fill_diagonal", a, mask, val)


@implements(np.put_along_axis)
def _put_along_axis(arr: Any, indices: Any, values: Any, axis: int | None) -> None:
    indices = array_of(indices)
    if axis is None:
        _assign("put_along_axis", arr, np.unravel_index(indices, np.shape(arr)), values)
        return
    index = list(np.indices(np.shape(arr), sparse=True))
    index[axis] = indices
    _assign("put_along_axis", arr, tuple(index), values)
