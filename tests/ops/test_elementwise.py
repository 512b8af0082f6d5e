"""Elementwise functions of one variable, all through one table."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from derivatives import check_gradients
from hypothesis import given
from hypothesis.extra.numpy import array_shapes

import tinygrad_nn as tg
from tinygrad_nn import Value

erf = np.vectorize(math.erf, otypes=[float])


@dataclass(frozen=True)
class Case:
    """A function, what it should equal, and where it is smooth."""

    function: Callable[..., Any]
    reference: Callable[[Any], Any]
    low: float = -3.0
    high: float = 3.0
    kinks: tuple[float, ...] = ()

    def sample(self, shape: tuple[int, ...], seed: int) -> Any:
        """Points of the domain, at least 0.05 from each kink."""
        x = np.random.default_rng(seed).uniform(self.low, self.high, shape)
        for kink in self.kinks:
            near = np.abs(x - kink) < 0.05
            x = np.where(near, kink + np.where(x < kink, -0.05, 0.05), x)
        return np.asarray(x)[()]


def logistic(x: Any) -> Any:
    return 1 / (1 + np.exp(-x))


CASES = {
    "negative": Case(tg.negative, lambda x: -x),
    "positive": Case(tg.positive, lambda x: +x),
    "abs": Case(tg.abs, np.abs, kinks=(0,)),
    "sign": Case(tg.sign, np.sign, kinks=(0,)),
    "exp": Case(tg.exp, np.exp),
    "expm1": Case(tg.expm1, np.expm1),
    "log": Case(tg.log, np.log, low=0.4, high=4),
    "log1p": Case(tg.log1p, np.log1p, low=-0.6, high=4),
    "sqrt": Case(tg.sqrt, np.sqrt, low=0.4, high=4),
    "square": Case(tg.square, np.square),
    "cube by power": Case(lambda x: tg.power(x, 3), lambda x: x**3),
    "inverse root by power": Case(lambda x: tg.power(x, -0.5), lambda x: x**-0.5, 0.5, 4),
    "base 3 to the power": Case(lambda x: tg.power(3.0, x), lambda x: 3.0**x),
    "sin": Case(tg.sin, np.sin),
    "cos": Case(tg.cos, np.cos),
    "tanh": Case(tg.tanh, np.tanh),
    "sigmoid": Case(tg.sigmoid, logistic),
    "softplus": Case(tg.softplus, lambda x: np.log1p(np.exp(x))),
    "relu": Case(tg.relu, lambda x: np.maximum(x, 0), kinks=(0,)),
    "leaky_relu": Case(tg.leaky_relu, lambda x: np.maximum(x, 0.01 * x), kinks=(0,)),
    "leaky_relu 0.2": Case(
        lambda x: tg.leaky_relu(x, 0.2), lambda x: np.maximum(x, x * 0.2), kinks=(0,)
    ),
    "elu": Case(tg.elu, lambda x: np.where(x > 0, x, np.exp(x) - 1), kinks=(0,)),
    "elu 0.5": Case(
        lambda x: tg.elu(x, alpha=0.5),
        lambda x: np.where(x > 0, x, np.exp(x) / 2 - 0.5),
        kinks=(0,),
    ),
    "gelu": Case(tg.gelu, lambda x: x * (1 + erf(x / math.sqrt(2))) / 2),
    "gelu tanh": Case(
        lambda x: tg.gelu(x, approximate="tanh"),
        lambda x: 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))),
    ),
    "silu": Case(tg.silu, lambda x: x * logistic(x)),
    "erf": Case(tg.erf, erf),
    "clip": Case(lambda x: tg.clip(x, -1, 2), lambda x: np.clip(x, -1, 2), kinks=(-1, 2)),
    "clip below only": Case(lambda x: tg.clip(x, 0.5), lambda x: np.maximum(x, 0.5), kinks=(0.5,)),
    "clip above only": Case(
        lambda x: tg.clip(x, max=0.5), lambda x: np.minimum(x, 0.5), kinks=(0.5,)
    ),
    "maximum with a number": Case(
        lambda x: tg.maximum(x, 0.5), lambda x: np.maximum(x, 0.5), kinks=(0.5,)
    ),
    "floor_divide": Case(lambda x: x // 2, lambda x: np.floor(x / 2), 0.1, 7.9, (2, 4, 6)),
    "remainder": Case(lambda x: x % 2, lambda x: x - 2 * np.floor(x / 2), -3.9, 3.9, (-2, 0, 2)),
    "reflected remainder": Case(lambda x: 7.0 % x, lambda x: 7.0 % x, 2.4, 3.4),
    "reflected divide": Case(lambda x: 3.0 / x, lambda x: 3.0 / x, 0.5, 4),
    "reflected subtract": Case(lambda x: 3.0 - x, lambda x: 3.0 - x),
    "getitem": Case(lambda x: x[..., None], lambda x: np.asarray(x)[..., None]),
}

every_case = pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
shapes = st.one_of(
    st.sampled_from([(), (1,), (0,), (2, 0)]), array_shapes(min_dims=1, max_dims=3, max_side=2)
)
seeds = st.integers(0, 2**32 - 1)


@every_case
@given(shape=shapes, seed=seeds)
def test_values_are_those_of_the_formula(case: Case, shape: tuple[int, ...], seed: int) -> None:
    x = case.sample(shape, seed)
    got = case.function(Value(x)).data
    want = np.asarray(case.reference(x))[()]
    assert type(got) is type(want)
    assert np.shape(got) == np.shape(want)
    np.testing.assert_allclose(got, want, rtol=1e-13, atol=1e-15)


@every_case
@given(shape=shapes, seed=seeds)
def test_first_and_second_derivatives_are_right(
    case: Case, shape: tuple[int, ...], seed: int
) -> None:
    check_gradients(case.function, case.sample(shape, seed), order=2)


@every_case
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("shape", [(), (3,)])
def test_dtype_is_kept_forward_and_backward(case: Case, dtype: Any, shape: tuple[int, ...]) -> None:
    x = Value(case.sample(shape, 0), dtype=dtype)
    y = case.function(x)
    assert y.dtype == dtype
    assert y.ndim or type(y.data) is dtype
    y.backward(np.ones(y.shape))
    assert x.grad.dtype == dtype
    assert x.ndim or type(x.grad) is dtype


@pytest.mark.parametrize(
    ("name", "x", "first", "second"),
    [
        ("exp", 0.7, math.exp(0.7), math.exp(0.7)),
        ("log", 0.7, 1 / 0.7, -1 / 0.49),
        ("log1p", 0.7, 1 / 1.7, -1 / 1.7**2),
        ("expm1", 0.7, math.exp(0.7), math.exp(0.7)),
        ("sqrt", 4.0, 0.25, -1 / 32),
        ("square", 3.0, 6.0, 2.0),
        ("sin", 0.7, math.cos(0.7), -math.sin(0.7)),
        ("cos", 0.7, -math.sin(0.7), -math.cos(0.7)),
        ("tanh", 0.7, 1 / math.cosh(0.7) ** 2, -2 * math.tanh(0.7) / math.cosh(0.7) ** 2),
        ("sigmoid", 0.0, 0.25, 0.0),
        ("softplus", 0.0, 0.5, 0.25),
        ("silu", 0.0, 0.5, 0.5),
        ("gelu", 0.0, 0.5, math.sqrt(2 / math.pi)),
        ("erf", 0.0, 2 / math.sqrt(math.pi), 0.0),
        (
            "erf",
            0.7,
            2 / math.sqrt(math.pi) * math.exp(-0.49),
            -1.4 * 2 / math.sqrt(math.pi) * math.exp(-0.49),
        ),
        ("elu", -0.7, math.exp(-0.7), math.exp(-0.7)),
    ],
)
def test_derivatives_equal_the_closed_form(
    name: str, x: float, first: float, second: float
) -> None:
    derivative = tg.grad(getattr(tg, name))
    assert float(derivative(x)) == pytest.approx(first, rel=1e-13, abs=1e-15)
    assert float(tg.grad(derivative)(x)) == pytest.approx(second, rel=1e-13, abs=1e-15)


@pytest.mark.parametrize(
    "name",
    [
        *("exp", "log", "log1p", "expm1", "sqrt", "square", "sin", "cos", "tanh", "erf", "abs"),
        *("sign", "sigmoid", "softplus", "relu", "leaky_relu", "elu", "gelu", "silu"),
    ],
)
def test_function_and_method_agree_and_plain_arrays_stay_plain(name: str) -> None:
    x = np.array([0.3, 1.5])
    function = getattr(tg, name)
    assert type(function(x)) is np.ndarray
    np.testing.assert_array_equal(function(x), getattr(Value(x), name)().data)
    assert getattr(Value(x), name)().requires_grad


@pytest.mark.parametrize("name", ["exp", "tanh", "sigmoid", "erf", "gelu", "softplus", "sqrt"])
def test_integers_give_floating_point_as_in_numpy(name: str) -> None:
    function = getattr(tg, name)
    want = function(np.array([0.0, 1.0, 2.0]))
    np.testing.assert_allclose(function(np.array([0, 1, 2])), want)
    np.testing.assert_allclose(function(Value(np.array([0, 1, 2]))).data, want)
    np.testing.assert_allclose(function(np.int64(2)), want[2])
    np.testing.assert_allclose(function(2), want[2])


@pytest.mark.parametrize(("dtype", "units"), [(np.float64, 8), (np.float32, 8)])
def test_erf_is_exact_to_a_few_units_in_the_last_place(dtype: Any, units: int) -> None:
    x = np.concatenate([np.linspace(-7, 7, 5001), 10.0 ** np.arange(-30.0, 0)]).astype(dtype)
    got, want = tg.erf(x), erf(x.astype(float))
    assert got.dtype == dtype
    assert np.all(np.abs(got - want) <= units * np.spacing(np.abs(want).astype(dtype)))
    assert [float(tg.erf(Value(s, dtype=dtype))) for s in (np.inf, -np.inf, 0.0)] == [1, -1, 0]
    assert np.isnan(tg.erf(np.array([np.nan], dtype)))


@pytest.mark.parametrize(
    ("name", "at_zero"),
    [("abs", 0.0), ("relu", 0.0), ("sign", 0.0), ("leaky_relu", 0.01), ("elu", 1.0)],
)
def test_derivative_at_a_kink_is_a_subgradient(name: str, at_zero: float) -> None:
    assert tg.grad(getattr(tg, name))(0.0) == at_zero


def test_powers_at_zero_have_the_derivatives_of_polynomials() -> None:
    zeros = np.zeros(4)
    exponents = np.array([0, 1, 2, 3])
    first = tg.grad(lambda x: (x**exponents).sum())
    np.testing.assert_array_equal(first(zeros), [0, 1, 0, 0])
    np.testing.assert_array_equal(tg.grad(lambda x: first(x).sum())(zeros), [0, 0, 2, 0])
    for n, (slope, curvature) in enumerate([(0, 0), (1, 0), (0, 2), (0, 0)]):
        derivative = tg.grad(lambda x, n=n: x**n)
        assert (derivative(0.0), tg.grad(derivative)(0.0)) == (slope, curvature)


def test_power_of_zero_is_constant_in_a_positive_exponent() -> None:
    assert tg.grad(lambda y: tg.power(0.0, y))(2.0) == 0
    np.testing.assert_array_equal(
        tg.grad(lambda y: tg.power(np.array([0.0, 1.0, math.e]), y).sum())(np.array([2.0, 2, 2])),
        [0, 0, math.e**2],
    )


# ---- The ends of the number line; pytest turns each RuntimeWarning into a failure


ENDS = np.array([-1000.0, -50.0, 0.0, 50.0, 1000.0])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("name", "limits", "slopes"),
    [
        ("sigmoid", (0.0, 1.0), (0.0, 0.0)),
        ("tanh", (-1.0, 1.0), (0.0, 0.0)),
        ("softplus", (0.0, 1000.0), (0.0, 1.0)),
        ("silu", (0.0, 1000.0), (0.0, 1.0)),
        ("elu", (-1.0, 1000.0), (0.0, 1.0)),
        ("gelu", (0.0, 1000.0), (0.0, 1.0)),
        ("erf", (-1.0, 1.0), (0.0, 0.0)),
    ],
)
def test_activations_reach_their_limits_without_overflow(
    name: str, limits: tuple[float, float], slopes: tuple[float, float], dtype: Any
) -> None:
    function = getattr(tg, name)
    x = Value(ENDS, dtype=dtype)
    y = function(x)
    y.sum().backward(create_graph=True)
    gradient = x.grad
    x.zero_grad()
    gradient.sum().backward()
    assert (y.data[0], y.data[-1]) == limits
    assert (gradient.data[0], gradient.data[-1]) == slopes
    assert (x.grad[0], x.grad[-1]) == (0, 0)
    assert np.all(np.isfinite(y.data) & np.isfinite(gradient.data) & np.isfinite(x.grad))
    for end, limit, slope in zip((-1000.0, 1000.0), limits, slopes, strict=True):
        assert function(Value(end, dtype=dtype)).data == limit
        assert tg.grad(function)(dtype(end)) == slope


def test_gelu_tanh_reaches_its_limits() -> None:
    function = lambda x: tg.gelu(x, approximate="tanh")  # noqa: E731
    assert [float(function(Value(x))) for x in (-1000.0, 1000.0)] == [0, 1000]
    assert [float(tg.grad(function)(x)) for x in (-1000.0, 1000.0)] == [0, 1]


def test_small_tails_keep_their_relative_accuracy() -> None:
    np.testing.assert_allclose(tg.sigmoid(np.array([-50.0])), math.exp(-50), rtol=1e-14)
    np.testing.assert_allclose(tg.softplus(np.array([-50.0])), math.exp(-50), rtol=1e-14)
    assert float(tg.grad(tg.sigmoid)(-50.0)) == pytest.approx(math.exp(-50), rel=1e-13)
    assert float(tg.grad(tg.softplus)(-50.0)) == pytest.approx(math.exp(-50), rel=1e-13)
    assert float(tg.log1p(Value(1e-20))) == 1e-20
    assert float(tg.expm1(Value(1e-20))) == 1e-20


def test_unknown_form_of_gelu_is_an_error() -> None:
    with pytest.raises(ValueError, match="approximate"):
        tg.gelu(Value(1.0), approximate="sigmoid")
