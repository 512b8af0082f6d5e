"""Arrays of indices as positions in memory, computed once for all that is indexed by them."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from ..functions import items_at, positions, rows_at, with_item, with_items_at
from ..program import Call, Program, Ref
from .rewriting import Rewriting, rewritten


def indexed_flat(program: Program) -> Program:
    """x[i, j], for arrays i and j, as the elements at positions, which are checked once.

    Positions are counted in the order of memory, so that the elements are taken without a copy.
    """
    return rewritten(program, {operator.getitem: _item, with_item: _with_item})


def _item(rewriting: Rewriting, call: Call) -> Any:
    x, index = call.args
    index = index if isinstance(index, tuple) else (index,)
    if not isinstance(x, Ref) or not call.shape or not _are_integers(rewriting, index):
        return None
    shape, _ = rewriting.kinds[x]
    if len(index) == 1 and len(shape) > 1:
        places = _positions(rewriting, call, index, shape[:1])
        return rewriting.new(call, rows_at, x, places)
    layout = _layout(rewriting, x, index)
    if layout is None:
        return None
    places = _positions(
        rewriting, call, [index[axis] for axis in layout], [shape[axis] for axis in layout]
    )
    return rewriting.new(call, items_at, x, places, layout)


def _with_item(rewriting: Rewriting, call: Call) -> Any:
    x, index, value = call.args
    index = index if isinstance(index, tuple) else (index,)
    if not isinstance(x, Ref) or not _are_integers(rewriting, index):
        return None
    shape, _ = rewriting.kinds[x]
    layout = _layout(rewriting, x, index)
    if layout is None or rewriting.kind(value)[0] not in ((), rewriting.kind(index[0])[0]):
        return None
    places = _positions(
        rewriting, call, [index[axis] for axis in layout], [shape[axis] for axis in layout]
    )
    return rewriting.new(call, with_items_at, x, places, layout, value)


def _are_integers(rewriting: Rewriting, index: tuple[Any, ...]) -> bool:
    """Whether an index is of arrays of integers, of one shape, and not empty.

    An array that is no value of the program, and may be written to, is left to NumPy.
    """
    kinds = [rewriting.kind(each) for each in index]
    return bool(index) and all(
        (isinstance(each, Ref) or (isinstance(each, np.ndarray) and not each.flags.writeable))
        and dtype is not None
        and dtype.kind in "iu"
        and shape == kinds[0][0]
        and shape
        and 0 not in shape
        for each, (shape, dtype) in zip(index, kinds, strict=True)
    )


def _layout(rewriting: Rewriting, x: Ref, index: tuple[Any, ...]) -> tuple[int, ...] | None:
    """The order of the axes of x in memory, if it is known, and the index is for all of them."""
    before = rewriting.call(x)
    return before.layout if before and len(index) == len(before.shape) else None


def _positions(rewriting: Rewriting, call: Call, index: Any, shape: Any) -> Ref:
    of, _ = rewriting.kind(index[0])
    return rewriting.new(
        call,
        positions,
        tuple(index),
        tuple(shape),
        shape=of,
        dtype=np.dtype(np.intp),
        layout=tuple(range(len(of))),
    )
