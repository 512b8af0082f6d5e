"""NumPy's functions on Values: which primitive each of them is.

NumPy hands a call that meets a Value to `ufunc` or `function` (its protocols
`__array_ufunc__` and `__array_function__`), and these hand it to the package's own operation.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from . import ops


def _clip(a: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Any:
    return ops.clip(a, a_min if min is None else min, a_max if max is None else max)


def _pad(array: Any, pad_width: Any, mode: str = "constant", constant_values: float = 0) -> Any:
    if mode != "constant":
        raise TypeError(f"np.pad of a Value: mode {mode!r} has no derivative rules here")
    return ops.pad(array, pad_width, constant_values)


_UFUNCS: dict[Any, Callable[..., Any]] = {
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
    np.maximum: ops.maximum,
    np.minimum: ops.minimum,
    np.exp: ops.exp,
    np.expm1: ops.expm1,
    np.log: ops.log,
    np.log1p: ops.log1p,
    np.sqrt: ops.sqrt,
    np.square: ops.square,
    np.conjugate: ops.conj,
    np.sin: ops.sin,
    np.cos: ops.cos,
    np.tanh: ops.tanh,
    np.matmul: ops.matmul,
}

_FUNCTIONS: dict[Any, Callable[..., Any]] = {
    np.where: ops.where,
    np.clip: _clip,
    np.pad: _pad,
    np.real: ops.real,
    np.imag: ops.imag,
    np.sum: ops.sum,
    np.mean: ops.mean,
    np.prod: ops.prod,
    np.max: ops.max,
    np.amax: ops.max,
    np.min: ops.min,
    np.amin: ops.min,
    np.var: ops.var,
    np.std: ops.std,
    np.cumsum: ops.cumsum,
    np.dot: ops.dot,
    np.einsum: ops.einsum,
    np.tensordot: ops.tensordot,
    np.reshape: ops.reshape,
    np.transpose: ops.transpose,
    np.moveaxis: ops.moveaxis,
    np.swapaxes: ops.swapaxes,
    np.expand_dims: ops.expand_dims,
    np.squeeze: ops.squeeze,
    np.broadcast_to: ops.broadcast_to,
    np.concatenate: ops.concatenate,
    np.stack: ops.stack,
    np.split: ops.split,
    np.flip: ops.flip,
    np.tile: ops.tile,
    np.repeat: ops.repeat,
    np.take: ops.take,
    np.take_along_axis: ops.take_along_axis,
}

# Piecewise constant in every input, or about shapes alone: plain results, no derivative.
_WITHOUT_DERIVATIVE = frozenset(
    [
        *(np.greater, np.greater_equal, np.less, np.less_equal, np.equal, np.not_equal),
        *(np.isnan, np.isinf, np.isfinite, np.signbit, np.floor, np.ceil, np.trunc, np.rint),
        *(np.logical_and, np.logical_or, np.logical_not, np.logical_xor),
        *(np.shape, np.ndim, np.size, np.argmax, np.argmin, np.argsort, np.any, np.all),
        *(np.zeros_like, np.ones_like, np.empty_like, np.nonzero),
        *(np.array_equal, np.allclose, np.isclose, np.result_type, np.count_nonzero),
    ]
)


def _plain(x: Any) -> Any:
    """`x`, a Value or a nest of them, as what NumPy computes with."""
    if hasattr(x, "requires_grad"):
        return x.data
    if isinstance(x, (list, tuple)):
        return type(x)([_plain(part) for part in x])
    return x


def ufunc(function: Any, method: str, inputs: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
    """The answer to `__array_ufunc__`."""
    if function in _WITHOUT_DERIVATIVE and method == "__call__" and "out" not in keywords:
        return function(*_plain(inputs), **keywords)
    operation = _UFUNCS.get(function)
    if operation is None or method != "__call__":
        raise TypeError(_unsupported(function, "" if method == "__call__" else f".{method}"))
    if "out" in keywords:
        raise TypeError(
            f"np.{function.__name__}: a Value cannot change an array in place, which would lose "
            "the gradient; write a = a + v instead of a += v"
        )
    if keywords:
        raise TypeError(
            f"np.{function.__name__} on a Value does not take {', '.join(keywords)}=; "
            "write the operation without, or on Value.data"
        )
    return operation(*inputs)


def function(function: Any, args: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
    """The answer to `__array_function__`."""
    if function in _WITHOUT_DERIVATIVE:
        return function(*_plain(args), **{k: _plain(v) for k, v in keywords.items()})
    operation = _FUNCTIONS.get(function)
    if operation is None:
        raise TypeError(_unsupported(function))
    return operation(*args, **keywords)


def _unsupported(function: Any, method: str = "") -> str:
    module = getattr(function, "__module__", None) or "numpy"
    name = f"{module.replace('numpy', 'np', 1)}.{function.__name__}{method}"
    return (
        f"{name} has no derivative rules here: define one with tg.primitive, "
        "or compute on Value.data where no gradient is needed"
    )
