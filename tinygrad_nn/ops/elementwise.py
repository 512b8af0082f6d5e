"""Elementwise functions: powers, exponentials and logarithms, and the parts of numbers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..domains import Reals, elementwise, nonzero, positive, real, untied
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


@primitive(x=lambda g, out: g * (math.log(2) * out), domain=elementwise(x=real), complex=True)
def exp2(x: Any) -> Any:
    """2^x, elementwise.

    >>> from tinygrad_nn.ops.elementwise import exp2
    >>> exp2([0.0, 3.0])
    array([1., 8.])
    """
    return np.exp2(x)


@primitive(x=lambda g, x: g / (math.log(2) * x), domain=elementwise(x=positive), complex=True)
def log2(x: Any) -> Any:
    """The logarithm of x to the base 2, elementwise.

    >>> from tinygrad_nn.ops.elementwise import log2
    >>> log2([1.0, 8.0])
    array([0., 3.])
    """
    return np.log2(x)


@primitive(x=lambda g, x: g / (math.log(10) * x), domain=elementwise(x=positive), complex=True)
def log10(x: Any) -> Any:
    """The logarithm of x to the base 10, elementwise.

    >>> from tinygrad_nn.ops.elementwise import log10
    >>> log10([1.0, 1000.0])
    array([0., 3.])
    """
    return np.log10(x)


@primitive(x=lambda g, out: g / (3 * out * out), domain=elementwise(x=nonzero))
def cbrt(x: Any) -> Any:
    """The cube root of x, of negative numbers too, elementwise. Its derivative at 0 is infinite.

    >>> from tinygrad_nn.ops.elementwise import cbrt
    >>> cbrt([8.0, -27.0])
    array([ 2., -3.])
    """
    return np.cbrt(x)


@primitive(x=lambda g, out: -g * out * out, domain=elementwise(x=nonzero), complex=True)
def reciprocal(x: Any) -> Any:
    """1 / x, elementwise. Integers give integers.

    >>> from tinygrad_nn.ops.elementwise import reciprocal
    >>> reciprocal([2.0, -4.0])
    array([ 0.5 , -0.25])
    """
    return np.reciprocal(x)


def _excess(x: Any, y: Any) -> Any:
    """y - x, and 0 where both are the same infinity."""
    same = (x == y) & np.isinf(x)
    return np.where(same, 0, y) - np.where(same, 0, x)


# e^x / (e^x + e^y) as the exponential of a logarithm: nothing overflows, nothing cancels.
@primitive(
    x=lambda g, x, y: g * np.exp(-np.logaddexp(0, _excess(x, y))),
    y=lambda g, x, y: g * np.exp(-np.logaddexp(0, _excess(y, x))),
    domain=elementwise(x=real, y=real),
)
def logaddexp(x: Any, y: Any) -> Any:
    """log(e^x + e^y), elementwise, without overflow.

    Where both are the same infinity, each has half of the gradient.

    >>> import numpy as np
    >>> from tinygrad_nn.ops.elementwise import logaddexp
    >>> logaddexp([0.0, 1000.0], [-np.inf, 1000.0])
    array([   0.        , 1000.69314718])
    """
    return np.logaddexp(x, y)


@primitive(
    x=lambda g, x, y: g * np.exp2(-np.logaddexp2(0, _excess(x, y))),
    y=lambda g, x, y: g * np.exp2(-np.logaddexp2(0, _excess(y, x))),
    domain=elementwise(x=real, y=real),
)
def logaddexp2(x: Any, y: Any) -> Any:
    """The logarithm to the base 2 of 2^x + 2^y, elementwise, without overflow.

    >>> from tinygrad_nn.ops.elementwise import logaddexp2
    >>> logaddexp2([0.0, 1100.0], 1100.0)
    array([1100., 1101.])
    """
    return np.logaddexp2(x, y)


def _chosen_vjp(g: Any, x: Any, y: Any, larger: Any) -> Any:
    """The gradient for x of the larger one, or of the only number; shared equally by a tie."""
    return np.where(larger | (np.isnan(y) & ~np.isnan(x)), g, np.where(x == y, 0.5 * g, 0))


@primitive(
    x=lambda g, x, y: _chosen_vjp(g, x, y, x > y),
    y=lambda g, x, y: _chosen_vjp(g, y, x, x < y),
    domain=untied("x", "y"),
)
def fmax(x: Any, y: Any) -> Any:
    """The larger of x and y, elementwise, or the one that is not NaN.

    >>> import numpy as np
    >>> from tinygrad_nn.ops.elementwise import fmax
    >>> fmax([1.0, np.nan], 2)
    array([2., 2.])
    """
    return np.fmax(x, y)


@primitive(
    x=lambda g, x, y: _chosen_vjp(g, x, y, x < y),
    y=lambda g, x, y: _chosen_vjp(g, y, x, x > y),
    domain=untied("x", "y"),
)
def fmin(x: Any, y: Any) -> Any:
    """The smaller of x and y, elementwise, or the one that is not NaN.

    >>> import numpy as np
    >>> from tinygrad_nn.ops.elementwise import fmin
    >>> fmin([1.0, np.nan], 2)
    array([1., 2.])
    """
    return np.fmin(x, y)


@primitive(
    x=lambda g: g,
    y=lambda g, x, y, out: -g * np.rint((x - out) / y),
    domain=elementwise(  # an odd number of quarters by a number of halves is never whole
        x=Reals(-2.75, 2.75, step=0.5), y=Reals(-2, 2, step=0.5, away_from=(0,))
    ),
)
def fmod(x: Any, y: Any) -> Any:
    """What division of x by y leaves, elementwise; it has the sign of x, as C's fmod.

    >>> from tinygrad_nn.ops.elementwise import fmod
    >>> fmod([7.0, -7.0], 3)
    array([ 1., -1.])
    """
    return np.fmod(x, y)


@primitive(
    x=lambda g, x, y: np.where(np.signbit(y), -g, g) * np.sign(x),
    y=lambda g: g * 0.0,
    domain=elementwise(x=nonzero, y=nonzero),
)
def copysign(x: Any, y: Any) -> Any:
    """|x| with the sign of y, elementwise; its derivative where x is 0 is taken as 0.

    >>> from tinygrad_nn.ops.elementwise import copysign
    >>> copysign([1.0, -2.0], -0.0)
    array([-1., -2.])
    """
    return np.copysign(x, y)


def _heaviside_domain(draw: Any) -> dict[str, Any]:
    drawn = dict(elementwise(x=nonzero, y=real)(draw))
    if draw.booleans():
        drawn["x"] = np.zeros(drawn["x"].shape, int)  # at the jump: not differentiated by
    return drawn


@primitive(
    x=lambda g: g * 0.0,
    y=lambda g, x: np.where(x == 0, g, 0),
    domain=_heaviside_domain,
)
def heaviside(x: Any, y: Any) -> Any:
    """0 for negative x, 1 for positive x, and y for 0, elementwise.

    >>> from tinygrad_nn.ops.elementwise import heaviside
    >>> heaviside([-2.0, 0.0, 2.0], 0.5)
    array([0. , 0.5, 1. ])
    """
    return np.heaviside(x, y)


@primitive(
    x=lambda g, exponent: np.ldexp(g, exponent),
    domain=elementwise(x=real, exponent=(-2, 0, 3)),
)
def ldexp(x: Any, exponent: Any) -> Any:
    """x 2^exponent, elementwise, for whole exponents.

    >>> from tinygrad_nn.ops.elementwise import ldexp
    >>> ldexp([1.0, 3.0], [1, -1])
    array([2. , 1.5])
    """
    return np.ldexp(x, exponent)


@primitive(x=lambda g: g, domain=elementwise(x=Reals(-2, 2, away_from=(-2, -1, 0, 1, 2))))
def fraction(x: Any) -> Any:
    """x without its whole part, elementwise; it has the sign of x, as the first of np.modf.

    >>> from tinygrad_nn.ops.elementwise import fraction
    >>> fraction([2.5, -2.5])
    array([ 0.5, -0.5])
    """
    return np.modf(x)[0]
