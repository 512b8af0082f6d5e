"""Parts of complex numbers.

The gradient of a real L by z = x + iy is dL/dx - i dL/dy, as in JAX and autograd: so the rules of
holomorphic functions are those of real ones, and that of a real number among complex ones is the
real part of its rule. Steepest descent goes along the conjugate.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..domains import elementwise
from ..domains import real as reals
from ..primitive import primitive


@primitive(x=lambda g: g, domain=elementwise(x=reals), complex=True)
def real(x: Any) -> Any:
    """The real part of x, elementwise.

    >>> import tinygrad_nn as tg
    >>> tg.real([1 + 2j, 3])
    array([1., 3.])
    """
    return np.real(x)


@primitive(x=lambda g: g * -1j, domain=elementwise(x=reals), complex=True)
def imag(x: Any) -> Any:
    """The imaginary part of x, elementwise.

    >>> import tinygrad_nn as tg
    >>> tg.imag([1 + 2j, 3])
    array([2., 0.])
    """
    return np.imag(x)


@primitive(x=lambda g: np.conj(g), domain=elementwise(x=reals), complex=True)
def conj(x: Any) -> Any:
    """The complex conjugate of x, elementwise.

    >>> import tinygrad_nn as tg
    >>> tg.conj([1 + 2j, 3])
    array([1.-2.j, 3.-0.j])
    """
    return np.conj(x)
