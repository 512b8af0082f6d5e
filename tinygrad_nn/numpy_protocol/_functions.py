"""NumPy's elementwise functions that are no ufuncs, on Values."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import ops
from ..domains import elementwise, real
from ..primitive import primitive
from ..traced import one_call
from ._table import array_of, differentiable, dtype_of, implements, without_derivative

without_derivative(np.round, np.around, np.fix)


@implements(np.real)
def _real(val: Any) -> Any:
    return ops.real(val)


@implements(np.imag)
def _imag(val: Any) -> Any:
    return ops.imag(val)


@implements(np.nan_to_num)
def _nan_to_num(
    x: Any, copy: bool = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None
) -> Any:
    if dtype_of(x).kind == "c":
        parts = [_nan_to_num(part, True, nan, posinf, neginf) for part in (np.real(x), np.imag(x))]
        result = parts[0] + 1j * parts[1]
    else:
        numbers = np.nan_to_num(array_of(x), nan=nan, posinf=posinf, neginf=neginf)
        result = np.where(np.isfinite(array_of(x)), x, numbers)
    if not copy:
        x[...] = result
        return x
    return result


@implements(np.real_if_close)
def _real_if_close(a: Any, tol: float = 100) -> Any:
    real = np.isrealobj(np.real_if_close(array_of(a), tol))
    return np.real(a) if real else a


@implements(np.angle)
def _angle(z: Any, deg: bool = False) -> Any:
    if dtype_of(z).kind != "c":
        return np.angle(array_of(z), deg)
    radians = np.arctan2(np.imag(z), np.real(z))
    return radians * (180 / math.pi) if deg else radians


def _unwrap_domain(draw: Any) -> dict[str, Any]:
    shape = draw.shapes(min_dims=1)
    return {"p": 3 * draw.arrays(shape), "axis": draw.integers(-len(shape), len(shape) - 1)}


@primitive(p=lambda g: g, domain=_unwrap_domain)
def _unwrap(p: Any, discont: Any = None, axis: int = -1, *, period: Any = 2 * math.pi) -> Any:
    return np.unwrap(p, discont, axis, period=period)


# The derivative of sin(pi x) / (pi x) as x times a polynomial in x^2: to all digits for |x| < 1/2.
_SINC_SLOPE = [
    (-1) ** k * 2 * k * math.pi ** (2 * k) / math.factorial(2 * k + 1) for k in range(1, 16)
]


def _sinc_vjp(g: Any, x: Any, out: Any) -> Any:
    near = np.abs(array_of(x)) < 0.5
    square = np.where(near, x, 0) ** 2
    slope = 0.0
    for coefficient in reversed(_SINC_SLOPE):
        slope = slope * square + coefficient
    far = np.where(near, 1, x)
    steep = (np.cos(np.pi * far) - np.where(near, 1, out)) / far
    return g * np.where(near, slope * x, steep)


@primitive(x=_sinc_vjp, domain=elementwise(x=real))
def _sinc(x: Any) -> Any:
    return np.sinc(x)


def _bessel_i_vjp(g: Any, x: Any, n: int) -> Any:
    return g * (_bessel_i(x, n - 1) + _bessel_i(x, n + 1)) / 2


@primitive(x=_bessel_i_vjp, domain=elementwise(x=real, n=(0, 1, 2)))
@one_call
def _bessel_i(x: Any, n: int) -> Any:
    """The modified Bessel function of the first kind, I_n(x) = I_-n(x), for small n.

    1/pi times the integral of e^(x cos t) cos(n t) from 0 to pi, by the midpoint rule, whose error
    is that of rounding with this many points for all x where I_n does not overflow. Of the
    exponential, only the even or odd part contributes.
    """
    if n == 0:
        return np.i0(x)
    t = (np.arange(128) + 0.5) * (np.pi / 256)
    part = np.sinh if n % 2 else np.cosh
    values = part(np.multiply.outer(np.asarray(x), np.cos(t))) @ np.cos(n * t) / len(t)
    return values.astype(np.asarray(x).dtype)


differentiable |= {np.unwrap: _unwrap, np.sinc: _sinc}


@implements(np.i0)
def _i0(x: Any) -> Any:
    return _bessel_i(x, 0)
