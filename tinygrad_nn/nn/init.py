"""Initialisation: ways to fill a parameter with its first numbers.

Each function fills `parameter` in place, returns it, and draws from `rng` or, without one, from
the package's generator (`tinygrad_nn.manual_seed`). A weight of shape (n_out, n_in) has
fan_in = n_in and fan_out = n_out; further axes multiply both.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Literal

import numpy as np

from ..errors import ShapeError
from ..random import generator
from ..value import Value

Rng = np.random.Generator | None


def uniform_(parameter: Value, low: float = 0.0, high: float = 1.0, *, rng: Rng = None) -> Value:
    """Numbers from the uniform distribution on [low, high)."""
    parameter.data = generator(rng).uniform(low, high, _shape(parameter))
    return parameter


def normal_(parameter: Value, mean: float = 0.0, std: float = 1.0, *, rng: Rng = None) -> Value:
    """Numbers from the normal distribution of that mean and standard deviation."""
    parameter.data = generator(rng).normal(mean, std, _shape(parameter))
    return parameter


def constant_(parameter: Value, value: float = 0.0, *, rng: Rng = None) -> Value:
    """The same number everywhere."""
    parameter.data = np.full(_shape(parameter), value)
    return parameter


def zeros_(parameter: Value, *, rng: Rng = None) -> Value:
    """Zeros."""
    return constant_(parameter, 0.0)


def ones_(parameter: Value, *, rng: Rng = None) -> Value:
    """Ones."""
    return constant_(parameter, 1.0)


def xavier_uniform_(parameter: Value, gain: float = 1.0, *, rng: Rng = None) -> Value:
    """Uniform on +-gain sqrt(6 / (fan_in + fan_out)) (Glorot and Bengio, 2010)."""
    bound = gain * math.sqrt(6 / sum(_fans(parameter)))
    return uniform_(parameter, -bound, bound, rng=rng)


def xavier_normal_(parameter: Value, gain: float = 1.0, *, rng: Rng = None) -> Value:
    """Normal with standard deviation gain sqrt(2 / (fan_in + fan_out)) (Glorot, Bengio 2010)."""
    return normal_(parameter, 0.0, gain * math.sqrt(2 / sum(_fans(parameter))), rng=rng)


def kaiming_uniform_(
    parameter: Value,
    a: float = 0.0,
    mode: Literal["fan_in", "fan_out"] = "fan_in",
    nonlinearity: str = "leaky_relu",
    *,
    rng: Rng = None,
) -> Value:
    """Uniform on +-gain sqrt(3 / fan), for units of that nonlinearity (He et al., 2015).

    `a` is the slope of leaky_relu on the negative side.
    """
    bound = calculate_gain(nonlinearity, a) * math.sqrt(3 / _fan(parameter, mode))
    return uniform_(parameter, -bound, bound, rng=rng)


def kaiming_normal_(
    parameter: Value,
    a: float = 0.0,
    mode: Literal["fan_in", "fan_out"] = "fan_in",
    nonlinearity: str = "leaky_relu",
    *,
    rng: Rng = None,
) -> Value:
    """Normal with standard deviation gain / sqrt(fan), for that nonlinearity (He et al., 2015)."""
    std = calculate_gain(nonlinearity, a) / math.sqrt(_fan(parameter, mode))
    return normal_(parameter, 0.0, std, rng=rng)


def orthogonal_(parameter: Value, gain: float = 1.0, *, rng: Rng = None) -> Value:
    """`gain` times a matrix of orthonormal rows or columns, the fewer (Saxe et al., 2014)."""
    rows, columns = _matrix_shape(parameter)
    gaussian = generator(rng).normal(size=(max(rows, columns), min(rows, columns)))
    q, r = np.linalg.qr(gaussian)
    q *= np.sign(np.diag(r))  # without it the distribution is not uniform
    parameter.data = gain * (q if rows >= columns else q.T).reshape(parameter.shape)
    return parameter


def calculate_gain(nonlinearity: str, a: float = 0.01) -> float:
    """The factor by which a nonlinearity shrinks its input's standard deviation, inverted."""
    gains = {
        "linear": 1.0,
        "sigmoid": 1.0,
        "tanh": 5 / 3,
        "relu": math.sqrt(2),
        "leaky_relu": math.sqrt(2 / (1 + a * a)),
    }
    if nonlinearity not in gains:
        raise ValueError(f"no gain for {nonlinearity!r}; known are {', '.join(gains)}")
    return gains[nonlinearity]


BY_NAME: dict[str, Callable[..., Value]] = {
    "uniform": uniform_,
    "normal": normal_,
    "constant": constant_,
    "zeros": zeros_,
    "ones": ones_,
    "xavier_uniform": xavier_uniform_,
    "xavier_normal": xavier_normal_,
    "kaiming_uniform": kaiming_uniform_,
    "kaiming_normal": kaiming_normal_,
    "orthogonal": orthogonal_,
}
"""What a layer's `init=` may name."""


def by_name(name: str) -> Callable[..., Value]:
    """The function that a layer's `init=` names: "orthogonal" is `orthogonal_`."""
    if name not in BY_NAME:
        raise ValueError(f"init {name!r} is not one of {', '.join(BY_NAME)}")
    return BY_NAME[name]


def _shape(parameter: Value) -> tuple[int, ...]:
    if not isinstance(parameter, Value):
        raise TypeError(f"init fills Values, not {type(parameter).__name__}")
    return parameter.shape


def _matrix_shape(parameter: Value) -> tuple[int, int]:
    shape = _shape(parameter)
    if len(shape) < 2:
        raise ShapeError(f"fan_in and fan_out need two axes or more, the shape is {shape}")
    return shape[0], math.prod(shape[1:])


def _fans(parameter: Value) -> tuple[int, int]:
    n_out, fan_in = _matrix_shape(parameter)
    return fan_in, n_out * math.prod(parameter.shape[2:])


def _fan(parameter: Value, mode: str) -> int:
    if mode not in ("fan_in", "fan_out"):
        raise ValueError(f"mode must be 'fan_in' or 'fan_out', not {mode!r}")
    return _fans(parameter)[mode == "fan_out"]
