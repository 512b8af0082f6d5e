"""NumPy's ufuncs: their primitives, and what is common to all of them.

`out=`, `where=` and `dtype=`, and the methods `reduce`, `accumulate`, `outer`, `reduceat` and `at`,
are put together from the operation itself.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

from .. import ops
from ._table import array_of, differentiable, is_value, no_value, without_derivative, write

differentiable |= {
    np.add: ops.add,
    np.subtract: ops.subtract,
    np.multiply: ops.multiply,
    np.divide: ops.divide,
    np.floor_divide: ops.floor_divide,
    np.remainder: ops.remainder,
    np.power: ops.power,
    np.negative: ops.negative,
    np.positive: ops.positive,
    np.absolute: ops.abs,
    np.fabs: ops.abs,
    np.sign: ops.sign,
    np.conjugate: ops.conj,
    np.maximum: ops.maximum,
    np.minimum: ops.minimum,
    np.exp: ops.exp,
    np.expm1: ops.expm1,
    np.log: ops.log,
    np.log1p: ops.log1p,
    np.sqrt: ops.sqrt,
    np.square: ops.square,
    np.sin: ops.sin,
    np.cos: ops.cos,
    np.tanh: ops.tanh,
    np.matmul: ops.matmul,
}

without_derivative(
    *(np.greater, np.greater_equal, np.less, np.less_equal, np.equal, np.not_equal),
    *(np.isnan, np.isinf, np.isfinite, np.signbit, np.floor, np.ceil, np.trunc, np.rint),
    *(np.logical_and, np.logical_or, np.logical_not, np.logical_xor),
    *(np.nextafter, np.spacing),
)


def call(function: Any, method: str, inputs: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
    """A ufunc, or one of its methods, on Values."""
    if method == "__call__":
        return _call(function, *inputs, **keywords)
    return _METHODS[method](function, *inputs, **keywords)


def _call(
    function: Any, *inputs: Any, out: Any = None, where: Any = True, dtype: Any = None, **rare: Any
) -> Any:
    _refuse(function, rare, "casting", "order", "subok")
    operation = differentiable[function]
    result = operation(*[_as(x, dtype) for x in inputs])
    if where is not True:
        if out is None:
            raise TypeError(
                f"np.{function.__name__}: where= needs out=, which has the other values"
            )
        before = out[0] if isinstance(out, tuple) else out
        result = np.where(array_of(where), result, before)
    return result if out is None else write(out, result, function.__name__)


def _refuse(function: Any, given: dict[str, Any], *allowed: str) -> None:
    for name in given.keys() - set(allowed):
        raise TypeError(f"np.{function.__name__} on a Value does not take {name}=")


def _as(x: Any, dtype: Any) -> Any:
    if dtype is None:
        return x
    return ops.astype(x, dtype) if is_value(x) else np.asarray(x).astype(dtype)


# ---- Methods


def _along(function: Any, x: Any, axis: Any, dtype: Any) -> tuple[Any, list[Any], int]:
    """x, its slices along an axis, and the axis, counted from 0."""
    x = _as(x, dtype)
    at = np.lib.array_utils.normalize_axis_index(axis, np.ndim(x))
    if function.nin != 2:
        raise TypeError(f"np.{function.__name__} has no such method: it takes one input")
    before = (slice(None),) * at
    return x, [x[(*before, i)] for i in range(np.shape(x)[at])], at


def _reduce(
    function: Any,
    array: Any,
    axis: Any = 0,
    dtype: Any = None,
    out: Any = None,
    keepdims: bool = False,
    initial: Any = no_value,
    where: Any = True,
) -> Any:
    if function in _REDUCTIONS:
        keywords = {} if initial is no_value else {"initial": initial}
        keywords |= {} if where is True else {"where": where}
        reduction = _REDUCTIONS[function]
        result = reduction(_as(array, dtype), axis=axis, keepdims=keepdims, **keywords)
    else:
        if not isinstance(axis, (int, np.integer)) or where is not True:
            raise TypeError(f"np.{function.__name__}.reduce of a Value takes one axis, no where=")
        array, parts, at = _along(function, array, axis, dtype)
        first = [] if initial is no_value else [initial]
        *_, result = itertools.accumulate([*first, *parts], function)
        result = np.expand_dims(result, at) if keepdims else result
    return result if out is None else write(out, result, f"{function.__name__}.reduce")


def _accumulate(
    function: Any, array: Any, axis: int = 0, dtype: Any = None, out: Any = None
) -> Any:
    if function in _ACCUMULATIONS:
        result = _ACCUMULATIONS[function](_as(array, dtype), axis=axis)
    else:
        array, parts, at = _along(function, array, axis, dtype)
        result = np.stack(list(itertools.accumulate(parts, function)), at)
    return result if out is None else write(out, result, f"{function.__name__}.accumulate")


def _reduceat(
    function: Any, array: Any, indices: Any, axis: int = 0, dtype: Any = None, out: Any = None
) -> Any:
    array, parts, at = _along(function, array, axis, dtype)
    starts = [int(i) for i in array_of(indices)]
    ends = [*starts[1:], len(parts)]
    rows = [parts[a : max(b, a + 1)] for a, b in zip(starts, ends, strict=True)]
    result = np.stack([_last(itertools.accumulate(row, function)) for row in rows], at)
    return result if out is None else write(out, result, f"{function.__name__}.reduceat")


def _last(items: Any) -> Any:
    *_, last = items
    return last


def _outer(function: Any, a: Any, b: Any, **keywords: Any) -> Any:
    spread = np.reshape(a, np.shape(a) + (1,) * np.ndim(b))
    return function(spread, b, **keywords)


def _at(function: Any, a: Any, indices: Any, b: Any = None) -> None:
    """In place, an element that is named several times being changed as often."""
    if not is_value(a):
        raise TypeError(f"np.{function.__name__}.at cannot write a Value into an array")
    if function.nin == 1:
        a[indices] = function(a[indices])
    elif function in (np.add, np.subtract):
        change = ops.scatter(np.broadcast_to(b, np.shape(a[indices])), indices, a.shape)
        a[...] = function(a, change)
    else:
        places = np.arange(a.size).reshape(a.shape)[indices]
        b = np.reshape(np.broadcast_to(b, places.shape), -1)
        flat = np.reshape(a, -1)
        for at, place in enumerate(places.reshape(-1)):
            flat[place] = function(flat[place], b[at])
        a[...] = np.reshape(flat, a.shape)


_METHODS: dict[str, Callable[..., Any]] = {
    "reduce": _reduce,
    "accumulate": _accumulate,
    "reduceat": _reduceat,
    "outer": _outer,
    "at": _at,
}
_REDUCTIONS: dict[Any, Callable[..., Any]] = {
    np.add: np.sum,
    np.multiply: np.prod,
    np.maximum: np.max,
    np.minimum: np.min,
}
_ACCUMULATIONS: dict[Any, Callable[..., Any]] = {np.add: np.cumsum}
