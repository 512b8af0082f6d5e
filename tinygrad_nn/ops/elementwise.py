"""Elementwise functions of one variable."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..domains import Reals, elementwise, positive, real
from ..primitive import primitive
from ._erf import erf as _erf
from ._erf import erfc as _erfc


@primitive(x=lambda g, out: g * out, domain=elementwise(x=real), complex=True)
def exp(x: Any) -> Any:
    """e^x, elementwise.

    >>> import tinygrad_nn as tg
    >>> tg.exp([0.0, 1.0])
    array([1.        , 2.71828183])
    """
    return np.exp(x)


@primitive(x=lambda g, x: g * np.exp(x), domain=elementwise(x=real), complex=True)
def expm1(x: Any) -> Any:
    """e^x - 1, elementwise, exact near 0.

    >>> import tinygrad_nn as tg
    >>> tg.expm1([0.0, 1e-20])
    array([0.e+00, 1.e-20])
    """
    return np.expm1(x)


@primitive(x=lambda g, x: g / x, domain=elementwise(x=positive), complex=True)
def log(x: Any) -> Any:
    """The natural logarithm of x, elementwise.

    >>> import tinygrad_nn as tg
    >>> tg.log([1.0, 2.0])
    array([0.        , 0.69314718])
    """
    return np.log(x)


@primitive(x=lambda g, x: g / (1 + x), domain=elementwise(x=Reals(-0.75, 2)), complex=True)
def log1p(x: Any) -> Any:
    """log(1 + x), elementwise, exact near 0.

    >>> import tinygrad_nn as tg
    >>> tg.log1p([0.0, 1e-20])
    array([0.e+00, 1.e-20])
    """
    return np.log1p(x)


@primitive(x=lambda g, out: g / (2 * out), domain=elementwise(x=positive), complex=True)
def sqrt(x: Any) -> Any:
    """The square root of x, elementwise. Its derivative at 0 is infinite.

    >>> import tinygrad_nn as tg
    >>> tg.sqrt([4.0, 9.0])
    array([2., 3.])
    """
    return np.sqrt(x)


@primitive(x=lambda g, x: g * (2 * x), domain=elementwise(x=real), complex=True)
def square(x: Any) -> Any:
    """x^2, elementwise.

    >>> import tinygrad_nn as tg
    >>> tg.square([2.0, 3.0])
    array([4., 9.])
    """
    return np.square(x)


@primitive(x=lambda g, x: g * np.cos(x), domain=elementwise(x=real), complex=True)
def sin(x: Any) -> Any:
    """The sine of x, elementwise.

    >>> import tinygrad_nn as tg
    >>> tg.sin([0.0, 1.0])
    array([0.        , 0.84147098])
    """
    return np.sin(x)


@primitive(x=lambda g, x: -g * np.sin(x), domain=elementwise(x=real), complex=True)
def cos(x: Any) -> Any:
    """The cosine of x, elementwise.

    >>> import tinygrad_nn as tg
    >>> tg.cos([0.0, 1.0])
    array([1.        , 0.54030231])
    """
    return np.cos(x)


@primitive(x=lambda g, out: g * (1 - out * out), domain=elementwise(x=real), complex=True)
def tanh(x: Any) -> Any:
    """The hyperbolic tangent of x, elementwise: (e^x - e^-x) / (e^x + e^-x).

    >>> import tinygrad_nn as tg
    >>> tg.tanh([0.0, 1.0])
    array([0.        , 0.76159416])
    """
    return np.tanh(x)


@primitive(
    x=lambda g, x: g * (2 / math.sqrt(math.pi)) * np.exp(-x * x),
    domain=elementwise(x=real),
)
def erf(x: Any) -> Any:
    """The error function, elementwise: 2/sqrt(pi) times the integral of e^(-t^2) from 0 to x.

    >>> import tinygrad_nn as tg
    >>> tg.erf([0.0, 1.0])
    array([0.        , 0.84270079])
    """
    return _erf(x)


@primitive(
    x=lambda g, x: g * (-2 / math.sqrt(math.pi)) * np.exp(-x * x),
    domain=elementwise(x=real),
)
def erfc(x: Any) -> Any:
    """1 - erf(x), elementwise, which keeps its digits where erf(x) is nearly 1.

    >>> import tinygrad_nn as tg
    >>> tg.erfc([0.0, 10.0])
    array([1.00000000e+00, 2.08848758e-45])
    """
    return _erfc(x)
