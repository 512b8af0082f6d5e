"""Functions with their right derivatives, from which the cases are made."""

from __future__ import annotations

from typing import Any

import numpy as np

from .case import Function, elementwise

# ---- Elementwise

SIN = elementwise(lambda xp, x: xp.sin(x), lambda xp, x: xp.cos(x))
COS = elementwise(lambda xp, x: xp.cos(x), lambda xp, x: -xp.sin(x))
EXP = elementwise(lambda xp, x: xp.exp(x), lambda xp, x: xp.exp(x))
LOG = elementwise(lambda xp, x: xp.log(x), lambda xp, x: 1 / x)
SQRT = elementwise(lambda xp, x: xp.sqrt(x), lambda xp, x: 0.5 / xp.sqrt(x))
TANH = elementwise(lambda xp, x: xp.tanh(x), lambda xp, x: 1 - xp.tanh(x) ** 2)
ARCSIN = elementwise(lambda xp, x: xp.arcsin(x), lambda xp, x: 1 / xp.sqrt((1 - x) * (1 + x)))
SQUARE = elementwise(lambda xp, x: x * x, lambda xp, x: 2 * x)
CUBE = elementwise(lambda xp, x: x * x * x, lambda xp, x: 3 * x * x)
RECIPROCAL = elementwise(lambda xp, x: 1 / x, lambda xp, x: -1 / (x * x))
SIN_OF_SQUARE = elementwise(lambda xp, x: xp.sin(x * x), lambda xp, x: xp.cos(x * x) * 2 * x)
X_LOG_X = elementwise(lambda xp, x: x * xp.log(x), lambda xp, x: xp.log(x) + 1)
SIGMOID = elementwise(
    lambda xp, x: 1 / (1 + xp.exp(-x)), lambda xp, x: xp.exp(-x) / (1 + xp.exp(-x)) ** 2
)
CONSTANT = elementwise(lambda xp, x: xp.full_like(x, 3.0), lambda xp, x: xp.zeros_like(x))
PIECEWISE = elementwise(
    lambda xp, x: xp.where(x > 0, x * x, xp.sin(x)), lambda xp, x: xp.where(x > 0, 2 * x, xp.cos(x))
)
FLOOR = elementwise(lambda xp, x: xp.floor(x), lambda xp, x: xp.zeros_like(x))

# ---- Elementwise, of two inputs of one shape

PRODUCT = Function(lambda xp, x, y: x * y, lambda xp, g, x, y: (g * y, g * x))
QUOTIENT = Function(lambda xp, x, y: x / y, lambda xp, g, x, y: (g / y, -g * x / y**2))
POWER = Function(
    lambda xp, x, y: x**y, lambda xp, g, x, y: (g * y * x ** (y - 1), g * x**y * xp.log(x))
)

# ---- Broadcasting and reductions

AFFINE = Function(
    lambda xp, x, w, b: x @ w + b, lambda xp, g, x, w, b: (g @ w.T, x.T @ g, g.sum(axis=0))
)
COLUMN_SCALED = Function(  # x (m, n), c (m, 1)
    lambda xp, x, c: x * c, lambda xp, g, x, c: (g * c, (g * x).sum(axis=1, keepdims=True))
)
COLUMN_SUMS = Function(
    lambda xp, x: (x * x).sum(axis=0), lambda xp, g, x: (g * xp.ones_like(x) * 2 * x,)
)
SCALED = Function(  # x (n,), c ()
    lambda xp, x, c: x * c, lambda xp, g, x, c: (g * c, (g * x).sum())
)
SUM_OF_SQUARES = Function(lambda xp, x: (x * x).sum(), lambda xp, g, x: (g * 2 * x,))
MEAN = Function(lambda xp, x: x.mean(), lambda xp, g, x: (g * xp.ones_like(x) / x.size,))
VARIANCE = Function(
    lambda xp, x: ((x - x.mean()) ** 2).mean(), lambda xp, g, x: (g * 2 * (x - x.mean()) / x.size,)
)
NORM = Function(
    lambda xp, x: xp.sqrt((x * x).sum()), lambda xp, g, x: (g * x / xp.sqrt((x * x).sum()),)
)


def softmax(xp: Any, x: Any) -> Any:
    """exp x / sum exp x along the last axis."""
    weights = xp.exp(x - x.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True)


def softmax_vjp(xp: Any, g: Any, x: Any) -> Any:
    """p (g - p·g)."""
    p = softmax(xp, x)
    return (p * (g - (p * g).sum(axis=-1, keepdims=True)),)


SOFTMAX = Function(softmax, softmax_vjp)
SUM_OF_SOFTMAX = Function(
    lambda xp, x: softmax(xp, x).sum(), lambda xp, g, x: (g * xp.zeros_like(x),)
)
LOGSUMEXP = Function(
    lambda xp, x: xp.log(xp.exp(x).sum()), lambda xp, g, x: (g * xp.exp(x) / xp.exp(x).sum(),)
)
ONE_HOT = np.eye(3)[[2, 0]]
CROSS_ENTROPY = Function(  # of two rows of logits
    lambda xp, x: -(xp.log(softmax(xp, x)) * ONE_HOT).sum() / 2,
    lambda xp, g, x: (g * (softmax(xp, x) - ONE_HOT) / 2,),
)

# ---- Matrices and indices

MATMUL = Function(lambda xp, x, y: x @ y, lambda xp, g, x, y: (g @ y.T, x.T @ g))
DETERMINANT = Function(
    lambda xp, x: xp.linalg.det(x), lambda xp, g, x: (g * xp.linalg.det(x) * xp.linalg.inv(x).T,)
)


def inverse_vjp(xp: Any, g: Any, x: Any) -> Any:
    """-Y^T g Y^T, for the inverse Y."""
    y = xp.linalg.inv(x)
    return (-y.T @ g @ y.T,)


INVERSE = Function(lambda xp, x: xp.linalg.inv(x), inverse_vjp)
CUMSUM = Function(
    lambda xp, x: xp.cumsum(x * x), lambda xp, g, x: (2 * x * g[::-1].cumsum()[::-1],)
)
INDICES = np.array([2, 0, 2, 3, 1])
PICKS = np.eye(4)[INDICES]  # the matrix that picks these entries from a vector of 4
LAST_PICKS = PICKS * [[0], [1], [1], [1], [1]]  # without the first pick of entry 2
TAKE = Function(lambda xp, x: x[INDICES] ** 2, lambda xp, g, x: (PICKS.T @ (g * 2 * x[INDICES]),))

# ---- Two outputs

SIN_AND_COS = Function(
    lambda xp, x: (xp.sin(x), xp.cos(x)), lambda xp, g, x: (g[0] * xp.cos(x) - g[1] * xp.sin(x),)
)
MEAN_AND_VARIANCE = Function(
    lambda xp, x: (x.mean(), ((x - x.mean()) ** 2).mean()),
    lambda xp, g, x: ((g[0] + g[1] * 2 * (x - x.mean())) / x.size,),
)

# ---- Families


def input_of_scale(s: float) -> Function:
    """s sin(x / s), for x of about s."""
    return elementwise(lambda xp, x: s * xp.sin(x / s), lambda xp, x: xp.cos(x / s))


def output_of_scale(s: float) -> Function:
    """s sin x."""
    return elementwise(lambda xp, x: s * xp.sin(x), lambda xp, x: s * xp.cos(x))


def sin_of(rate: float) -> Function:
    """sin(rate x)."""
    return elementwise(lambda xp, x: xp.sin(rate * x), lambda xp, x: rate * xp.cos(rate * x))


def exp_of(rate: float) -> Function:
    """exp(rate x)."""
    return elementwise(lambda xp, x: xp.exp(rate * x), lambda xp, x: rate * xp.exp(rate * x))


def sin_above(offset: float) -> Function:
    """offset + sin x."""
    return elementwise(lambda xp, x: offset + xp.sin(x), lambda xp, x: xp.cos(x))


RIPPLED_LINE = elementwise(
    lambda xp, x: x + 1e-4 * xp.sin(1e4 * x), lambda xp, x: 1 + xp.cos(1e4 * x)
)
PEAK = elementwise(
    lambda xp, x: 1 / (1 + 1e6 * x * x), lambda xp, x: -2e6 * x / (1 + 1e6 * x * x) ** 2
)
STEEP_TANH = elementwise(
    lambda xp, x: xp.tanh(1000 * x), lambda xp, x: 1000 * (1 - xp.tanh(1000 * x) ** 2)
)
FLAT_SQUARE = elementwise(lambda xp, x: 1e-6 * x * x, lambda xp, x: 2e-6 * x)
HYPERBOLA = elementwise(  # the derivative x / root - 1 without its cancellation
    lambda xp, x: xp.sqrt(x * x + 1) - x,
    lambda xp, x: -1 / (xp.sqrt(x * x + 1) * (xp.sqrt(x * x + 1) + x)),
)
X_LESS_SIN = elementwise(lambda xp, x: x - xp.sin(x), lambda xp, x: 1 - xp.cos(x))
VERSINE = elementwise(lambda xp, x: 1 - xp.cos(x), lambda xp, x: xp.sin(x))
EXP_LESS_ONE = elementwise(lambda xp, x: xp.exp(x) - 1, lambda xp, x: xp.exp(x))
SIN_IN_FLOAT32 = elementwise(
    lambda xp, x: xp.sin(x.astype(xp.float32)).astype(xp.float64), lambda xp, x: xp.cos(x)
)

# ---- Kinks: what the derivative is there is for the cases to say

RELU = elementwise(lambda xp, x: xp.maximum(x, 0), lambda xp, x: xp.where(x > 0, 1.0, 0.0))
ABS = elementwise(lambda xp, x: xp.abs(x), lambda xp, x: xp.sign(x))
# Smooth, but only seen close up
SHARP_SOFTPLUS = elementwise(
    lambda xp, x: xp.log(1 + xp.exp(1e4 * x)) / 1e4, lambda xp, x: 1 / (1 + xp.exp(-1e4 * x))
)
SMOOTH_ABS = elementwise(
    lambda xp, x: xp.sqrt(x * x + 1e-12), lambda xp, x: x / xp.sqrt(x * x + 1e-12)
)
ABS_TO_1_5 = elementwise(
    lambda xp, x: xp.abs(x) ** 1.5, lambda xp, x: 1.5 * xp.sign(x) * xp.sqrt(xp.abs(x))
)


def relu_with(subgradient: float) -> Function:
    """max(x, 0) with the given derivative at 0."""
    return elementwise(
        RELU.f, lambda xp, x: xp.where(x == 0, subgradient, xp.where(x > 0, 1.0, 0.0))
    )


def abs_with(subgradient: float) -> Function:
    """|x| with the given derivative at 0."""
    return elementwise(ABS.f, lambda xp, x: xp.where(x == 0, subgradient, xp.sign(x)))


def max_vjp(xp: Any, g: Any, x: Any) -> Any:
    """g to each of the largest entries."""
    return (g * xp.where(x == x.max(), 1.0, 0.0),)


def split_max_vjp(xp: Any, g: Any, x: Any) -> Any:
    """g shared evenly among the largest entries."""
    largest = xp.where(x == x.max(), 1.0, 0.0)
    return (g * largest / largest.sum(),)


def first_max_vjp(xp: Any, g: Any, x: Any) -> Any:
    """g to the first of the largest entries."""
    return (g * xp.where(xp.arange(x.size) == x.argmax(), 1.0, 0.0),)


MAX = Function(lambda xp, x: x.max(), split_max_vjp)
MAXIMUM = Function(
    lambda xp, x, y: xp.maximum(x, y),
    lambda xp, g, x, y: (
        g * xp.where(x > y, 1.0, xp.where(x == y, 0.5, 0.0)),
        g * xp.where(y > x, 1.0, xp.where(x == y, 0.5, 0.0)),
    ),
)
NORM_WITH_0 = Function(  # the subgradient 0 at 0
    NORM.f, lambda xp, g, x: (g * x / xp.maximum(xp.sqrt((x * x).sum()), 1e-300),)
)
