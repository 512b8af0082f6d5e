"""Stochastic gradient descent."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..traced import number
from .optimizer import Optimizer, gradient, minus


class SGD(Optimizer):
    """Stochastic gradient descent, with momentum (Polyak, 1964) and Nesterov's variant.

    For a parameter p with gradient g, as PyTorch computes it:

        g <- g + weight_decay p
        v <- momentum v + (1 - dampening) g     (the first time v = g)
        g <- g + momentum v if nesterov else v
        p <- p - lr g

    >>> from tinygrad_nn import Value, optim
    >>> w = Value(1.0)
    >>> optimizer = optim.SGD([w], lr=0.1)
    >>> (w * w).backward()
    >>> optimizer.step()
    >>> float(w)
    0.8
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        momentum: float = 0.0,
        dampening: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "momentum": momentum,
                "dampening": dampening,
                "weight_decay": weight_decay,
                "nesterov": nesterov,
            },
        )

    def _check(self, settings: dict[str, Any]) -> None:
        super()._check(settings)
        if not settings["momentum"] >= 0:
            raise ValueError(f"momentum must not be negative: {settings['momentum']}")
        if settings["nesterov"] and (settings["momentum"] == 0 or settings["dampening"] != 0):
            raise ValueError("nesterov needs a momentum, and no dampening")

    def step(self) -> None:
        """Update every parameter that has a gradient."""
        for group in self.param_groups:
            lr, momentum = number(group["lr"]), number(group["momentum"])
            weight_decay, fresh = number(group["weight_decay"]), 1 - number(group["dampening"])
            for parameter in group["params"]:
                g = gradient(parameter)
                if g is None:
                    continue
                data = parameter._data
                if weight_decay:
                    g = g + weight_decay * data
                if momentum:
                    state = self.state.setdefault(parameter, {})
                    v = state.get("momentum_buffer")
                    v = g.copy("K") if v is None else momentum * v + fresh * g
                    state["momentum_buffer"] = v
                    g = g + momentum * v if group["nesterov"] else v
                parameter._data = minus(data, lr * g)
