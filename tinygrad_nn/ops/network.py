"""What networks spend their time on, each fused into one primitive."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..errors import ShapeError
from ..primitive import primitive
from .activation import sigmoid
from .linalg import as_rows
from .reduction import logsumexp


def _linear_vjp_weight(g: Any, x: Any) -> Any:
    if x.ndim != 2:  # every leading axis is batch
        x, g = as_rows(x), as_rows(g)
    return g.T @ x


@primitive(
    x=lambda g, weight: g @ weight,
    weight=_linear_vjp_weight,
    bias=lambda g: g,
)
def linear(x: Any, weight: Any, bias: Any = 0.0) -> Any:
    """x @ weight.T + bias: (..., n_in), (n_out, n_in), (n_out,) -> (..., n_out)."""
    try:
        out = np.matmul(x, weight.T)
    except ValueError:
        raise ShapeError(
            f"linear: x {np.shape(x)} does not end in the {np.shape(weight)[-1]} features "
            f"that the weight {np.shape(weight)} takes"
        ) from None
    if type(bias) is np.ndarray and bias.dtype is not out.dtype:
        return out + bias
    out += bias
    return out


def _label_cross_entropy_vjp(g: Any, logits: Any, labels: Any, out: Any) -> Any:
    at_label = (np.arange(len(labels)), labels)
    # The logsumexp of each row; from what is there already, unless that is infinite.
    finite = math.isfinite(out.sum())
    total = out + logits[at_label] if finite else logsumexp(logits, axis=-1)
    gradient = np.exp(logits - total[:, None])
    gradient[at_label] -= 1
    return gradient * g[:, None]


@primitive(logits=_label_cross_entropy_vjp)
def label_cross_entropy(logits: Any, labels: Any) -> Any:
    """-log softmax(logits)[label] of each row: (n, classes), integers (n,) -> (n,)."""
    largest = np.maximum.reduce(logits, axis=-1)
    total = np.add.reduce(np.exp(logits - largest[:, None]), axis=-1)
    return np.log(total) + largest - logits[np.arange(len(labels)), labels]


@primitive(
    logits=lambda g, logits, target: g * (sigmoid(logits) - target),
    target=lambda g, logits: -g * logits,
)
def logistic_cross_entropy(logits: Any, target: Any) -> Any:
    """-t log s(z) - (1 - t) log(1 - s(z)) for logits z, targets t, the sigmoid s; elementwise."""
    return np.maximum(logits, 0) - logits * target + np.log1p(np.exp(-np.abs(logits)))


def _binary_cross_entropy_vjp(g: Any, probabilities: Any, target: Any) -> Any:
    p = probabilities
    return g * (p - target) / np.maximum(p * (1 - p), 1e-12)


@primitive(
    probabilities=_binary_cross_entropy_vjp,
    target=lambda g, probabilities: (
        g * (_bounded_log(1 - probabilities) - _bounded_log(probabilities))
    ),
)
def binary_cross_entropy(probabilities: Any, target: Any) -> Any:
    """-t log p - (1 - t) log(1 - p), elementwise; logarithms are at least -100, as in PyTorch."""
    p = probabilities
    return -target * _bounded_log(p) - (1 - target) * _bounded_log(1 - p)


def _bounded_log(p: Any) -> Any:
    with np.errstate(divide="ignore"):  # log 0 = -inf is raised to -100
        return np.maximum(np.log(p), -100)
