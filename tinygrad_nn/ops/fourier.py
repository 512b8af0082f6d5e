"""Discrete Fourier transforms along one axis.

The matrix of the transform is symmetric, so that `fft` is its own transpose, but for the zeros
that are put at the end or cut off there. `rfft` and `irfft` are linear in the real and imaginary
parts; each is the transpose of the other, where all frequencies but the first and, of an even
number, the middle one count twice in `irfft`.

A frequency that real signals cannot have, as the imaginary part of the first one, is left out by
`irfft`: its gradient is 0.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..domains import real
from ..primitive import primitive

OPPOSITE = {None: "forward", "backward": "forward", "forward": "backward", "ortho": "ortho"}
"""For each `norm`, that by which the inverse transform has the factor of the transform."""


def _cut(x: Any, size: int, axis: int) -> Any:
    """x with `size` elements along `axis`: the first ones, or zeros after its own."""
    axis %= x.ndim
    missing = size - x.shape[axis]
    if missing > 0:
        return np.pad(x, [(0, missing if at == axis else 0) for at in range(x.ndim)])
    return x[(slice(None),) * axis + (slice(size),)] if missing else x


def _domain(draw: Any) -> dict[str, Any]:
    return {
        "x": draw.arrays(draw.shapes(min_dims=1, max_dims=2, max_side=5), real),
        "axis": draw.integers(-1, 0),
        "norm": draw.sampled_from([None, "backward", "ortho", "forward"]),
        "n": draw.sampled_from([None, 1, 2, 3, 6]),
    }


def _irfft_domain(draw: Any) -> dict[str, Any]:
    drawn = _domain(draw)
    return drawn if drawn["x"].shape[drawn["axis"]] > 1 else drawn | {"n": 3}


def _fft_vjp(g: Any, x_shape: tuple[int, ...], axis: int, norm: Any) -> Any:
    return _cut(fft(g, None, axis, norm), x_shape[axis], axis)


@primitive(x=_fft_vjp, domain=_domain, complex=True)
def fft(x: Any, n: int | None = None, axis: int = -1, norm: Any = None) -> Any:
    """sum_j x_j e^(-2 pi i j k / n) for k = 0 … n - 1, along `axis`; options as in np.fft.fft.

    >>> from tinygrad_nn.ops.fourier import fft
    >>> fft([1.0, 2.0])
    array([ 3.+0.j, -1.+0.j])
    """
    return np.fft.fft(x, n, axis, norm)


def _ifft_vjp(g: Any, x_shape: tuple[int, ...], axis: int, norm: Any) -> Any:
    return _cut(ifft(g, None, axis, norm), x_shape[axis], axis)


@primitive(x=_ifft_vjp, domain=_domain, complex=True)
def ifft(x: Any, n: int | None = None, axis: int = -1, norm: Any = None) -> Any:
    """1/n sum_k x_k e^(2 pi i j k / n) for j = 0 … n - 1, along `axis`: the inverse of `fft`.

    >>> from tinygrad_nn.ops.fourier import ifft
    >>> ifft([3.0, -1.0])
    array([1.+0.j, 2.+0.j])
    """
    return np.fft.ifft(x, n, axis, norm)


def _multiplicity(n: int, axis: int, like: Any) -> Any:
    """How many frequencies of all n each of the n // 2 + 1 of a real signal stands for."""
    count = np.full(n // 2 + 1, 2, np.finfo(like.dtype).dtype)
    count[0] = 1
    if n % 2 == 0:
        count[-1] = 1
    return count.reshape((-1,) + (1,) * (like.ndim - 1 - axis % like.ndim))


def _rfft_vjp(g: Any, x: Any, n: int | None, axis: int, norm: Any) -> Any:
    size = x.shape[axis]
    n = size if n is None else n
    spectrum = np.conj(g) / _multiplicity(n, axis, g)
    gradient = _cut(irfft(spectrum, n, axis, OPPOSITE[norm]), size, axis)
    return gradient.astype(x.dtype) if x.dtype.kind == "c" else gradient


@primitive(x=_rfft_vjp, domain=_domain, complex=True)
def rfft(x: Any, n: int | None = None, axis: int = -1, norm: Any = None) -> Any:
    """`fft` of the real part of x, for k = 0 … n // 2: the other results are their conjugates.

    >>> from tinygrad_nn.ops.fourier import rfft
    >>> rfft([1.0, 2.0])
    array([ 3.+0.j, -1.+0.j])
    """
    return np.fft.rfft(np.real(x), n, axis, norm)


def _irfft_vjp(g: Any, x_shape: tuple[int, ...], axis: int, norm: Any) -> Any:
    count = _multiplicity(g.shape[axis], axis, g)
    spectrum = np.conj(rfft(g, None, axis, OPPOSITE[norm])) * count
    return _cut(spectrum, x_shape[axis], axis)


@primitive(x=_irfft_vjp, domain=_irfft_domain, complex=True)
def irfft(x: Any, n: int | None = None, axis: int = -1, norm: Any = None) -> Any:
    """The n real numbers of which `rfft` gives x; n is 2 (len(x) - 1) unless told otherwise.

    >>> from tinygrad_nn.ops.fourier import irfft
    >>> irfft([3.0, -1.0])
    array([1., 2.])
    """
    return np.fft.irfft(x, n, axis, norm)
