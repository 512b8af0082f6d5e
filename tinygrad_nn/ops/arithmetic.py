"""Arithmetic: the operators, and what is elementwise without being a transcendental function."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..domains import Reals, elementwise, nonzero, real, untied
from ..primitive import primitive
from ..traced import as_array


@primitive(x=lambda g: g, y=lambda g: g, domain=elementwise(x=real, y=real), complex=True)
def add(x: Any, y: Any) -> Any:
    """x + y, elementwise.

    >>> import tinygrad_nn as tg
    >>> tg.add(tg.Value([1.0, 2.0]), 10)
    Value([11., 12.], dtype=float64, op=add)
    """
    return x + y


@primitive(x=lambda g: g, y=lambda g: -g, domain=elementwise(x=real, y=real), complex=True)
def subtract(x: Any, y: Any) -> Any:
    """x - y, elementwise.

    >>> import tinygrad_nn as tg
    >>> tg.subtract([1.0, 2.0], 10)
    array([-9., -8.])
    """
    return x - y


@primitive(
    x=lambda g, y: g * y,
    y=lambda g, x: g * x,
    domain=elementwise(x=real, y=real),
    complex=True,
)
def multiply(x: Any, y: Any) -> Any:
    """x y, elementwise.

    >>> import tinygrad_nn as tg
    >>> tg.multiply([1.0, 2.0], [[1.0], [10.0]])
    array([[ 1.,  2.],
           [10., 20.]])
    """
    return x * y


@primitive(
    x=lambda g, y: g / y,
    y=lambda g, y, out: -g * out / y,
    domain=elementwise(x=real, y=nonzero),
    complex=True,
)
def divide(x: Any, y: Any) -> Any:
    """x / y, elementwise. Integers give floating point.

    >>> import tinygrad_nn as tg
    >>> tg.divide([1.0, 2.0], 4)
    array([0.25, 0.5 ])
    """
    return x / y


# x / y, an odd number of quarters by a number of halves, is never a whole number: no jumps.
_between_jumps = elementwise(
    x=Reals(-2.75, 2.75, step=0.5),
    y=Reals(-2, 2, step=0.5, away_from=(0,)),
)


@primitive(x=lambda g: g * 0.0, y=lambda g: g * 0.0, domain=_between_jumps)
def floor_divide(x: Any, y: Any) -> Any:
    """The floor of x / y, elementwise: constant between jumps, so its derivative is 0.

    >>> import tinygrad_nn as tg
    >>> tg.floor_divide([7.0, -7.0], 2)
    array([ 3., -4.])
    """
    return x // y


@primitive(x=lambda g: g, y=lambda g, x, y: -g * (x // y), domain=_between_jumps)
def remainder(x: Any, y: Any) -> Any:
    """x - y floor(x / y), elementwise; it has the sign of y, as Python's %.

    >>> import tinygrad_nn as tg
    >>> tg.remainder([7.0, -7.0], 3)
    array([1., 2.])
    """
    return x % y


def _power_vjp_x(g: Any, x: Any, y: Any) -> Any:
    if isinstance(y, (int, float)):
        if y == 2:
            return g * (y * x)
        return g * (y * x ** (y - 1)) if y else g * 0.0
    zero = (y == 0) & (x == 0)  # x^0 is constant there too
    return np.where(zero, 0, g * y * x ** np.where(zero, 1, y - 1))


def _power_vjp_y(g: Any, x: Any, y: Any, out: Any) -> Any:
    # 0^y is constant for y > 0, and log 0 must not be met there.
    return g * out * np.log(np.where((x == 0) & (y >= 0), 1.0, x))


def _power_domain(draw: Any) -> Mapping[str, Any]:
    # Real powers of positive numbers; and whole powers, not differentiated by, of all numbers.
    if draw.booleans():
        return elementwise(x=Reals(0.25, 3), y=real)(draw)
    x, least = draw.sampled_from([(real, 0), (nonzero, -2)])
    drawn = elementwise(x=x, y=Reals(least, 3, step=1))(draw)
    exponent = drawn["y"].astype(int)
    return {**drawn, "y": exponent if exponent.ndim else int(exponent)}


@primitive(x=_power_vjp_x, y=_power_vjp_y, domain=_power_domain, complex=True)
def power(x: Any, y: Any) -> Any:
    """x^y, elementwise. For x < 0 and fractional y it is NaN, as in NumPy.

    >>> import tinygrad_nn as tg
    >>> tg.power([1.0, 2.0, 3.0], 2)
    array([1., 4., 9.])
    """
    return x**y


@primitive(x=lambda g: -g, domain=elementwise(x=real), complex=True)
def negative(x: Any) -> Any:
    """-x, elementwise.

    >>> import tinygrad_nn as tg
    >>> tg.negative([1.0, -2.0])
    array([-1.,  2.])
    """
    return -x


@primitive(x=lambda g: g, domain=elementwise(x=real), complex=True)
def positive(x: Any) -> Any:
    """+x, elementwise: x itself, as a Value of its own.

    >>> import tinygrad_nn as tg
    >>> tg.positive([1.0, -2.0])
    array([ 1., -2.])
    """
    return +x


def _abs_vjp(g: Any, x: Any, out: Any) -> Any:
    if x.dtype.kind == "c":
        return g * (np.conj(x) / np.where(out == 0, 1, out))
    return g * np.sign(x)


@primitive(x=_abs_vjp, domain=elementwise(x=nonzero), complex=True)
def abs(x: Any) -> Any:
    """|x|, elementwise; its derivative at 0 is taken as 0.

    >>> import tinygrad_nn as tg
    >>> tg.abs([1.0, -2.0])
    array([1., 2.])
    """
    return np.absolute(x)


@primitive(x=lambda g: g * 0.0, domain=elementwise(x=nonzero))
def sign(x: Any) -> Any:
    """-1, 0 or 1 with the sign of x, elementwise: constant but at 0, so its derivative is 0.

    >>> import tinygrad_nn as tg
    >>> tg.sign([3.0, 0.0, -2.0])
    array([ 1.,  0., -1.])
    """
    return np.sign(x)


def _larger_vjp(g: Any, x: Any, y: Any) -> Any:
    """The gradient of max(x, y) for x; a tie's gradient is shared equally."""
    return np.where(x > y, g, np.where(x == y, 0.5 * g, 0))


@primitive(
    x=lambda g, x, y: _larger_vjp(g, x, y),
    y=lambda g, x, y: _larger_vjp(g, y, x),
    domain=untied("x", "y"),
)
def maximum(x: Any, y: Any) -> Any:
    """The larger of x and y, elementwise; a tie's gradient is shared equally. NaN propagates.

    >>> import tinygrad_nn as tg
    >>> tg.maximum([1.0, 3.0], 2)
    array([2., 3.])
    """
    return np.maximum(x, y)


@primitive(
    x=lambda g, x, y: _larger_vjp(g, y, x),
    y=lambda g, x, y: _larger_vjp(g, x, y),
    domain=untied("x", "y"),
)
def minimum(x: Any, y: Any) -> Any:
    """The smaller of x and y, elementwise; a tie's gradient is shared equally. NaN propagates.

    >>> import tinygrad_nn as tg
    >>> tg.minimum([1.0, 3.0], 2)
    array([1., 2.])
    """
    return np.minimum(x, y)


def _inside(x: Any, min: Any, max: Any) -> Any:
    above = True if min is None else x >= min
    return above if max is None else above & (x <= max)


def _clip_domain(draw: Any) -> dict[str, Any]:
    open_end = draw.sampled_from([{"max": None}, {"min": None}, {}])
    return {**untied("x", "min", "max")(draw), **open_end}


@primitive(
    x=lambda g, x, min, max: np.where(_inside(x, min, max), g, 0),
    min=lambda g, x, min, max: np.where((x < min) & (max is None or min < max), g, 0),
    max=lambda g, x, min, max: np.where((x > max) | (min is not None and max < min), g, 0),
    domain=_clip_domain,
)
def clip(x: Any, min: Any = None, max: Any = None) -> Any:
    """x limited to [min, max], elementwise; None leaves an end open.

    The gradient goes to x inside and on the limits, and to the limit that holds outside.

    >>> import tinygrad_nn as tg
    >>> tg.clip([-2.0, 0.5, 2.0], -1, 1)
    array([-1. ,  0.5,  1. ])
    """
    return np.clip(x, min, max)


def _where_domain(draw: Any) -> dict[str, Any]:
    drawn = elementwise(condition=real, x=real, y=real)(draw)
    return {**drawn, "condition": drawn["condition"] > 0}


@primitive(
    x=lambda g, condition: np.where(condition, g, 0),
    y=lambda g, condition: np.where(condition, 0, g),
    domain=_where_domain,
    complex=True,
)
def where(condition: Any, x: Any, y: Any) -> Any:
    """x where `condition` holds and y elsewhere, elementwise.

    >>> import tinygrad_nn as tg
    >>> tg.where([True, False], [1.0, 2.0], 0)
    array([1., 0.])
    """
    return np.where(condition, x, y)


@primitive(
    x=lambda g: g, domain=elementwise(x=real, dtype=(np.float64, np.longdouble)), complex=True
)
def astype(x: Any, dtype: Any) -> Any:
    """x converted to `dtype`; gradients come back in the dtype of x.

    Integers and booleans carry no gradient: there the graph ends.

    >>> import numpy as np
    >>> import tinygrad_nn as tg
    >>> tg.Value([1.0, 2.0]).astype(np.float32)
    Value([1., 2.], dtype=float32, op=astype)
    """
    return as_array(x).astype(dtype)
