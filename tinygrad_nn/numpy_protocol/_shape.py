"""NumPy's functions that move, join, repeat and pad elements, on Values.

Where it is only a matter of which element goes where, NumPy is asked: its function is run on the
positions of the elements, and its result says which to take.
"""

from __future__ import annotations

import itertools
import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import ops
from ..dispatch import fillable, gathered
from ..errors import ShapeError
from ..modes import mode
from ..ops.shape import flatten
from ..traced import as_array
from ..views import Kind, always, linked, read_only
from ._table import (
    array_of,
    differentiable,
    dtype_of,
    implements,
    is_value,
    requires_grad,
    without_derivative,
    write,
)

without_derivative(
    *(np.size, np.result_type, np.can_cast, np.min_scalar_type, np.common_type),
    *(np.iscomplex, np.isreal, np.iscomplexobj, np.isrealobj),
    *(np.shares_memory, np.may_share_memory, np.ix_, np.tril_indices_from, np.triu_indices_from),
    *(np.array2string, np.array_repr, np.array_str),
    *(np.diag_indices_from, np.zeros_like, np.ones_like, np.empty_like),
)


def positions(a: Any) -> Any:
    """For each element of a, its position among all of them row by row; laid out as a is."""
    places = np.empty_like(array_of(a), np.intp, subok=False)
    places[...] = np.arange(places.size).reshape(places.shape)
    return places


def rearranged(function: Callable[..., Any], a: Any, *args: Any, **keywords: Any) -> Any:
    """`function(a, ...)` of a function that moves the elements of a, and changes none."""
    return np.reshape(a, -1)[function(positions(a), *args, **keywords)]


def joined(x: Any) -> Any:
    """x, or one array or Value of a list or array that may hold Values, nested or not."""
    if not isinstance(x, (list, tuple)):
        return gathered(x)
    parts = [joined(part) for part in x]
    return np.stack(parts) if any(map(is_value, parts)) else as_array(x)


def cut(x: Any, axis: int, start: int | None, stop: int | None) -> Any:
    """x[start:stop], along an axis counted from 0."""
    return x[(slice(None),) * axis + (slice(start, stop),)]


def fitted(x: Any, dtype: Any, name: str) -> Any:
    """x in the dtype of what it becomes a part of; TypeError if that has no gradients."""
    if requires_grad(x) and not np.can_cast(x.dtype, dtype, "same_kind"):
        raise TypeError(f"np.{name}: {dtype} elements cannot keep the gradient of {x.dtype} ones")
    return ops.astype(x, dtype)


# ---- Axes

differentiable |= {
    np.shape: lambda a: a.shape,
    np.ndim: lambda a: a.ndim,
    np.transpose: lambda a, axes=None: ops.transpose(a, axes),
    np.moveaxis: lambda a, source, destination: ops.moveaxis(a, source, destination),
    np.swapaxes: lambda a, axis1, axis2: ops.swapaxes(a, axis1, axis2),
    np.expand_dims: lambda a, axis: ops.expand_dims(a, axis),
    np.squeeze: lambda a, axis=None: ops.squeeze(a, axis),
    np.flip: lambda m, axis=None: ops.flip(m, axis),
    np.fliplr: lambda m: ops.flip(m, 1),
    np.flipud: lambda m: ops.flip(m, 0),
}


@implements(np.reshape)
def _reshape(a: Any, shape: Any, order: str = "C", *, copy: bool | None = None) -> Any:
    if copy is False:
        np.reshape(array_of(a), shape, order=order, copy=False)  # type: ignore[call-overload]
    if order != "C":
        return rearranged(np.reshape, a, shape, order=order)
    reshaped = ops.reshape(a, shape)
    return ops.positive(reshaped) if copy else reshaped


@implements(np.ravel)
def _ravel(a: Any, order: str = "C") -> Any:
    if order != "C":
        return rearranged(np.ravel, a, order)
    # Only of what is in order it makes a view, unlike reshape.
    in_order = np.asarray(array_of(a)).flags.c_contiguous
    return ops.reshape(a, -1) if in_order else flatten(a)


@implements(np.atleast_1d)
def _atleast_1d(*arys: Any) -> Any:
    return _each(lambda x: x if np.ndim(x) else np.reshape(x, 1), arys)


@implements(np.atleast_2d)
def _atleast_2d(*arys: Any) -> Any:
    return _each(lambda x: x if np.ndim(x) > 1 else np.reshape(x, (1, -1)), arys)


@implements(np.atleast_3d)
def _atleast_3d(*arys: Any) -> Any:
    shapes: list[Callable[[Any], Any]] = [
        lambda n: (1, 1, 1),
        lambda n: (1, *n, 1),
        lambda n: (*n, 1),
    ]
    return _each(
        lambda x: x if np.ndim(x) > 2 else np.reshape(x, shapes[np.ndim(x)](np.shape(x))), arys
    )


def _each(function: Callable[[Any], Any], arys: Sequence[Any]) -> Any:
    """`function` of each: a tuple, or the only one itself. Lists become arrays."""
    results = tuple([function(x if is_value(x) else np.asanyarray(x)) for x in arys])
    return results[0] if len(results) == 1 else results


@implements(np.matrix_transpose)
def _matrix_transpose(x: Any, /) -> Any:
    if np.ndim(x) < 2:
        raise ShapeError(f"matrix_transpose: {np.shape(x)} has fewer than 2 axes")
    return np.swapaxes(x, -1, -2)


@implements(np.rollaxis)
def _rollaxis(a: Any, axis: int, start: int = 0) -> Any:
    numbered = np.empty(range(np.ndim(a)))  # whose axes have their own numbers as lengths
    return np.transpose(a, np.rollaxis(numbered, axis, start).shape)


@implements(np.rot90)
def _rot90(m: Any, k: int = 1, axes: tuple[int, int] = (0, 1)) -> Any:
    np.rot90(array_of(m), k, axes)  # which raises what there is to raise
    first, second = axes
    if k % 2:
        m = np.swapaxes(m, first, second)
    flipped: Any = [(), first, (first, second), second]
    return np.flip(m, flipped[k % 4])


@implements(np.roll)
def _roll(a: Any, shift: Any, axis: Any = None) -> Any:
    return rearranged(np.roll, a, array_of(shift), axis)


# ---- Joining and cutting


def joined_each(arrays: Any, dtype: Any = None, casting: str = "same_kind") -> list[Any]:
    """Each of `arrays`, joined, in `dtype` if that is not None."""
    parts = [joined(x) for x in arrays]
    if dtype is None:
        return parts
    for x in parts:
        if not np.can_cast(dtype_of(x), dtype, casting):  # type: ignore[arg-type]
            raise TypeError(f"cannot cast {dtype_of(x)} to {np.dtype(dtype)} by {casting!r}")
    return [ops.astype(x, dtype) for x in parts]


@implements(np.concatenate)
def _concatenate(
    arrays: Any, /, axis: Any = 0, out: Any = None, *, dtype: Any = None, casting: str = "same_kind"
) -> Any:
    result = ops.concatenate(joined_each(arrays, dtype, casting), axis)
    return result if out is None else write(out, result, "concatenate", casting)


@implements(np.stack)
def _stack(arrays: Any, axis: int = 0, *, dtype: Any = None, casting: str = "same_kind") -> Any:
    return ops.stack(joined_each(arrays, dtype, casting), axis)


@implements(np.vstack)
def _vstack(tup: Any, *, dtype: Any = None, casting: str = "same_kind") -> Any:
    return _concatenate([np.atleast_2d(x) for x in joined_each(tup)], dtype=dtype, casting=casting)


@implements(np.hstack)
def _hstack(tup: Any, *, dtype: Any = None, casting: str = "same_kind") -> Any:
    arrays = [np.atleast_1d(x) for x in joined_each(tup)]
    axis = 0 if np.ndim(arrays[0]) == 1 else 1
    return _concatenate(arrays, axis, dtype=dtype, casting=casting)


@implements(np.dstack)
def _dstack(tup: Any) -> Any:
    return ops.concatenate([np.atleast_3d(x) for x in joined_each(tup)], 2)


@implements(np.column_stack)
def _column_stack(tup: Any) -> Any:
    columns = [x if np.ndim(x) > 1 else np.reshape(x, (-1, 1)) for x in joined_each(tup)]
    return ops.concatenate(columns, 1)


@implements(np.append)
def _append(arr: Any, values: Any, axis: int | None = None) -> Any:
    return ops.concatenate(joined_each([arr, values]), axis)


@implements(np.block)
def _block(arrays: Any) -> Any:
    leaves, depth = [arrays], 0
    while any(isinstance(x, list) for x in leaves):
        leaves, depth = list(itertools.chain(*leaves)), depth + 1
    ndim = max([depth, *map(np.ndim, leaves)])

    def put_together(x: Any, depth: int) -> Any:
        if isinstance(x, list):
            return ops.concatenate([put_together(part, depth - 1) for part in x], -depth)
        return np.reshape(x, (1,) * (ndim - np.ndim(x)) + np.shape(x))

    return put_together(arrays, depth)


@implements(np.split)
def _split(ary: Any, indices_or_sections: Any, axis: int = 0) -> Any:
    return ops.split(ary, array_of(indices_or_sections), axis)


@implements(np.array_split)
def _array_split(ary: Any, indices_or_sections: Any, axis: int = 0) -> Any:
    cuts = array_of(indices_or_sections)
    if np.ndim(cuts) == 0:
        parts = np.array_split(np.empty(np.shape(ary)[axis]), cuts)
        cuts = list(itertools.accumulate(map(len, parts)))[:-1]
    return ops.split(ary, cuts, axis)


def _split_along(name: str, axis: int) -> Callable[..., Any]:
    def split(ary: Any, indices_or_sections: Any) -> Any:
        if np.ndim(ary) <= axis and (axis != 1 or not np.ndim(ary)):
            raise ShapeError(f"{name}: {np.shape(ary)} has too few axes")
        return _split(ary, indices_or_sections, min(axis, np.ndim(ary) - 1))

    return split


differentiable[np.hsplit] = _split_along("hsplit", 1)
differentiable[np.dsplit] = _split_along("dsplit", 2)


@implements(np.vsplit)
def _vsplit(ary: Any, indices_or_sections: Any) -> Any:
    if np.ndim(ary) < 2:
        raise ShapeError(f"vsplit: {np.shape(ary)} has too few axes")
    return _split(ary, indices_or_sections, 0)


def _unstack(x: Any, /, *, axis: int = 0) -> Any:
    return tuple(np.moveaxis(x, axis, 0))


# ---- Repeating


@implements(np.broadcast_to)
def _broadcast_to(array: Any, shape: Any, subok: bool = False) -> Any:
    return ops.broadcast_to(array, shape)


@implements(np.tile)
def _tile(A: Any, reps: Any) -> Any:  # noqa: N803
    return ops.tile(A, array_of(reps))


@implements(np.repeat)
def _repeat(a: Any, repeats: Any, axis: int | None = None) -> Any:
    return ops.repeat(a, array_of(repeats), axis)


@implements(np.broadcast_arrays)
def _broadcast_arrays(*args: Any, subok: bool = False) -> Any:
    shape = np.broadcast_shapes(*map(np.shape, args))
    return tuple([ops.broadcast_to(x, shape) for x in args])


@implements(np.lib.stride_tricks.sliding_window_view)
def _sliding_window_view(
    x: Any, window_shape: Any, axis: Any = None, *, subok: bool = False, writeable: bool = False
) -> Any:
    """A copy, where NumPy makes a view."""
    return rearranged(np.lib.stride_tricks.sliding_window_view, x, window_shape, axis)


@implements(np.resize)
def _resize(a: Any, new_shape: Any) -> Any:
    return rearranged(np.resize, a, new_shape) if np.size(a) else np.resize(array_of(a), new_shape)


@implements(np.meshgrid)
def _meshgrid(*xi: Any, copy: bool = True, sparse: bool = False, indexing: str = "xy") -> Any:
    if indexing not in ("xy", "ij"):
        raise ValueError(f"meshgrid: indexing must be 'xy' or 'ij', not {indexing!r}")
    n = len(xi)
    grids = [np.reshape(x, (1,) * i + (-1,) + (1,) * (n - 1 - i)) for i, x in enumerate(xi)]
    if indexing == "xy" and n > 1:
        grids = [np.swapaxes(grid, 0, 1) for grid in grids]
    grids = grids if sparse else list(_broadcast_arrays(*grids))
    return tuple(map(ops.positive, grids) if copy else grids)


@implements(np.kron)
def _kron(a: Any, b: Any) -> Any:
    ndim = max(np.ndim(a), np.ndim(b))
    m, n = [(1,) * (ndim - np.ndim(x)) + np.shape(x) for x in (a, b)]
    blocks = np.reshape(a, [k for i in m for k in (i, 1)])
    product = blocks * np.reshape(b, [k for j in n for k in (1, j)])
    return np.reshape(product, [i * j for i, j in zip(m, n, strict=True)])


@implements(np.vander)
def _vander(x: Any, N: int | None = None, increasing: bool = False) -> Any:  # noqa: N803
    if np.ndim(x) != 1:
        raise ShapeError(f"vander: x must have one axis, not shape {np.shape(x)}")
    count = len(x) if N is None else N
    x = ops.astype(x, np.promote_types(x.dtype, int))
    ones = np.ones(x.shape, x.dtype)
    if count < 1:
        return np.empty((len(x), count), x.dtype)
    powers = list(itertools.accumulate([ones] + [x] * (count - 1), lambda y, x: y * x))
    return np.stack(powers if increasing else powers[::-1], 1)


# ---- Diagonals and triangles


@implements(np.diag)
def _diag(v: Any, k: int = 0) -> Any:
    if np.ndim(v) == 2:
        return np.diagonal(v, k)
    if np.ndim(v) != 1:
        raise ShapeError(f"diag: v must have one axis or two, not shape {np.shape(v)}")
    n = len(v) + abs(k)
    rows = np.arange(len(v)) + max(-k, 0)
    return ops.scatter(v, (rows, rows + k), (n, n))


@implements(np.diagflat)
def _diagflat(v: Any, k: int = 0) -> Any:
    return np.diag(np.reshape(v, -1), k)


_DIAGONAL = Kind(lambda a, where: rearranged(np.diagonal, a, *where), read_only, always)


@implements(np.diagonal)
def _diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    where = offset, axis1, axis2
    return linked(_DIAGONAL, a, where) if mode.like_arrays else _DIAGONAL.take(a, where)


@implements(np.tril)
def _tril(m: Any, k: int = 0) -> Any:
    return np.where(np.tril(np.ones(np.shape(m), bool), k), m, m.dtype.type(0))


@implements(np.triu)
def _triu(m: Any, k: int = 0) -> Any:
    return np.where(np.triu(np.ones(np.shape(m), bool), k), m, m.dtype.type(0))


# ---- Adding and removing elements


@implements(np.insert)
def _insert(arr: Any, obj: Any, values: Any, axis: int | None = None) -> Any:
    arr = joined(arr)
    values = fitted(joined(values), dtype_of(arr), "insert")
    places = positions(values) + np.size(arr)
    both = np.concatenate([np.reshape(arr, -1), np.reshape(values, -1)])
    return both[np.insert(positions(arr), array_of(obj), places, axis)]


@implements(np.delete)
def _delete(arr: Any, obj: Any, axis: int | None = None) -> Any:
    return rearranged(np.delete, arr, array_of(obj), axis)


@implements(np.trim_zeros)
def _trim_zeros(filt: Any, trim: str = "fb", axis: Any = None) -> Any:
    axes = range(np.ndim(filt)) if axis is None else np.atleast_1d(axis)
    found = np.nonzero(array_of(filt))
    kept = [slice(None)] * np.ndim(filt)
    for a in axes:
        if found[a].size:
            first = found[a].min() if "f" in trim.lower() else None
            last = found[a].max() + 1 if "b" in trim.lower() else None
            kept[a] = slice(first, last)
        else:
            kept[a] = slice(0, 0)
    return filt[tuple(kept)]


# ---- Padding


@implements(np.pad)
def _pad(array: Any, pad_width: Any, mode: Any = "constant", **options: Any) -> Any:
    if isinstance(pad_width, dict):
        by_axis = {axis % np.ndim(array): width for axis, width in pad_width.items()}
        pad_width = [np.broadcast_to(by_axis.get(a, 0), 2) for a in range(np.ndim(array))]
    table = np.broadcast_to(array_of(pad_width), (np.ndim(array), 2))
    widths = [(operator.index(before), operator.index(after)) for before, after in table]
    if mode not in _PADDINGS:
        raise TypeError(f"np.pad of a Value: there is no mode {mode!r}")
    if any(width < 0 for pair in widths for width in pair):
        raise ValueError(f"pad: widths must not be negative: {widths}")
    return _PADDINGS[mode](array, widths, mode, **options)


def _pad_constant(array: Any, widths: Any, mode: str, constant_values: Any = 0) -> Any:
    if isinstance(constant_values, (int, float)):
        return ops.pad(array, widths or 0, constant_values)
    table = np.broadcast_to(joined(constant_values), (np.ndim(array), 2))
    table = fitted(np.reshape(table, -1), dtype_of(array), "pad")
    codes = np.size(array) + positions(table).reshape(-1, 2)
    both = np.concatenate([np.reshape(array, -1), table])
    return both[np.pad(positions(array), widths, constant_values=codes)]


def _pad_empty(array: Any, widths: Any, mode: str) -> Any:
    return ops.pad(array, widths or 0)


def _pad_copies(array: Any, widths: Any, mode: str, reflect_type: str = "even") -> Any:
    """With copies of elements of the array."""
    if mode in ("reflect", "symmetric") and reflect_type == "odd":
        return _by_axis(array, widths, lambda x, axis, n: _pad_odd(x, axis, n, mode))
    return rearranged(np.pad, array, widths, mode=mode)


def _pad_statistic(array: Any, widths: Any, mode: str, stat_length: Any = None) -> Any:
    statistic = _STATISTICS[mode]
    lengths = np.broadcast_to(np.inf if stat_length is None else stat_length, (len(widths), 2))
    if np.any(lengths < 0):
        raise ValueError(f"pad: stat_length must not be negative: {stat_length}")

    def pad(x: Any, axis: int, width: Any) -> Any:
        size = np.shape(x)[axis]
        starts, ends = [int(min(length, size)) for length in lengths[axis]]
        parts = cut(x, axis, 0, starts), cut(x, axis, size - ends, size)
        sides = [statistic(part, axis=axis, keepdims=True) for part in parts]
        if dtype_of(x).kind in "iu":
            sides = [ops.astype(np.rint(side), x.dtype) for side in sides]
        before, after = [np.repeat(side, n, axis) for side, n in zip(sides, width, strict=True)]
        return np.concatenate([before, x, after], axis)

    return _by_axis(array, widths, pad)


def _pad_ramp(array: Any, widths: Any, mode: str, end_values: Any = 0) -> Any:
    ends = np.broadcast_to(joined(end_values), (len(widths), 2))

    def pad(x: Any, axis: int, width: Any) -> Any:
        edges = np.take(x, 0, axis), np.take(x, -1, axis)
        before, after = [
            np.linspace(end, edge, n, endpoint=False, dtype=x.dtype, axis=axis)
            for end, edge, n in zip(ends[axis], edges, width, strict=True)
        ]
        return np.concatenate([before, x, np.flip(after, axis)], axis)

    return _by_axis(array, widths, pad)


def _pad_odd(x: Any, axis: int, width: tuple[int, int], mode: str) -> Any:
    """Point reflections at both ends: one maps x to 2 x[end] - x, two shift it by a multiple."""
    size = np.shape(x)[axis]
    if size == 1:
        return np.repeat(x, 1 + sum(width), axis)
    period = 2 * size - 2 * (mode == "reflect")
    shifts, place = np.divmod(np.arange(-width[0], size + width[1]), period)
    turned = place >= size
    place = np.where(turned, 2 * size - 1 - (mode == "reflect") - place, place)

    def along(factors: Any) -> Any:
        return factors.astype(x.dtype).reshape((-1,) + (1,) * (np.ndim(x) - 1 - axis))

    first, last = cut(x, axis, 0, 1), cut(x, axis, size - 1, size)
    moved = along(2 * (shifts + turned)) * last - along(2 * shifts) * first
    return moved + along(1 - 2 * turned) * np.take(x, place, axis)


def _by_axis(x: Any, widths: Any, pad: Callable[[Any, int, Any], Any]) -> Any:
    for axis, width in enumerate(widths):
        if any(width):
            if not np.shape(x)[axis]:
                raise ValueError(f"pad: along axis {axis} there is nothing to extend")
            x = pad(x, axis, width)
    return x


_STATISTICS: dict[str, Callable[..., Any]] = {
    "maximum": np.max,
    "minimum": np.min,
    "mean": np.mean,
    "median": np.median,
}
_PADDINGS: dict[str, Callable[..., Any]] = {
    "constant": _pad_constant,
    "empty": _pad_empty,
    "linear_ramp": _pad_ramp,
    **dict.fromkeys(["edge", "reflect", "symmetric", "wrap"], _pad_copies),
    **dict.fromkeys(_STATISTICS, _pad_statistic),
}


# ---- Copies


@implements(np.copy)
def _copy(a: Any, order: str = "K", subok: bool = False) -> Any:
    return ops.positive(a)


def _astype(x: Any, dtype: Any, /, *, copy: bool = True, device: Any = None) -> Any:
    return ops.astype(x, dtype)


_since_numpy_2_1: dict[str, Callable[..., Any]] = {"unstack": _unstack, "astype": _astype}
for _name in _since_numpy_2_1.keys() & set(dir(np)):
    differentiable[getattr(np, _name)] = _since_numpy_2_1[_name]


@implements(np.full_like)
def _full_like(
    a: Any,
    fill_value: Any,
    dtype: Any = None,
    order: str = "K",
    subok: bool = True,
    shape: Any = None,
    *,
    device: Any = None,
) -> Any:
    fill = joined(fill_value)
    fill = fitted(fill, dtype_of(a), "full_like") if dtype is None else ops.astype(fill, dtype)
    full = np.copy(np.broadcast_to(fill, np.shape(a) if shape is None else shape))
    return full if is_value(full) else fillable(full)
