"""Losses that compare scores of classes with the right class."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import ops
from ..errors import ShapeError
from ..ops.network import label_cross_entropy
from ._reduction import Reduction, as_array, as_float, check_reduction, data_of, reduce


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
    check_reduction(reduction)
    check_label_smoothing(label_smoothing)
    input, target = as_float(input), as_array(target)
    logits = _rows("cross_entropy", input)
    class_weight = _class_weight("cross_entropy", weight, logits)
    if target.shape == input.shape:
        if target.dtype.kind != "f":
            raise TypeError(
                f"cross_entropy: a target in the input's shape {input.shape} holds class "
                f"probabilities, not {target.dtype}"
            )
        q = _rows("cross_entropy", target)
        if label_smoothing:
            q = q * (1 - label_smoothing) + label_smoothing / logits.shape[1]
        losses = _expected_surprise(logits, q, class_weight)
        return reduce(_unrowed(losses, input), reduction)
    labels, ignored = _labels("cross_entropy", target, input, ignore_index)
    plain = ignored is None and class_weight is None and not label_smoothing and input.ndim == 2
    if ignored is not None:
        logits = ops.where(ignored[:, None], 0, logits)  # they may be infinite
    try:
        losses = label_cross_entropy(logits, labels, reduction if plain else "none")
    except IndexError:
        raise _label_error("cross_entropy", labels, input) from None
    if plain:
        return losses
    weights = _label_weights(labels, ignored, class_weight, logits.dtype)
    if weights is not None:
        losses = losses * weights
    if label_smoothing:
        uniform = np.full(logits.shape, 1 / logits.shape[1], logits.dtype)
        smooth = _expected_surprise(logits, uniform, class_weight)
        if ignored is not None:
            smooth = smooth * ~ignored
        losses = (1 - label_smoothing) * losses + label_smoothing * smooth
    return _reduce_weighted(losses, weights, reduction, input)


def check_label_smoothing(label_smoothing: float) -> None:
    """Raise ValueError unless it is a share."""
    if not 0 <= label_smoothing <= 1:
        raise ValueError(f"cross_entropy: label_smoothing {label_smoothing} is not in [0, 1]")


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
    input, target = as_float(input), as_array(target)
    rows = _rows("nll_loss", input)
    class_weight = _class_weight("nll_loss", weight, rows)
    labels, ignored = _labels("nll_loss", target, input, ignore_index)
    if ignored is not None:
        rows = ops.where(ignored[:, None], 0, rows)  # they may be infinite
    try:
        losses = -rows[np.arange(len(labels)), labels]
    except IndexError:
        raise _label_error("nll_loss", labels, input) from None
    weights = _label_weights(labels, ignored, class_weight, rows.dtype)
    if weights is not None:
        losses = losses * weights
    return _reduce_weighted(losses, weights, reduction, input)


def _expected_surprise(logits: Any, q: Any, class_weight: Any) -> Any:
    """-sum_c q_c weight_c log softmax(logits)_c of each row."""
    if class_weight is not None:
        q = q * class_weight
    log_p = ops.where(q == 0, 0, ops.log_softmax(logits, -1))  # 0 log 0 is 0
    return -ops.sum(q * log_p, -1)


def _rows(loss: str, x: Any) -> Any:
    """x with its classes, on axis 1 (or the only one), moved last and all other axes in one."""
    if x.ndim == 2:
        return x
    if x.ndim == 0:
        raise ShapeError(f"{loss}: the input must be (n, classes), not a scalar")
    if x.ndim == 1:
        return ops.reshape(x, (1, -1))
    return ops.reshape(ops.moveaxis(x, 1, -1), (-1, x.shape[1]))


def _shape_without_classes(input: Any) -> tuple[int, ...]:
    shape: tuple[int, ...] = input.shape
    return shape[:1] + shape[2:] if len(shape) > 1 else ()


def _unrowed(losses: Any, input: Any) -> Any:
    """Losses of rows in the shape of the input without its classes."""
    return losses if input.ndim == 2 else ops.reshape(losses, _shape_without_classes(input))


def _class_weight(loss: str, weight: Any, rows: Any) -> Any:
    if weight is None:
        return None
    array = data_of(weight).astype(rows.dtype, copy=False)
    if array.shape != rows.shape[1:]:
        raise ShapeError(f"{loss}: weight of shape {array.shape} for {rows.shape[1]} classes")
    return array


def _labels(loss: str, target: Any, input: Any, ignore_index: int) -> tuple[Any, Any]:
    """The labels in a row, 0 where they are ignored, and where that is (None: nowhere)."""
    labels = data_of(target)
    expected = _shape_without_classes(input)
    if labels.shape != expected:
        raise ShapeError(
            f"{loss}: for input {input.shape} the labels must be of shape {expected}, "
            f"not {labels.shape}"
        )
    if labels.dtype.kind not in "iu":
        raise TypeError(f"{loss}: labels must be integers, not {labels.dtype}")
    labels = labels.reshape(-1)
    ignored = None
    if ignore_index >= 0 or (labels.size and np.minimum.reduce(labels) < 0):
        ignored = labels == ignore_index
        labels = np.where(ignored, 0, labels)
        if labels.size and np.minimum.reduce(labels) < 0:
            raise _label_error(loss, labels, input)
    return labels, ignored


def _label_error(loss: str, labels: Any, input: Any) -> ValueError:
    classes = input.shape[1] if input.ndim > 1 else input.shape[0]
    return ValueError(
        f"{loss}: labels must be from 0 to {classes - 1}, "
        f"they are from {labels.min()} to {labels.max()}"
    )


def _label_weights(labels: Any, ignored: Any, class_weight: Any, dtype: Any) -> Any:
    """How much each label counts (None: all the same)."""
    weights = None if class_weight is None else class_weight[labels]
    if ignored is None:
        return weights
    counted = (~ignored).astype(dtype)
    return counted if weights is None else weights * counted


def _reduce_weighted(losses: Any, weights: Any, reduction: Reduction, input: Any) -> Any:
    """The reduction of losses that have their weights in them; the mean is one of weights."""
    if weights is not None and reduction == "mean":
        return ops.sum(losses) / np.sum(weights)
    return reduce(_unrowed(losses, input), reduction)
