"""Elementwise functions of one variable."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..primitive import primitive
from ._erf import erf as _erf


@primitive(x=lambda g, out: g * out)
def exp(x: Any) -> Any:
    """e^x, elementwise."""
    return np.exp(x)


@primitive(x=lambda g, x: g * np.exp(x))
def expm1(x: Any) -> Any:
    """e^x - 1, elementwise, exact near 0."""
    return np.expm1(x)


@primitive(x=lambda g, x: g / x)
def log(x: Any) -> Any:
    """The natural logarithm of x, elementwise."""
    return np.log(x)


@primitive(x=lambda g, x: g / (1 + x))
def log1p(x: Any) -> Any:
    """log(1 + x), elementwise, exact near 0."""
    return np.log1p(x)


@primitive(x=lambda g, out: g / (2 * out))
def sqrt(x: Any) -> Any:
    """The square root of x, elementwise."""
    return np.sqrt(x)


@primitive(x=lambda g, x: g * (2 * x))
def square(x: Any) -> Any:
    """x^2, elementwise."""
    return np.square(x)


@primitive(x=lambda g, x: g * np.cos(x))
def sin(x: Any) -> Any:
    """The sine of x, elementwise."""
    return np.sin(x)


@primitive(x=lambda g, x: -g * np.sin(x))
def cos(x: Any) -> Any:
    """The cosine of x, elementwise."""
    return np.cos(x)


@primitive(x=lambda g, out: g * (1 - out * out))
def tanh(x: Any) -> Any:
    """The hyperbolic tangent of x, elementwise: (e^x - e^-x) / (e^x + e^-x)."""
    return np.tanh(x)


@primitive(x=lambda g, x: g * (2 / math.sqrt(math.pi)) * np.exp(-x * x))
def erf(x: Any) -> Any:
    """The error function, elementwise: 2/sqrt(pi) times the integral of e^(-t^2) from 0 to x."""
    return _erf(x)
