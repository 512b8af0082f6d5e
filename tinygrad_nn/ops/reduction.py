"""Reductions: operations that combine the elements along axes."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..domains import Reals, real, reduction
from ..modes import mode
from ..primitive import primitive
from ..traced import is_traced

Axis = int | tuple[int, ...] | None

# np.sum and its like do the same, after Python code of their own.
add_reduce: Callable[..., Any] = np.add.reduce
multiply_reduce: Callable[..., Any] = np.multiply.reduce
maximum_reduce: Callable[..., Any] = np.maximum.reduce
minimum_reduce: Callable[..., Any] = np.minimum.reduce
fmax_reduce: Callable[..., Any] = np.fmax.reduce
fmin_reduce: Callable[..., Any] = np.fmin.reduce


def floating(x: Any) -> Any:
    """`x` as it is if floating point, else in float64: small integers would give float16."""
    if type(x) is np.ndarray:
        return x if x.dtype.kind == "f" else x.astype(np.float64)
    if is_traced(x):
        return x if x.dtype.kind == "f" else x.astype(np.float64)
    return x if isinstance(x, np.floating) else np.float64(x)


def _axes(axis: Axis, ndim: int) -> tuple[int, ...]:
    """`axis` as a tuple of non-negative axes."""
    if axis is None:
        return tuple(range(ndim))
    axes = (axis,) if isinstance(axis, (int, np.integer)) else axis
    return tuple([a % ndim for a in axes])


def _spread(reduced: Any, shape: tuple[int, ...], axis: Axis, keepdims: bool) -> Any:
    """What a reduction of an array of `shape` gave, with length-1 axes where it removed some."""
    if keepdims or not shape:
        return reduced
    axes = _axes(axis, len(shape))
    return np.reshape(reduced, tuple([1 if a in axes else n for a, n in enumerate(shape)]))


def _count(shape: tuple[int, ...], axis: Axis) -> int:
    """How many elements each result of a reduction combines."""
    if axis is None:
        return math.prod(shape)
    return math.prod([shape[a] for a in _axes(axis, len(shape))])


def _repeat(reduced: Any, shape: tuple[int, ...], axis: Axis, keepdims: bool) -> Any:
    """What a reduction of an array of `shape` gave, repeated to that shape."""
    if isinstance(reduced, np.floating) and not is_traced(reduced):  # as below, but sooner
        return np.ndarray(shape, reduced.dtype, reduced, 0, (0,) * len(shape))
    return np.broadcast_to(_spread(reduced, shape, axis, keepdims), shape)


@primitive(
    x=lambda g, x_shape, axis, keepdims: _repeat(g, x_shape, axis, keepdims),
    domain=reduction(real),
    complex=True,
)
def sum(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """The sum of x over `axis` (None: over all).

    >>> import tinygrad_nn as tg
    >>> tg.sum([[1.0, 2.0], [3.0, 4.0]], axis=1)
    array([3., 7.])
    """
    return add_reduce(x, axis=axis, keepdims=keepdims)


def _mean_vjp(g: Any, x_shape: tuple[int, ...], axis: Axis, keepdims: bool) -> Any:
    count = _count(x_shape, axis)
    # 1 / count, as a Python number, is in the range of float16 where count is not.
    return _repeat(g * (1 / count) if count else g, x_shape, axis, keepdims)


@primitive(x=_mean_vjp, domain=reduction(real), complex=True)
def mean(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """The mean of x over `axis` (None: over all).

    >>> import tinygrad_nn as tg
    >>> tg.mean([[1.0, 2.0], [3.0, 4.0]], axis=1)
    array([1.5, 3.5])
    """
    if (type(x) is np.ndarray or is_traced(x)) and x.ndim and x.dtype.char in "fd" and x.size:
        return add_reduce(x, axis=axis, keepdims=keepdims) / _count(x.shape, axis)
    return np.mean(x, axis=axis, keepdims=keepdims)


def _leave_one_out(x: Any) -> Any:
    """For each element of the last axis, the product of all others, without dividing.

    Products of pairs, then the same for half as many: n log n multiplications, all of which
    can be differentiated again, zeros or not.
    """
    n = x.shape[-1]
    if n <= 1:
        return np.ones(x.shape, x.dtype)
    even, odd = x[..., 0 : n - n % 2 : 2], x[..., 1::2]
    pairs = even * odd
    if n % 2:
        pairs = np.concatenate([pairs, x[..., -1:]], axis=-1)
    others = _leave_one_out(pairs)
    of_pairs = others[..., : n // 2]
    both = np.stack([of_pairs * odd, of_pairs * even], axis=-1)
    both = np.reshape(both, (*x.shape[:-1], n - n % 2))
    return np.concatenate([both, others[..., n // 2 :]], axis=-1) if n % 2 else both


def _prod_vjp(g: Any, x: Any, out: Any, axis: Axis, keepdims: bool) -> Any:
    shape = np.shape(x)
    g = _spread(g, shape, axis, keepdims)
    limits = np.finfo(out.dtype)
    size = np.absolute(out)
    if np.all((size >= limits.tiny / limits.eps) & (size <= limits.max)):
        return g * (_spread(out, shape, axis, keepdims) / x)
    axes = _axes(axis, len(shape))
    kept = tuple([a for a in range(len(shape)) if a not in axes])
    order = kept + axes
    rows = np.reshape(np.transpose(x, order), (*[shape[a] for a in kept], _count(shape, axis)))
    others = np.reshape(_leave_one_out(rows), tuple([shape[a] for a in order]))
    return g * np.transpose(others, tuple(np.argsort(order)))


@primitive(x=_prod_vjp, domain=reduction(Reals(-1.5, 1.5, step=0.5)), complex=True)
def prod(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """The product of x over `axis` (None: over all). Zeros among the factors are no exception.

    >>> import tinygrad_nn as tg
    >>> tg.prod([[1.0, 2.0], [3.0, 4.0]], axis=1)
    array([ 2., 12.])
    """
    return multiply_reduce(x, axis=axis, keepdims=keepdims)


def _extremum_vjp(g: Any, x: Any, out: Any, axis: Axis, keepdims: bool) -> Any:
    shape = np.shape(x)
    ties = (x == _spread(out, shape, axis, keepdims)) | np.isnan(x)  # where there is NaN, it won
    return _spread(g, shape, axis, keepdims) * (
        ties / np.sum(ties, axis=axis, keepdims=True, dtype=g.dtype)
    )


@primitive(x=_extremum_vjp, domain=reduction(real, unique=True))
def max(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """The largest element over `axis` (None: over all); a tie's gradient is shared equally.

    >>> import tinygrad_nn as tg
    >>> tg.max([[1.0, 2.0], [3.0, 4.0]], axis=1)
    array([2., 4.])
    """
    return maximum_reduce(x, axis=axis, keepdims=keepdims)


@primitive(x=_extremum_vjp, domain=reduction(real, unique=True))
def min(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """The smallest element over `axis` (None: over all); a tie's gradient is shared equally.

    >>> import tinygrad_nn as tg
    >>> tg.min([[1.0, 2.0], [3.0, 4.0]], axis=1)
    array([1., 3.])
    """
    return minimum_reduce(x, axis=axis, keepdims=keepdims)


def _nanmax_vjp(g: Any, x: Any, out: Any, axis: Axis, keepdims: bool) -> Any:
    shape = np.shape(x)
    ties = x == _spread(out, shape, axis, keepdims)
    count = np.maximum(np.sum(ties, axis=axis, keepdims=True, dtype=g.dtype), 1)  # 0: all are NaN
    return _spread(g, shape, axis, keepdims) * (ties / count)


@primitive(x=_nanmax_vjp, domain=reduction(real, unique=True))
def nanmax(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """The largest element over `axis` that is not NaN; a tie's gradient is shared equally.

    >>> import numpy as np
    >>> from tinygrad_nn.ops.reduction import nanmax
    >>> nanmax([1.0, np.nan, 2.0])
    np.float64(2.0)
    """
    return fmax_reduce(x, axis=axis, keepdims=keepdims)


@primitive(x=_nanmax_vjp, domain=reduction(real, unique=True))
def nanmin(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """The smallest element over `axis` that is not NaN; a tie's gradient is shared equally.

    >>> import numpy as np
    >>> from tinygrad_nn.ops.reduction import nanmin
    >>> nanmin([1.0, np.nan, 2.0])
    np.float64(1.0)
    """
    return fmin_reduce(x, axis=axis, keepdims=keepdims)


def _var_vjp(g: Any, x: Any, axis: Axis, ddof: float, keepdims: bool) -> Any:
    shape = np.shape(x)
    centred = x - np.mean(x, axis=axis, keepdims=True)
    centred = np.conj(centred) if centred.dtype.kind == "c" else centred
    free = _count(shape, axis) - ddof
    return _spread(g, shape, axis, keepdims) * centred * (2 / free if free else math.inf)


def _var_domain(draw: Any) -> dict[str, Any]:
    drawn = reduction(Reals(-4, 4), unique=True)(draw)  # std has a kink where all are equal
    count = _count(drawn["x"].shape, drawn["axis"])
    return {**drawn, "ddof": draw.sampled_from([ddof for ddof in (0, 0.5, 1) if ddof < count])}


@primitive(x=_var_vjp, domain=_var_domain, complex=True)
def var(x: Any, axis: Axis = None, ddof: float = 0, keepdims: bool = False) -> Any:
    """The variance of x over `axis`: squared distances from the mean, summed, over n - `ddof`.

    >>> import tinygrad_nn as tg
    >>> tg.var([1.0, 2.0, 3.0], ddof=1)
    np.float64(1.0)
    """
    return np.var(x, axis=axis, ddof=ddof, keepdims=keepdims)


def _std_vjp(g: Any, x: Any, out: Any, axis: Axis, ddof: float, keepdims: bool) -> Any:
    # All elements equal is a kink: 0 is the subgradient taken. (`out` may be off 0 by rounding.)
    if x.dtype.kind == "c":
        equal = out == 0
    else:
        largest = np.max(x, axis=axis, keepdims=keepdims)
        equal = largest == np.min(x, axis=axis, keepdims=keepdims)
    g = np.where(equal, 0, g / np.where(equal, 1, 2 * out))
    return _var_vjp(g, x, axis, ddof, keepdims)


@primitive(x=_std_vjp, domain=_var_domain, complex=True)
def std(x: Any, axis: Axis = None, ddof: float = 0, keepdims: bool = False) -> Any:
    """The standard deviation of x over `axis`: the square root of `var`.

    >>> import tinygrad_nn as tg
    >>> tg.std([1.0, 2.0, 3.0], ddof=1)
    np.float64(1.0)
    """
    return np.std(x, axis=axis, ddof=ddof, keepdims=keepdims)


def _cumsum_vjp(g: Any, x_shape: tuple[int, ...], axis: int | None) -> Any:
    if axis is None:
        return np.reshape(np.cumsum(g[::-1])[::-1], x_shape)
    return np.flip(np.cumsum(np.flip(g, axis), axis), axis)


def _cumsum_domain(draw: Any) -> dict[str, Any]:
    shape = draw.shapes()
    axis = draw.sampled_from([None, *range(-len(shape), len(shape))])
    return {"x": draw.arrays(shape), "axis": axis}


@primitive(x=_cumsum_vjp, domain=_cumsum_domain, complex=True)
def cumsum(x: Any, axis: int | None = None) -> Any:
    """The running sum of x along `axis` (None: of x flattened).

    >>> import tinygrad_nn as tg
    >>> tg.cumsum([1.0, 2.0, 3.0])
    array([1., 3., 6.])
    """
    return np.cumsum(x, axis=axis)


def _continued(g: Any, x: Any) -> Any:
    """s_i = g_i + x_(i+1) s_(i+1), by doubling: log n steps, all of which can be differentiated."""
    n = g.shape[-1]
    factors = x[..., 1:]  # what leads from i to i + step
    step = 1
    while step < n:
        g = np.concatenate([g[..., :-step] + factors * g[..., step:], g[..., -step:]], axis=-1)
        factors = factors[..., :-step] * factors[..., step:]
        step *= 2
    return g


def _cumprod_vjp(g: Any, x: Any, axis: int) -> Any:
    # Without dividing by x, which may be 0: the product before i, times the sum of what follows.
    x, g = np.moveaxis(x, axis, -1), np.moveaxis(g, axis, -1)
    before = np.concatenate([np.ones_like(x[..., :1]), x[..., :-1]], axis=-1)
    return np.moveaxis(np.cumprod(before, axis=-1) * _continued(g, x), -1, axis)


def _cumprod_domain(draw: Any) -> dict[str, Any]:
    shape = draw.shapes(min_dims=1)
    axis = draw.integers(-len(shape), len(shape) - 1)
    return {"x": draw.arrays(shape, Reals(-1.5, 1.5, step=0.5)), "axis": axis}


@primitive(x=_cumprod_vjp, domain=_cumprod_domain, complex=True)
def cumprod(x: Any, axis: int = 0) -> Any:
    """The running product of x along `axis`. Zeros among the factors are no exception.

    >>> from tinygrad_nn.ops.reduction import cumprod
    >>> cumprod([1.0, 2.0, 3.0])
    array([1., 2., 6.])
    """
    return np.cumprod(x, axis=axis)


def _logsumexp_vjp(g: Any, x: Any, out: Any, axis: Axis, keepdims: bool) -> Any:
    shape = np.shape(x)
    out = _spread(out, shape, axis, keepdims)
    # Shared by the elements that are infinite, if there are; a program does not look first.
    if mode.tape is not None or np.any(out == np.inf):
        infinite = x == np.inf
        x, out = np.where(infinite, 0, x), np.where(infinite, 0, out)
    e = np.exp(x - np.where(out == -np.inf, 0, out))
    total = np.sum(e, axis=axis, keepdims=True)  # 1 but for the rounding of `out`
    total = np.where(total == 0, 1, total)  # nothing but -inf: all weights 0
    return _spread(g, shape, axis, keepdims) * (e / total)


@primitive(x=_logsumexp_vjp, domain=reduction(real))
def logsumexp(x: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """log sum e^x over `axis` (None: over all), without overflow.

    >>> import tinygrad_nn as tg
    >>> tg.logsumexp([1000.0, 1000.0])
    np.float64(1000.6931471805599)
    """
    x = floating(x)
    largest = maximum_reduce(x, axis=axis, keepdims=True)
    shift = np.where(np.isfinite(largest), largest, 0)
    with np.errstate(divide="ignore"):  # log 0 = -inf is the right limit
        total = np.log(add_reduce(np.exp(x - shift), axis=axis, keepdims=True)) + shift
    return total if keepdims else np.squeeze(total, axis=axis)
