"""Algebraic clean-up of what changes nothing, or can be said in fewer calls."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..program import Call, Program, Ref, same_dtype
from .rewriting import Rewriting, Rule, rewritten


def simplified(program: Program) -> Program:
    """The program with x for x * 1, x / 1, x**1, x - 0, -(-x), and the like; x - y for x + (-y).

    Only what is the same to the last bit for all numbers, -0 among them: x + 0 is not x, but
    where x is never -0, as exp(x). (The sign of NaN, which means nothing, may change.)
    """
    return rewritten(program, _RULES)


def _itself(rewriting: Rewriting, call: Call) -> Any:
    return _as_it_was(rewriting, call, call.args[0])


def _as_it_was(rewriting: Rewriting, call: Call, x: Any) -> Any:
    """x, if the result is of its kind, and in memory as it is, and so the same."""
    if not isinstance(x, Ref):
        return None
    shape, dtype = rewriting.kinds[x]
    if shape != call.shape or not same_dtype(dtype, call.dtype):
        return None
    return x if x in rewriting.dense and rewriting.layout(x) == call.layout else None


def _multiply(rewriting: Rewriting, call: Call) -> Any:
    if call.keywords:
        return None
    for one, other in (call.args, call.args[::-1]):
        if _is(1, one) and (same := _as_it_was(rewriting, call, other)) is not None:
            return same
    return None


def _divide(rewriting: Rewriting, call: Call) -> Any:
    return _itself(rewriting, call) if _is(1, call.args[1]) and not call.keywords else None


def _subtract(rewriting: Rewriting, call: Call) -> Any:
    x, y = call.args
    if call.keywords:
        return None
    if _is(0.0, y):
        return _itself(rewriting, call)
    if _is_real(rewriting, call) and (negative := rewriting.call(y, np.negative)):
        return rewriting.new(call, np.add, x, negative.args[0])
    return None


def _add(rewriting: Rewriting, call: Call) -> Any:
    if call.keywords:
        return None
    for x, y in (call.args, call.args[::-1]):
        if _is(-0.0, y) or (_is(0, y) and _is_never_minus_zero(rewriting, x)):
            return _as_it_was(rewriting, call, x)
        if _is_real(rewriting, call) and (opposite := _opposite(rewriting, x)) is not None:
            return rewriting.new(call, np.subtract, y, opposite)
    return None


def _opposite(rewriting: Rewriting, x: Any) -> Any:
    """-x, if x is itself the opposite of something: of y, or of y z as (-y) z."""
    if negative := rewriting.call(x, np.negative):
        return negative.args[0]
    product = rewriting.call(x, np.multiply)
    if product and not product.keywords and _is_real(rewriting, product):
        for first, second in (product.args, product.args[::-1]):
            if negative := rewriting.call(first, np.negative):
                return rewriting.new(product, np.multiply, negative.args[0], second)
    return None


def _negative(rewriting: Rewriting, call: Call) -> Any:
    before = rewriting.call(call.args[0], np.negative)
    return _as_it_was(rewriting, call, before.args[0]) if before and not call.keywords else None


def _transpose(rewriting: Rewriting, call: Call) -> Any:
    """x for a transpose that changes no order, one transpose for two."""
    axes = _axes(call)
    if axes == tuple(range(len(axes))):
        return _itself(rewriting, call)
    before = rewriting.call(call.args[0], np.transpose)
    if before is None:
        return None
    inner = _axes(before)
    both = tuple(inner[axis] for axis in axes)
    x = before.args[0]
    if both == tuple(range(len(both))):
        return x if isinstance(x, Ref) else None
    return rewriting.new(call, np.transpose, x, both, source=before.source)


def _axes(call: Call) -> tuple[int, ...]:
    ndim = len(call.shape)
    axes = call.args[1] if len(call.args) > 1 else call.keywords.get("axes")
    return tuple(range(ndim))[::-1] if axes is None else tuple(axis % ndim for axis in axes)


def _reshape(rewriting: Rewriting, call: Call) -> Any:
    """x for a reshape to the shape it has, one reshape for two, where all are views."""
    if len(call.args) != 2 or call.keywords or call.source is None:
        return None
    if (same := _itself(rewriting, call)) is not None:
        return same
    before = rewriting.call(call.args[0], np.reshape)
    if before is None or len(before.args) != 2 or before.keywords or before.source is None:
        return None
    return rewriting.new(call, np.reshape, before.args[0], call.shape, source=before.source)


def _broadcast(rewriting: Rewriting, call: Call) -> Any:
    return None if call.keywords else _itself(rewriting, call)


def _is(number: float, x: Any) -> bool:
    """Whether x is this number, a zero with its sign, everywhere."""
    if isinstance(x, (Ref, bool)) or not isinstance(x, (int, float, np.number, np.ndarray)):
        return False
    if isinstance(x, np.ndarray) and x.flags.writeable:  # what it is may change
        return False
    array = np.asarray(x)
    if array.size == 0 or array.dtype.kind not in "iuf" or not (array == number).all():
        return False
    return bool((np.signbit(array) == (math.copysign(1, number) < 0)).all())


def _is_real(rewriting: Rewriting, call: Call) -> bool:
    """Whether a call of two operands is one of real numbers of one type."""
    if call.dtype is None or call.dtype.kind != "f":
        return False
    return all(rewriting.kind(x)[1] in (None, call.dtype) for x in call.args)


_NEVER_MINUS_ZERO = {np.exp, np.exp2, np.absolute, np.square, np.cosh, np.hypot}


def _is_never_minus_zero(rewriting: Rewriting, x: Any) -> bool:
    before = rewriting.call(x)
    if before is None or before.dtype is None:
        return False
    return before.function in _NEVER_MINUS_ZERO and before.dtype.kind == "f"


_RULES: dict[Any, Rule] = {
    np.positive: _itself,
    np.copy: _itself,
    np.multiply: _multiply,
    np.divide: _divide,
    np.power: _divide,
    np.subtract: _subtract,
    np.add: _add,
    np.negative: _negative,
    np.transpose: _transpose,
    np.reshape: _reshape,
    np.broadcast_to: _broadcast,
}
