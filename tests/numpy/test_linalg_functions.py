"""numpy.linalg on Values: the values of NumPy, and derivatives of real and complex matrices."""

from typing import Any

import numpy as np
import pytest

import tinygrad_nn as tg
from tinygrad_nn import Value
from tinygrad_nn.testing import gradcheck

la = np.linalg


def matrices(*shape: int, complex: bool = False, diagonal: float = 2.0) -> Any:
    rng = np.random.default_rng(sum(shape))
    x = rng.uniform(-0.5, 0.5, shape) + diagonal * np.eye(*shape[-2:])
    x *= 1 + np.arange(shape[-1]) / 2
    return x + 1j * rng.uniform(-0.5, 0.5, shape) if complex else x


def hermitian(x: Any) -> Any:
    """A positive definite matrix of any square one."""
    return x @ np.conj(np.swapaxes(x, -1, -2)) + np.eye(np.shape(x)[-1], dtype=x.dtype)


def parts(z: Any) -> Any:
    """Complex results as real ones."""
    z = z if isinstance(z, (list, tuple)) else [z]
    flat = [np.reshape(part, -1) for part in z]
    return np.concatenate([*map(np.real, flat), *map(np.imag, flat)])


def magnitudes(*arrays: Any) -> Any:
    """What does not depend on the phases of columns."""
    return tuple([np.square(np.abs(x)) for x in arrays])


def check(f: Any, x: Any, order: int = 2) -> None:
    """NumPy's values, its dtype in single precision, too, and the derivatives."""
    want = f(x)
    got = f(Value(x) if x.dtype.kind == "f" else Value(x.real) + 1j * x.imag)
    many = isinstance(want, tuple)
    for a, b in zip(got if many else [got], want if many else [want], strict=True):
        assert a.requires_grad
        assert a.dtype == b.dtype
        assert a.shape == b.shape
        np.testing.assert_allclose(a.data, b, rtol=1e-11, atol=1e-13)
    single = f(x.astype(np.float32 if x.dtype.kind == "f" else np.complex64))
    value = Value(x.real.astype(np.float32))
    got = f(value if x.dtype.kind == "f" else value + 1j * x.imag.astype(np.float32))
    for a, b in zip(got if many else [got], single if many else [single], strict=True):
        assert a.dtype == b.dtype
        assert a.dtype in (np.float32, np.complex64)
    if x.dtype.kind == "f":
        gradcheck(lambda x: parts(f(x)), x, order=order, mode="directional")
    else:
        gradcheck(
            lambda re, im: parts(f(re + 1j * im)),
            *(x.real, x.imag),
            order=order,
            mode="directional",
        )


B = matrices(3, 2, diagonal=0)
SQUARE = {
    "inv": la.inv,
    "det": la.det,
    "slogdet": lambda x: tuple(la.slogdet(x)),
    "logabsdet": lambda x: la.slogdet(x).logabsdet,
    "solve": lambda x: la.solve(x, B.astype(x.dtype)),
    "solve vector": lambda x: la.solve(x, B[:, 0].astype(x.dtype)),
    "solve for x": lambda x: la.solve(np.eye(3, dtype=x.dtype) * 2, x),
    "matrix_power 0": lambda x: x + la.matrix_power(x, 0),
    "matrix_power 1": lambda x: la.matrix_power(x, 1),
    "matrix_power 5": lambda x: la.matrix_power(x, 5),
    "matrix_power -3": lambda x: la.matrix_power(x, -3),
    "cholesky": lambda x: la.cholesky(hermitian(x)),
    "cholesky upper": lambda x: la.cholesky(hermitian(x), upper=True),
    "eigvalsh": lambda x: la.eigvalsh(hermitian(x)),
    "eigvalsh U": lambda x: la.eigvalsh(hermitian(x), "U"),
    "eigh": lambda x: (la.eigh(hermitian(x))[0], *magnitudes(la.eigh(hermitian(x), "u")[1])),
    "eig": lambda x: (la.eig(x)[0], *magnitudes(la.eig(x).eigenvectors)),
    "eigvals": la.eigvals,
    "qr complete": lambda x: tuple(la.qr(x, "complete")),
    "svd hermitian": lambda x: magnitudes(
        *la.svd(hermitian(x) - 3 * np.eye(3, dtype=x.dtype), hermitian=True)
    ),
    "svdvals hermitian": lambda x: la.svd(
        hermitian(x) - 3 * np.eye(3, dtype=x.dtype), compute_uv=False, hermitian=True
    ),
    "svd": lambda x: magnitudes(*la.svd(x)),
    "pinv hermitian": lambda x: la.pinv(hermitian(x), hermitian=True),
    "cond": la.cond,
    "trace": lambda x: la.trace(x, offset=1),
    **{f"cond {p}": (lambda x, p=p: la.cond(x, p)) for p in (2, -2, 1, -1, "fro", np.inf, "nuc")},
}

ANY_SHAPE = {
    "pinv": la.pinv,
    "pinv rtol": lambda x: la.pinv(x, rtol=None),
    "pinv rcond": lambda x: la.pinv(x, 1e-6),
    "svd": lambda x: magnitudes(*la.svd(x, full_matrices=False)),
    "u v^H": lambda x: la.svd(x, full_matrices=False).U @ la.svd(x, full_matrices=False).Vh,
    "svdvals": la.svdvals,
    "svd values": lambda x: la.svd(x, compute_uv=False),
    "qr": lambda x: tuple(la.qr(x)),
    "qr r": lambda x: la.qr(x, "r"),
    "diagonal": lambda x: la.diagonal(x, offset=-1),
    "matrix_transpose": la.matrix_transpose,
    "matrix_norm": lambda x: la.matrix_norm(x, keepdims=True),
    **{
        f"norm {p}": (lambda x, p=p: la.norm(x, p, (-2, -1)))
        for p in ("fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf)
    },
}


@pytest.mark.parametrize("complex", [False, True], ids=["real", "complex"])
@pytest.mark.parametrize("name", SQUARE)
def test_functions_of_square_matrices(name: str, complex: bool) -> None:
    check(SQUARE[name], matrices(3, 3, complex=complex))


@pytest.mark.parametrize("name", SQUARE)
def test_functions_of_stacks_of_square_matrices(name: str) -> None:
    check(SQUARE[name], matrices(2, 1, 3, 3), order=1)


@pytest.mark.parametrize("complex", [False, True], ids=["real", "complex"])
@pytest.mark.parametrize("shape", [(4, 2), (2, 3), (1, 3), (2, 3, 2)], ids=str)
@pytest.mark.parametrize("name", ANY_SHAPE)
def test_functions_of_matrices(name: str, shape: Any, complex: bool) -> None:
    check(ANY_SHAPE[name], matrices(*shape, complex=complex), order=2 if len(shape) == 2 else 1)


def test_eigenvalues_in_conjugate_pairs() -> None:
    x = np.array([[1.0, 2.0, 0.3], [-2.0, 1.5, 0.2], [0.4, 0.1, 3.0]])
    check(SQUARE["eig"], x)
    check(SQUARE["eigvals"], x)
    assert la.eig(Value(x)).eigenvalues.dtype == np.complex128
    real = np.diag([1.0, 2.0])
    assert la.eig(Value(real)).eigenvalues.dtype == la.eig(real).eigenvalues.dtype


# ---- Equations


@pytest.mark.parametrize("complex", [False, True], ids=["real", "complex"])
@pytest.mark.parametrize("a_shape", [(4, 2), (3, 3), (2, 3)], ids=str)
@pytest.mark.parametrize("columns", [(), (2,)], ids=str)
def test_least_squares(a_shape: Any, columns: Any, complex: bool) -> None:
    a = matrices(*a_shape, complex=complex)
    b = matrices(a_shape[0], 5, complex=complex)[:, : 2 if columns else 1].reshape(-1, *columns)
    got = la.lstsq(Value(a.real) + 1j * a.imag if complex else Value(a), b)
    for ours, theirs in zip(got, la.lstsq(a, b), strict=True):
        np.testing.assert_allclose(getattr(ours, "data", ours), theirs, rtol=1e-11)
    check(lambda a: la.lstsq(a, b.astype(a.dtype))[0], a)
    check(lambda b: la.lstsq(a.astype(b.dtype), b)[0], b)
    if a_shape == (4, 2):
        check(lambda b: la.lstsq(a.astype(b.dtype), b)[1], b)
        check(lambda a: la.lstsq(a, b.astype(a.dtype))[1], a)


def test_right_hand_sides_are_vectors_only_with_one_axis() -> None:
    a, b = matrices(2, 3, 3), matrices(2, 3, 3)
    for part in (b, b[0], b[0, 0], b[:1, :, :1]):
        got = la.solve(Value(a), part)
        np.testing.assert_array_equal(got.data, la.solve(a, part))
        gradcheck(la.solve, a, part, order=2, mode="directional")


def test_tensor_equations() -> None:
    a, b = matrices(6, 6).reshape(2, 3, 3, 2), matrices(2, 3)
    check(lambda a: la.tensorsolve(a, b.astype(a.dtype)), a)
    check(lambda b: la.tensorsolve(a.astype(b.dtype), b), b)
    turned = np.moveaxis(a, -1, 1)
    check(lambda a: la.tensorsolve(a, b.astype(a.dtype), axes=(1,)), turned)
    check(lambda a: la.tensorinv(a, 2), a)
    check(lambda a: la.tensorinv(a, 1), matrices(6, 6).reshape(6, 2, 3))


# ---- Norms


@pytest.mark.parametrize("complex", [False, True], ids=["real", "complex"])
@pytest.mark.parametrize("ord", [None, 1, 2, 3, 0.5, 1.5, -1, -2.5, np.inf, -np.inf])
def test_norms_of_vectors(ord: Any, complex: bool) -> None:
    x = matrices(3, 4, complex=complex)
    check(lambda x: la.norm(x[0], ord), x)
    check(lambda x: la.norm(x, ord, axis=1), x)
    check(lambda x: la.norm(x, ord, 0, keepdims=True), x)
    order = 2 if ord is None else ord
    check(lambda x: la.vector_norm(x, ord=order), x)
    check(lambda x: la.vector_norm(x[None], ord=order, axis=(2, 1), keepdims=True), x)


def test_norms_without_an_order() -> None:
    x = matrices(2, 3, 2)
    check(la.norm, x)
    check(lambda x: la.norm(x, keepdims=True), x)
    check(lambda x: la.norm(x, axis=(2, 0), keepdims=True), x)
    check(lambda x: la.norm(x[0, 0, 0]), x)
    for ord in ("nuc", 1, -2, np.inf):
        check(lambda x, ord=ord: la.norm(x, ord, axis=(2, 0), keepdims=True), x)
        check(lambda x, ord=ord: la.norm(x, ord, axis=(2, 0)), x)


@pytest.mark.parametrize("ord", [None, 1, 2, 3, 0.5, -1, np.inf, -np.inf])
def test_gradient_of_a_norm_at_zero_is_zero(ord: Any) -> None:
    gradient = tg.grad(lambda x: la.norm(x, ord))
    with np.errstate(divide="ignore"):  # NumPy's own, for a negative order
        np.testing.assert_array_equal(gradient(np.zeros(3)), np.zeros(3))
        assert np.all(np.isfinite(gradient(np.array([0.0, 3.0, -4.0]))))


@pytest.mark.parametrize("ord", ["fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf])
def test_gradient_of_a_norm_of_zero_matrices_is_zero(ord: Any) -> None:
    x = np.zeros((2, 3))
    np.testing.assert_array_equal(tg.grad(lambda x: la.norm(x, ord))(x), x)


def test_number_of_elements_that_are_not_zero_has_no_gradient() -> None:
    x = Value([0.0, 2.0, 3.0])
    assert la.norm(x, 0) == 2
    assert la.norm(Value(np.zeros((0, 2))), 1, axis=0).tolist() == [0, 0]


@pytest.mark.parametrize("ord", [None, "fro", "nuc", 1, 2, np.inf])
def test_norm_of_a_matrix_without_elements(ord: Any) -> None:
    x = np.zeros((0, 2))
    if np.lib.NumpyVersion(np.__version__) < "2.4.0" and ord in (2, np.inf):
        pytest.skip("older ones refuse it")
    assert la.norm(Value(x), ord) == la.norm(x, ord)


def test_whole_numbers() -> None:
    x = np.array([[4, 1], [1, 3]])
    for f in (
        *(la.cholesky, la.eigvalsh, la.eigh, lambda x: la.eigvalsh(x, "U"), la.inv, la.det),
        *(lambda x: la.norm(x, 1), lambda x: la.norm(x[0], np.inf), lambda x: la.norm(x, 1, 0)),
    ):
        got, want = f(Value(x)), f(x)
        for a, b in zip(got, want, strict=True) if isinstance(want, tuple) else [(got, want)]:
            assert a.dtype == b.dtype
            np.testing.assert_allclose(a.data, b, rtol=1e-15)


def test_least_squares_are_in_the_precision_of_both_arguments() -> None:
    a, b = matrices(4, 2).astype(np.float32), np.arange(4)
    for ours, theirs in zip(la.lstsq(Value(a), b), la.lstsq(a, b), strict=True):
        assert getattr(ours, "dtype", int) == (theirs.dtype if np.ndim(theirs) else int)


def test_wrong_orders_are_refused() -> None:
    x = Value(matrices(2, 2))
    with pytest.raises(ValueError, match="order"):
        la.norm(x, 3)
    with pytest.raises(ValueError, match="order"):
        la.norm(x, "fro", axis=0)
    with pytest.raises(ValueError, match="two"):
        la.norm(x[None], 2)


# ---- Products


def test_products() -> None:
    a, b = matrices(2, 3, complex=True), matrices(3, 3)[:2]
    v, w = b[0], b[1]
    check(lambda x: la.multi_dot([x, b.T.astype(x.dtype), x, v.astype(x.dtype)]), a)
    check(lambda x: la.multi_dot([v.astype(x.dtype), x.T, x, x.T @ x[:, 0]]), a)
    check(lambda x: la.multi_dot([x, x.T]), a)
    check(lambda x: la.cross(x, x[::-1] * w.astype(x.dtype)), b)
    check(lambda x: la.outer(x[0], x[1]), a)
    check(lambda x: la.vecdot(x, x[0] * b.astype(x.dtype)), a)
    check(lambda x: la.vecdot(x, x * x, axis=0), b)
    check(lambda x: la.tensordot(x, x, axes=((0,), (0,))), a)
    check(lambda x: la.matmul(x, la.matrix_transpose(x)), a)


def test_multi_dot_takes_the_cheapest_order() -> None:
    column, row = Value(np.ones((500, 1))), Value(np.ones((1, 500)))
    with tg.record():
        product = la.multi_dot([column, row, column, row])
    np.testing.assert_array_equal(product.data, np.full((500, 500), 500.0))
    assert row.shape == (1, 500)


# ---- One triangle


@pytest.mark.parametrize("complex", [False, True], ids=["real", "complex"])
@pytest.mark.parametrize(
    "function",
    [
        lambda x, upper: la.cholesky(x, upper=upper),
        lambda x, upper: la.eigvalsh(x, "U" if upper else "L"),
        lambda x, upper: magnitudes(la.eigh(x, "U" if upper else "L").eigenvectors)[0],
    ],
)
@pytest.mark.parametrize("upper", [False, True])
def test_one_triangle_is_read(function: Any, upper: bool, complex: bool) -> None:
    check(lambda x: function(x, upper), matrices(3, 3, complex=complex, diagonal=4))


def test_gradient_at_a_symmetric_matrix_is_symmetric() -> None:
    x = hermitian(matrices(3, 3))
    for f in (la.cholesky, la.eigvalsh, lambda x: la.eigh(x)[1] ** 2):
        gradient = tg.grad(lambda x, f=f: np.sum(f(x) * matrices(3, 3)))(x)
        np.testing.assert_allclose(gradient, gradient.T, rtol=1e-12)


# ---- Degenerate cases


def test_sums_of_equal_eigenvalues_have_the_right_gradient() -> None:
    eye = np.eye(3)
    for f in (la.eigvalsh, la.svdvals, la.eigvals, lambda x: la.eigh(x)[0], lambda x: la.svd(x)[1]):
        np.testing.assert_allclose(tg.grad(lambda x, f=f: np.sum(f(x).real ** 2))(2 * eye), 4 * eye)


def test_second_derivative_of_the_largest_value_with_others_equal() -> None:
    x = np.diag([4.0, 1.0, 1.0])
    for f in (lambda x: la.eigvalsh(hermitian(x))[-1], lambda x: la.norm(x, 2)):
        gradcheck(f, x, order=2, mode="directional")


def test_vectors_of_equal_values_have_no_gradient() -> None:
    for f in (
        lambda x: la.eigh(x)[1] ** 2,
        lambda x: la.svd(x)[0] ** 2,
        lambda x: la.svd(x)[0] * la.svd(x)[1] @ la.svd(x)[2],
    ):
        gradient = tg.grad(lambda x, f=f: np.sum(f(x) * matrices(3, 3)))(np.eye(3))
        assert np.all(np.isnan(gradient))


def test_eigenvalues_of_a_defective_matrix_have_no_gradient() -> None:
    x = np.array([[1.0, 1.0], [0.0, 1.0]])
    assert np.all(np.isnan(tg.grad(lambda x: np.sum(la.eigvals(x).real))(x)))


@pytest.mark.parametrize("complex", [False, True], ids=["real", "complex"])
@pytest.mark.parametrize("rank", [0, 1, 2])
@pytest.mark.filterwarnings("ignore::tinygrad_nn.testing.InconclusiveWarning")  # of zeros
def test_determinant_of_a_singular_matrix(rank: int, complex: bool) -> None:
    x = matrices(3, rank, complex=complex) @ matrices(rank, 3, complex=complex)
    if complex:
        f = lambda re, im: parts(la.det(re + 1j * im))  # noqa: E731
        gradcheck(f, x.real, x.imag, order=2)
    else:
        gradcheck(la.det, x, order=2)


def test_gradient_of_the_determinant_of_a_large_singular_matrix_is_an_error() -> None:
    with pytest.raises(la.LinAlgError):
        tg.grad(la.det)(np.zeros((40, 40)))


def test_pseudo_inverse_of_lower_rank_keeps_its_rank() -> None:
    check(lambda x: la.pinv(x @ np.swapaxes(x, -1, -2)[:, :3], rcond=1e-6), matrices(4, 2), order=1)


def test_pseudo_inverse_without_values_that_are_not_rounding_has_no_gradient() -> None:
    x = np.diag([1.0, 0.1])
    np.testing.assert_array_equal(la.pinv(Value(x), 0.5).data, la.pinv(x, 0.5))
    assert np.all(np.isnan(tg.grad(lambda x: np.sum(la.pinv(x, 0.5)))(x)))


def test_condition_of_singular_matrices_is_infinite() -> None:
    x = np.stack([np.eye(2) * [1, 3], np.zeros((2, 2)), np.diag([1.0, 0.0])])
    for p in (None, 1, "fro"):
        got = la.cond(Value(x), p)
        np.testing.assert_allclose(got.data, la.cond(x, p))
        assert np.isinf(la.cond(Value(x[1]), p).data)
    gradcheck(lambda x: la.cond(x, 1)[0], x)


def test_errors_are_those_of_numpy() -> None:
    singular, wide = Value(np.zeros((2, 2))), Value(np.ones((2, 3)))
    for f in (la.inv, lambda x: la.solve(x, np.ones(2)), la.cholesky):
        with pytest.raises(la.LinAlgError):
            f(singular)
    for f in (la.inv, la.det, la.eig, la.eigh, la.cholesky, la.slogdet, lambda x: la.cond(x, 1)):
        with pytest.raises(la.LinAlgError):
            f(wide)
    with pytest.raises(la.LinAlgError):
        la.multi_dot([wide, wide[None], wide])
    with pytest.raises(la.LinAlgError):
        la.tensorsolve(wide, np.ones(2))
    with pytest.raises(ValueError, match="UPLO"):
        la.eigh(singular, "X")
    with pytest.raises(ValueError, match="both"):
        la.pinv(wide, 1e-3, rtol=1e-3)
    for f in (la.outer, la.cross):
        with pytest.raises(ValueError, match="vectors"):
            f(singular, singular)


def test_vectors_without_derivatives_are_errors_that_say_what_to_write() -> None:
    tall, wide = Value(np.ones((3, 2))), Value(np.ones((2, 3)))
    for x in (tall, wide):
        with pytest.raises(TypeError, match=r"np\.linalg\.svd .* use full_matrices=False"):
            la.svd(x)
    with pytest.raises(TypeError, match=r"np\.linalg\.qr .* use mode='reduced'"):
        la.qr(tall, "complete")
    with pytest.raises(TypeError, match=r"np\.linalg\.qr .* 'raw' .* use mode='reduced' or 'r'"):
        la.qr(wide, "raw")


def test_without_a_gradient_everything_is_computed() -> None:
    x = Value(np.ones((3, 2)), requires_grad=False)
    assert la.svd(x).U.shape == (3, 3)
    assert la.qr(x, "complete").Q.shape == (3, 3)
    assert la.qr(x, "raw")[0].shape == (2, 3)
    assert la.matrix_rank(Value(np.ones((3, 2)))) == 1


# ---- Other libraries


@pytest.mark.peers
@pytest.mark.parametrize("complex", [False, True], ids=["real", "complex"])
@pytest.mark.parametrize(
    "name",
    ["inv", "det", "pinv", "cholesky", "eigvalsh", "eigvals", "svdvals", "cond", "matrix_norm"],
)
def test_gradients_are_those_of_pytorch(name: str, complex: bool) -> None:
    torch = pytest.importorskip("torch")
    x = matrices(3, 3, complex=complex)
    x = hermitian(x) if name in ("cholesky", "eigvalsh") else x
    theirs = torch.tensor(x, requires_grad=True)
    weights = np.arange(1.0, 10.0)
    out = getattr(torch.linalg, name)(theirs).reshape(-1)
    want = (out.abs() ** 2 * torch.tensor(weights[: len(out)])).sum()
    want.backward()
    re, im = Value(x.real), Value(x.imag)
    out = np.reshape(getattr(la, name)(re + 1j * im if complex else re), -1)
    np.sum(np.abs(out) ** 2 * weights[: len(out)]).backward()
    got = re.grad + 1j * im.grad if complex else re.grad
    np.testing.assert_allclose(got, theirs.grad.numpy(), rtol=1e-9, atol=1e-10)


@pytest.mark.peers
@pytest.mark.parametrize("complex", [False, True], ids=["real", "complex"])
@pytest.mark.parametrize("name", ["eigh", "eig", "svd", "qr"])
def test_gradients_of_decompositions_are_those_of_pytorch(name: str, complex: bool) -> None:
    torch = pytest.importorskip("torch")
    x = matrices(3, 3, complex=complex)
    x = hermitian(x) if name == "eigh" else x
    theirs = torch.tensor(x, requires_grad=True)
    weights = np.arange(9.0).reshape(3, 3)
    out = getattr(torch.linalg, name)(theirs)
    sum((part.abs() ** 2 * torch.tensor(weights)).sum() for part in out).backward()
    re, im = Value(x.real), Value(x.imag)
    out = getattr(la, name)(re + 1j * im if complex else re)
    sum(np.sum(np.abs(part) ** 2 * weights) for part in out).backward()
    got = re.grad + 1j * im.grad if complex else re.grad
    np.testing.assert_allclose(got, theirs.grad.numpy(), rtol=1e-8, atol=1e-10)
