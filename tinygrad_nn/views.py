"""Views: parts of Values that share their changes, where a function was written for arrays.

By themselves Values share no changes. In a function of arrays that is differentiated, checked or
drawn they do what NumPy's arrays do: one that was indexed with numbers and slices, reshaped or
transposed out of another knows that one, its base, and the base knows it, weakly. To write to a
view is to write to its base; and when a Value has been written to, the views of it that are still
in use are taken of it again. So derivatives need no rules for views: what is recorded are the
assignment and the new views.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .dispatch import stacked
from .traced import kind_of

if TYPE_CHECKING:
    from .value import Value

_MANY = 64  # views of one Value, after which it is time to forget those that are gone


class Kind(NamedTuple):
    """A way to take a part of an array; the `argument` is the index, the shape, …"""

    take: Callable[[Any, Any], Any]  # (base, argument): the part, which is not linked
    put: Callable[[Any, Any, Any], None]  # (base, argument, new): make `new` the part of the base
    is_view: Callable[[Any, Any, Any], bool]  # (base, argument, part): whether NumPy's would be


Link = tuple[Any, Kind, Any]  # what a view was taken of, how, and the argument


def linked(kind: Kind, x: Any, argument: Any, row: int | None = None) -> Any:
    """The part of `x`, all of it in `row` or in several, as a view of it if it is a Value."""
    part = kind.take(x, argument)
    if hasattr(x, "_node") and kind_of(part._data) is np.ndarray:
        part._link = x, kind, argument
        views = getattr(x, "_views", None)
        if views is None:
            x._views = views = []
        views.append((row, weakref.ref(part)))
        if not len(views) % _MANY:
            views[:] = [view for view in views if view[1]() is not None]
    return part


def shares_memory(base: Any, argument: Any, part: Any) -> bool:
    """Whether the part is a view, because NumPy has found that it need not copy."""
    return np.may_share_memory(base._data, part._data)


def always(base: Any, argument: Any, part: Any) -> bool:
    """The part is a view in any case."""
    return True


def read_only(base: Any, argument: Any, new: Any) -> None:
    """Refuse to write to the part."""
    raise ValueError("assignment destination is read-only")


def link_of(x: Value) -> Link | None:
    """How `x` is a part of another Value, if it is a view."""
    link: Link | None = getattr(x, "_link", None)
    if link is None:
        return None
    base, kind, argument = link
    return link if kind.is_view(base, argument, x) else None


def whole_of(x: Value) -> Value:
    """What `x` is a view of, in the end; or itself."""
    while link := link_of(x):
        x = link[0]
    return x


def views_of(x: Value, row: int | None = None) -> list[Value]:
    """The views of `x` that are still in use, but for those of other rows than `row`."""
    views = getattr(x, "_views", ())
    parts = [part() for of, part in views if of is None or row is None or of == row]
    return [part for part in parts if part is not None and link_of(part)]


class Flat:
    """The elements of a Value as one row, `x.flat`, in which changes are changes of `x`."""

    def __init__(self, x: Value) -> None:
        self._x = x

    def __len__(self) -> int:
        return self._x.size

    def __getitem__(self, index: Any) -> Value:
        return self._x.flatten()[index]

    def __setitem__(self, index: Any, value: Any) -> None:
        row = self._x.flatten()
        row[index] = np.resize(stacked(value), np.shape(row._data[index]))
        self._x._become(row.reshape(self._x.shape))
