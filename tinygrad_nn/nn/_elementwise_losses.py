"""Losses that compare an input and a target element by element.

Both have one shape; `reduction` combines the losses of the elements: "mean" (the default),
"sum", or "none".
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import ops
from ..errors import ShapeError
from ..ops import network
from ._reduction import Reduction, as_float, reduce


def mse_loss(input: Any, target: Any, reduction: Reduction = "mean") -> Any:
    """Squared error (input - target)^2, of two arrays of one shape.

    >>> from tinygrad_nn import nn
    >>> print(f"{nn.functional.mse_loss(0.7, 0.5):.2f}")
    0.04
    """
    return reduce(ops.square(_difference("mse_loss", input, target)), reduction)


def half_mse_loss(input: Any, target: Any, reduction: Reduction = "mean") -> Any:
    """Half the squared error, 1/2 (input - target)^2, whose derivative is input - target."""
    return mse_loss(input, target, reduction) * 0.5


def l1_loss(input: Any, target: Any, reduction: Reduction = "mean") -> Any:
    """Absolute error |input - target|, of two arrays of one shape."""
    return reduce(ops.abs(_difference("l1_loss", input, target)), reduction)


def huber_loss(input: Any, target: Any, reduction: Reduction = "mean", delta: float = 1.0) -> Any:
    """1/2 d^2 where |d| <= delta and delta (|d| - delta/2) elsewhere, for d = input - target.

    Huber (1964): squared error for small errors, absolute error for outliers.
    """
    check_delta(delta)
    size = ops.abs(_difference("huber_loss", input, target))
    small = ops.minimum(size, delta) if delta < np.inf else size
    return reduce(small * (size - 0.5 * small), reduction)


def check_delta(delta: float) -> None:
    """Raise ValueError unless the delta of a Huber loss is positive."""
    if not delta > 0:
        raise ValueError(f"huber_loss: delta must be positive, not {delta}")


def hinge_loss(input: Any, target: Any, reduction: Reduction = "mean") -> Any:
    """max(0, 1 - target * input) for scores and targets -1 or 1, of one shape."""
    input, target = _same_shape("hinge_loss", input, target)
    if not np.all(np.absolute(target) == 1):
        raise ValueError("hinge_loss: targets must be -1 or 1")
    return reduce(ops.relu(1 - input * target), reduction)


def binary_cross_entropy(input: Any, target: Any, reduction: Reduction = "mean") -> Any:
    """-t log p - (1 - t) log(1 - p) for probabilities p and targets t in [0, 1], of one shape.

    Logarithms are taken to be at least -100, so that a certain and wrong answer has a finite
    loss. From logits, `binary_cross_entropy_with_logits` is exact.
    """
    input, target = _same_shape("binary_cross_entropy", input, target)
    if not np.all((input >= 0) & (input <= 1)):
        raise ValueError(
            "binary_cross_entropy: the input must be probabilities in [0, 1]; "
            "for logits use binary_cross_entropy_with_logits"
        )
    _check_probabilities("binary_cross_entropy", target)
    return reduce(network.binary_cross_entropy(input, target), reduction)


def binary_cross_entropy_with_logits(input: Any, target: Any, reduction: Reduction = "mean") -> Any:
    """The binary cross-entropy of sigmoid(input), exact and without overflow for any logits."""
    input, target = _same_shape("binary_cross_entropy_with_logits", input, target)
    _check_probabilities("binary_cross_entropy_with_logits", target)
    return reduce(network.logistic_cross_entropy(input, target), reduction)


def _check_probabilities(loss: str, target: Any) -> None:
    if not np.all((target >= 0) & (target <= 1)):
        raise ValueError(f"{loss}: targets must be from 0 to 1")


def _same_shape(loss: str, input: Any, target: Any) -> tuple[Any, Any]:
    input = as_float(input)
    target = as_float(target, input)
    if input.shape != target.shape:
        raise ShapeError(f"{loss}: input {input.shape} and target {target.shape} differ")
    return input, target


def _difference(loss: str, input: Any, target: Any) -> Any:
    input, target = _same_shape(loss, input, target)
    return input - target
