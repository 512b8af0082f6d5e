"""numpy.fft on Values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..ops import fourier
from ._shape import cut
from ._table import array_of, implements

Axes = Any
Sizes = Sequence[int] | None
Norm = Any

implements(np.fft.fft)(fourier.fft)
implements(np.fft.ifft)(fourier.ifft)
implements(np.fft.irfft)(fourier.irfft)


@implements(np.fft.rfft)
def _rfft(a: Any, n: int | None = None, axis: int = -1, norm: Norm = None) -> Any:
    if np.iscomplexobj(array_of(a)):
        raise TypeError("np.fft.rfft takes real numbers: np.fft.fft takes complex ones")
    return fourier.rfft(a, n, axis, norm)


@implements(np.fft.hfft)
def _hfft(a: Any, n: int | None = None, axis: int = -1, norm: Norm = None) -> Any:
    return np.fft.irfft(np.conj(a), n, axis, _opposite(norm))


@implements(np.fft.ihfft)
def _ihfft(a: Any, n: int | None = None, axis: int = -1, norm: Norm = None) -> Any:
    return np.conj(np.fft.rfft(a, n, axis, _opposite(norm)))


def _opposite(norm: Norm) -> Any:
    if norm not in fourier.OPPOSITE:
        raise ValueError(f"norm is 'backward', 'ortho' or 'forward', not {norm!r}")
    return fourier.OPPOSITE[norm]


# ---- Along several axes


def _each(a: Any, s: Sizes, axes: Any) -> list[tuple[int | None, int]]:
    """The length (None: as it is) and number of each axis to transform."""
    shape = np.shape(a)
    if axes is None:
        axes = range(len(shape)) if s is None else range(-len(s), 0)
    if s is None:
        return [(None, axis) for axis in axes]
    if len(s) != len(axes):
        raise ValueError(f"s and axes must be of the same length, not {len(s)} and {len(axes)}")
    return [(shape[axis] if n == -1 else n, axis) for n, axis in zip(s, axes, strict=True)]


@implements(np.fft.fftn)
def _fftn(a: Any, s: Sizes = None, axes: Axes = None, norm: Norm = None) -> Any:
    for n, axis in reversed(_each(a, s, axes)):
        a = np.fft.fft(a, n, axis, norm)
    return a


@implements(np.fft.ifftn)
def _ifftn(a: Any, s: Sizes = None, axes: Axes = None, norm: Norm = None) -> Any:
    for n, axis in reversed(_each(a, s, axes)):
        a = np.fft.ifft(a, n, axis, norm)
    return a


@implements(np.fft.rfftn)
def _rfftn(a: Any, s: Sizes = None, axes: Axes = None, norm: Norm = None) -> Any:
    *others, (n, axis) = _each(a, s, axes)
    a = np.fft.rfft(a, n, axis, norm)
    for n, axis in reversed(others):
        a = np.fft.fft(a, n, axis, norm)
    return a


@implements(np.fft.irfftn)
def _irfftn(a: Any, s: Sizes = None, axes: Axes = None, norm: Norm = None) -> Any:
    *others, (last, at) = _each(a, s, axes)
    for n, axis in others:
        a = np.fft.ifft(a, n, axis, norm)
    return np.fft.irfft(a, last, at, norm)


@implements(np.fft.fft2)
def _fft2(a: Any, s: Sizes = None, axes: Axes = (-2, -1), norm: Norm = None) -> Any:
    return np.fft.fftn(a, s, axes, norm)


@implements(np.fft.ifft2)
def _ifft2(a: Any, s: Sizes = None, axes: Axes = (-2, -1), norm: Norm = None) -> Any:
    return np.fft.ifftn(a, s, axes, norm)


@implements(np.fft.rfft2)
def _rfft2(a: Any, s: Sizes = None, axes: Axes = (-2, -1), norm: Norm = None) -> Any:
    return np.fft.rfftn(a, s, axes, norm)


@implements(np.fft.irfft2)
def _irfft2(a: Any, s: Sizes = None, axes: Axes = (-2, -1), norm: Norm = None) -> Any:
    return np.fft.irfftn(a, s, axes, norm)


# ---- Shifts


def _rotate(x: Any, axes: Axes, forwards: bool) -> Any:
    """x with its first element along each of `axes` in the middle, or, if not, back again."""
    ndim = np.ndim(x)
    axes = range(ndim) if axes is None else axes
    for axis in np.lib.array_utils.normalize_axis_tuple(axes, ndim, allow_duplicate=True):
        size = np.shape(x)[axis]
        start = size - size // 2 if forwards else size // 2
        x = np.concatenate([cut(x, axis, start, None), cut(x, axis, None, start)], axis)
    return x


@implements(np.fft.fftshift)
def _fftshift(x: Any, axes: Axes = None) -> Any:
    return _rotate(x, axes, True)


@implements(np.fft.ifftshift)
def _ifftshift(x: Any, axes: Axes = None) -> Any:
    return _rotate(x, axes, False)
