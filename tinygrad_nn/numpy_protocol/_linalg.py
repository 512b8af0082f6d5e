"""numpy.linalg on Values.

Functions that read one triangle of a Hermitian matrix have a Hermitian gradient where the matrix is
Hermitian, as if its Hermitian part had been taken first; where it is not, the gradient is 0 in the
triangle that is not read.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..ops import matrix
from ..ops.matrix import adjoint
from ._reductions import cast, floating
from ._table import (
    array_of,
    differentiable,
    dtype_of,
    implements,
    no_value,
    requires_grad,
    without_derivative,
)

_ALWAYS_COMPLEX = np.lib.NumpyVersion(np.__version__) >= "2.5.0"

EigResult = type(np.linalg.eig(np.eye(1)))
EighResult = type(np.linalg.eigh(np.eye(1)))
QRResult = type(np.linalg.qr(np.eye(1)))
SlogdetResult = type(np.linalg.slogdet(np.eye(1)))
SVDResult = type(np.linalg.svd(np.eye(1)))

implements(np.linalg.inv)(matrix.inv)
implements(np.linalg.det)(matrix.det)
implements(np.linalg.svdvals)(matrix.svdvals)
implements(np.linalg.solve)(matrix.solve)
differentiable |= {
    np.linalg.matmul: np.matmul,
    np.linalg.matrix_transpose: np.matrix_transpose,
    np.linalg.vecdot: np.vecdot,
}

without_derivative(np.linalg.matrix_rank)


def _square(a: Any) -> int:
    """The number of rows of a square matrix; LinAlgError for what is none."""
    shape = np.shape(a)
    if len(shape) < 2 or shape[-1] != shape[-2]:
        raise np.linalg.LinAlgError(f"a square matrix, or a stack of them, is needed: not {shape}")
    return int(shape[-1])


def _hermitian(a: Any, triangle: str) -> Any:
    """`a`, if it is Hermitian but for rounding; else the matrix of which `triangle` is read."""
    n, a = _square(a), floating(a)
    if triangle.upper() not in ("L", "U"):
        raise ValueError(f"UPLO must be 'L' or 'U', not {triangle!r}")
    array = array_of(a)
    largest = np.max(np.absolute(array), initial=0.0)
    eps = np.finfo(largest.dtype).eps
    if np.all(np.absolute(array - np.conj(np.swapaxes(array, -1, -2))) <= n * eps * largest):
        return a
    below = np.tri(n, k=-1, dtype=bool)
    part = np.where(below if triangle.upper() == "L" else below.T, a, 0)
    return part + adjoint(part) + np.where(np.eye(n, dtype=bool), np.real(a), 0)


def _as_numpy(results: Any, reference: Any) -> Any:
    """Complex results, or their real parts where NumPy finds all eigenvalues to be real.

    From version 2.5 on, NumPy gives complex ones always.
    """
    if (
        _ALWAYS_COMPLEX
        or np.iscomplexobj(array_of(reference))
        or np.any(np.imag(array_of(results[0])))
    ):
        return results
    return [np.real(result) for result in results]


# ---- Inverses, equations and determinants


@implements(np.linalg.pinv)
def _pinv(a: Any, rcond: Any = None, hermitian: bool = False, *, rtol: Any = no_value) -> Any:
    if rcond is not None and rtol is not no_value:
        raise ValueError("np.linalg.pinv takes rcond= or rtol=, not both")
    if rcond is None:
        rcond = 1e-15 if rtol is no_value else rtol
    if rcond is None:
        rcond = max(np.shape(a)[-2:]) * np.finfo(a.dtype).eps
    return matrix.pinv(_hermitian(a, "L") if hermitian else a, rcond, hermitian)


@implements(np.linalg.lstsq)
def _lstsq(a: Any, b: Any, rcond: float | None = None) -> tuple[Any, Any, int, Any]:
    """The residuals, too, and the singular values are differentiable."""
    dtype = np.result_type(dtype_of(a), dtype_of(b))
    a, b = cast(a, dtype), cast(b, dtype)
    one = np.ndim(b) == 1
    columns = np.expand_dims(b, 1) if one else b
    singular = np.linalg.svdvals(a)
    if rcond is None:
        rcond = float(np.finfo(singular.dtype).eps * max(np.shape(a)))
    x = matrix.lstsq(a, columns, rcond)
    values = array_of(singular)
    rank = int(np.sum(values > rcond * np.max(values, initial=0)))
    rows, n = np.shape(a)
    left = columns - a @ x
    residuals = np.sum(np.square(np.absolute(left)), 0) if rank == n < rows else left[:0, 0]
    return x[:, 0] if one else x, np.real(residuals), rank, singular


@implements(np.linalg.slogdet)
def _slogdet(a: Any) -> Any:
    packed = matrix.slogdet(a)
    return SlogdetResult(packed[..., 0], np.real(packed[..., 1]))


@implements(np.linalg.tensorsolve)
def _tensorsolve(a: Any, b: Any, axes: Sequence[int] | None = None) -> Any:
    ndim = np.ndim(a)
    if axes is not None:
        last = np.lib.array_utils.normalize_axis_tuple(axes, ndim)
        a = np.transpose(a, (*[axis for axis in range(ndim) if axis not in last], *last))
    size = np.size(b)
    if np.size(a) != size**2:
        raise np.linalg.LinAlgError(f"tensorsolve: {np.shape(a)} is no square for {np.shape(b)}")
    x = np.linalg.solve(np.reshape(a, (size, size)), np.reshape(b, -1))
    return np.reshape(x, np.shape(a)[np.ndim(b) :])


@implements(np.linalg.tensorinv)
def _tensorinv(a: Any, ind: int = 2) -> Any:
    if ind <= 0:
        raise ValueError(f"tensorinv: ind must be positive, not {ind}")
    shape = np.shape(a)
    rows = int(np.prod(shape[:ind]))
    return np.reshape(np.linalg.inv(np.reshape(a, (rows, -1))), shape[ind:] + shape[:ind])


# ---- Decompositions


@implements(np.linalg.cholesky)
def _cholesky(a: Any, /, *, upper: bool = False) -> Any:
    lower = matrix.cholesky(_hermitian(a, "U" if upper else "L"))
    return adjoint(lower) if upper else lower


@implements(np.linalg.qr)
def _qr(a: Any, mode: Any = "reduced") -> Any:
    """Of a wide matrix, the rest of r is q^H times the rest of the matrix."""
    rows, columns = np.shape(a)[-2:]
    missing = ""
    if mode not in ("reduced", "complete", "r"):
        missing = f"mode {mode!r} has no derivative rules; use mode='reduced' or 'r'"
    elif mode == "complete" and rows > columns:
        missing = (
            "the columns of q that belong to no column of a have no derivatives; use mode='reduced'"
        )
    if missing:
        if requires_grad(a):
            raise TypeError(f"np.linalg.qr of a Value of shape {np.shape(a)}: {missing}")
        return np.linalg.qr(array_of(a), mode)
    packed = matrix.qr(a[..., :rows])
    q, r = packed[..., :rows, :], packed[..., rows:, :]
    if rows < columns:
        r = np.concatenate([r, adjoint(q) @ a[..., rows:]], axis=-1)
    return r if mode == "r" else QRResult(q, r)


@implements(np.linalg.eigh)
def _eigh(a: Any, UPLO: str = "L") -> Any:  # noqa: N803 (NumPy's name)
    packed = matrix.eigh(_hermitian(a, UPLO))
    return EighResult(np.real(packed[..., 0, :]), packed[..., 1:, :])


@implements(np.linalg.eigvalsh)
def _eigvalsh(a: Any, UPLO: str = "L") -> Any:  # noqa: N803 (NumPy's name)
    return matrix.eigvalsh(_hermitian(a, UPLO))


@implements(np.linalg.eig)
def _eig(a: Any) -> Any:
    """The phases of the eigenvectors are LAPACK's, and the gradient is as if they were fixed.

    A vector does not change along itself then: v^H dv = 0. That of a function which does not
    depend on the phases is right, as it is with every other rule for them.
    """
    packed = matrix.eig(a)
    return EigResult(*_as_numpy([packed[..., 0, :], packed[..., 1:, :]], a))


@implements(np.linalg.eigvals)
def _eigvals(a: Any) -> Any:
    return _as_numpy([matrix.eigvals(a)], a)[0]


@implements(np.linalg.svd)
def _svd(
    a: Any, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False
) -> Any:
    if hermitian:
        return _svd_of_hermitian(a, compute_uv)
    if not compute_uv:
        return matrix.svdvals(a)
    rows, columns = np.shape(a)[-2:]
    if full_matrices and rows != columns:
        if requires_grad(a):
            raise TypeError(
                f"np.linalg.svd of a Value of shape {np.shape(a)}: the vectors that belong to no "
                "singular value have no derivatives; use full_matrices=False"
            )
        return np.linalg.svd(array_of(a))
    packed = matrix.svd(a)
    u, s, v = packed[..., :rows, :], packed[..., rows, :], packed[..., rows + 1 :, :]
    return SVDResult(u, np.real(s), np.swapaxes(v, -1, -2))


def _svd_of_hermitian(a: Any, compute_uv: bool) -> Any:
    if not compute_uv:
        s = np.absolute(np.linalg.eigvalsh(a))
        return np.take_along_axis(s, np.argsort(array_of(s))[..., ::-1], -1)
    w, v = np.linalg.eigh(a)
    order = np.argsort(np.absolute(array_of(w)))[..., ::-1]
    w = np.take_along_axis(w, order, -1)
    u = np.take_along_axis(v, order[..., None, :], -1)
    sign = np.copysign(1.0, array_of(w)).astype(w.dtype)
    return SVDResult(u, np.absolute(w), adjoint(u * sign[..., None, :]))


# ---- Norms


@implements(np.linalg.norm)
def _norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    if axis is None and ord is None:
        return matrix.vector_norm(x, 2, None, keepdims)
    if not np.size(x):
        return np.linalg.norm(array_of(x), ord, axis, keepdims)
    x, ndim = floating(x), np.ndim(x)
    axes = tuple(range(ndim)) if axis is None else axis
    axes = np.lib.array_utils.normalize_axis_tuple(axes, ndim, "axis")
    if len(axes) == 1:
        return _vector_norm(x, axis=axes[0], keepdims=keepdims, ord=2 if ord is None else ord)
    if len(axes) != 2:
        raise ValueError(f"np.linalg.norm is over one axis or two, not {len(axes)}")
    if ord is None or ord in ("fro", "f"):
        return matrix.vector_norm(x, 2, axes, keepdims)
    return _matrix_norm_over(x, ord, axes, keepdims)


def _matrix_norm_over(x: Any, ord: Any, axes: tuple[int, int], keepdims: bool) -> Any:
    if ord in ("nuc", 2, -2):
        s = np.linalg.svdvals(np.moveaxis(x, axes, (-2, -1)))
        result = np.sum(s, -1) if ord == "nuc" else (np.max if ord > 0 else np.min)(s, -1)
        return np.expand_dims(result, axes) if keepdims else result
    if ord not in (1, -1, np.inf, -np.inf):
        raise ValueError(f"{ord!r} is no order of a norm of matrices")
    over, among = axes if abs(ord) == 1 else axes[::-1]
    sums = np.sum(np.absolute(x), axis=over, keepdims=True)
    result = (np.max if ord > 0 else np.min)(sums, axis=among, keepdims=True)
    return result if keepdims else np.squeeze(result, axis=axes)


@implements(np.linalg.vector_norm)
def _vector_norm(x: Any, /, *, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Any:
    if isinstance(ord, str):
        raise ValueError(f"{ord!r} is no order of a norm of vectors")
    if ord == 0 or np.size(x) == 0:
        return np.linalg.vector_norm(array_of(x), axis=axis, keepdims=keepdims, ord=ord)
    if abs(ord) == np.inf:
        sizes = np.absolute(floating(x))
        return (np.max if ord > 0 else np.min)(sizes, axis=axis, keepdims=keepdims)
    return matrix.vector_norm(x, ord, axis, keepdims)


@implements(np.linalg.matrix_norm)
def _matrix_norm(x: Any, /, *, keepdims: bool = False, ord: Any = "fro") -> Any:
    return np.linalg.norm(x, ord, (-2, -1), keepdims)


@implements(np.linalg.cond)
def _cond(x: Any, p: Any = None) -> Any:
    if p is None or p in (2, -2):
        s = np.linalg.svdvals(x)
        with np.errstate(all="ignore"):
            result = s[..., -1] / s[..., 0] if p == -2 else s[..., 0] / s[..., -1]
    else:
        _square(x)
        try:
            inverse = np.linalg.inv(x)
        except np.linalg.LinAlgError:
            return _cond_of_some(x, p)
        result = np.linalg.norm(x, p, (-2, -1)) * np.linalg.norm(inverse, p, (-2, -1))
    nan = np.isnan(array_of(result)) & ~np.isnan(array_of(x)).any(axis=(-2, -1))
    return np.where(nan, np.inf, result) if np.any(nan) else result


def _cond_of_some(x: Any, p: Any) -> Any:
    """Where there are singular matrices: infinity for these."""
    known = np.linalg.cond(array_of(x), p)
    finite = np.isfinite(known)
    regular = np.where(finite[..., None, None], x, np.eye(np.shape(x)[-1]))
    return np.where(finite, np.linalg.cond(regular, p), known)


# ---- Products


@implements(np.linalg.matrix_power)
def _matrix_power(a: Any, n: Any) -> Any:
    size, n = _square(a), operator.index(n)
    if n == 0:
        return np.broadcast_to(np.eye(size, dtype=a.dtype), np.shape(a)).copy()
    if n < 0:
        a, n = np.linalg.inv(a), -n
    power = a
    for bit in f"{n:b}"[1:]:
        power = power @ power
        if bit == "1":
            power = power @ a
    return power


@implements(np.linalg.multi_dot)
def _multi_dot(arrays: Sequence[Any]) -> Any:
    """The product in the order that takes the fewest multiplications."""
    if len(arrays) < 2:
        raise ValueError("np.linalg.multi_dot takes two arrays or more")
    first, last = np.ndim(arrays[0]) == 1, np.ndim(arrays[-1]) == 1
    factors = list(arrays)
    if first:
        factors[0] = np.expand_dims(factors[0], 0)
    if last:
        factors[-1] = np.expand_dims(factors[-1], 1)
    if any(np.ndim(factor) != 2 for factor in factors):
        raise np.linalg.LinAlgError("np.linalg.multi_dot takes matrices, and vectors at the ends")
    sizes = [*(np.shape(factor)[0] for factor in factors), np.shape(factors[-1])[1]]
    product = _chain(factors, _cuts(sizes), 0, len(factors))
    index = (0 if first else slice(None), 0 if last else slice(None))
    return product[index] if first or last else product


def _cuts(sizes: list[int]) -> dict[tuple[int, int], int]:
    """Where to part the product of the matrices i to j - 1, of `sizes[i]` rows each."""
    count = len(sizes) - 1
    cost = {(i, i + 1): 0 for i in range(count)}
    cuts = {}
    for length in range(2, count + 1):
        for i in range(count - length + 1):
            j = i + length
            costs = {
                k: cost[i, k] + cost[k, j] + sizes[i] * sizes[k] * sizes[j] for k in range(i + 1, j)
            }
            cuts[i, j] = min(costs, key=costs.__getitem__)
            cost[i, j] = costs[cuts[i, j]]
    return cuts


def _chain(factors: list[Any], cuts: dict[tuple[int, int], int], i: int, j: int) -> Any:
    if j == i + 1:
        return factors[i]
    k = cuts[i, j]
    return _chain(factors, cuts, i, k) @ _chain(factors, cuts, k, j)


@implements(np.linalg.trace)
def _trace(x: Any, /, *, offset: int = 0, dtype: Any = None) -> Any:
    return np.trace(x, offset, -2, -1, dtype)


@implements(np.linalg.diagonal)
def _diagonal(x: Any, /, *, offset: int = 0) -> Any:
    return np.diagonal(x, offset, -2, -1)


@implements(np.linalg.cross)
def _cross(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    lengths = (np.shape(x1)[axis], np.shape(x2)[axis])
    if lengths != (3, 3):
        raise ValueError(f"np.linalg.cross takes vectors of length 3, not {lengths}")
    return np.cross(x1, x2, axis=axis)


@implements(np.linalg.outer)
def _outer(x1: Any, x2: Any, /) -> Any:
    if np.ndim(x1) != 1 or np.ndim(x2) != 1:
        raise ValueError(f"np.linalg.outer takes vectors, not {np.shape(x1)} and {np.shape(x2)}")
    return np.expand_dims(x1, 1) * np.expand_dims(x2, 0)


@implements(np.linalg.tensordot)
def _tensordot(x1: Any, x2: Any, /, *, axes: Any = 2) -> Any:
    return np.tensordot(x1, x2, axes)
