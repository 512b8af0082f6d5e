"""numpy.fft on Values: the values of NumPy, and derivatives of both parts of the results."""

from typing import Any

import numpy as np
import pytest

import tinygrad_nn as tg
from tinygrad_nn import Value
from tinygrad_nn.testing import gradcheck

NORMS = [None, "backward", "ortho", "forward"]
OF_COMPLEX = [np.fft.fft, np.fft.ifft, np.fft.irfft, np.fft.hfft]
OF_REAL = [np.fft.rfft, np.fft.ihfft]
SEVERAL = [np.fft.fft2, np.fft.ifft2, np.fft.fftn, np.fft.ifftn, np.fft.irfft2, np.fft.irfftn]
SEVERAL_OF_REAL = [np.fft.rfft2, np.fft.rfftn]
OPTIONS: list[dict[str, Any]] = [
    {},
    {"axes": (0, 1)},
    {"axes": (-1, 0), "s": (3, 4)},
    {"axes": (1, 2), "s": (2, -1)},
    {"axes": (1,), "s": (6,)},
]

name = {"ids": lambda function: getattr(function, "__name__", None)}


def weighed(z: Any) -> Any:
    """A real number that depends on both parts of all of z, and not linearly."""
    flat = np.reshape(z, -1)
    k = np.arange(1, flat.size + 1)
    re, im = np.real(flat), np.imag(flat)
    return np.sum(np.sin(re) * np.cos(k)) + np.sum(np.square(im) * np.sin(2 * k)) + np.sum(re * im)


def check(function: Any, x: Any, **options: Any) -> None:
    """The values and dtypes of NumPy, and derivatives by both parts of x."""
    want = function(x, **options)
    got = function(Value(x) if x.dtype.kind == "f" else Value(x.real) + 1j * x.imag, **options)
    assert got.requires_grad
    assert got.dtype == want.dtype
    np.testing.assert_array_equal(got.data, want)
    gradcheck(lambda re: weighed(function(re, **options)), x.real, order=2, mode="directional")
    if x.dtype.kind == "c":
        gradcheck(
            lambda re, im: weighed(function(re + 1j * im, **options)),
            *(x.real, x.imag),
            order=2,
            mode="directional",
        )


def drawn(shape: tuple[int, ...], complex: bool) -> Any:
    rng = np.random.default_rng(1)
    x = rng.normal(size=shape)
    return x + 1j * rng.normal(size=shape) if complex else x


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("n", [None, 1, 3, 4, 7])
@pytest.mark.parametrize("axis", [0, -1])
@pytest.mark.parametrize("function", OF_COMPLEX + OF_REAL, **name)
def test_transforms_along_one_axis(function: Any, n: Any, axis: int, norm: Any) -> None:
    x = drawn((4, 3), function in OF_COMPLEX)
    check(function, x, n=n, axis=axis, norm=norm)


@pytest.mark.parametrize("options", OPTIONS, ids=str)
@pytest.mark.parametrize("function", SEVERAL + SEVERAL_OF_REAL, **name)
def test_transforms_along_several_axes(function: Any, options: dict[str, Any]) -> None:
    check(function, drawn((2, 3, 2), function in SEVERAL), **options, norm="ortho")


@pytest.mark.parametrize("axes", [None, 0, (-1, 0), (1,), (0, 0)])
@pytest.mark.parametrize("function", [np.fft.fftshift, np.fft.ifftshift], **name)
def test_shifts(function: Any, axes: Any) -> None:
    check(function, drawn((4, 3), True), axes=axes)
    check(function, drawn((5, 1), False), axes=axes)


@pytest.mark.parametrize("function", OF_COMPLEX + OF_REAL + SEVERAL + SEVERAL_OF_REAL, **name)
def test_single_precision_is_kept(function: Any) -> None:
    x = drawn((4, 6), False).astype(np.float32)
    value = Value(x)
    got = function(value)
    assert got.dtype == function(x).dtype
    assert got.dtype in (np.float32, np.complex64)
    np.sum(np.square(np.abs(got))).backward()
    assert value.grad.dtype == np.float32


def test_gradient_of_the_energy_is_that_of_parseval() -> None:
    x = drawn((8,), False)
    energy = tg.grad(lambda x: np.sum(np.abs(np.fft.fft(x, norm="ortho")) ** 2))
    np.testing.assert_allclose(energy(x), 2 * x, rtol=1e-13)


def test_a_signal_comes_back() -> None:
    x = drawn((5,), False)
    jacobian = tg.jacobian(lambda x: np.fft.irfft(np.fft.rfft(x), 5))(x)
    np.testing.assert_allclose(jacobian, np.eye(5), atol=1e-15)


def test_results_can_be_written_into_a_value() -> None:
    x = Value(drawn((4,), False))
    out = Value(np.zeros(6))
    assert np.fft.irfft(x, out=out) is out
    np.testing.assert_array_equal(out.data, np.fft.irfft(x.data))
    gradcheck(lambda x: np.fft.irfft(x, out=Value(np.zeros(6))), x.data)


def test_mistakes_are_refused() -> None:
    x = Value(drawn((4,), False))
    with pytest.raises(TypeError, match="rfft takes real"):
        np.fft.rfft(x * 1j)
    with pytest.raises(ValueError, match="norm"):
        np.fft.fft(x, norm="half")
    with pytest.raises(ValueError, match="norm"):
        np.fft.hfft(x, norm="half")
    with pytest.raises(ValueError, match="same length"):
        np.fft.fftn(x, (2, 2), (0,))
    with pytest.raises(ValueError, match="data points"):
        np.fft.fft(x, 0)


@pytest.mark.peers
@pytest.mark.parametrize("norm", ["backward", "ortho", "forward"])
@pytest.mark.parametrize("n", [3, 6])
@pytest.mark.parametrize("function", OF_COMPLEX, **name)
def test_gradients_are_those_of_pytorch(function: Any, n: int, norm: str) -> None:
    torch = pytest.importorskip("torch")
    z = drawn((5,), True)
    theirs = torch.tensor(z, requires_grad=True)
    out = getattr(torch.fft, function.__name__)(theirs, n, norm=norm)
    loss = torch.sin(out.real).sum() + ((out.imag**2).sum() if out.is_complex() else 0)
    loss.backward()
    re, im = Value(z.real), Value(z.imag)
    ours = function(re + 1j * im, n, norm=norm)
    (np.sum(np.sin(np.real(ours))) + np.sum(np.square(np.imag(ours)))).backward()
    np.testing.assert_allclose(re.grad + 1j * im.grad, theirs.grad.numpy(), rtol=1e-12, atol=1e-14)
