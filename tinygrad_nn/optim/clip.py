"""Limits on gradients, to apply between backward() and step()."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from ..traced import is_traced, number
from ..value import Value
from .optimizer import gradient


def clip_grad_norm_(
    parameters: Value | Iterable[Value],
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
) -> float:
    """Scale all gradients together to a norm of at most `max_norm`; return the norm before.

    The norm is that of all gradients as one vector, of order `norm_type` (inf: the largest).
    """
    gradients = _gradients(parameters)
    norms = [
        np.linalg.norm(np.ravel(g).astype(np.promote_types(g.dtype, np.float32)), norm_type)
        for g in gradients.values()
    ]
    total = number(np.linalg.norm(np.stack(norms), norm_type)) if norms else 0.0
    if error_if_nonfinite and not np.isfinite(total):
        raise RuntimeError(f"clip_grad_norm_: the norm of the gradients is {total}")
    # A norm that is NaN makes all gradients NaN, as in PyTorch.
    factor = number(np.minimum(max_norm / (total + 1e-6), 1.0))
    if is_traced(factor) or factor != 1:
        for parameter, g in gradients.items():
            with np.errstate(invalid="ignore"):
                parameter.grad = g * factor
    return total


def clip_grad_value_(parameters: Value | Iterable[Value], clip_value: float) -> None:
    """Limit every element of the gradients to [-clip_value, clip_value]."""
    for parameter, g in _gradients(parameters).items():
        parameter.grad = np.clip(g, -clip_value, clip_value)


def _gradients(parameters: Value | Iterable[Value]) -> dict[Value, Any]:
    """The gradients there are, by parameter."""
    given = [parameters] if isinstance(parameters, Value) else parameters
    return {p: g for p in given if (g := gradient(p)) is not None}
