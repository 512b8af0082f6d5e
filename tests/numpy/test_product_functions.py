"""NumPy's products, differences, integrals, polynomials and ranges, on Values."""

from typing import Any

import numpy as np
import numpy_calls
import pytest
from numpy_calls import check_derivatives, check_values, evaluate

import tinygrad_nn as tg
from tinygrad_nn import Value
from tinygrad_nn.testing import gradcheck

ARRAYS = {
    **numpy_calls.ARRAYS,
    "y": np.float64(2.5),
    "p": np.array([2.0, -1.0, 0.5]),
    "q": np.array([1.0, 3.0]),
    "grid": np.array([-1.0, -0.25, 0.5, 2.0]),
}

CALLS = """
np.dot(u, u)
np.dot(a, u)
np.dot(a, c)
np.dot(x, a)
np.vdot(a, b)
np.inner(u, u)
np.inner(a, u)
np.inner(a, b)
np.inner(x, u)
np.inner(u, [[1.0, 2.0, 3.0]])
np.outer(u, a)
np.outer([1.0, 2.0], v)
np.outer(x, v)
np.tensordot(a, b)
np.tensordot(a, b, axes=(0, 0))
np.tensordot(a, b, axes=([1, 0], [1, 0]))
np.tensordot(u, v, 0)
np.einsum("ij,ij", a, b)
np.einsum("ij,jk->ik", a, c[0])
np.einsum("...j,j->...", c, v, optimize=True)
np.einsum("ij,ij->j", a, b, dtype=np.float64)
np.einsum(a, [0, 1], c, [0, 1, 2], [2, 0])
np.einsum(a, [0, 1], u, [1])
np.einsum(c, [..., 3], v, [3], [...])
np.einsum(a.T @ b, [7, 7])
np.cross(u, a)
np.cross(a, b)
np.cross(a, b, axisc=0)
np.cross(c, c[::-1] * 2, axis=1)
np.cross(a.T, b, axisa=0, axisb=-1)
np.cross(u, np.ones((2, 1, 3)))
np.convolve(u, v)
np.convolve(v, u, "same")
np.convolve(u, v, mode="same")
np.convolve(u, v, "valid")
np.convolve(v, u, "valid")
np.convolve(x, u)
np.convolve(v, [1, 2], "same")
np.correlate(u, v)
np.correlate(v, u)
np.correlate(v, u, "same")
np.correlate(u, v, "same")
np.correlate(q, v, "same")
np.correlate(v, q, "same")
np.correlate(q, u, "same")
np.correlate(u, q, "full")
np.correlate(u, v, mode="full")
np.diff(v)
np.diff(c, axis=0)
np.diff(c, n=2, axis=1)
np.diff(a, n=0)
np.diff(v, 9)
np.diff(a, prepend=x)
np.diff(a, append=b[:, :2], prepend=0)
np.diff(a, axis=0, append=[u])
np.ediff1d(a)
np.ediff1d(v, to_end=[x, 2.0], to_begin=x)
np.gradient(v)
np.gradient(c)
np.gradient(a, x)
np.gradient(a, x, y)
np.gradient(a, 0.5, axis=1)
np.gradient(v, edge_order=2)
np.gradient(v, x, edge_order=2)
np.gradient(v, grid)
np.gradient(v, grid, edge_order=2)
np.gradient(c, y, grid, axis=(0, 2))
np.gradient(v, [0.0, 1.0, 2.0, 3.0])
np.gradient(a, axis=())
np.trapezoid(v)
np.trapezoid(v, grid)
np.trapezoid(c, dx=x, axis=1)
np.trapezoid(c, x=v)
np.trapezoid(c, p, axis=1)
np.trapezoid(c, c**2, axis=0)
np.polyval(p, x)
np.polyval(p, a)
np.polyval(np.stack([x, 2, y]), 3.0)
np.polyval(np.zeros(0), x)
np.polyadd(p, q)
np.polyadd(q, p)
np.polysub(p, q)
np.polysub(q, [1, 2, 3])
np.polysub([1, 2, 3], q)
np.polymul(p, q)
np.polymul(np.concatenate([[0.0], p]), x)
np.polyder(p)
np.polyder(p, 2)
np.polyder(p, m=4)
np.polyint(p)
np.polyint(p, 2, [x, 3])
np.polyint(p, m=2, k=x)
np.polyint(p, 0)
np.poly(p)
np.poly([x, y, x])
np.poly(np.reshape(x, (1, 1)))
np.poly(a[:, :2] * x)
np.poly(c[0, :, :3])
np.linspace(x, y)
np.linspace(x, 3, 4)
np.linspace(0, y, num=5, endpoint=False)
np.linspace(x, y, 1)
np.linspace(x, y, 0)
np.linspace(u, a, 3, axis=-1)
np.linspace(x, y, 3, retstep=True)
np.linspace(x, y, 3, dtype=np.float64)
np.logspace(x, y, 4)
np.logspace(u, x, 3, base=2.0, axis=1)
np.logspace(x, 2, 3, base=y)
np.logspace(0, 1, 3, base=q)
np.geomspace(x, y, 5)
np.geomspace(x, 100, 4, endpoint=False)
np.geomspace(-x, -y, 3)
np.geomspace(p**2, q[:1], 3, axis=1)
np.geomspace(u**2, 100, 1)
np.geomspace(3, y, 5, dtype=np.float64)
""".strip().splitlines()

CONSTANT = ["np.gradient(a, axis=())", "np.linspace(x, y, 0)", "np.polyval(np.zeros(0), x)"]

every_call = pytest.mark.parametrize("code", CALLS)


@every_call
def test_values_are_those_of_numpy(code: str) -> None:
    check_values(code, ARRAYS, rtol=2e-15)


@pytest.mark.parametrize("code", [code for code in CALLS if code not in CONSTANT])
def test_first_and_second_derivatives_are_right(code: str) -> None:
    check_derivatives(code, ARRAYS)


@pytest.mark.filterwarnings("ignore:Arrays of 2-dimensional vectors:DeprecationWarning")
@pytest.mark.parametrize("code", ["np.cross(q, [[1.0, 2.0]])", "np.cross(q, u)", "np.cross(u, q)"])
def test_cross_products_in_the_plane(code: str) -> None:
    if np.lib.NumpyVersion(np.__version__) < "2.5.0":  # later ones have none
        check_values(code, ARRAYS)
    check_derivatives(code, ARRAYS)


def test_einsum_path_is_plain() -> None:
    a = Value(np.ones((2, 3)))
    path, _ = np.einsum_path("ij,kj->ik", a, a)
    assert path == ["einsum_path", (0, 1)]


@pytest.mark.parametrize(
    "f",
    [
        lambda z, w: np.vdot(z, w),
        lambda z, w: np.correlate(z, w[:2], "full"),
        lambda z, w: np.correlate(z[:2], w, "same"),
        lambda z, w: np.convolve(z, w),
        lambda z, w: np.cross(z, w),
        lambda z, w: np.poly(z),
        lambda z, w: np.poly(np.concatenate([z, np.conj(z)])),
        lambda z, w: np.poly(np.multiply.outer(z, w) + np.diag(z)),
        lambda z, w: np.polyval(z, w),
        lambda z, w: np.linspace(z, w, 3),
        lambda z, w: np.geomspace(z, w, 3),
    ],
)
def test_complex_numbers(f: Any) -> None:
    x, y = np.array([1.0, -0.5, 2.0]), np.array([0.5, 1.0, -1.5])

    def of_real(x: Any, y: Any) -> Any:
        return f(x + 1j * y, y - 2j * x)

    got, want = of_real(Value(x), Value(y)), of_real(x, y)
    assert got.dtype == want.dtype
    np.testing.assert_allclose(got.data, want, rtol=1e-14)

    def parts(x: Any, y: Any) -> Any:
        z = of_real(x, y)
        return np.stack([np.real(z), np.imag(z)])

    assert gradcheck(parts, x, y, order=2, mode="directional")


def test_even_spacing_given_as_coordinates_has_derivatives_by_each() -> None:
    f = np.array([1.0, -2.0, 0.5, 4.0])
    assert gradcheck(lambda x: np.gradient(f, x), np.arange(4.0), order=2)
    assert gradcheck(lambda x: np.gradient(f, x, edge_order=2), np.arange(4.0), order=2)


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("np.diff(v, -1)", ValueError),
        ("np.gradient(v, edge_order=3)", ValueError),
        ("np.gradient(v[:1])", ValueError),
        ("np.gradient(v, 1, 2)", TypeError),
        ("np.gradient(v, [1.0, 2.0])", ValueError),
        ("np.polyder(v, -1)", ValueError),
        ("np.polyint(v, -1)", ValueError),
        ("np.polyint(v, 3, [1, 2])", ValueError),
        ("np.geomspace(v, 0)", ValueError),
        ("np.geomspace(v, 1, -1)", ValueError),
        ("np.linspace(v, 1, -1)", ValueError),
        ("np.linspace(v, 1, 3.0)", TypeError),
        ("np.ediff1d([1, 2], to_end=v)", TypeError),
        ("np.einsum('i->', v, dtype=np.float32)", TypeError),
        ("np.polyfit(v, v, -1)", ValueError),
        ("np.cross(v, v)", ValueError),
        ("np.convolve(v, [])", ValueError),
        ("np.convolve(v, v, 'half')", ValueError),
        ("np.inner(v, v[:2])", ValueError),
        ("np.poly([v, v])", ValueError),
        ("np.poly(v[:0, None] * v[:0])", ValueError),
    ],
)
def test_what_numpy_refuses_is_refused(code: str, error: Any) -> None:
    for v in (np.ones(4), Value(np.ones(4))):
        with pytest.raises(error):
            evaluate(code, {"v": v})


@pytest.mark.parametrize(
    "matrix",
    [np.zeros((2, 2)), np.eye(3), [[1.0, 1.0], [0.0, 1.0]]],
    ids=["zero", "identity", "defective"],
)
def test_characteristic_polynomials_with_equal_roots_have_derivatives(matrix: Any) -> None:
    assert gradcheck(np.poly, np.array(matrix), order=2)


@pytest.mark.parametrize(
    "matrix",
    [np.array([[2.0, -1.0, 0.5], [1.0, 3.0, 0.0], [0.0, 1.0, 4.0]]), np.diag([1.0, 1.0], 1)],
    ids=["any", "nilpotent"],
)
def test_characteristic_polynomial_is_of_the_trace_and_the_determinant(matrix: Any) -> None:
    for k, coefficient in [
        (1, lambda a: -np.trace(a)),
        (2, lambda a: (np.trace(a) ** 2 - np.trace(a @ a)) / 2),
        (3, lambda a: -np.linalg.det(a)),
    ]:
        by_poly = tg.grad(lambda a, k=k: np.poly(a)[k])(matrix)
        np.testing.assert_allclose(by_poly, tg.grad(coefficient)(matrix), rtol=1e-14, atol=1e-14)


def test_roots_of_a_polynomial_are_refused() -> None:
    with pytest.raises(TypeError, match=r"np\.roots"):
        np.roots(Value([1.0, 2.0]))


@pytest.mark.parametrize("start", [1e-300, 1e300, 1.0])
@pytest.mark.parametrize("stop", [1e-300, 1e300, 1.0])
@pytest.mark.parametrize("sign", [1, -1])
def test_geomspace_between_the_smallest_and_the_largest(
    start: float, stop: float, sign: int
) -> None:
    ends = sign * start, sign * stop
    got = np.geomspace(Value(ends[0]), Value(ends[1]), 5)
    np.testing.assert_array_equal(got.data, np.geomspace(*ends, 5))
    part = np.arange(5) / 4
    with np.errstate(over="ignore"):  # of derivatives that are too large
        by_start, by_stop = tg.jacobian(lambda a, b: np.geomspace(a, b, 5), (0, 1))(*ends)
        np.testing.assert_allclose(by_start, (1 - part) * got.data / ends[0], rtol=1e-14)
        np.testing.assert_allclose(by_stop, part * got.data / ends[1], rtol=1e-14)


def test_geomspace_of_integers() -> None:
    got = np.geomspace(Value(1.0), 1000, 4, dtype=int)
    np.testing.assert_array_equal(got.data, np.geomspace(1.0, 1000, 4, dtype=int))


def test_whole_numbers_and_booleans() -> None:
    whole, truths = np.array([3, 1, 4]), np.array([True, False, False])
    for function, x in [(np.poly, whole), (np.diff, truths)]:
        got = function(Value(x))
        assert got.dtype == function(x).dtype
        np.testing.assert_allclose(got, function(x))


def test_linspace_of_integers_is_rounded_down() -> None:
    got = np.linspace(Value(0.0), -5, 4, dtype=int)
    np.testing.assert_array_equal(got.data, np.linspace(0.0, -5, 4, dtype=int))


def test_out_takes_the_result() -> None:
    x = Value([3.0, 1.0])
    out = Value(0.0, requires_grad=False)
    assert np.dot(x, x, out) is out
    assert np.einsum("i,i", x, x, out=out) is out
    table = Value(np.zeros((2, 2)), requires_grad=False)
    assert np.outer(x, x, out=table) is table
    table.sum().backward()
    assert x.grad.tolist() == [8, 8]


FITS = """
np.polyfit(v, grid, 1)
np.polyfit(v, grid, 2, w=w)
np.polyfit(v, c[0].T, 1)
np.polyfit(v, grid, 3)
np.polyfit(v, grid, 1, cov=True)
np.polyfit(v, grid, 1, w=w, cov="unscaled")
np.polyfit(v, c[0].T, 1, w=w, cov=True)
""".strip().splitlines()


@pytest.mark.parametrize("code", FITS)
def test_polynomial_fits(code: str) -> None:
    arrays = {**ARRAYS, "w": np.array([1.0, 0.5, 2.0, 1.5])}
    check_values(code, arrays, rtol=1e-13)
    check_derivatives(code, arrays)


def _collected(x: Any) -> Any:
    """As programs for NumPy put numbers together: an array of Values, where x is one."""
    return np.array([x[0], x[1] * x[2], x[2] ** 2])


def _filled_with(z: Any, x: Any) -> Any:
    y = np.stack([x, x])
    y[0] = z
    return y


@pytest.mark.parametrize(
    "f",
    [
        lambda z, x: np.dot(z, x),
        lambda z, x: np.inner(z, x),
        lambda z, x: np.vdot(z, x),
        lambda z, x: np.outer(x, z),
        lambda z, x: np.tensordot(z, x, 0),
        lambda z, x: np.einsum("i,i->i", z, x),
        lambda z, x: np.cross(z, x),
        lambda z, x: np.convolve(z, x),
        lambda z, x: np.trapezoid(z, x),
        lambda z, x: np.gradient(z, x),
        lambda z, x: np.diff(x, append=z),
        lambda z, x: np.polyval(x, z),
        lambda z, x: np.polyadd(z, x),
        lambda z, x: np.linspace(z, x, 3),
        lambda z, x: np.interp(x, [0.0, 1.5, 5.0], z),
        lambda z, x: np.insert(z, 1, x),
        lambda z, x: np.vstack([x, z]),
        lambda z, x: np.kron(z, x),
        lambda z, x: np.concatenate([[x[0], 2.0], z, [x[1]]]),
        lambda z, x: _filled_with(z, x),
    ],
)
def test_arrays_of_values_count_as_values(f: Any) -> None:
    x = np.array([1.0, 2.0, 4.0])
    weights = np.cos(np.arange(np.size(f(x, x)))).reshape(np.shape(f(x, x)))
    got = tg.grad(lambda x: np.sum(weights * f(_collected(x), x)))(x)
    want = tg.grad(lambda x: np.sum(weights * f(np.stack([x[0], x[1] * x[2], x[2] ** 2]), x)))(x)
    np.testing.assert_allclose(got, want, rtol=1e-14)


def test_arrays_of_values_are_arguments_of_transforms() -> None:
    x = np.array([1.0, 2.0, 4.0])
    inner = tg.grad(lambda y: (y**3).sum())  # 3 y^2
    got = tg.grad(lambda x: inner(_collected(x)).sum())(x)  # of 3 (x0^2 + (x1 x2)^2 + x2^4)
    np.testing.assert_allclose(got, [6, 6 * 2 * 16, 6 * 4 * 4 + 12 * 64], rtol=1e-14)
