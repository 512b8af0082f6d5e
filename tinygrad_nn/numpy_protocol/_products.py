"""NumPy's products, differences, integrals, polynomials and ranges, on Values."""

from __future__ import annotations

import math
import operator
from typing import Any

import numpy as np

from .. import ops
from ..domains import real
from ..errors import ShapeError
from ..primitive import primitive
from ._reductions import floating
from ._shape import cut, joined, joined_each
from ._table import array_of, dtype_of, implements, is_value, without_derivative, write

without_derivative(np.einsum_path)


# ---- Products


@implements(np.tensordot)
def _tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    return ops.tensordot(joined(a), joined(b), axes)


@implements(np.dot)
def _dot(a: Any, b: Any, out: Any = None) -> Any:
    result = ops.dot(joined(a), joined(b))
    return result if out is None else write(out, result, "dot")


@implements(np.vdot)
def _vdot(a: Any, b: Any, /) -> Any:
    a, b = np.reshape(joined(a), -1), np.reshape(joined(b), -1)
    return ops.matmul(np.conj(a) if np.iscomplexobj(a) else a, b)


@implements(np.inner)
def _inner(a: Any, b: Any, /) -> Any:
    a, b = joined(a), joined(b)
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return ops.multiply(a, b)
    return ops.tensordot(a, b, axes=((-1,), (-1,)))


@implements(np.outer)
def _outer(a: Any, b: Any) -> Any:
    return ops.multiply(np.reshape(a, (-1, 1)), np.reshape(b, (1, -1)))


@implements(np.einsum)
def _einsum(
    *operands: Any,
    optimize: Any = False,
    dtype: Any = None,
    order: str = "K",
    casting: str = "safe",
) -> Any:
    if isinstance(operands[0], str):
        subscripts, *arrays = operands
    else:
        arrays = list(operands[: len(operands) // 2 * 2 : 2])
        subscripts = ",".join([_letters(axes) for axes in operands[1::2]])
        if len(operands) % 2:
            subscripts += "->" + _letters(operands[-1])
    return ops.einsum(subscripts, *joined_each(arrays, dtype, casting))


def _letters(axes: Any) -> str:
    """Axes given by numbers, as letters whose order is that of the numbers."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    return "".join(["..." if axis is Ellipsis else alphabet[axis] for axis in axes])


@implements(np.cross)
def _cross(
    a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None
) -> Any:
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = np.moveaxis(joined(a), axisa, -1), np.moveaxis(joined(b), axisb, -1)
    sizes = np.shape(a)[-1], np.shape(b)[-1]
    if sizes == (2, 2):
        return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
    if not {*sizes} <= {2, 3}:
        raise ShapeError(f"cross: vectors must have 2 or 3 components, not {sizes[0]}, {sizes[1]}")
    a, b = _spatial(a), _spatial(b)
    left, right = [1, 2, 0], [2, 0, 1]
    product = a[..., left] * b[..., right] - a[..., right] * b[..., left]
    return np.moveaxis(product, -1, axisc)


def _spatial(vectors: Any) -> Any:
    """Vectors of 2 components as such of 3."""
    if np.shape(vectors)[-1] == 3:
        return vectors
    zeros = np.zeros((*np.shape(vectors)[:-1], 1), dtype_of(vectors))
    return np.concatenate([vectors, zeros], -1)


# ---- Convolution


def _whole(g: Any, a: int, v: int, mode: str) -> Any:
    """The gradient of the whole convolution of lengths a and v, from that of the part in `mode`."""
    start = {"full": 0, "same": (min(a, v) - 1) // 2, "valid": min(a, v) - 1}[mode]
    return np.pad(g, (start, a + v - 1 - start - g.shape[0]))


def _convolve_domain(draw: Any) -> dict[str, Any]:
    a, v = [draw.arrays((draw.integers(1, 5),), real) for _ in range(2)]
    return {"a": a, "v": v, "mode": draw.sampled_from(["full", "same", "valid"])}


@primitive(
    a=lambda g, v, a_shape, mode: np.convolve(
        _whole(g, a_shape[0], v.shape[0], mode), v[::-1], "valid"
    ),
    v=lambda g, a, v_shape, mode: np.convolve(
        _whole(g, a.shape[0], v_shape[0], mode), a[::-1], "valid"
    ),
    domain=_convolve_domain,
    complex=True,
)
def _convolve(a: Any, v: Any, mode: Any) -> Any:
    return np.convolve(a, v, mode)


_MODES = {0: "valid", 1: "same", 2: "full"}


@implements(np.convolve)
def _convolve_any(a: Any, v: Any, mode: Any = "full") -> Any:
    return _convolve(np.atleast_1d(a), np.atleast_1d(v), _MODES.get(mode, mode))


@implements(np.correlate)
def _correlate(a: Any, v: Any, mode: Any = "valid") -> Any:
    mode = _MODES.get(mode, mode)
    a, v = np.atleast_1d(a), np.atleast_1d(v)
    v = (np.conj(v) if np.iscomplexobj(v) else v)[::-1]
    if mode == "same" and len(a) < len(v):  # the middle from the other side
        start = len(a) // 2
        return _convolve(a, v, "full")[start : start + len(v)]
    return _convolve(a, v, mode)


# ---- Differences and integrals


@implements(np.diff)
def _diff(a: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Any:
    if n < 0:
        raise ValueError(f"diff: n must not be negative, but is {n}")
    if n == 0:
        return a
    axis = np.lib.array_utils.normalize_axis_index(axis, np.ndim(a))
    one = (*np.shape(a)[:axis], 1, *np.shape(a)[axis + 1 :])
    ends = [
        x if x is None or np.ndim(x) else np.broadcast_to(x, one)
        for x in (joined(prepend), joined(append))
    ]
    parts = [x for x in (ends[0], a, ends[1]) if x is not None]
    a = np.concatenate(parts, axis) if len(parts) > 1 else a
    difference = np.not_equal if dtype_of(a).kind == "b" else np.subtract
    for _ in range(n):
        a = difference(cut(a, axis, 1, None), cut(a, axis, None, -1))
    return a


@implements(np.ediff1d)
def _ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    ary = np.reshape(ary, -1)
    parts = [
        joined_each([] if x is None else [np.reshape(joined(x), -1)], ary.dtype)
        for x in (to_begin, to_end)
    ]
    return np.concatenate([*parts[0], ary[1:] - ary[:-1], *parts[1]])


@implements(np.trapezoid)
def _trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    axis = np.lib.array_utils.normalize_axis_index(axis, np.ndim(y))
    width = dx
    if x is not None:
        x = joined(x)
        width = np.diff(x, axis=axis if np.ndim(x) > 1 else -1)
        if np.ndim(x) == 1:
            width = np.reshape(width, (-1,) + (1,) * (np.ndim(y) - 1 - axis))
    y = joined(y)
    areas = width * (cut(y, axis, 1, None) + cut(y, axis, None, -1)) / 2.0
    return np.sum(areas, axis=axis)


@implements(np.gradient)
def _gradient(f: Any, *varargs: Any, axis: Any = None, edge_order: int = 1) -> Any:
    if edge_order not in (1, 2):
        raise ValueError(f"gradient: edge_order must be 1 or 2, not {edge_order}")
    f = floating(joined(f))
    axes = range(np.ndim(f)) if axis is None else axis
    axes = np.lib.array_utils.normalize_axis_tuple(axes, np.ndim(f))
    spacings = list(varargs) or [1.0]
    if len(spacings) == 1 and np.ndim(spacings[0]) == 0:
        spacings *= len(axes)
    if len(spacings) != len(axes):
        raise TypeError(f"gradient: {len(spacings)} spacings for {len(axes)} axes")
    slopes = [
        _slope(f, joined(spacing), a, edge_order) for spacing, a in zip(spacings, axes, strict=True)
    ]
    return slopes[0] if len(axes) == 1 and (axis is None or np.ndim(axis) == 0) else tuple(slopes)


def _slope(f: Any, spacing: Any, axis: int, edge_order: int) -> Any:
    """The derivative of f along an axis, by the parabola through each three neighbours."""
    count = np.shape(f)[axis]
    if count < edge_order + 1:
        raise ShapeError(f"gradient: edge_order {edge_order} needs more than {count} elements")
    f = np.moveaxis(f, axis, -1)
    if np.ndim(spacing):
        if np.shape(spacing) != (count,):
            raise ShapeError(f"gradient: coordinates {np.shape(spacing)} for {count} elements")
        h = np.diff(spacing)
        if not is_value(h) and np.all(h == h[0]):
            h = h[0]
    else:
        h = spacing
    first, last = _edges(f, h, edge_order)
    slopes = np.concatenate([first, _middle(f, h), last], -1)
    slopes = slopes if slopes.dtype == f.dtype else ops.astype(slopes, f.dtype)
    return np.moveaxis(slopes, -1, axis)


def _middle(f: Any, h: Any) -> Any:
    if np.ndim(h) == 0:
        return (f[..., 2:] - f[..., :-2]) / (2.0 * h)
    before, after = h[:-1], h[1:]
    left = -after / (before * (before + after))
    middle = (after - before) / (before * after)
    right = before / (after * (before + after))
    return left * f[..., :-2] + middle * f[..., 1:-1] + right * f[..., 2:]


def _edges(f: Any, h: Any, edge_order: int) -> tuple[Any, Any]:
    first, last = (h[0], h[-1]) if np.ndim(h) else (h, h)
    if edge_order == 1:
        return (f[..., 1:2] - f[..., :1]) / first, (f[..., -1:] - f[..., -2:-1]) / last
    if np.ndim(h) == 0:
        start = -1.5 / h * f[..., :1] + 2.0 / h * f[..., 1:2] + -0.5 / h * f[..., 2:3]
        end = 0.5 / h * f[..., -3:-2] + -2.0 / h * f[..., -2:-1] + 1.5 / h * f[..., -1:]
        return start, end
    a, b = h[0], h[1]
    start = (
        -(2.0 * a + b) / (a * (a + b)) * f[..., :1]
        + (a + b) / (a * b) * f[..., 1:2]
        + -a / (b * (a + b)) * f[..., 2:3]
    )
    a, b = h[-2], h[-1]
    end = (
        b / (a * (a + b)) * f[..., -3:-2]
        + -(b + a) / (a * b) * f[..., -2:-1]
        + (2.0 * b + a) / (b * (a + b)) * f[..., -1:]
    )
    return start, end


# ---- Polynomials


@implements(np.polyval)
def _polyval(p: Any, x: Any) -> Any:
    x = joined(x)
    y: Any = np.zeros(np.shape(x), dtype_of(x))
    for coefficient in joined(p):
        y = y * x + coefficient
    return y


@implements(np.polyadd)
def _polyadd(a1: Any, a2: Any) -> Any:
    a1, a2 = np.atleast_1d(a1), np.atleast_1d(a2)
    length = max(len(a1), len(a2))
    return np.pad(a1, (length - len(a1), 0)) + np.pad(a2, (length - len(a2), 0))


@implements(np.polysub)
def _polysub(a1: Any, a2: Any) -> Any:
    return _polyadd(a1, -joined(a2) if is_value(a2) else np.negative(joined(a2)))


@implements(np.polymul)
def _polymul(a1: Any, a2: Any) -> Any:
    return np.convolve(_without_leading_zeros(a1), _without_leading_zeros(a2))


def _without_leading_zeros(p: Any) -> Any:
    p = np.atleast_1d(p)
    found = np.flatnonzero(array_of(p))
    return p[found[0] :] if found.size else p[-1:]


@implements(np.polyder)
def _polyder(p: Any, m: int = 1) -> Any:
    if m < 0:
        raise ValueError(f"polyder: m must not be negative, but is {m}")
    for _ in range(m):
        p = p[:-1] * np.arange(len(p) - 1, 0, -1)
    return p


@implements(np.polyint)
def _polyint(p: Any, m: int = 1, k: Any = None) -> Any:
    if m < 0:
        raise ValueError(f"polyint: m must not be negative, but is {m}")
    constants = np.atleast_1d(joined(0 if k is None else k))
    if len(constants) == 1:
        constants = np.repeat(constants, m)
    if len(constants) < m:
        raise ValueError(f"polyint: {len(constants)} constants for {m} integrations")
    for i in range(m):
        p = np.concatenate([p / np.arange(len(p), 0, -1), constants[i : i + 1]])
    return p


@implements(np.polyfit)
def _polyfit(
    x: Any, y: Any, deg: int, rcond: float | None = None, *, w: Any = None, cov: Any = False
) -> Any:
    if deg < 0:
        raise ValueError(f"polyfit: deg must not be negative, but is {deg}")
    x, y = joined(x) + 0.0, joined(y) + 0.0
    left, right = np.vander(x, deg + 1), y
    if w is not None:
        w = joined(w)
        left = left * np.expand_dims(w, 1)
        right = right * (np.expand_dims(w, 1) if np.ndim(y) == 2 else w)
    if rcond is None:
        rcond = len(x) * np.finfo(dtype_of(x)).eps
    scale = np.sqrt(np.sum(left * left, axis=0))
    fit, residuals, *_ = np.linalg.lstsq(left / scale, right, rcond)
    fit = np.transpose(np.transpose(fit) / scale)
    if not cov:
        return fit
    covariance = np.linalg.inv(np.transpose(left) @ left)
    if cov != "unscaled":
        if len(x) <= deg + 1:
            raise ValueError("polyfit: the covariance needs more points than coefficients")
        covariance = np.expand_dims(covariance, -1) if np.ndim(y) == 2 else covariance
        covariance = covariance * (residuals / (len(x) - deg - 1))
    return fit, covariance


@implements(np.poly)
def _poly(seq_of_zeros: Any) -> Any:
    zeros = np.atleast_1d(floating(joined(seq_of_zeros)))
    is_real = not np.iscomplexobj(np.poly(array_of(zeros)))  # NumPy checks the shape, too
    product = _characteristic(zeros) if np.ndim(zeros) == 2 else _with_roots(zeros)
    return np.real(product) if is_real else product


def _with_roots(roots: Any) -> Any:
    product: Any = np.ones(1, dtype_of(roots))
    for root in roots:
        product = np.convolve(product, np.stack([np.ones((), dtype_of(roots)), -root]))
    return product


def _characteristic_vjp(g: Any, a: Any, out: Any) -> Any:
    """d out_k = -tr(m_k da), where m_1 = 1 and m_(k+1) = a m_k + out_k (Faddeev, Le Verrier).

    Unlike the eigenvalues, the coefficients have derivatives where these are equal.
    """
    n = a.shape[0]
    identity = np.eye(n, dtype=a.dtype)
    m, total = identity, g[1] * identity
    for k in range(1, n):
        m = a @ m + out[k] * identity
        total = total + g[k + 1] * m
    return -np.transpose(total)


def _characteristic_domain(draw: Any) -> dict[str, Any]:
    n = draw.integers(1, 3)
    return {"a": draw.arrays((n, n), real)}


@primitive(a=_characteristic_vjp, domain=_characteristic_domain, complex=True)
def _characteristic(a: Any) -> Any:
    """The coefficients of det(x - a), that of x^n first, for an n x n matrix."""
    coefficients = np.poly(a)
    return coefficients.astype(np.result_type(a, coefficients))  # complex if a is


# ---- Ranges


@implements(np.linspace)
def _linspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: Any = None,
    axis: int = 0,
    *,
    device: Any = None,
) -> Any:
    start, stop = _ends(start, stop, num)
    ramp = np.arange(num, dtype=start.real.dtype).reshape(-1, *[1] * np.ndim(start))
    intervals = num - 1 if endpoint else num
    step = (stop - start) / intervals if intervals > 0 else math.nan
    result = start + ramp * (step if intervals > 0 else stop - start)
    if endpoint and num > 1:  # the end is exact
        result = np.concatenate([result[:-1], np.expand_dims(stop, 0)])
    result = np.moveaxis(result, 0, axis)
    if dtype is not None:
        whole = np.dtype(dtype).kind in "iu"
        result = ops.astype(np.floor(result) if whole else result, dtype)
    return (result, step) if retstep else result


def _ends(start: Any, stop: Any, num: int) -> list[Any]:
    """Both ends in one shape and one floating-point dtype."""
    if operator.index(num) < 0:
        raise ValueError(f"the number of elements, {num}, must not be negative")
    start, stop = joined(start), joined(stop)
    kinds = [x if type(x) in (int, float, complex) else dtype_of(x) for x in (start, stop)]
    dtype = np.result_type(*kinds, 1.0)
    return [ops.astype(x, dtype) for x in np.broadcast_arrays(start, stop)]


@implements(np.logspace)
def _logspace(
    start: Any,
    stop: Any,
    num: int = 50,
    endpoint: bool = True,
    base: Any = 10.0,
    dtype: Any = None,
    axis: int = 0,
) -> Any:
    start, stop, base = joined(start), joined(stop), joined(base)
    if np.ndim(base):  # it counts among the axes
        shape = np.broadcast_shapes(np.shape(start), np.shape(stop), np.shape(base))
        start, stop, base = [np.broadcast_to(x, shape) for x in (start, stop, base)]
        base = np.expand_dims(base, axis)
    result = np.power(base, np.linspace(start, stop, num, endpoint, axis=axis))
    return result if dtype is None else ops.astype(result, dtype)


@implements(np.geomspace)
def _geomspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, dtype: Any = None, axis: int = 0
) -> Any:
    start, stop = joined(start), joined(stop)
    result = np.geomspace(array_of(start), array_of(stop), num, endpoint)
    ramp = np.arange(num).reshape(-1, *[1] * (result.ndim - 1)) / max(num - bool(endpoint), 1)
    # start^(1 - ramp) stop^ramp could overflow on the way: NumPy has the values, and the powers
    # of 1 that they are multiplied by have the derivatives.
    for end, part in ((start, 1 - ramp), (stop, ramp)):
        if is_value(end):
            result = result * (end / end.data) ** part
    result = np.moveaxis(result, 0, axis)
    return result if dtype is None else ops.astype(result, dtype)
