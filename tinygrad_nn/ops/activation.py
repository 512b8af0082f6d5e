"""Activation functions: the nonlinearities of neurons."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..domains import elementwise, nonzero, real
from ..primitive import primitive
from ..traced import as_array
from .elementwise import erfc
from .reduction import add_reduce, floating, maximum_reduce


@primitive(x=lambda g, out: g * out * (1 - out), domain=elementwise(x=real))
def sigmoid(x: Any) -> Any:
    """The logistic function 1 / (1 + e^-x), elementwise. Its derivative is y (1 - y).

    >>> import tinygrad_nn as tg
    >>> tg.sigmoid([-1000.0, 0.0, 1.0])
    array([0.        , 0.5       , 0.73105858])
    """
    with np.errstate(over="ignore"):  # e^-x = inf gives the right limit, 0
        return 1 / (1 + np.exp(-floating(x)))


@primitive(x=lambda g, x: g * sigmoid(x), domain=elementwise(x=real))
def softplus(x: Any) -> Any:
    """log(1 + e^x), elementwise: a smooth relu.

    >>> import tinygrad_nn as tg
    >>> tg.softplus([0.0, 1000.0])
    array([6.93147181e-01, 1.00000000e+03])
    """
    return np.logaddexp(floating(x), 0)


@primitive(x=lambda g, out: g * (out > 0), domain=elementwise(x=nonzero))
def relu(x: Any) -> Any:
    """max(0, x), elementwise; its derivative at 0 is taken as 0.

    >>> import tinygrad_nn as tg
    >>> tg.relu([-1.0, 2.0])
    array([0., 2.])
    """
    return np.maximum(x, 0)


@primitive(
    x=lambda g, x, negative_slope: np.where(x > 0, g, g * negative_slope),
    domain=elementwise(x=nonzero, negative_slope=(0.01, 0.5)),
)
def leaky_relu(x: Any, negative_slope: float = 0.01) -> Any:
    """x where x > 0 and `negative_slope` x elsewhere.

    >>> import tinygrad_nn as tg
    >>> tg.leaky_relu([-1.0, 2.0])
    array([-0.01,  2.  ])
    """
    return np.where(x > 0, x, x * negative_slope)


@primitive(
    x=lambda g, x, alpha: np.where(x > 0, g, g * (alpha * np.exp(np.minimum(x, 0)))),
    domain=elementwise(x=nonzero, alpha=(1.0, 0.5)),
)
def elu(x: Any, alpha: float = 1.0) -> Any:
    """x where x > 0 and `alpha` (e^x - 1) elsewhere (Clevert et al., 2016).

    >>> import tinygrad_nn as tg
    >>> tg.elu([-1.0, 2.0])
    array([-0.63212056,  2.        ])
    """
    x = floating(x)
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


def _gelu_vjp(g: Any, x: Any, approximate: str) -> Any:
    if approximate == "tanh":
        t = np.tanh(_gelu_argument(x))
        return g * 0.5 * (1 + t + x * (1 - t * t) * _GELU * (1 + 3 * 0.044715 * x * x))
    density = np.exp(-0.5 * x * x) / math.sqrt(2 * math.pi)
    return g * (0.5 * erfc(-x * math.sqrt(0.5)) + x * density)


_GELU = math.sqrt(2 / math.pi)


def _gelu_argument(x: Any) -> Any:
    return _GELU * (x + 0.044715 * x * x * x)


@primitive(x=_gelu_vjp, domain=elementwise(x=real, approximate=("none", "tanh")))
def gelu(x: Any, approximate: str = "none") -> Any:
    """x times the standard normal distribution function of x (Hendrycks and Gimpel, 2016).

    `approximate="tanh"` takes their approximation by the hyperbolic tangent. ValueError for any
    other but "none".

    >>> import tinygrad_nn as tg
    >>> tg.gelu([-1.0, 2.0])
    array([-0.15865525,  1.95449974])
    """
    x = floating(x)
    if approximate == "tanh":
        return 0.5 * x * (1 + np.tanh(_gelu_argument(x)))
    if approximate != "none":
        raise ValueError(f"approximate must be 'none' or 'tanh', not {approximate!r}")
    return 0.5 * x * erfc(-x * math.sqrt(0.5))


@primitive(x=lambda g: g * 0.0, domain=elementwise(x=nonzero))
def step(x: Any) -> Any:
    """1 where x >= 0 and 0 elsewhere, in the type of x: constant but at 0, so its derivative is 0.

    >>> from tinygrad_nn.ops.activation import step
    >>> step([-1.0, 0.0, 2.0])
    array([0., 1., 1.])
    """
    x = as_array(x)
    return np.heaviside(x, 1).astype(x.dtype, copy=False)


def _silu_vjp(g: Any, x: Any) -> Any:
    s = sigmoid(x)
    return g * s * (1 + x * (1 - s))


@primitive(x=_silu_vjp, domain=elementwise(x=real))
def silu(x: Any) -> Any:
    """x sigmoid(x), elementwise (Elfwing et al., 2018).

    >>> import tinygrad_nn as tg
    >>> tg.silu([-1.0, 2.0])
    array([-0.26894142,  1.76159416])
    """
    return floating(x) * sigmoid(x)


def _softmax_vjp(g: Any, out: Any, axis: int) -> Any:
    weighted = g * out
    return weighted - out * np.sum(weighted, axis=axis, keepdims=True)


def _softmax_domain(draw: Any) -> dict[str, Any]:
    shape = draw.shapes(min_dims=1)
    axis = draw.integers(-len(shape), len(shape) - 1)
    return {"x": draw.arrays(shape), "axis": axis}


@primitive(x=_softmax_vjp, domain=_softmax_domain)
def softmax(x: Any, axis: int = -1) -> Any:
    """e^{x_i} / sum_j e^{x_j} along `axis`. Entries of -inf get probability 0.

    >>> import tinygrad_nn as tg
    >>> tg.softmax([[0.0, 0.0], [1000.0, 0.0]])
    array([[0.5, 0.5],
           [1. , 0. ]])
    """
    x = floating(x)
    e = np.exp(x - maximum_reduce(x, axis=axis, keepdims=True))
    return e / add_reduce(e, axis=axis, keepdims=True)


@primitive(
    x=lambda g, out, axis: g - np.exp(out) * np.sum(g, axis=axis, keepdims=True),
    domain=_softmax_domain,
)
def log_softmax(x: Any, axis: int = -1) -> Any:
    """x_i - log sum_j e^{x_j} along `axis`: the logarithm of `softmax`, exact where that is small.

    >>> import tinygrad_nn as tg
    >>> tg.log_softmax([1000.0, 0.0])
    array([    0., -1000.])
    """
    x = floating(x)
    shifted = x - maximum_reduce(x, axis=axis, keepdims=True)
    return shifted - np.log(add_reduce(np.exp(shifted), axis=axis, keepdims=True))
