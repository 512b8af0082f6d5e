"""Layers and losses as functions: what the modules of `nn` call, without parameters of their own.

Losses compare an `input` (what a model gave) with a `target` and reduce the losses of the
examples by `reduction`: "mean" (the default), "sum", or "none".
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from .. import ops
from ..errors import ShapeError
from ..ops import (
    elu,
    gelu,
    leaky_relu,
    linear,
    log_softmax,
    relu,
    sigmoid,
    silu,
    softmax,
    softplus,
    tanh,
)
from ..ops.network import (
    binary_cross_entropy as _binary_cross_entropy,
)
from ..ops.network import label_cross_entropy, logistic_cross_entropy
from ..random import generator
from ..value import Value

Reduction = Literal["mean", "sum", "none"]

__all__ = [
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "cross_entropy",
    "dropout",
    "elu",
    "gelu",
    "half_mse_loss",
    "hinge_loss",
    "huber_loss",
    "l1_loss",
    "leaky_relu",
    "linear",
    "log_softmax",
    "mse_loss",
    "nll_loss",
    "relu",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "tanh",
]


def dropout(
    x: Any, p: float = 0.5, training: bool = True, *, rng: np.random.Generator | None = None
) -> Any:
    """In training, x with each element 0 with probability `p` and divided by 1 - p otherwise."""
    if not 0 <= p <= 1:
        raise ValueError(f"dropout probability {p} is not between 0 and 1")
    if not training or p == 0:
        return x
    if not isinstance(x, Value):
        x = np.asarray(x)
    kept = generator(rng).random(x.shape) >= p
    return x * (kept * x.dtype.type(0 if p == 1 else 1 / (1 - p)))


# ---- Losses of numbers


def mse_loss(input: Any, target: Any, reduction: Reduction = "mean") -> Any:
    """Squared error (input - target)^2, of two arrays of one shape.

    >>> from tinygrad_nn import nn
    >>> print(f"{nn.functional.mse_loss(0.7, 0.5):.2f}")
    0.04
    """
    return _reduce(ops.square(_difference("mse_loss", input, target)), reduction)


def half_mse_loss(input: Any, target: Any, reduction: Reduction = "mean") -> Any:
    """Half the squared error, 1/2 (input - target)^2, whose derivative is input - target."""
    return mse_loss(input, target, reduction) * 0.5


def l1_loss(input: Any, target: Any, reduction: Reduction = "mean") -> Any:
    """Absolute error |input - target|, of two arrays of one shape."""
    return _reduce(ops.abs(_difference("l1_loss", input, target)), reduction)


def huber_loss(input: Any, target: Any, reduction: Reduction = "mean", delta: float = 1.0) -> Any:
    """1/2 d^2 where |d| <= delta and delta (|d| - delta/2) elsewhere, for d = input - target.

    Huber (1964): squared error for small errors, absolute error for outliers.
    """
    if delta <= 0:
        raise ValueError(f"huber_loss: delta must be positive, not {delta}")
    size = ops.abs(_difference("huber_loss", input, target))
    small = ops.minimum(size, delta) if delta < np.inf else size
    return _reduce(small * (size - 0.5 * small), reduction)


def hinge_loss(input: Any, target: Any, reduction: Reduction = "mean") -> Any:
    """max(0, 1 - target * input) for scores and targets -1 or 1, of one shape."""
    input, target = _same_shape("hinge_loss", input, target)
    if not np.all(np.abs(target) == 1):
        raise ValueError("hinge_loss: targets must be -1 or 1")
    return _reduce(ops.relu(1 - input * target), reduction)


# ---- Losses of probabilities


def binary_cross_entropy(input: Any, target: Any, reduction: Reduction = "mean") -> Any:
    """-t log p - (1 - t) log(1 - p) for probabilities p and targets t in [0, 1], of one shape.

    Logarithms are taken to be at least -100, so that a certain and wrong answer has a finite
    loss. From logits, `binary_cross_entropy_with_logits` is exact.
    """
    input, target = _same_shape("binary_cross_entropy", input, target)
    p = _numbers(input)
    if not np.all((p >= 0) & (p <= 1)):
        raise ValueError(
            "binary_cross_entropy: the input must be probabilities in [0, 1]; "
            "for logits use binary_cross_entropy_with_logits"
        )
    return _reduce(_binary_cross_entropy(input, target), reduction)


def binary_cross_entropy_with_logits(input: Any, target: Any, reduction: Reduction = "mean") -> Any:
    """The binary cross-entropy of sigmoid(input), exact and without overflow for any logits."""
    input, target = _same_shape("binary_cross_entropy_with_logits", input, target)
    return _reduce(logistic_cross_entropy(input, target), reduction)


def cross_entropy(
    input: Any,
    target: Any,
    weight: Any = None,
    ignore_index: int = -100,
    reduction: Reduction = "mean",
    label_smoothing: float = 0.0,
) -> Any:
    """-log softmax(input)[target], the surprise at the right class.

    `input` holds logits (n, classes), or (classes,) for one example; `target` integer labels
    (n,), or class probabilities in the shape of `input`. Further axes come last, as in PyTorch:
    (n, classes, d1, ...) and (n, d1, ...). `weight` (classes,) scales the loss of each class;
    a mean is then one of weights too. Labels equal to `ignore_index` do not count.
    `label_smoothing` s replaces the target by (1 - s) of it plus s / classes everywhere.

    >>> import numpy as np
    >>> from tinygrad_nn import Value, nn
    >>> logits = Value([[2.0, 0.0], [0.0, 0.0]])
    >>> loss = nn.functional.cross_entropy(logits, np.array([0, 1]))
    >>> print(f"{loss:.4f}")  # (log(1 + e^-2) + log 2) / 2
    0.4100
    """
    input, target = _numbers_or_value(input), _numbers_or_value(target)
    shape = input.shape
    logits, classes = _class_rows("cross_entropy", input)
    if target.shape == shape:
        if target.dtype.kind != "f":
            raise TypeError(
                f"cross_entropy: a target of the input's shape {shape} holds class "
                f"probabilities, not {target.dtype}"
            )
        q, _ = _class_rows("cross_entropy", target)
        if label_smoothing:
            q = q * (1 - label_smoothing) + label_smoothing / classes
        if weight is not None:
            q = q * _class_weight("cross_entropy", weight, classes, logits.dtype)
        losses = -ops.sum(q * ops.log_softmax(logits, -1), -1)
        return _reduce(_unrow(losses, shape), reduction)
    labels, counted = _labels("cross_entropy", target, shape, classes, ignore_index)
    if not label_smoothing:
        losses = label_cross_entropy(logits, labels)
        return _reduce_labelled(losses, labels, counted, weight, classes, reduction, shape)
    if not 0 <= label_smoothing <= 1:
        raise ValueError(f"cross_entropy: label_smoothing {label_smoothing} is not in [0, 1]")
    weights = np.ones(classes, logits.dtype)
    if weight is not None:
        weights = _class_weight("cross_entropy", weight, classes, logits.dtype)
    q = np.full(logits.shape, label_smoothing / classes, logits.dtype)
    q[np.arange(len(labels)), labels] += 1 - label_smoothing
    q *= weights * counted[:, None]
    losses = -ops.sum(q * ops.log_softmax(logits, -1), -1)
    if reduction == "mean":
        return ops.sum(losses) / np.sum(weights[labels] * counted)
    return _reduce(_unrow(losses, shape), reduction)


def nll_loss(
    input: Any,
    target: Any,
    weight: Any = None,
    ignore_index: int = -100,
    reduction: Reduction = "mean",
) -> Any:
    """-input[target] for log-probabilities: the negative log-likelihood of the labels.

    Shapes, `weight` and `ignore_index` as in `cross_entropy`, of whose log-softmax it is the
    rest.
    """
    input, target = _numbers_or_value(input), _numbers_or_value(target)
    shape = input.shape
    rows, classes = _class_rows("nll_loss", input)
    labels, counted = _labels("nll_loss", target, shape, classes, ignore_index)
    losses = -rows[np.arange(len(labels)), labels]
    return _reduce_labelled(losses, labels, counted, weight, classes, reduction, shape)


# ---- What they share


def _reduce(losses: Any, reduction: str) -> Any:
    if reduction == "mean":
        return ops.mean(losses)
    if reduction == "sum":
        return ops.sum(losses)
    if reduction == "none":
        return losses
    raise ValueError(f"reduction must be 'mean', 'sum' or 'none', not {reduction!r}")


def _numbers(x: Any) -> Any:
    return x.data if isinstance(x, Value) else np.asarray(x)


def _numbers_or_value(x: Any) -> Any:
    return x if isinstance(x, Value) else np.asarray(x)


def _same_shape(loss: str, input: Any, target: Any) -> tuple[Any, Any]:
    input, target = _numbers_or_value(input), _numbers_or_value(target)
    if input.shape != target.shape:
        raise ShapeError(f"{loss}: input {input.shape} and target {target.shape} differ")
    return input, target


def _difference(loss: str, input: Any, target: Any) -> Any:
    input, target = _same_shape(loss, input, target)
    return input - target


def _class_rows(loss: str, x: Any) -> tuple[Any, int]:
    """x with its classes, on axis 1 (or the only one), moved last and all other axes in one."""
    if x.ndim == 2:
        return x, x.shape[1]
    if x.ndim == 0:
        raise ShapeError(f"{loss}: the input must be (n, classes), not a scalar")
    if x.ndim == 1:
        return ops.reshape(x, (1, -1)), x.shape[0]
    classes = x.shape[1]
    return ops.reshape(ops.moveaxis(x, 1, -1), (-1, classes)), classes


def _without_classes(shape: tuple[int, ...]) -> tuple[int, ...]:
    return shape[:1] + shape[2:] if len(shape) > 1 else ()


def _unrow(losses: Any, shape: tuple[int, ...]) -> Any:
    """Losses of rows in the `shape` of the input, without its classes."""
    return losses if len(shape) == 2 else ops.reshape(losses, _without_classes(shape))


def _labels(
    loss: str, target: Any, shape: tuple[int, ...], classes: int, ignore_index: int
) -> tuple[Any, Any]:
    """The labels as one row, 0 where they are ignored, and where they count."""
    labels = _numbers(target)
    expected = _without_classes(shape)
    if labels.shape != expected:
        raise ShapeError(
            f"{loss}: for input {shape} the labels must be of shape {expected}, not {labels.shape}"
        )
    if labels.dtype.kind not in "iu":
        raise TypeError(f"{loss}: labels must be integers, not {labels.dtype}")
    labels = labels.reshape(-1)
    counted = labels != ignore_index
    if not counted.all():
        labels = np.where(counted, labels, 0)
    if labels.size and not (labels.min() >= 0 and labels.max() < classes):
        raise ValueError(
            f"{loss}: labels must be from 0 to {classes - 1}, "
            f"they are from {labels.min()} to {labels.max()}"
        )
    return labels, counted


def _class_weight(loss: str, weight: Any, classes: int, dtype: Any) -> Any:
    weight = np.asarray(_numbers(weight), dtype)
    if weight.shape != (classes,):
        raise ShapeError(f"{loss}: weight {weight.shape} for {classes} classes")
    return weight


def _reduce_labelled(
    losses: Any,
    labels: Any,
    counted: Any,
    weight: Any,
    classes: int,
    reduction: Reduction,
    shape: tuple[int, ...],
) -> Any:
    """The reduction of losses of labels, of which some do not count and some count for more."""
    if weight is None and counted.all():
        return _reduce(_unrow(losses, shape), reduction)
    weights = counted.astype(losses.dtype)
    if weight is not None:
        weights = weights * _class_weight("weight", weight, classes, losses.dtype)[labels]
    # `where`, not a product: what an ignored label left may be infinite.
    losses = ops.where(weights != 0, losses * weights, 0.0)
    if reduction == "mean":
        return ops.sum(losses) / np.sum(weights)
    return _reduce(_unrow(losses, shape), reduction)
