"""Reading and writing parts of arrays, with every kind of index NumPy knows."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from ..engine import Part
from ..modes import mode
from ..ownership import PASSED_ON, is_sole
from ..primitive import primitive
from ..traced import as_array, in_order, is_traced, one_call
from ..views import Kind, link_of, linked


def _is_basic(index: Any) -> bool:
    """Whether `index` has no arrays: it names each element at most once, and makes views."""
    parts = index if isinstance(index, tuple) else (index,)
    return all(
        part is None or part is Ellipsis or isinstance(part, (int, slice, np.integer))
        for part in parts
        if not isinstance(part, bool)
    )


def _array_index(index: Any) -> Any:
    """`index` with Values of integers or booleans, and lists, as arrays."""
    if isinstance(index, tuple):
        return tuple([_array_index(part) for part in index])
    if isinstance(index, (list, np.ndarray)) and not is_traced(index):
        return (
            np.ascontiguousarray(index, None if len(index) else np.intp)
            if np.ndim(index)
            else index
        )
    if hasattr(index, "requires_grad"):
        if index.dtype.kind not in "biu":
            raise TypeError(f"an index must be of integers or booleans, not {index.dtype}")
        return index.data
    return index


def _scatter_domain(draw: Any) -> dict[str, Any]:
    shape = draw.shapes()
    index = draw.indices(shape)
    return {"g": draw.arrays(np.empty(shape)[index].shape), "index": index, "shape": shape}


def _item(x: Any, index: Any) -> Any:
    """x[index], also of a plain array by an index that is traced."""
    return _item_of_array(x, index) if type(x) is np.ndarray else x[index]


_item_of_array = one_call(operator.getitem)


@primitive(g=lambda g, index: _item(g, index), domain=_scatter_domain, complex=True)
@one_call
def scatter(g: Any, index: Any, shape: tuple[int, ...]) -> Any:
    """Zeros of `shape` with `g` added at `index`: the transpose of indexing.

    >>> import tinygrad_nn as tg
    >>> tg.scatter([1.0, 2.0, 3.0], [0, 2, 2], (4,))
    array([1., 0., 5., 0.])
    """
    out = np.zeros(shape, as_array(g).dtype)
    if _is_basic(index):
        out[index] = g
    else:
        np.add.at(out, index, g)
    return out


def _getitem_domain(draw: Any) -> dict[str, Any]:
    x, index = draw.arrays_with_index()
    return {"x": x, "index": index}


def _getitem_vjp(g: Any, index: Any, x_shape: tuple[int, ...]) -> Any:
    if hasattr(g, "requires_grad"):
        return scatter(g, index, x_shape)
    return Part(g, index, x_shape, _is_basic(index))


@primitive(x=_getitem_vjp, domain=_getitem_domain, complex=True)
def _getitem(x: Any, index: Any) -> Any:
    x = as_array(x)
    out = x[index] if mode.tape is None else _item(x, index)
    array = out.value if is_traced(out) else out
    # A view of a small part would keep the rest from being assigned to in place, and from being
    # freed.
    if getattr(array, "base", None) is None or 4 * array.size > x.size:
        return out
    return in_order(out, "C") if is_traced(out) else out.copy()


taken = _getitem  # x[index] that is no view of x


def _is_view(x: Any, index: Any, part: Any) -> bool:
    parts = index if isinstance(index, tuple) else (index,)
    return _is_basic(index) and not any(isinstance(part, (bool, np.bool_)) for part in parts)


def row_of(index: Any, x: Any) -> int | None:
    """The row of `x` that `index` is in, from 0, if it begins with a number."""
    first = index[0] if type(index) is tuple and index else index
    if type(first) is not int or not getattr(x, "ndim", 0) or not len(x):
        return None
    return first % len(x)


def _put(x: Any, index: Any, new: Any) -> None:
    x[index] = new


_PART = Kind(_getitem, _put, _is_view)


def is_part(part: Any, x: Any, index: Any) -> bool:
    """Whether `part` is the view x[index]."""
    if getattr(part, "_link", None) is None or not _is_view(x, index, part):
        return False
    base, kind, argument = link_of(part) or (None, None, None)
    return base is x and kind is _PART and bool(argument == index)


def _of_the_whole(x: Any, index: Any) -> tuple[Any, Any]:
    """Of a slice of a slice, the base and the slice of it: so that no long chains are made."""
    base, kind, outer = getattr(x, "_link", None) or (x, None, None)
    if kind is _PART and type(outer) is type(index) is slice:
        rows = range(len(base))[outer][index]
        if rows:
            stop = rows.stop if rows.stop >= 0 else None
            return base, slice(rows.start, stop, rows.step)
    return x, index


def getitem(x: Any, index: Any) -> Any:
    """x[index], for every index NumPy takes: numbers, slices, None, Ellipsis, masks, arrays.

    >>> import tinygrad_nn as tg
    >>> tg.Value([1.0, 2.0, 3.0])[[2, 0]]
    Value([3., 1.], dtype=float64, op=getitem)
    """
    index = _array_index(index)
    if not mode.like_arrays:
        return _getitem(x, index)
    row = row_of(index, x)
    x, index = _of_the_whole(x, index)
    return linked(_PART, x, index, row)


def _without(g: Any, index: Any) -> Any:
    """`g` with 0 at `index`; the same array where the backward pass is all that refers to it."""
    if hasattr(g, "requires_grad"):
        return np.where(_outside(np.shape(g), index), g, 0)
    rest = g if is_sole(g, PASSED_ON) else g.copy("K") if is_traced(g) else np.array(g)
    rest[index] = 0
    return rest


def _written(g: Any, index: Any, value_shape: tuple[int, ...]) -> Any:
    """The gradient of what was written at `index`, in a shape that `value_shape` broadcasts to."""
    part = _item(g, index)
    if not hasattr(g, "requires_grad") and np.ndim(part):
        part = part.copy("K")
    if not _is_basic(index):  # of what goes to the same place, the last stays
        part = part * _is_last(g.shape, index)
    extra = len(value_shape) - part.ndim  # NumPy lets a value have more axes, of length 1
    return np.reshape(part, (1,) * extra + part.shape) if extra > 0 else part


@one_call
def _outside(shape: tuple[int, ...], index: Any) -> Any:
    """Which elements of an array of that shape `index` does not name."""
    outside = np.ones(shape, bool)
    outside[index] = False
    return outside


@one_call
def _is_last(shape: tuple[int, ...], index: Any) -> Any:
    """Which of the places that `index` names are not named again after that."""
    size = math.prod(shape)
    places = np.arange(size).reshape(shape)[index]
    order = np.arange(places.size).reshape(places.shape)
    last = np.empty(size, int)
    last[places] = order
    return last[places] == order


def _setitem_domain(draw: Any) -> dict[str, Any]:
    shape = draw.shapes()
    index = draw.indices(shape)
    part = np.empty(shape)[index].shape
    more_axes = draw.sampled_from([(), (1,)]) if part else ()
    value = draw.arrays(more_axes + draw.shapes_broadcastable_to(part))
    return {"x": draw.arrays(shape), "index": index, "value": value}


@primitive(value=_written, x=_without, domain=_setitem_domain, complex=True)
@one_call
def _setitem(value: Any, x: Any, index: Any, in_place: bool = False) -> Any:
    # The value comes first: what was written is read from the gradient before it is erased there.
    out = x if in_place else np.array(x)
    if not _is_basic(index):  # one element for each place, in their order: the last one stays
        shape = out[index].shape
        value = np.asarray(value)
        if value.ndim > len(shape):
            value = value.reshape(value.shape[value.ndim - len(shape) :])
        value = np.ascontiguousarray(np.broadcast_to(value, shape)).reshape(shape)
    out[index] = value
    return out


def setitem(x: Any, index: Any, value: Any, in_place: bool = False) -> Any:
    """A copy of x in which x[index] is `value`, which is broadcast and takes the dtype of x.

    With `in_place`, it is x itself: for an array that nothing else refers to.

    >>> import tinygrad_nn as tg
    >>> x = tg.Value([1.0, 2.0, 3.0])
    >>> tg.setitem(x, 0, 5.0)
    Value([5., 2., 3.], dtype=float64, op=setitem)
    """
    return _setitem(value, x, _array_index(index), in_place)
