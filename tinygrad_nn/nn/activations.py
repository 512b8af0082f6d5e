"""Activation functions as modules, and by name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import ops
from .module import Module


class Identity(Module):
    """y = x."""

    def forward(self, x: Any) -> Any:
        """x itself."""
        return x


class ReLU(Module):
    """y = max(0, x)."""

    def forward(self, x: Any) -> Any:
        """Elementwise, any shape."""
        return ops.relu(x)


class LeakyReLU(Module):
    """y = x where x > 0, `negative_slope` x elsewhere."""

    def __init__(self, negative_slope: float = 0.01) -> None:
        self.negative_slope = negative_slope

    def forward(self, x: Any) -> Any:
        """Elementwise, any shape."""
        return ops.leaky_relu(x, self.negative_slope)

    def extra_repr(self) -> str:
        return f"{self.negative_slope}"


class ELU(Module):
    """y = x where x > 0, `alpha` (e^x - 1) elsewhere."""

    def __init__(self, alpha: float = 1.0) -> None:
        self.alpha = alpha

    def forward(self, x: Any) -> Any:
        """Elementwise, any shape."""
        return ops.elu(x, self.alpha)

    def extra_repr(self) -> str:
        return f"{self.alpha}"


class GELU(Module):
    """y = x times the normal distribution function of x; `approximate` "none" or "tanh"."""

    def __init__(self, approximate: str = "none") -> None:
        ops.gelu(0.0, approximate)  # refuses an unknown one
        self.approximate = approximate

    def forward(self, x: Any) -> Any:
        """Elementwise, any shape."""
        return ops.gelu(x, self.approximate)

    def extra_repr(self) -> str:
        return repr(self.approximate)


class SiLU(Module):
    """y = x sigmoid(x)."""

    def forward(self, x: Any) -> Any:
        """Elementwise, any shape."""
        return ops.silu(x)


class Sigmoid(Module):
    """y = 1 / (1 + e^-x)."""

    def forward(self, x: Any) -> Any:
        """Elementwise, any shape."""
        return ops.sigmoid(x)


class Tanh(Module):
    """y = (e^x - e^-x) / (e^x + e^-x)."""

    def forward(self, x: Any) -> Any:
        """Elementwise, any shape."""
        return ops.tanh(x)


class Softplus(Module):
    """y = log(1 + e^x)."""

    def forward(self, x: Any) -> Any:
        """Elementwise, any shape."""
        return ops.softplus(x)


class Softmax(Module):
    """y_i = e^{x_i} / sum_j e^{x_j} along the axis `dim`."""

    def __init__(self, dim: int = -1) -> None:
        self.dim = dim

    def forward(self, x: Any) -> Any:
        """Any shape, kept."""
        return ops.softmax(x, self.dim)

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


class LogSoftmax(Softmax):
    """y_i = x_i - log sum_j e^{x_j} along the axis `dim`."""

    def forward(self, x: Any) -> Any:
        """Any shape, kept."""
        return ops.log_softmax(x, self.dim)


Activation = str | Callable[[Any], Any] | None

BY_NAME: dict[str, Callable[[Any], Any]] = {
    "relu": ops.relu,
    "leaky_relu": ops.leaky_relu,
    "elu": ops.elu,
    "gelu": ops.gelu,
    "silu": ops.silu,
    "sigmoid": ops.sigmoid,
    "tanh": ops.tanh,
    "softplus": ops.softplus,
    "softmax": ops.softmax,
}
"""What a neuron's or layer's `activation=` may name."""


def activation_function(activation: Activation) -> Callable[[Any], Any] | None:
    """The function that `activation` is or names; None and "linear" stand for none."""
    if activation is None or activation == "linear":
        return None
    if isinstance(activation, str):
        if activation not in BY_NAME:
            raise ValueError(
                f"activation {activation!r} is not one of linear, {', '.join(BY_NAME)}"
            )
        return BY_NAME[activation]
    if isinstance(activation, type) or not callable(activation):
        raise TypeError(f"activation must be a name, a function or a Module, not {activation!r}")
    return activation


def activation_name(function: Callable[[Any], Any] | None) -> str:
    """How to show an activation function."""
    if function is None:
        return "linear"
    return getattr(function, "__name__", type(function).__name__)
