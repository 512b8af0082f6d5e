"""Linear algebra: inverses, determinants, decompositions and norms, over any leading axes.

A primitive has one array as its result. So a decomposition is packed: its parts are the rows of
one matrix, as the eigenvalues and, below them, the eigenvectors.

The rules are written for complex matrices; of a gradient g here, g = dL/dx - i dL/dy, the
literature has the conjugate. A primitive of Hermitian matrices takes the Hermitian part
(x + x^H) / 2 of what it is given, so that its gradient is Hermitian, too.

Eigenvectors and singular vectors are differentiable where their values differ, and only in what
does not depend on the vectors' signs or, of complex ones, their phases. Where two values are equal
but for rounding, the vectors' gradients are NaN, and those of the values alone are right: that
of a function which uses both would need their limit.

References: M. Giles, "Collected matrix derivative results for forward and reverse mode algorithmic
differentiation" (2008), for most of the rules; I. Murray, "Differentiation of the Cholesky
decomposition" (2016); G. Golub and V. Pereyra, "The differentiation of pseudo-inverses and
nonlinear least squares problems whose variables separate" (1973); Z.-Q. Wan and S.-X. Zhang,
"Automatic differentiation for complex valued SVD" (2019); S. F. Walter and L. Lehmann,
"Algorithmic differentiation of linear algebra functions with application in optimum experimental
design" (2010), for QR.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..domains import Reals, nonzero
from ..primitive import primitive
from ..traced import one_call
from .reduction import Axis, _spread

_small = Reals(-0.5, 0.5)
_small_positive = Reals(0.125, 0.625)


def _array(x: Any) -> Any:
    return x.data if hasattr(x, "requires_grad") else x


def _conj(x: Any) -> Any:
    return np.conj(x) if x.dtype.kind == "c" else x


def _real(x: Any) -> Any:
    return np.real(x) if x.dtype.kind == "c" else x


def _swap(x: Any) -> Any:
    return np.swapaxes(x, -1, -2)


def adjoint(x: Any) -> Any:
    """The conjugate transpose of a matrix."""
    return _conj(_swap(x))


def _hermitian(x: Any) -> Any:
    return (x + adjoint(x)) / 2


def _diagonal(d: Any) -> Any:
    """The diagonal matrix of d."""
    return d[..., None, :] * np.eye(d.shape[-1], dtype=d.dtype)


def _off_diagonal(x: Any) -> Any:
    n = x.shape[-1]
    return np.where(np.eye(n, dtype=bool), np.zeros((), x.dtype), x)


def _rows(*parts: Any) -> Any:
    return np.concatenate(parts, axis=-2)


def rounding(shape: tuple[int, ...], largest: Any) -> Any:
    """What rounding makes of a singular value or an eigenvalue of 0, beside the largest one."""
    return max(shape[-2:]) * np.finfo(largest.dtype).eps * largest


def _quotient(x: Any, gap: Any, smallest: Any, used: Any) -> Any:
    """x / gap. Where the gap is no more than `smallest`, NaN, or 0 if it is not `used`."""
    closed = np.absolute(_array(gap)) <= smallest
    limit = np.where(used, np.nan, 0).astype(x.dtype)
    return np.where(closed, limit, x / np.where(closed, np.ones((), gap.dtype), gap))


def _used(g: Any) -> Any:
    """Which columns have a gradient, as a row."""
    return np.any(_array(g) != 0, axis=-2, keepdims=True)


def _between(x: Any, gap: Any, smallest: Any, used: Any) -> Any:
    """x / gap for pairs of values, off the diagonal."""
    apart = gap + np.eye(gap.shape[-1], dtype=gap.dtype)
    return _quotient(_off_diagonal(x), apart, smallest, used | _swap(used))


def _differences(w: Any) -> Any:
    """w_j - w_i."""
    return w[..., None, :] - w[..., :, None]


def _matrices(draw: Any, shape: tuple[int, int], diagonal: Any, numbers: Reals = _small) -> Any:
    """Matrices with a large diagonal, perhaps a stack of them."""
    batch = draw.sampled_from([(), (2,)])
    rows, columns = shape
    main = np.eye(rows, columns) * np.resize(diagonal, columns)
    return draw.arrays((*batch, rows, columns), numbers) + main


def _square_domain(draw: Any) -> dict[str, Any]:
    n = draw.integers(1, 3)
    return {"x": _matrices(draw, (n, n), 2.0)}


def _spectrum_domain(draw: Any) -> dict[str, Any]:
    n = draw.integers(1, 3)
    return {"x": _matrices(draw, (n, n), [3.0, 6.0, 9.0], _small_positive)}


def _turned_domain(draw: Any) -> dict[str, Any]:
    drawn = _spectrum_domain(draw)
    return {**drawn, "like": np.eye(drawn["x"].shape[-1]) + 0.5}


# ---- Inverses and linear equations


def _inv_vjp(g: Any, out: Any) -> Any:
    inverse = _swap(out)
    return -inverse @ g @ inverse


@primitive(x=_inv_vjp, domain=_square_domain, complex=True)
def inv(x: Any) -> Any:
    """x^-1.

    >>> from tinygrad_nn.ops.matrix import inv
    >>> inv([[2.0, 0.0], [0.0, 4.0]])
    array([[0.5 , 0.  ],
           [0.  , 0.25]])
    """
    return np.linalg.inv(x)


def _solve_vjp_b(g: Any, a: Any, b_shape: tuple[int, ...]) -> Any:
    if len(b_shape) == 1:
        return solve(_swap(a), g[..., None])[..., 0]
    return solve(_swap(a), g)


def _solve_vjp_a(g: Any, a: Any, out: Any, b_shape: tuple[int, ...]) -> Any:
    gradient = _solve_vjp_b(g, a, b_shape)
    if len(b_shape) == 1:
        return -gradient[..., None] * out[..., None, :]
    return -gradient @ _swap(out)


def _solve_domain(draw: Any) -> dict[str, Any]:
    a = _square_domain(draw)["x"]
    n = a.shape[-1]
    shape = draw.sampled_from([(n,), (n, 1), (n, 2), (2, n, 2), (1, n, 1)])
    return {"a": a, "b": draw.arrays(shape)}


@primitive(a=_solve_vjp_a, b=_solve_vjp_b, domain=_solve_domain, complex=True)
def solve(a: Any, b: Any) -> Any:
    """The x for which a x = b. A b of one axis is a vector; else it is a stack of matrices.

    >>> from tinygrad_nn.ops.matrix import solve
    >>> solve([[2.0, 0.0], [0.0, 4.0]], [1.0, 1.0])
    array([0.5 , 0.25])
    """
    return np.linalg.solve(a, b)


def _truncation(x: Any, rcond: Any) -> Any:
    """1; or NaN where `rcond` leaves out singular values of x that are more than rounding."""
    x = _array(x)
    s = np.linalg.svdvals(x)
    largest = np.max(s, axis=-1, keepdims=True, initial=0)
    left_out = (s <= np.asarray(rcond)[..., None] * largest) & (
        s > 100 * rounding(x.shape, largest)
    )
    return np.where(np.any(left_out, axis=-1), np.nan, 1.0).astype(s.dtype)[..., None, None]


def _pinv_vjp(g: Any, x: Any, out: Any, rcond: Any) -> Any:
    g = g * _truncation(x, rcond)
    across = _swap(out)
    h = _swap(g)
    of_range = (h - x @ (out @ h)) @ (out @ adjoint(out))
    of_kernel = (adjoint(out) @ out) @ (h - (h @ out) @ x)
    return _conj(of_range + of_kernel) - across @ g @ across


def _rectangular(draw: Any) -> Any:
    return _matrices(draw, (draw.integers(1, 3), draw.integers(1, 3)), 2.0)


@primitive(
    x=_pinv_vjp,
    domain=lambda draw: {"x": _rectangular(draw), "rcond": draw.sampled_from([1e-15, 1e-9])},
    complex=True,
)
def pinv(x: Any, rcond: Any, hermitian: bool = False) -> Any:
    """The pseudo-inverse of x, of which singular values up to `rcond` times the largest are 0.

    The gradient is that among matrices of the same rank: if x has less than full rank, the
    pseudo-inverse jumps in other directions. It is NaN if singular values are left out that are
    larger than rounding makes them. With `hermitian`, x is Hermitian.

    >>> from tinygrad_nn.ops.matrix import pinv
    >>> pinv([[2.0, 0.0], [0.0, 0.0]], 1e-15)
    array([[0.5, 0. ],
           [0. , 0. ]])
    """
    return np.linalg.pinv(x, rcond, hermitian)


def _lstsq_vjp_b(g: Any, a: Any, rcond: float) -> Any:
    return _swap(pinv(a, rcond)) @ g


def _lstsq_vjp_a(g: Any, a: Any, b: Any, out: Any, rcond: float) -> Any:
    g = g * _truncation(a, rcond)
    inverse = pinv(a, rcond)
    across = _swap(inverse)
    by_b = across @ g
    of_range = (b - a @ out) @ _swap(_conj(inverse) @ by_b)
    of_kernel = adjoint(inverse) @ out @ _swap(g - _swap(a) @ by_b)
    return _conj(of_range + of_kernel) - by_b @ _swap(out)


def _lstsq_domain(draw: Any) -> dict[str, Any]:
    a = _rectangular(draw)
    a = a if a.ndim == 2 else a[0]
    b = draw.arrays((a.shape[0], draw.integers(1, 2)))
    return {"a": a, "b": b, "rcond": 1e-15}


@primitive(a=_lstsq_vjp_a, b=_lstsq_vjp_b, domain=_lstsq_domain, complex=True)
def lstsq(a: Any, b: Any, rcond: float) -> Any:
    """The shortest x of those for which |a x - b| is least, for matrices a and b.

    Singular values and gradients are treated as by `pinv`.

    >>> from tinygrad_nn.ops.matrix import lstsq
    >>> lstsq([[1.0], [1.0]], [[2.0], [4.0]], 1e-15)
    array([[3.]])
    """
    return np.linalg.lstsq(a, b, rcond)[0]


# ---- Determinants

_LARGEST_FOR_MINORS = 32


def _cofactors(x: Any) -> Any:
    """The determinants that are left of x without one row and column, with alternating signs."""
    n = x.shape[-1]
    others = np.array([[j for j in range(n) if j != i] for i in range(n)], int)
    minors = x[..., others[:, None, :, None], others[None, :, None, :]]
    odd = np.add.outer(np.arange(n), np.arange(n)) % 2
    return det(minors) * (1 - 2 * odd).astype(x.dtype)


def _is_nearly_singular(x: Any) -> bool:
    limit = 1 / np.sqrt(np.finfo(x.dtype).eps)
    return x.size > 0 and not np.all(np.linalg.cond(_array(x), 1) < limit)


def _det_vjp(g: Any, x: Any, out: Any) -> Any:
    if x.shape[-1] <= _LARGEST_FOR_MINORS and _is_nearly_singular(x):
        return g[..., None, None] * _cofactors(x)
    return (g * out)[..., None, None] * _swap(inv(x))


def _det_domain(draw: Any) -> dict[str, Any]:
    drawn = _square_domain(draw)
    singular = draw.booleans()
    if singular:
        drawn["x"][..., -1, :] = drawn["x"][..., 0, :] = 0.5
    return drawn


@primitive(x=_det_vjp, domain=_det_domain, complex=True)
def det(x: Any) -> Any:
    """The determinant of x.

    Its gradient is that of the cofactors. It is computed by the inverse, and of nearly singular
    matrices up to 32 x 32 by minors; larger singular ones raise LinAlgError.

    >>> from tinygrad_nn.ops.matrix import det
    >>> det([[2.0, 0.0], [0.0, 2.0]])
    np.float64(4.0)
    """
    return np.linalg.det(x)


def _slogdet_vjp(g: Any, x: Any, out: Any) -> Any:
    by_log = _real(g[..., 1])
    if x.dtype.kind == "c":  # the sign turns with the imaginary part of the logarithm
        by_log = by_log + 1j * np.imag(g[..., 0] * out[..., 0])
    return by_log[..., None, None] * _swap(inv(x))


@primitive(x=_slogdet_vjp, domain=_square_domain, complex=True)
@one_call
def slogdet(x: Any) -> Any:
    """The sign of the determinant, and the logarithm of its absolute value.

    >>> from tinygrad_nn.ops.matrix import slogdet
    >>> slogdet([[1.0, 0.0], [0.0, -1.0]])
    array([-1.,  0.])
    """
    return np.stack(np.linalg.slogdet(x), axis=-1)


# ---- Decompositions


def _cholesky_vjp(g: Any, out: Any) -> Any:
    n = out.shape[-1]
    half = np.tril(np.ones((n, n), g.dtype)) - np.eye(n, dtype=g.dtype) / 2
    inverse = inv(out)
    return _hermitian(_swap(inverse) @ (half * (_swap(out) @ g)) @ _conj(inverse))


@primitive(x=_cholesky_vjp, domain=_spectrum_domain, complex=True)
def cholesky(x: Any) -> Any:
    """The lower triangular l with a positive diagonal for which l l^H = (x + x^H) / 2.

    >>> from tinygrad_nn.ops.matrix import cholesky
    >>> cholesky([[4.0, 2.0], [2.0, 2.0]])
    array([[2., 0.],
           [1., 1.]])
    """
    return np.linalg.cholesky(_hermitian(x))


def _qr_vjp(g: Any, x_shape: tuple[int, ...], out: Any) -> Any:
    rows, n = x_shape[-2:]
    q, r = out[..., :rows, :], out[..., rows:, :]
    by_q, by_r = g[..., :rows, :], g[..., rows:, :]
    upper = np.triu(np.ones((n, n), g.dtype)) - np.eye(n, dtype=g.dtype) / 2
    m = upper * (by_r @ _swap(r) - _swap(q) @ by_q)
    return (by_q + _conj(q) @ (m + adjoint(m))) @ _swap(inv(r))


def _qr_domain(draw: Any) -> dict[str, Any]:
    columns = draw.integers(1, 3)
    shape = (draw.integers(columns, 4), columns)
    return {"x": _matrices(draw, shape, 2.0, _small_positive)}


@primitive(x=_qr_vjp, domain=_qr_domain, complex=True)
def qr(x: Any) -> Any:
    """The rows of q, then those of r: x = q r, q^H q = 1, r triangular with a real diagonal.

    For no more columns than rows, which are linearly independent if it is to be differentiated.

    >>> from tinygrad_nn.ops.matrix import qr
    >>> np.absolute(qr([[3.0], [4.0]]))
    array([[0.6],
           [0.8],
           [5. ]])
    """
    return _rows(*np.linalg.qr(x))


# ---- Eigenvalues and singular values


def _turned(v: Any, like: Any) -> Any:
    """How to turn each column of v for its product with that of `like` to be positive."""
    product = np.sum(np.conj(like) * v, axis=-2, keepdims=True)
    return _conj(product) / np.absolute(product)


def _turn_vjp(excess: Any, v: Any, like: Any) -> Any:
    """What is to be taken from the gradient by v, since v may not turn.

    `excess` is the imaginary part of what the gradient is along v, for each column.
    """
    along = np.sum(np.conj(like) * v, axis=-2, keepdims=True)
    return (1j * excess / _real(along)) * np.conj(like)


def _along(g: Any, v: Any) -> Any:
    return np.sum(g * v, axis=-2, keepdims=True)


def _eigh_vjp(g: Any, out: Any, like: Any) -> Any:
    w, v = _real(out[..., 0, :]), out[..., 1:, :]
    by_w, by_v = _real(g[..., 0, :]), g[..., 1:, :]
    if like is not None and v.dtype.kind == "c":
        by_v = by_v - _turn_vjp(np.imag(_along(by_v, v)), v, like)
    m = _swap(v) @ by_v
    largest = np.max(np.absolute(_array(w)), axis=-1, initial=0)[..., None, None]
    smallest = rounding(v.shape, largest)
    turn = _between((m - adjoint(m)) / 2, _differences(w), smallest, _used(by_v))
    return _conj(v) @ (turn + _diagonal(by_w)) @ _swap(v)


@primitive(x=_eigh_vjp, domain=_turned_domain, complex=True)
def eigh(x: Any, like: Any = None) -> Any:
    """The eigenvalues of (x + x^H) / 2 in ascending order; in the rows below, the eigenvectors.

    The products of the eigenvectors with the columns of `like` are positive. Without it, they have
    the signs or phases that NumPy gives them, of which nothing that is differentiated may depend.

    >>> from tinygrad_nn.ops.matrix import eigh
    >>> eigh([[1.0, 0.0], [0.0, 2.0]])
    array([[1., 2.],
           [1., 0.],
           [0., 1.]])
    """
    w, v = np.linalg.eigh(_hermitian(x))
    return _rows(w[..., None, :], v if like is None else v * _turned(v, like))


def _eigvalsh_vjp(g: Any, x: Any) -> Any:
    v = eigh(x)[..., 1:, :]
    return (_conj(v) * g[..., None, :]) @ _swap(v)


@primitive(x=_eigvalsh_vjp, domain=_spectrum_domain, complex=True)
def eigvalsh(x: Any) -> Any:
    """The eigenvalues of (x + x^H) / 2, in ascending order.

    >>> from tinygrad_nn.ops.matrix import eigvalsh
    >>> eigvalsh([[1.0, 0.0], [0.0, 2.0]])
    array([1., 2.])
    """
    return np.linalg.eigvalsh(_hermitian(x))


def _inverse_of_vectors(v: Any) -> Any:
    """v^-1; NaN where eigenvectors are so near to one another that no digits are left."""
    known = np.finfo(v.dtype).eps * np.linalg.cond(_array(v)) < 1e-4
    return inv(v) * np.where(known, 1.0, np.nan).astype(_real(_array(v)).dtype)[..., None, None]


def _eig_vjp(g: Any, out: Any, like: Any) -> Any:
    w, v = out[..., 0, :], out[..., 1:, :]
    by_w, by_v = g[..., 0, :], g[..., 1:, :]
    along = _along(by_v, v)
    if like is None:
        by_v = by_v - along * np.conj(v)
    else:
        by_v = by_v - np.real(along) * np.conj(v) - _turn_vjp(np.imag(along), v, like)
    largest = np.max(np.absolute(_array(w)), axis=-1, initial=0)[..., None, None]
    smallest = rounding(v.shape, largest)
    turn = _between(_swap(v) @ by_v, _differences(w), smallest, _used(by_v))
    return _swap(_inverse_of_vectors(v)) @ (turn + _diagonal(by_w)) @ _swap(v)


@primitive(x=_eig_vjp, domain=_turned_domain, complex=True)
def eig(x: Any, like: Any = None) -> Any:
    """The complex eigenvalues of x; in the rows below, the eigenvectors, of length 1.

    `like` is as in `eigh`.

    >>> from tinygrad_nn.ops.matrix import eig
    >>> eig([[1.0, 0.0], [0.0, 2.0]]).real
    array([[1., 2.],
           [1., 0.],
           [0., 1.]])
    """
    w, v = np.linalg.eig(x)
    packed = _rows(w[..., None, :], v if like is None else v * _turned(v, like))
    return packed if packed.dtype.kind == "c" else packed * np.ones((), f"c{2 * packed.itemsize}")


def _eigvals_vjp(g: Any, x: Any) -> Any:
    v = eig(x)[..., 1:, :]
    return _swap(_inverse_of_vectors(v)) @ (g[..., None] * _swap(v))


@primitive(x=_eigvals_vjp, domain=_spectrum_domain, complex=True)
def eigvals(x: Any) -> Any:
    """The complex eigenvalues of x.

    >>> from tinygrad_nn.ops.matrix import eigvals
    >>> eigvals([[0.0, -1.0], [1.0, 0.0]])
    array([0.+1.j, 0.-1.j])
    """
    w = np.linalg.eigvals(x)
    return w if w.dtype.kind == "c" else w * np.ones((), f"c{2 * w.itemsize}")


def _svd_vjp(g: Any, x_shape: tuple[int, ...], out: Any, like: Any) -> Any:
    rows, columns = x_shape[-2:]
    u, s, v = out[..., :rows, :], _real(out[..., rows, :]), _conj(out[..., rows + 1 :, :])
    by_u, by_s, by_v = g[..., :rows, :], _real(g[..., rows, :]), _conj(g[..., rows + 1 :, :])
    smallest = rounding(x_shape, np.max(_array(s), axis=-1, initial=0)[..., None, None])
    divisor, used = s[..., None, :], _used(by_u) | _used(by_v)
    on_diagonal = by_s
    if g.dtype.kind == "c":
        excess = np.imag(_along(by_v, v))
        if like is not None:
            by_u = by_u - _turn_vjp(np.imag(_along(by_u, u)) + excess, u, like)
        on_diagonal = by_s - 1j * _quotient(excess, divisor, smallest, used)[..., 0, :]
    of_u, of_v = _swap(u) @ by_u, _swap(v) @ by_v
    of_u, of_v = of_u - adjoint(of_u), of_v - adjoint(of_v)
    turn = (
        _between(of_u + of_v, _differences(s), smallest, used)
        + _between(of_u - of_v, s[..., None, :] + s[..., :, None], smallest, used)
    ) / 2
    gradient = _conj(u) @ (turn + _diagonal(on_diagonal)) @ _swap(v)
    if rows > columns:
        across = _quotient(by_u - _conj(u) @ (_swap(u) @ by_u), divisor, smallest, used)
        gradient = gradient + across @ _swap(v)
    if rows < columns:
        across = _quotient(by_v - _conj(v) @ (_swap(v) @ by_v), divisor, smallest, used)
        gradient = gradient + _conj(u @ _swap(across))
    return gradient


def _singular_matrices(draw: Any) -> Any:
    shape = (draw.integers(1, 3), draw.integers(1, 3))
    return _matrices(draw, shape, [3.0, 6.0, 9.0], _small_positive)


def _svd_domain(draw: Any) -> dict[str, Any]:
    x = _singular_matrices(draw)
    rows, columns = x.shape[-2:]
    return {"x": x, "like": np.eye(rows, min(rows, columns)) + 0.5}


@primitive(x=_svd_vjp, domain=_svd_domain, complex=True)
def svd(x: Any, like: Any = None) -> Any:
    """The singular value decomposition x = u diag(s) v^H: the rows of u, then s, then conj(v).

    The products of the columns of u with those of `like` are positive, as in `eigh`.

    >>> from tinygrad_nn.ops.matrix import svd
    >>> np.absolute(svd([[0.0], [2.0]]))
    array([[0.],
           [1.],
           [2.],
           [1.]])
    """
    u, s, vh = np.linalg.svd(x, full_matrices=False)
    v = _swap(vh)
    if like is not None:
        turn = _turned(u, like)
        u, v = u * turn, v * _conj(turn)
    return _rows(u, s[..., None, :], v)


def _svdvals_vjp(g: Any, x: Any, out: Any) -> Any:
    rows = x.shape[-2]
    packed = svd(x)
    u, v = packed[..., :rows, :], packed[..., rows + 1 :, :]
    return (_conj(u) * (g * np.sign(out))[..., None, :]) @ adjoint(v)


@primitive(x=_svdvals_vjp, domain=lambda draw: {"x": _singular_matrices(draw)}, complex=True)
def svdvals(x: Any) -> Any:
    """The singular values of x, the largest first. The gradient of one that is 0 is taken as 0.

    >>> from tinygrad_nn.ops.matrix import svdvals
    >>> svdvals([[0.0, 2.0], [0.0, 0.0]])
    array([2., 0.])
    """
    return np.linalg.svdvals(x)


# ---- Norms


def _norm_vjp(g: Any, x: Any, out: Any, ord: float, axis: Axis, keepdims: bool) -> Any:
    shape = np.shape(x)
    out = _spread(out, shape, axis, keepdims)
    g = _spread(g, shape, axis, keepdims)
    g = np.where(out == 0, 0, g / np.where(out == 0, 1, out))
    if ord == 2:
        return g * _conj(x)
    size = np.absolute(x)
    zero = size == 0
    share = np.where(zero, 1, size) / np.where(out == 0, 1, out)
    return g * np.where(zero, 0, share ** (ord - 2)) * _conj(x)


def _norm_domain(draw: Any) -> dict[str, Any]:
    x = draw.arrays(draw.shapes(max_dims=2), nonzero)
    axes = [None, *range(-x.ndim, x.ndim), *([(0, 1), (1, 0)] if x.ndim == 2 else [])]
    order = draw.sampled_from([2, 1, 3, 0.5, 1.5, -1, -2])
    return {"x": x, "ord": order, "axis": draw.sampled_from(axes), "keepdims": draw.booleans()}


@primitive(x=_norm_vjp, domain=_norm_domain, complex=True)
def vector_norm(x: Any, ord: float = 2, axis: Any = None, keepdims: bool = False) -> Any:
    """(sum |x|^ord)^(1/ord) over `axis` (None: over all), for a finite `ord` that is not 0.

    Where x or the norm is 0, the derivative is taken as 0.

    >>> from tinygrad_nn.ops.matrix import vector_norm
    >>> vector_norm([3.0, 4.0])
    np.float64(5.0)
    """
    # A third of the time, for the same sum of squares.
    if ord == 2 and (axis is None or (isinstance(axis, tuple) and len(axis) == 2)):
        return np.linalg.norm(x, None, axis, keepdims)
    return np.linalg.vector_norm(x, axis=axis, keepdims=keepdims, ord=ord)
