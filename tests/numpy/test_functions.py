"""NumPy's elementwise functions that are no ufuncs, on Values."""

from typing import Any

import numpy as np
import pytest
from numpy_calls import check_derivatives, check_values, evaluate

import tinygrad_nn as tg
from tinygrad_nn import Value
from tinygrad_nn.testing import gradcheck

_rng = np.random.default_rng(0)
ARRAYS = {
    "x": np.float64(0.75),
    "v": _rng.normal(size=4),
    "a": _rng.normal(size=(2, 3)),
}

CALLS = """
np.real(val=a)
np.imag(val=np.complex64(1j) * a)
np.real_if_close(a)
np.nan_to_num(a)
np.unwrap(4 * v)
np.unwrap(7 * a, axis=0)
np.unwrap(5 * v, period=4.0, discont=3.0)
np.sinc(v)
np.sinc(x)
np.i0(a)
np.i0(x)
""".strip().splitlines()


@pytest.mark.parametrize("code", CALLS)
def test_values_are_those_of_numpy(code: str) -> None:
    check_values(code, ARRAYS)


@pytest.mark.parametrize("code", CALLS)
def test_first_and_second_derivatives_are_right(code: str) -> None:
    check_derivatives(code, ARRAYS)


@pytest.mark.filterwarnings("ignore:numpy.fix is deprecated:DeprecationWarning")
@pytest.mark.parametrize("code", ["np.round(a, 1)", "np.around(a)", "np.fix(a)", "np.angle(a)"])
def test_results_that_are_constant_but_for_jumps_are_plain(code: str) -> None:
    got = evaluate(code, {"a": Value(ARRAYS["a"])})
    assert not isinstance(got, Value)
    np.testing.assert_array_equal(got, evaluate(code, ARRAYS))


def test_derivative_of_i0_is_i1() -> None:
    """I_1 of Abramowitz and Stegun, Handbook of Mathematical Functions (1964), table 9.8."""
    slope = tg.grad(np.i0)
    np.testing.assert_allclose(slope(1.0), 0.565159103992485, rtol=1e-14)
    np.testing.assert_allclose(slope(10.0), 2670.988303701255, rtol=1e-13)
    assert slope(0.0) == 0
    np.testing.assert_allclose(tg.grad(slope)(0.0), 0.5, rtol=1e-15)


def test_derivatives_of_sinc_are_exact_around_zero() -> None:
    x = np.array([-1.0, -0.5, -0.49, -1e-9, 0.0, 1e-3, 0.25, 2.0])
    assert gradcheck(np.sinc, x, order=2)
    first = tg.grad(lambda x: np.sinc(x).sum())
    np.testing.assert_array_equal(first(np.zeros(1)), [0])
    second = tg.grad(lambda x: first(x).sum())
    np.testing.assert_allclose(second(np.zeros(1)), [-(np.pi**2) / 3])


def test_gradient_of_nan_to_num_goes_where_numbers_were() -> None:
    x = np.array([1.0, np.nan, np.inf, -np.inf])
    got = np.nan_to_num(Value(x), nan=5.0, posinf=6.0)
    np.testing.assert_array_equal(got.data, np.nan_to_num(x, nan=5.0, posinf=6.0))
    grad = tg.grad(lambda x: np.nan_to_num(x).sum())(x)
    np.testing.assert_array_equal(grad, [1, 0, 0, 0])


def test_nan_to_num_in_place() -> None:
    y = Value([1.0, np.nan]) * 2
    assert np.nan_to_num(y, copy=False) is y
    assert y.data.tolist() == [2, 0]


@pytest.mark.parametrize(
    "f",
    [
        lambda z: np.angle(z),
        lambda z: np.angle(z, deg=True),
        lambda z: np.real_if_close(z * np.conj(z)),
        lambda z: np.imag(np.nan_to_num(z)),
    ],
)
def test_complex_numbers(f: Any) -> None:
    x, y = np.array([1.0, -2.0]), np.array([0.5, 1.0])
    z = Value(x) + 1j * Value(y)
    np.testing.assert_allclose(f(z).data, f(x + 1j * y), rtol=1e-15)
    assert gradcheck(lambda x, y: f(x + 1j * y), x, y, order=2)
