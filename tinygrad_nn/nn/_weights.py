"""The weights and biases that layers and neurons start with."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..random import generator
from ..value import Value
from . import init as initialisers

Rng = np.random.Generator | None


def weight_and_bias(
    n_in: int, n_out: int, bias: bool, init: str | None, dtype: Any, rng: Rng
) -> tuple[Value, Value | None]:
    """A weight (n_out, n_in) and a bias (n_out,), by default as PyTorch starts them."""
    check_count("inputs", n_in)
    check_count("outputs", n_out)
    check_floating(dtype)
    rng = generator(rng)
    weight = Value(np.empty((n_in, n_out), dtype).T)  # multiplied by weight.T, fastest in C order
    bound = 1 / math.sqrt(n_in)
    if init is None:
        initialisers.uniform_(weight, -bound, bound, rng=rng)
    else:
        initialisers.by_name(init)(weight, rng=rng)
    if not bias:
        return weight, None
    return weight, initialisers.uniform_(Value(np.empty(n_out, dtype)), -bound, bound, rng=rng)


def check_floating(dtype: Any) -> None:
    """Raise TypeError unless `dtype` is one of floating-point numbers."""
    if np.dtype(dtype).kind != "f":
        raise TypeError(f"weights are of floating point, not of {np.dtype(dtype)}")


def check_count(what: str, n: Any) -> None:
    """Raise ValueError unless `n` is a positive integer."""
    if isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < 1:
        raise ValueError(f"the number of {what} must be a positive integer, not {n!r}")
