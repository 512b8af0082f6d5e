"""Trigonometric and hyperbolic functions, their inverses, and polar coordinates."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..domains import Reals, elementwise, nonzero, real
from ..primitive import primitive

_inside = elementwise(x=Reals(-0.75, 0.75))  # away from where the slope is infinite


@primitive(
    x=lambda g, out: g * (1 + out * out),
    domain=elementwise(x=Reals(-1.25, 1.25)),
    complex=True,
)
def tan(x: Any) -> Any:
    """The tangent of x, elementwise: sin x / cos x.

    >>> from tinygrad_nn.ops.trigonometric import tan
    >>> tan([0.0, 1.0])
    array([0.        , 1.55740772])
    """
    return np.tan(x)


# sqrt(1 - x^2) as a product keeps its digits near 1, and has the branches of arcsin and arccosh.
@primitive(x=lambda g, x: g / (np.sqrt(1 - x) * np.sqrt(1 + x)), domain=_inside, complex=True)
def arcsin(x: Any) -> Any:
    """The angle from -pi/2 to pi/2 whose sine is x, elementwise.

    >>> from tinygrad_nn.ops.trigonometric import arcsin
    >>> arcsin([0.0, 1.0])
    array([0.        , 1.57079633])
    """
    return np.arcsin(x)


@primitive(x=lambda g, x: -g / (np.sqrt(1 - x) * np.sqrt(1 + x)), domain=_inside, complex=True)
def arccos(x: Any) -> Any:
    """The angle from 0 to pi whose cosine is x, elementwise.

    >>> from tinygrad_nn.ops.trigonometric import arccos
    >>> arccos([0.0, 1.0])
    array([1.57079633, 0.        ])
    """
    return np.arccos(x)


@primitive(x=lambda g, x: g / (1 + x * x), domain=elementwise(x=real), complex=True)
def arctan(x: Any) -> Any:
    """The angle from -pi/2 to pi/2 whose tangent is x, elementwise.

    >>> from tinygrad_nn.ops.trigonometric import arctan
    >>> arctan([0.0, 1.0])
    array([0.        , 0.78539816])
    """
    return np.arctan(x)


@primitive(x=lambda g, x: g * np.cosh(x), domain=elementwise(x=real), complex=True)
def sinh(x: Any) -> Any:
    """The hyperbolic sine of x, elementwise: (e^x - e^-x) / 2.

    >>> from tinygrad_nn.ops.trigonometric import sinh
    >>> sinh([0.0, 1.0])
    array([0.        , 1.17520119])
    """
    return np.sinh(x)


@primitive(x=lambda g, x: g * np.sinh(x), domain=elementwise(x=real), complex=True)
def cosh(x: Any) -> Any:
    """The hyperbolic cosine of x, elementwise: (e^x + e^-x) / 2.

    >>> from tinygrad_nn.ops.trigonometric import cosh
    >>> cosh([0.0, 1.0])
    array([1.        , 1.54308063])
    """
    return np.cosh(x)


def _arcsinh_vjp(g: Any, x: Any) -> Any:
    if x.dtype.kind == "c":
        return g / np.sqrt(1 + x * x)
    return g / np.hypot(1, x)


@primitive(x=_arcsinh_vjp, domain=elementwise(x=real), complex=True)
def arcsinh(x: Any) -> Any:
    """The number whose hyperbolic sine is x, elementwise: log(x + sqrt(x^2 + 1)).

    >>> from tinygrad_nn.ops.trigonometric import arcsinh
    >>> arcsinh([0.0, 1.0])
    array([0.        , 0.88137359])
    """
    return np.arcsinh(x)


@primitive(
    x=lambda g, x: g / (np.sqrt(x - 1) * np.sqrt(x + 1)),
    domain=elementwise(x=Reals(1.25, 3)),
    complex=True,
)
def arccosh(x: Any) -> Any:
    """The number, not negative, whose hyperbolic cosine is x >= 1, elementwise.

    >>> from tinygrad_nn.ops.trigonometric import arccosh
    >>> arccosh([1.0, 2.0])
    array([0.       , 1.3169579])
    """
    return np.arccosh(x)


@primitive(x=lambda g, x: g / ((1 - x) * (1 + x)), domain=_inside, complex=True)
def arctanh(x: Any) -> Any:
    """The number whose hyperbolic tangent is x, elementwise: log((1 + x) / (1 - x)) / 2.

    >>> from tinygrad_nn.ops.trigonometric import arctanh
    >>> arctanh([0.0, 0.5])
    array([0.        , 0.54930614])
    """
    return np.arctanh(x)


def _per_radius(g: Any, a: Any, x: Any, y: Any) -> Any:
    """g a / (x^2 + y^2), without overflow; 0 at the origin."""
    radius = np.hypot(x, y)
    radius = np.where(radius == 0, 1, radius)
    return g * (a / radius) / radius


@primitive(
    y=lambda g, y, x: _per_radius(g, x, x, y),
    x=lambda g, y, x: _per_radius(-g, y, x, y),
    domain=elementwise(y=real, x=Reals(0.25, 2)),
)
def arctan2(y: Any, x: Any) -> Any:
    """The angle of the point (x, y), elementwise, from -pi to pi.

    There is no angle, and no derivative, at the origin: it is taken as 0 there.

    >>> from tinygrad_nn.ops.trigonometric import arctan2
    >>> arctan2([1.0, 0.0], [0.0, -1.0])
    array([1.57079633, 3.14159265])
    """
    return np.arctan2(y, x)


def _hypot_vjp(g: Any, x: Any, out: Any) -> Any:
    return g * (x / np.where(out == 0, 1, out))


@primitive(
    x=lambda g, x, out: _hypot_vjp(g, x, out),
    y=lambda g, y, out: _hypot_vjp(g, y, out),
    domain=elementwise(x=nonzero, y=real),
)
def hypot(x: Any, y: Any) -> Any:
    """sqrt(x^2 + y^2), elementwise, without overflow; its derivative at the origin is taken as 0.

    >>> from tinygrad_nn.ops.trigonometric import hypot
    >>> hypot([3.0, 3e200], [4.0, 4e200])
    array([5.e+000, 5.e+200])
    """
    return np.hypot(x, y)


@primitive(x=lambda g: g * (180 / math.pi), domain=elementwise(x=real))
def degrees(x: Any) -> Any:
    """An angle in radians as one in degrees, elementwise: 180 x / pi.

    >>> import math
    >>> from tinygrad_nn.ops.trigonometric import degrees
    >>> degrees([math.pi, 1.0])
    array([180.        ,  57.29577951])
    """
    return np.degrees(x)


@primitive(x=lambda g: g * (math.pi / 180), domain=elementwise(x=real))
def radians(x: Any) -> Any:
    """An angle in degrees as one in radians, elementwise: pi x / 180.

    >>> from tinygrad_nn.ops.trigonometric import radians
    >>> radians([180.0, 1.0])
    array([3.14159265, 0.01745329])
    """
    return np.radians(x)
