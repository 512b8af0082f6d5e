"""NumPy's functions that are operations of the package as they stand, or have no derivative."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import ops
from ._table import differentiable, implements, without_derivative

differentiable |= {
    np.real: ops.real,
    np.imag: ops.imag,
    np.where: ops.where,
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

without_derivative(
    *(np.shape, np.ndim, np.size, np.argmax, np.argmin, np.argsort, np.any, np.all),
    *(np.zeros_like, np.ones_like, np.empty_like, np.nonzero),
    *(np.array_equal, np.allclose, np.isclose, np.result_type, np.count_nonzero),
)


@implements(np.clip)
def _clip(a: Any, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Any:
    return ops.clip(a, a_min if min is None else min, a_max if max is None else max)


@implements(np.pad)
def _pad(array: Any, pad_width: Any, mode: str = "constant", constant_values: float = 0) -> Any:
    if mode != "constant":
        raise TypeError(f"np.pad of a Value: mode {mode!r} has no derivative rules here")
    return ops.pad(array, pad_width, constant_values)
