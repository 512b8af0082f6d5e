"""What networks spend their time on, each fused into one primitive."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..domains import Reals, elementwise, real
from ..errors import ShapeError
from ..primitive import primitive
from ..traced import is_traced
from .activation import sigmoid
from .linalg import as_rows
from .reduction import add_reduce, maximum_reduce


def _linear_vjp_weight(g: Any, x: Any) -> Any:
    if x.ndim != 2:  # every leading axis is batch
        x, g = as_rows(x), as_rows(g)
    return (x.T @ g).T  # lies in memory as the weights of layers do


def _linear_domain(draw: Any) -> dict[str, Any]:
    n_out, n_in = draw.shapes(2, 2)
    batch = draw.shapes(0, 2)
    return {
        "bias": draw.arrays(n_out) if draw.booleans() else None,
        "weight": draw.arrays((n_out, n_in)),
        "x": draw.arrays((*batch, n_in)),
    }


@primitive(
    x=lambda g, weight: g @ weight,
    weight=_linear_vjp_weight,
    bias=lambda g: g,
    domain=_linear_domain,
)
def linear(x: Any, weight: Any, bias: Any = None) -> Any:
    """x @ weight.T + bias: (..., n_in), (n_out, n_in), (n_out,) or None -> (..., n_out).

    Raises ShapeError if x does not end in n_in features.

    >>> import tinygrad_nn as tg
    >>> tg.linear([1.0, 2.0], [[1.0, 10.0], [0.0, 1.0]], [0.5, 0.0])
    array([21.5,  2. ])
    """
    if weight.ndim != 2:
        raise ShapeError(f"linear: the weight must be (n_out, n_in), not {weight.shape}")
    try:
        out = np.matmul(x, weight.T)
    except ValueError:
        raise ShapeError(
            f"linear: x {np.shape(x)} does not end in the {np.shape(weight)[-1]} features "
            f"that the weight {np.shape(weight)} takes"
        ) from None
    if bias is None:
        return out
    if type(bias) is np.ndarray and bias.dtype is out.dtype:
        out += bias
        return out
    return out + bias


def _classes_first(logits: Any) -> Any:
    """(n, classes) -> (classes, n).

    NumPy reduces and broadcasts along many short rows one by one, but along few long ones fast.
    """
    if (type(logits) is np.ndarray or is_traced(logits)) and logits.shape[1] <= 64:
        return logits.T.copy()
    return logits.T


def _label_cross_entropy_vjp(g: Any, logits: Any, labels: Any, reduction: str) -> Any:
    n = len(labels)
    columns = _classes_first(logits)
    e = np.exp(columns - columns.max(axis=0))
    scale = g / n if reduction == "mean" else g
    gradient = e * (scale / e.sum(axis=0))
    gradient[labels, np.arange(n)] -= scale
    return gradient.T


def _label_cross_entropy_domain(draw: Any) -> dict[str, Any]:
    n, classes = draw.shapes(2, 2, max_side=4)
    return {
        "reduction": draw.sampled_from(["none", "mean", "sum"]),
        "labels": np.array([draw.integers(0, classes - 1) for _ in range(n)]),
        "logits": draw.arrays((n, classes)),
    }


@primitive(logits=_label_cross_entropy_vjp, domain=_label_cross_entropy_domain)
def label_cross_entropy(logits: Any, labels: Any, reduction: str = "none") -> Any:
    """-log softmax(logits)[label] of each row, (n, classes) and integers (n,) -> (n,).

    Or, with `reduction` "mean" or "sum" instead of "none", the one number that these give.
    """
    n = len(labels)
    columns = _classes_first(logits)
    shifted = columns - maximum_reduce(columns)
    at_label = shifted[labels, np.arange(n)]
    losses = np.log(add_reduce(np.exp(shifted, out=shifted))) - at_label
    if reduction == "none":
        return losses
    total = add_reduce(losses)
    return total / n if reduction == "mean" else total


@primitive(
    logits=lambda g, logits, target: g * (sigmoid(logits) - target),
    target=lambda g, logits: -g * logits,
    domain=elementwise(logits=real, target=Reals(0, 1)),
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
        g * (_bounded_log1p(-probabilities) - _bounded_log(probabilities))
    ),
    domain=elementwise(probabilities=Reals(0.125, 0.875), target=Reals(0, 1)),
)
def binary_cross_entropy(probabilities: Any, target: Any) -> Any:
    """-t log p - (1 - t) log(1 - p), elementwise; logarithms are at least -100, as in PyTorch."""
    p = probabilities
    return -target * _bounded_log(p) - (1 - target) * _bounded_log1p(-p)


def _bounded_log(p: Any) -> Any:
    with np.errstate(divide="ignore"):  # log 0 = -inf is raised to -100
        return np.maximum(np.log(p), -100)


def _bounded_log1p(p: Any) -> Any:
    with np.errstate(divide="ignore"):
        return np.maximum(np.log1p(p), -100)
