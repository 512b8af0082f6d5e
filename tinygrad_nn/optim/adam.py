"""Adam and its variant with decoupled weight decay."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from ..traced import number
from .optimizer import Optimizer, gradient, minus


class Adam(Optimizer):
    """Adam (Kingma and Ba, 2015): steps scaled by running moments of the gradient.

    For a parameter p with gradient g in step t, as PyTorch computes it:

        g <- g + weight_decay p
        m <- beta1 m + (1 - beta1) g
        v <- beta2 v + (1 - beta2) g^2
        p <- p - lr / (1 - beta1^t) m / (sqrt(v) / sqrt(1 - beta2^t) + eps)
    """

    decoupled = False

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(
            params, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay}
        )

    def _check(self, settings: dict[str, Any]) -> None:
        super()._check(settings)
        betas = settings["betas"]
        if len(betas) != 2 or not all(0 <= beta < 1 for beta in betas):
            raise ValueError(f"betas must be two numbers, at least 0 and below 1: {betas}")

    def step(self) -> None:
        """Update every parameter that has a gradient."""
        for group in self.param_groups:
            lr, eps = number(group["lr"]), number(group["eps"])
            weight_decay = number(group["weight_decay"])
            beta1, beta2 = map(float, group["betas"])
            for parameter in group["params"]:
                g = gradient(parameter)
                if g is None:
                    continue
                data = parameter._data
                if weight_decay and self.decoupled:
                    data = data * (1 - lr * weight_decay)
                elif weight_decay:
                    g = g + weight_decay * data
                state = self.state.get(parameter)
                if state is None:
                    zeros = np.zeros_like(data)
                    state = {"step": 0, "exp_avg": zeros, "exp_avg_sq": zeros}
                    self.state[parameter] = state
                t = state["step"] + 1
                m = beta1 * state["exp_avg"] + (1 - beta1) * g
                v = beta2 * state["exp_avg_sq"] + (1 - beta2) * (g * g)
                scale = np.sqrt(v) / (1 - beta2**t) ** 0.5 + eps
                parameter._data = minus(data, (lr / (1 - beta1**t)) * m / scale)
                state.update(step=t, exp_avg=m, exp_avg_sq=v)


class AdamW(Adam):
    """Adam with decoupled weight decay (Loshchilov and Hutter, 2019).

    The decay is applied to the parameter, p <- p (1 - lr weight_decay), and not to its gradient.
    """

    decoupled = True

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.01,
    ) -> None:
        super().__init__(params, lr, betas, eps, weight_decay)
