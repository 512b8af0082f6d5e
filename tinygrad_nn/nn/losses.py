"""Losses as modules; what each computes is in `nn.functional`."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import functional
from ._class_losses import check_label_smoothing
from ._elementwise_losses import check_delta
from ._reduction import Reduction, check_reduction
from .module import Module


class _Loss(Module):
    def __init__(self, reduction: Reduction = "mean") -> None:
        check_reduction(reduction)
        self.reduction = reduction

    def extra_repr(self) -> str:
        return "" if self.reduction == "mean" else f"reduction={self.reduction!r}"


class MSELoss(_Loss):
    """Squared error (input - target)^2."""

    def forward(self, input: Any, target: Any) -> Any:
        """Two arrays of one shape -> the reduced loss."""
        return functional.mse_loss(input, target, self.reduction)


class HalfMSELoss(_Loss):
    """Half the squared error, 1/2 (input - target)^2."""

    def forward(self, input: Any, target: Any) -> Any:
        """Two arrays of one shape -> the reduced loss."""
        return functional.half_mse_loss(input, target, self.reduction)


class L1Loss(_Loss):
    """Absolute error |input - target|."""

    def forward(self, input: Any, target: Any) -> Any:
        """Two arrays of one shape -> the reduced loss."""
        return functional.l1_loss(input, target, self.reduction)


class HuberLoss(_Loss):
    """Squared error up to `delta`, absolute error beyond."""

    def __init__(self, reduction: Reduction = "mean", delta: float = 1.0) -> None:
        super().__init__(reduction)
        check_delta(delta)
        self.delta = delta

    def forward(self, input: Any, target: Any) -> Any:
        """Two arrays of one shape -> the reduced loss."""
        return functional.huber_loss(input, target, self.reduction, self.delta)


class HingeLoss(_Loss):
    """max(0, 1 - target * input), targets -1 or 1."""

    def forward(self, input: Any, target: Any) -> Any:
        """Two arrays of one shape -> the reduced loss."""
        return functional.hinge_loss(input, target, self.reduction)


class BCELoss(_Loss):
    """Binary cross-entropy of probabilities."""

    def forward(self, input: Any, target: Any) -> Any:
        """Two arrays of one shape -> the reduced loss."""
        return functional.binary_cross_entropy(input, target, self.reduction)


class BCEWithLogitsLoss(_Loss):
    """Binary cross-entropy of the sigmoid of logits."""

    def forward(self, input: Any, target: Any) -> Any:
        """Two arrays of one shape -> the reduced loss."""
        return functional.binary_cross_entropy_with_logits(input, target, self.reduction)


class NLLLoss(_Loss):
    """The negative of the log-probability at each label."""

    def __init__(
        self, weight: Any = None, ignore_index: int = -100, reduction: Reduction = "mean"
    ) -> None:
        super().__init__(reduction)
        if not isinstance(ignore_index, (int, np.integer)):
            raise TypeError(
                f"ignore_index must be an integer, not {type(ignore_index).__name__}; "
                "input and target go to the loss when it is called"
            )
        self.weight = weight
        self.ignore_index = ignore_index

    def forward(self, input: Any, target: Any) -> Any:
        """(n, classes), labels (n,) -> the reduced loss."""
        return functional.nll_loss(input, target, self.weight, self.ignore_index, self.reduction)


class CrossEntropyLoss(NLLLoss):
    """-log softmax(input)[target], for logits.

    `weight`, `ignore_index`, `label_smoothing`: see `nn.functional.cross_entropy`.
    """

    def __init__(
        self,
        weight: Any = None,
        ignore_index: int = -100,
        reduction: Reduction = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(weight, ignore_index, reduction)
        check_label_smoothing(label_smoothing)
        self.label_smoothing = label_smoothing

    def forward(self, input: Any, target: Any) -> Any:
        """(n, classes), labels (n,) or probabilities (n, classes) -> the reduced loss."""
        return functional.cross_entropy(
            input,
            target,
            self.weight,
            self.ignore_index,
            self.reduction,
            self.label_smoothing,
        )
