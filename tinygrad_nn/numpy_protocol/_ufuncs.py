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
from ..ops import elementwise, trigonometric
from ..ops.reduction import cumprod
from ._reductions import cast, floating, fmax_reduce, fmin_reduce, logsumexp, rows
from ._table import (
    array_of,
    arrays_of,
    differentiable,
    dtype_of,
    implements,
    is_value,
    no_value,
    requires_grad,
    without_derivative,
    write,
)

differentiable |= {
    np.add: ops.add,
    np.subtract: ops.subtract,
    np.multiply: ops.multiply,
    np.divide: ops.divide,
    np.floor_divide: ops.floor_divide,
    np.remainder: ops.remainder,
    np.fmod: elementwise.fmod,
    np.power: ops.power,
    np.negative: ops.negative,
    np.positive: ops.positive,
    np.absolute: ops.abs,
    np.sign: ops.sign,
    np.copysign: elementwise.copysign,
    np.heaviside: elementwise.heaviside,
    np.ldexp: elementwise.ldexp,
    np.conjugate: ops.conj,
    np.maximum: ops.maximum,
    np.minimum: ops.minimum,
    np.fmax: elementwise.fmax,
    np.fmin: elementwise.fmin,
    np.reciprocal: elementwise.reciprocal,
    np.sqrt: ops.sqrt,
    np.cbrt: elementwise.cbrt,
    np.square: ops.square,
    np.exp: ops.exp,
    np.exp2: elementwise.exp2,
    np.expm1: ops.expm1,
    np.log: ops.log,
    np.log2: elementwise.log2,
    np.log10: elementwise.log10,
    np.log1p: ops.log1p,
    np.logaddexp: elementwise.logaddexp,
    np.logaddexp2: elementwise.logaddexp2,
    np.sin: ops.sin,
    np.cos: ops.cos,
    np.tan: trigonometric.tan,
    np.arcsin: trigonometric.arcsin,
    np.arccos: trigonometric.arccos,
    np.arctan: trigonometric.arctan,
    np.arctan2: trigonometric.arctan2,
    np.hypot: trigonometric.hypot,
    np.sinh: trigonometric.sinh,
    np.cosh: trigonometric.cosh,
    np.tanh: ops.tanh,
    np.arcsinh: trigonometric.arcsinh,
    np.arccosh: trigonometric.arccosh,
    np.arctanh: trigonometric.arctanh,
    np.degrees: trigonometric.degrees,
    np.rad2deg: trigonometric.degrees,
    np.radians: trigonometric.radians,
    np.deg2rad: trigonometric.radians,
    np.matmul: ops.matmul,
}

without_derivative(
    *(np.greater, np.greater_equal, np.less, np.less_equal, np.equal, np.not_equal),
    *(np.isnan, np.isinf, np.isfinite, np.isnat, np.signbit),
    *(np.floor, np.ceil, np.trunc, np.rint, np.nextafter, np.spacing),
    *(np.logical_and, np.logical_or, np.logical_not, np.logical_xor),
    *(np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.invert, np.bitwise_count),
    *(np.left_shift, np.right_shift, np.gcd, np.lcm),
)


# ---- Compositions


def _float_power(x: Any, y: Any) -> Any:
    return ops.power(_at_least_double(x), _at_least_double(y))


def _at_least_double(x: Any) -> Any:
    x = cast(x, None)
    return cast(x, np.result_type(x.dtype, np.float64))


def _divmod(x: Any, y: Any) -> Any:
    return ops.floor_divide(x, y), ops.remainder(x, y)


def _modf(x: Any) -> Any:
    return elementwise.fraction(x), np.modf(array_of(x))[1]


def _frexp(x: Any) -> Any:
    _, exponent = np.frexp(array_of(x))
    return elementwise.ldexp(x, -exponent), exponent


def _vecdot(x: Any, y: Any, axis: int = -1) -> Any:
    x, y = np.moveaxis(x, axis, -1), np.moveaxis(y, axis, -1)
    row = np.expand_dims(np.conj(x), -2)
    return np.matmul(row, np.expand_dims(y, -1))[..., 0, 0]


def _matvec(a: Any, x: Any) -> Any:
    return np.matmul(a, np.expand_dims(x, -1))[..., 0]


def _vecmat(x: Any, a: Any) -> Any:
    return np.matmul(np.expand_dims(np.conj(x), -2), a)[..., 0, :]


differentiable |= {
    np.float_power: _float_power,
    np.divmod: _divmod,
    np.modf: _modf,
    np.frexp: _frexp,
    np.vecdot: _vecdot,
}
if hasattr(np, "matvec"):  # new in NumPy 2.2
    differentiable |= {np.matvec: _matvec, np.vecmat: _vecmat}


@implements(np.fabs)
def _fabs(x: Any) -> Any:
    if dtype_of(x).kind == "c":
        raise TypeError("np.fabs is not for complex numbers: np.absolute is")
    return ops.abs(floating(x))


# ---- Calls


def call(function: Any, method: str, inputs: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
    """A ufunc, or one of its methods, on Values."""
    if method == "__call__":
        return _call(function, *inputs, **keywords)
    return _METHODS[method](function, *inputs, **keywords)


def _call(
    function: Any,
    *inputs: Any,
    out: Any = None,
    where: Any = True,
    dtype: Any = None,
    casting: Any = "same_kind",
    **rare: Any,
) -> Any:
    name = function.__name__
    options = {"axis": rare.pop("axis")} if function is np.vecdot and "axis" in rare else {}
    for unknown in rare.keys() - {"order", "subok"}:
        raise TypeError(f"np.{name} on a Value does not take {unknown}=")
    operation = differentiable[function]
    if dtype is not None:
        inputs = _in_loop_of(function, inputs, dtype, casting)
    if where is not True:
        return _where(function, inputs, out, casting, array_of(where))
    result = operation(*inputs, **options)
    if out is None:
        return result
    if function.nout == 1:
        return write(out, result, name, casting)
    return tuple(
        [
            part if place is None else write(place, part, name, casting)
            for place, part in zip(out, result, strict=True)
        ]
    )


def _in_loop_of(
    function: Any, inputs: tuple[Any, ...], dtype: Any, casting: Any
) -> tuple[Any, ...]:
    """The inputs in the types that NumPy converts them to for a result of `dtype`."""
    types = [
        type(x) if type(x) in (int, float, complex) else np.asarray(array_of(x)).dtype
        for x in inputs
    ]
    rest = (None,) * function.nout
    signature = (None,) * function.nin + (np.dtype(dtype),) * function.nout
    loop = function.resolve_dtypes((*types, *rest), signature=signature, casting=casting)
    return tuple(
        [
            x if old == new else cast(x, new)
            for x, old, new in zip(inputs, types, loop[: function.nin], strict=True)
        ]
    )


def _where(function: Any, inputs: tuple[Any, ...], out: Any, casting: Any, where: Any) -> Any:
    """The operation on the elements chosen, so that the others need not be in its domain."""
    name = function.__name__
    if out is None or function.nout > 1:
        raise TypeError(f"np.{name}: where= needs out=, which has the other values")
    (out,) = out
    shape = np.broadcast_shapes(np.shape(out), np.shape(where), *map(np.shape, inputs))
    where = np.broadcast_to(where, shape)
    chosen = [np.broadcast_to(x, shape)[where] if np.ndim(x) else x for x in inputs]
    return write(out, differentiable[function](*chosen), name, casting, where)


# ---- Methods


def _slices(x: Any, axis: Any) -> tuple[list[Any], int]:
    """The slices of x along an axis, and the axis, counted from 0."""
    at = np.lib.array_utils.normalize_axis_index(axis, np.ndim(x))
    before = (slice(None),) * at
    return [x[(*before, i)] for i in range(np.shape(x)[at])], at


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
    array = cast(array, dtype)
    initial = no_value if initial is None else initial
    if function in _REDUCTIONS:
        reduction = _REDUCTIONS[function]
        result = reduction(array, axis=axis, keepdims=keepdims, initial=initial, where=where)
    else:
        if where is not True:
            raise TypeError(f"np.{function.__name__}.reduce of a Value does not take where=")
        result = _fold(function, array, axis, keepdims, initial)
    return result if out is None else write(out, result, f"{function.__name__}.reduce")


def _fold(function: Any, array: Any, axis: Any, keepdims: bool, initial: Any) -> Any:
    """One slice after the other, from the first to the last."""
    shape = np.shape(array)
    axes = tuple(range(len(shape))) if axis is None else axis
    axes = np.lib.array_utils.normalize_axis_tuple(axes, len(shape))
    if len(axes) > 1 and function not in (np.hypot, np.logaddexp2):
        raise ValueError(f"np.{function.__name__}.reduce: the order matters, so give one axis")
    parts, _ = _slices(rows(array, axes), -1)
    if initial is no_value and function.identity is not None:
        initial = function.identity
    if initial is not no_value:
        kept = tuple([n for a, n in enumerate(shape) if a not in axes])
        parts.insert(0, np.broadcast_to(cast(initial, np.result_type(array_of(array))), kept))
    if not parts:
        raise ValueError(f"np.{function.__name__}.reduce: of nothing, without initial=")
    *_, result = itertools.accumulate(parts, function)
    return np.expand_dims(result, axes) if keepdims else result


def _accumulate(
    function: Any, array: Any, axis: int = 0, dtype: Any = None, out: Any = None
) -> Any:
    array = cast(array, dtype)
    if function in _ACCUMULATIONS:
        result = _ACCUMULATIONS[function](array, axis=axis)
    else:
        parts, at = _slices(array, axis)
        result = np.stack(list(itertools.accumulate(parts, function)), at) if parts else array
    return result if out is None else write(out, result, f"{function.__name__}.accumulate")


def _running_extremum(function: Any) -> Callable[..., Any]:
    """`maximum.accumulate` or its like; the gradient of a tie goes to the first of its elements."""

    def accumulation(x: Any, axis: int) -> Any:
        array = np.moveaxis(array_of(x), axis, -1)
        running = function.accumulate(array, axis=-1)
        new = np.ones(array.shape, bool)
        before, after = running[..., :-1], running[..., 1:]
        new[..., 1:] = (before != after) & ~(np.isnan(before) & np.isnan(after))
        latest = np.maximum.accumulate(np.where(new, np.arange(array.shape[-1]), 0), axis=-1)
        return np.take_along_axis(x, np.moveaxis(latest, -1, axis), axis)

    return accumulation


def _reduceat(
    function: Any, array: Any, indices: Any, axis: int = 0, dtype: Any = None, out: Any = None
) -> Any:
    array = cast(array, dtype)
    name = f"{function.__name__}.reduceat"
    at = np.lib.array_utils.normalize_axis_index(axis, np.ndim(array))
    length = np.shape(array)[at]
    starts = [int(i) for i in array_of(indices)]
    if wrong := [i for i in starts if not 0 <= i < length]:
        raise IndexError(f"np.{name}: index {wrong[0]} is not in [0, {length})")
    before = (slice(None),) * at
    parts = [
        _reduce(function, array[(*before, slice(a, b))], at) if b > a + 1 else array[(*before, a)]
        for a, b in itertools.zip_longest(starts, starts[1:], fillvalue=length)
    ]
    result = np.stack(parts, at) if parts else array[(*before, slice(0, 0))]
    return result if out is None else write(out, result, name)


def _outer(function: Any, a: Any, b: Any, **keywords: Any) -> Any:
    spread = np.reshape(a, np.shape(a) + (1,) * np.ndim(b))
    return function(spread, b, **keywords)


def _at(function: Any, a: Any, indices: Any, *b: Any) -> None:
    """In place, an element that is named several times being changed as often."""
    indices = arrays_of(indices)
    if not is_value(a):
        if any(map(requires_grad, b)):
            raise TypeError(
                f"np.{function.__name__}.at: a Value cannot be written into an array, which would "
                "lose the gradient: make the array a Value, a = tg.Value(a)"
            )
        function.at(a, indices, *map(array_of, b))
        return
    places = np.arange(a.size).reshape(a.shape)[indices]
    operands = [np.broadcast_to(x, np.shape(places)) for x in b]
    if function in (np.add, np.subtract):
        a[...] = function(a, ops.scatter(operands[0], indices, a.shape))
        return
    places = np.reshape(places, -1)
    operands = [np.reshape(x, -1) for x in operands]
    flat = np.reshape(a, -1)
    for chosen in _rounds(places):
        now = places[chosen]
        flat[now] = function(flat[now], *[x[chosen] for x in operands])
    a[...] = np.reshape(flat, a.shape)


def _rounds(places: Any) -> Any:
    """Positions in `places`: where each place is named for the first time, the second time, …"""
    order = np.argsort(places, kind="stable")
    ordered = places[order]
    starts = np.searchsorted(ordered, ordered)
    turn = np.empty(places.shape, int)
    turn[order] = np.arange(places.size) - starts
    for k in range(turn.max(initial=-1) + 1):
        yield np.flatnonzero(turn == k)


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
    np.fmax: fmax_reduce,
    np.fmin: fmin_reduce,
    np.logaddexp: logsumexp,
}
_ACCUMULATIONS: dict[Any, Callable[..., Any]] = {
    np.add: ops.cumsum,
    np.multiply: cumprod,
    np.maximum: _running_extremum(np.maximum),
    np.minimum: _running_extremum(np.minimum),
}
