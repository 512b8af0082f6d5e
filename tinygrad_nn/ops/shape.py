"""Operations that move elements, and change none."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import ShapeError
from ..modes import mode
from ..primitive import primitive
from ..views import Kind, linked, read_only, shares_memory
from .indexing import _array_index, _getitem, getitem

Shape = int | tuple[int, ...]


def _reshape_domain(draw: Any) -> dict[str, Any]:
    x_shape = draw.shapes()
    shape = tuple(draw.permutations(x_shape))
    if draw.booleans():
        shape = (-1, *shape[draw.integers(0, len(shape)) :])
    return {"x": draw.arrays(x_shape), "shape": shape}


@primitive(x=lambda g, x_shape: np.reshape(g, x_shape), domain=_reshape_domain, complex=True)
def _reshape(x: Any, shape: Shape) -> Any:
    return np.reshape(x, shape)


_SHAPE = Kind(_reshape, lambda x, shape, new: x._become(_reshape(new, x.shape)), shares_memory)


def reshape(x: Any, shape: Shape) -> Any:
    """The elements of x, row by row, in another `shape`; one length may be -1.

    Raises ShapeError if the numbers of elements differ.

    >>> import tinygrad_nn as tg
    >>> tg.reshape([1.0, 2.0, 3.0, 4.0], (2, -1))
    array([[1., 2.],
           [3., 4.]])
    """
    if isinstance(shape, (list, np.ndarray)):
        shape = tuple(shape)  # which does not change
    return linked(_SHAPE, x, shape) if mode.like_arrays else _reshape(x, shape)


def flatten(x: Any) -> Any:
    """The elements of x, row by row, along one axis: no view."""
    return _reshape(x, -1)


def _transpose_vjp(g: Any, axes: Sequence[int] | None) -> Any:
    if axes is None:
        return np.transpose(g)
    return np.transpose(g, tuple(np.argsort([a % g.ndim for a in axes])))


def _transpose_domain(draw: Any) -> dict[str, Any]:
    shape = draw.shapes()
    ndim = len(shape)
    axes = [a - ndim * draw.booleans() for a in draw.permutations(range(ndim))]
    return {"axes": draw.sampled_from([None, axes]), "x": draw.arrays(shape)}


@primitive(x=_transpose_vjp, domain=_transpose_domain, complex=True)
def _transpose(x: Any, axes: Sequence[int] | None = None) -> Any:
    return np.transpose(x, axes)


_ORDER = Kind(_transpose, lambda x, axes, new: x._become(_transpose_vjp(new, axes)), shares_memory)


def transpose(x: Any, axes: Sequence[int] | None = None) -> Any:
    """x with its axes in the order `axes` (None: reversed).

    >>> import tinygrad_nn as tg
    >>> tg.transpose([[1.0, 2.0], [3.0, 4.0]])
    array([[1., 3.],
           [2., 4.]])
    """
    if isinstance(axes, (list, np.ndarray)):
        axes = tuple(axes)
    return linked(_ORDER, x, axes) if mode.like_arrays else _transpose(x, axes)


def _broadcast_domain(draw: Any) -> dict[str, Any]:
    shape = draw.shapes()
    return {"x": draw.arrays(draw.shapes_broadcastable_to(shape)), "shape": shape}


@primitive(x=lambda g: g, domain=_broadcast_domain, complex=True)  # the engine sums the repetitions
def _broadcast_to(x: Any, shape: Shape) -> Any:
    return np.broadcast_to(x, shape)


_REPEATED = Kind(_broadcast_to, read_only, shares_memory)


def broadcast_to(x: Any, shape: Shape) -> Any:
    """x repeated along new and length-1 axes to `shape`; a read-only view.

    >>> import tinygrad_nn as tg
    >>> tg.broadcast_to([1.0, 2.0], (2, 2))
    array([[1., 2.],
           [1., 2.]])
    """
    return linked(_REPEATED, x, shape) if mode.like_arrays else _broadcast_to(x, shape)


def _concatenate_vjp(g: Any, index: int, arrays_shape: list[tuple[int, ...]], axis: int) -> Any:
    start = sum([shape[axis] for shape in arrays_shape[:index]])
    stop = start + arrays_shape[index][axis]
    return g[(slice(None),) * (axis % g.ndim) + (slice(start, stop),)]


def _concatenate_domain(draw: Any) -> dict[str, Any]:
    shape = draw.shapes(min_dims=1)
    axis = draw.integers(-len(shape), len(shape) - 1)
    before, after = shape[:axis], shape[axis % len(shape) + 1 :]
    lengths = [draw.integers(1, 3) for _ in range(draw.integers(1, 3))]
    return {"arrays": [draw.arrays((*before, n, *after)) for n in lengths], "axis": axis}


@primitive(arrays=_concatenate_vjp, domain=_concatenate_domain, complex=True)
def _concatenate(*arrays: Any, axis: int) -> Any:
    return np.concatenate(arrays, axis=axis)


def concatenate(arrays: Sequence[Any], axis: int | None = 0) -> Any:
    """The arrays joined along an axis they have (None: all flattened first).

    >>> import tinygrad_nn as tg
    >>> tg.concatenate([[1.0, 2.0], [3.0]])
    array([1., 2., 3.])
    """
    if axis is None:
        return _concatenate(*[_reshape(array, -1) for array in arrays], axis=0)
    return _concatenate(*arrays, axis=axis)


def stack(arrays: Sequence[Any], axis: int = 0) -> Any:
    """The arrays, all of one shape, joined along a new axis. Numbers and scalar Values too.

    >>> import tinygrad_nn as tg
    >>> tg.stack([tg.Value(1.0), tg.Value(2.0)])
    Value([1., 2.], dtype=float64, op=concatenate)
    """
    arrays = list(arrays)
    shapes = [np.shape(array) for array in arrays]
    if len(set(shapes)) > 1:
        raise ShapeError(f"stack: the arrays must have one shape, not {shapes}")
    if not arrays:
        raise ShapeError("stack: there are no arrays")
    shape = _with_new_axis(shapes[0], axis)
    return _concatenate(*[_reshape(array, shape) for array in arrays], axis=axis)


def split(x: Any, indices_or_sections: int | Sequence[int], axis: int = 0) -> list[Any]:
    """x cut along `axis` into equal parts (an integer) or before the given indices.

    Raises ShapeError if the parts would not be equal.

    >>> import tinygrad_nn as tg
    >>> tg.split([1.0, 2.0, 3.0, 4.0], [1])
    [array([1.]), array([2., 3., 4.])]
    """
    size = np.shape(x)[axis]
    if isinstance(indices_or_sections, (int, np.integer)):
        sections = int(indices_or_sections)
        if sections < 1 or size % sections:
            raise ShapeError(
                f"split: an axis of {size} does not divide into {sections} equal parts"
            )
        cuts = list(range(0, size + 1, size // sections)) if size else [0] * (sections + 1)
    else:
        cuts = [0, *indices_or_sections, size]
    before = (slice(None),) * np.lib.array_utils.normalize_axis_index(axis, np.ndim(x))
    return [getitem(x, (*before, slice(a, b))) for a, b in itertools.pairwise(cuts)]


def moveaxis(x: Any, source: Shape, destination: Shape) -> Any:
    """x with the axes `source` moved to the places `destination`, the others in order.

    >>> import numpy as np
    >>> import tinygrad_nn as tg
    >>> tg.moveaxis(np.zeros((2, 3, 4)), 0, -1).shape
    (3, 4, 2)
    """
    ndim = np.ndim(x)
    sources = np.lib.array_utils.normalize_axis_tuple(source, ndim, "source")
    places = np.lib.array_utils.normalize_axis_tuple(destination, ndim, "destination")
    if len(sources) != len(places):
        raise ShapeError(f"moveaxis: {len(sources)} sources, {len(places)} destinations")
    order = [axis for axis in range(ndim) if axis not in sources]
    for place, axis in sorted(zip(places, sources, strict=True)):
        order.insert(place, axis)
    return transpose(x, tuple(order))


def swapaxes(x: Any, axis1: int, axis2: int) -> Any:
    """x with two axes exchanged.

    >>> import numpy as np
    >>> import tinygrad_nn as tg
    >>> tg.swapaxes(np.zeros((2, 3, 4)), 0, 2).shape
    (4, 3, 2)
    """
    order = list(range(np.ndim(x)))
    order[axis1], order[axis2] = order[axis2], order[axis1]
    return transpose(x, tuple(order))


def expand_dims(x: Any, axis: Shape) -> Any:
    """x with new axes of length 1, which will have the positions `axis`.

    >>> import numpy as np
    >>> import tinygrad_nn as tg
    >>> tg.expand_dims(np.zeros((2, 3)), (0, -1)).shape
    (1, 2, 3, 1)
    """
    if isinstance(axis, int):
        return reshape(x, _with_new_axis(np.shape(x), axis))
    ndim = np.ndim(x) + (1 if isinstance(axis, np.integer) else len(axis))
    new = np.lib.array_utils.normalize_axis_tuple(axis, ndim)
    lengths = iter(np.shape(x))
    return reshape(x, tuple([1 if a in new else next(lengths) for a in range(ndim)]))


def _with_new_axis(shape: tuple[int, ...], axis: int) -> tuple[int, ...]:
    at = np.lib.array_utils.normalize_axis_index(axis, len(shape) + 1)
    return (*shape[:at], 1, *shape[at:])


def squeeze(x: Any, axis: Shape | None = None) -> Any:
    """x without the axes `axis` (None: any) of length 1. Raises ShapeError for other lengths.

    >>> import numpy as np
    >>> import tinygrad_nn as tg
    >>> tg.squeeze(np.zeros((1, 2, 1))).shape
    (2,)
    """
    shape = np.shape(x)
    if axis is None:
        return reshape(x, tuple([n for n in shape if n != 1]))
    gone = np.lib.array_utils.normalize_axis_tuple(axis, len(shape))
    for a in gone:
        if shape[a] != 1:
            raise ShapeError(f"squeeze: axis {a} of shape {shape} is not of length 1")
    return reshape(x, tuple([n for a, n in enumerate(shape) if a not in gone]))


def _pad_vjp(g: Any, x_shape: tuple[int, ...], pad_width: Any) -> Any:
    widths = np.broadcast_to(pad_width, (len(x_shape), 2))
    return g[tuple([slice(a, a + n) for (a, _), n in zip(widths, x_shape, strict=True)])]


def _pad_domain(draw: Any) -> dict[str, Any]:
    shape = draw.shapes()
    widths = [(draw.integers(0, 2), draw.integers(0, 2)) for _ in shape]
    return {
        "pad_width": draw.sampled_from([1, (0, 2), widths or 0]),
        "constant_values": draw.sampled_from([0, 1.5]),
        "x": draw.arrays(shape),
    }


@primitive(x=_pad_vjp, domain=_pad_domain, complex=True)
def pad(x: Any, pad_width: Any, constant_values: float = 0) -> Any:
    """x with a border of `constant_values`.

    `pad_width` is its width everywhere, or (before, after), or such a pair for each axis.

    >>> import tinygrad_nn as tg
    >>> tg.pad([1.0, 2.0], (1, 2))
    array([0., 1., 2., 0., 0.])
    """
    return np.pad(x, pad_width, constant_values=constant_values)


def flip(x: Any, axis: Shape | None = None) -> Any:
    """x with the order of elements reversed along `axis` (None: along all).

    >>> import tinygrad_nn as tg
    >>> tg.flip([1.0, 2.0, 3.0])
    array([3., 2., 1.])
    """
    ndim = np.ndim(x)
    axes = range(ndim) if axis is None else np.lib.array_utils.normalize_axis_tuple(axis, ndim)
    return getitem(x, tuple([slice(None, None, -1 if a in axes else 1) for a in range(ndim)]))


def tile(x: Any, reps: Shape) -> Any:
    """x repeated as a whole, `reps` times along each axis.

    >>> import tinygrad_nn as tg
    >>> tg.tile([1.0, 2.0], 2)
    array([1., 2., 1., 2.])
    """
    counts = (reps,) if isinstance(reps, (int, np.integer)) else tuple(reps)
    shape = np.shape(x)
    counts = (1,) * (len(shape) - len(counts)) + counts
    shape = (1,) * (len(counts) - len(shape)) + shape
    pairs = list(zip(counts, shape, strict=True))
    apart = _reshape(x, tuple([part for _, n in pairs for part in (1, n)]))
    filled = _broadcast_to(apart, tuple([part for pair in pairs for part in pair]))
    return _reshape(filled, tuple([count * n for count, n in pairs]))


def repeat(x: Any, repeats: Any, axis: int | None = None) -> Any:
    """Each element of x along `axis` (None: of x flattened), several times in a row.

    `repeats` says how often: a number for all, or one for each element.

    >>> import tinygrad_nn as tg
    >>> tg.repeat([1.0, 2.0], [1, 3])
    array([1., 2., 2., 2.])
    """
    if axis is None:
        x, axis = _reshape(x, -1), 0
    return take(x, np.repeat(np.arange(np.shape(x)[axis]), repeats), axis)


def take(x: Any, indices: Any, axis: int | None = None) -> Any:
    """The elements of x at `indices` along `axis` (None: of x flattened).

    >>> import tinygrad_nn as tg
    >>> tg.take([1.0, 2.0, 3.0], [2, 0, 2])
    array([3., 1., 3.])
    """
    if axis is None:
        x, axis = _reshape(x, -1), 0
    axis = np.lib.array_utils.normalize_axis_index(axis, np.ndim(x))
    return _getitem(x, (*(slice(None),) * axis, _array_index(indices)))


def take_along_axis(x: Any, indices: Any, axis: int | None = -1) -> Any:
    """For each place along the other axes, the elements of x at `indices` along `axis`.

    None takes from x flattened.

    >>> import tinygrad_nn as tg
    >>> tg.take_along_axis([[1.0, 2.0], [3.0, 4.0]], [[1], [0]], axis=1)
    array([[2.],
           [3.]])
    """
    if axis is None:
        x, axis = _reshape(x, -1), 0
    shape = np.shape(x)
    if np.ndim(indices) != len(shape):
        raise ShapeError(f"take_along_axis: indices {np.shape(indices)} for an array {shape}")
    where = list(np.ogrid[tuple([slice(n) for n in shape])])
    where[axis] = indices
    return getitem(x, tuple(where))
