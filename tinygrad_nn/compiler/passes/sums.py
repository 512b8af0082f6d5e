"""Reductions: without options that say nothing, and of what was repeated."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from ..program import Call, Program, Ref
from .rewriting import Rewriting, Rule, rewritten


def plain_reductions(program: Program) -> Program:
    """Reductions without the options that say what holds without them; none along axes of one."""
    return rewritten(program, _PLAIN)


def _plain(rewriting: Rewriting, call: Call) -> Any:
    if len(call.args) != 1:
        return None
    if call.keywords.keys() <= {"axis", "keepdims"} and _changes_the_shape_alone(rewriting, call):
        return _reshaped(rewriting, call, _sum_of_one(rewriting, call), call.shape)
    keywords = dict(call.keywords)
    if keywords.get("keepdims") is False:
        del keywords["keepdims"]
    axis = keywords.get("axis", 0)
    if axis is not False and axis in (0, (0,)):
        keywords.pop("axis", None)
    if keywords == call.keywords:
        return None
    return rewriting.add(replace(call, keywords=keywords))


def _sum_of_one(rewriting: Rewriting, call: Call) -> Ref:
    """What each element is when it is reduced alone; a sum starts with 0, so -0 becomes 0."""
    x: Ref = call.args[0]
    if call.function != np.add.reduce:
        return x
    shape, _ = rewriting.kind(x)
    return rewriting.new(call, np.add, x, 0.0, shape=shape, layout=rewriting.layout(x))


def _changes_the_shape_alone(rewriting: Rewriting, call: Call) -> bool:
    x = call.args[0]
    shape, dtype = rewriting.kind(x)
    if not shape or not call.shape or dtype != call.dtype or not isinstance(x, Ref):
        return False
    return all(shape[axis] == 1 for axis in reduced_axes(call.keywords, len(shape)))


def reduced_axes(keywords: Mapping[str, Any], ndim: int) -> tuple[int, ...]:
    """The axes along which a ufunc's `reduce` goes."""
    axis = keywords.get("axis", 0)
    if axis is None:
        return tuple(range(ndim))
    return tuple(each % ndim for each in (axis if isinstance(axis, tuple) else (axis,)))


def sums_of_repeated(program: Program) -> Program:
    """Sums along axes along which an array was repeated, as the array times the repetitions.

    A product is rounded once. So what this gives differs from the sum of n equal numbers, which
    is rounded n - 1 times, by at most n times the spacing of floating-point numbers, relatively:
    |n x - sum| <= n eps |n x|. It is the same where the sums are not rounded, as those of 1.
    """
    return rewritten(program, {np.add.reduce: _sum_of_repeated})


def _sum_of_repeated(rewriting: Rewriting, call: Call) -> Any:
    repeated = rewriting.call(call.args[0], np.broadcast_to)
    if repeated is None or len(call.args) != 1 or not call.keywords.keys() <= {"axis", "keepdims"}:
        return None
    x = repeated.args[0]
    before, dtype = rewriting.kind(x)
    shape = repeated.shape
    if dtype != call.dtype or dtype is None or dtype.kind != "f" or not math.prod(shape):
        return None
    before = (1,) * (len(shape) - len(before)) + before
    axes = reduced_axes(call.keywords, len(shape))
    if any(before[axis] != 1 for axis in axes):
        return None
    count = math.prod(shape[axis] for axis in axes)
    kept = [n for axis, n in enumerate(before) if axis not in axes or call.keywords.get("keepdims")]
    product = rewriting.new(
        call,
        np.multiply,
        x,
        dtype.type(count),
        shape=rewriting.kind(x)[0],
        layout=rewriting.layout(x),
    )
    as_kept = _reshaped(rewriting, call, product, tuple(kept))
    if tuple(kept) == call.shape:
        return as_kept
    return rewriting.new(call, np.broadcast_to, as_kept, call.shape, source=as_kept)


def _reshaped(rewriting: Rewriting, call: Call, x: Ref, shape: tuple[int, ...]) -> Ref:
    if rewriting.kinds[x][0] == shape:
        return x
    layout = tuple(range(len(shape)))
    return rewriting.new(call, np.reshape, x, shape, shape=shape, layout=layout, source=x)


_PLAIN: dict[Any, Rule] = {
    ufunc.reduce: _plain
    for ufunc in (
        *(np.add, np.multiply, np.maximum, np.minimum, np.fmax, np.fmin),
        *(np.logical_and, np.logical_or),
    )
}
