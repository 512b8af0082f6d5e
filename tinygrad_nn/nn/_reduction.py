"""What all losses share: their inputs as arrays, and the reduction of their results."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from .. import ops, traced
from ..value import Value

Reduction = Literal["mean", "sum", "none"]


def check_reduction(reduction: str) -> None:
    """Raise ValueError for an unknown one."""
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(f"reduction must be 'mean', 'sum' or 'none', not {reduction!r}")


def reduce(losses: Any, reduction: str) -> Any:
    """The mean or sum of the losses, or the losses."""
    check_reduction(reduction)
    if reduction == "none":
        return losses
    return ops.mean(losses) if reduction == "mean" else ops.sum(losses)


def as_array(x: Any) -> Any:
    """`x` as it is if a Value, else as an array."""
    return x if isinstance(x, Value) else traced.as_array(x)


def as_float(x: Any, like: Any = None) -> Any:
    """`x` as a Value or array of floating point: integers and booleans in the dtype of `like`."""
    x = as_array(x)
    if x.dtype.kind == "f":
        return x
    dtype = np.float64 if like is None or like.dtype.kind != "f" else like.dtype
    return x.astype(dtype)


def data_of(x: Any) -> Any:
    """The numbers of `x` as an array."""
    return x.data if isinstance(x, Value) else traced.as_array(x)
