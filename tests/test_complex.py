"""Complex numbers on the way from real inputs to a real result."""

from typing import Any

import numpy as np
import pytest
from derivatives import PRIMITIVES
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_nn as tg
from tinygrad_nn import Value
from tinygrad_nn.testing import gradcheck
from tinygrad_nn.testing.strategies import calls

COMPLEX = [p for p in PRIMITIVES if p.complex and p.name != "astype"]


def weighed(z: Any) -> Any:
    """A real number that depends on both parts of all of z."""
    flat = z.reshape(-1)
    k = np.arange(1, flat.size + 1)
    return (np.real(flat) * np.cos(k)).sum() + (np.imag(flat) * np.sin(2 * k)).sum()


@pytest.mark.parametrize("operation", COMPLEX, ids=lambda p: p.name)
def test_rules_hold_for_complex_numbers(operation: Any) -> None:
    """By the real parts of the inputs, with imaginary parts that depend on them too."""

    @settings(max_examples=max(settings.default.max_examples // 4, 10), deadline=None)
    @given(calls(operation), st.integers(0, 1000))
    def check(drawn: Any, seed: int) -> None:
        f, inputs = drawn
        rng = np.random.default_rng(seed)
        turns = [rng.choice([0.25, 0.5, -0.25], np.shape(x)) for x in inputs]

        def of_complex(*parts: Any) -> Any:
            return weighed(f(*[x * (1 + 1j * t) for x, t in zip(parts, turns, strict=True)]))

        gradcheck(of_complex, *inputs, order=2)

    check()


def test_gradient_by_a_complex_number_is_that_of_its_parts() -> None:
    w = np.array([1 + 2j, -0.5j])

    def f(a: Any, b: Any) -> Any:
        z = a + 1j * b
        return np.abs(np.exp(z * w) / (2 + np.conj(z)) ** 2).sum() + np.real(z @ w)

    gradcheck(f, np.array([0.5, -1.0]), np.array([0.25, 2.0]), order=2)


def test_gradient_of_abs_at_zero_is_zero() -> None:
    x = Value(np.array([0.0, 3.0]))
    np.abs(x * (1 + 1j)).sum().backward()
    np.testing.assert_allclose(x.grad, [0, np.sqrt(2)])


def test_real_part_and_imaginary_part_and_conjugate() -> None:
    x = np.array([1.0, 2.0])
    z = Value(x) * (2 + 1j)
    assert (z.real.data.tolist(), z.imag.data.tolist()) == ([2, 4], [1, 2])
    np.testing.assert_array_equal(z.conj().data, x * (2 - 1j))
    assert np.real(Value(x)).data.tolist() == [1, 2]
    assert np.imag(Value(x)).data.tolist() == [0, 0]


REAL = [p for p in PRIMITIVES if not p.complex]


@pytest.mark.parametrize("operation", REAL, ids=lambda p: p.name)
@pytest.mark.filterwarnings("ignore")
def test_operations_without_complex_rules_refuse(operation: Any) -> None:
    @settings(max_examples=5, deadline=None)
    @given(calls(operation))
    def check(drawn: Any) -> None:
        f, inputs = drawn
        with pytest.raises(TypeError):
            weighed(f(*[Value(x) * (1 + 0.5j) for x in inputs])).backward()

    check()


def test_results_to_differentiate_are_real() -> None:
    with pytest.raises(TypeError, match="real part"):
        (Value(1.0) * 1j).backward()
    with pytest.raises(TypeError, match="complex number"):
        tg.grad(lambda x: x * 1j)(1.0)


def test_single_precision_stays() -> None:
    x = Value(np.ones(2, np.float32))
    z = x * np.complex64(1j)
    assert z.dtype == np.complex64
    np.abs(z).sum().backward()
    assert x.grad.dtype == np.float32
    assert (1j * x).dtype == (x * 1j).dtype == np.complex64
