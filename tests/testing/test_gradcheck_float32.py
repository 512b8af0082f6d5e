"""float32 inputs: checked in float64 where the function allows, else with its own error."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from checking import check, operation, square, verdict

from tinygrad_nn import Value, nn
from tinygrad_nn.testing import gradcheck, gradcheck_module

Function = Callable[[Any], Any]

FUNCTIONS: dict[str, Function] = {
    "sin": lambda x: x.sin(),
    "exp": lambda x: x.exp(),
    "square": lambda x: x * x,
    "sum of squares": lambda x: (x * x).sum(),
    "norm": lambda x: (x * x).sum().sqrt(),
    "mean": lambda x: x.mean(),
    "standard deviation": lambda x: x.std(),
    "softmax": lambda x: nn.functional.softmax(x),
    "logsumexp": lambda x: x.exp().sum().log(),
    "product": lambda x: x.prod(),
    "cumulative sum": lambda x: x.cumsum(),
    "sigmoid": lambda x: 1 / (1 + (-x).exp()),
    "matmul": lambda x: x.reshape(2, 3) @ np.ones((3, 2), np.float32),
    "float32 constants": lambda x: (x * np.arange(6, dtype=np.float32)).sin(),
}
every_function = pytest.mark.parametrize("f", FUNCTIONS.values(), ids=FUNCTIONS.keys())


def in_float32_only(f: Function) -> Function:
    """`f`, which refuses arrays and Values of another dtype."""

    def checked(x: Any) -> Any:
        if x.dtype != np.float32:
            raise TypeError("float32 only")
        return f(x)

    return checked


def drawn(seed: int, scale: float = 1.0) -> Any:
    return (scale * np.random.default_rng(seed).normal(size=6)).astype(np.float32)


@every_function
@pytest.mark.parametrize("scale", [1e-3, 1.0, 5.0])
def test_float32_inputs_raise_no_false_alarm(f: Function, scale: float) -> None:
    for seed in range(3):
        assert gradcheck(f, drawn(seed, scale))


@every_function
@pytest.mark.parametrize("scale", [1e-3, 1.0, 30.0])
def test_functions_that_refuse_float64_raise_no_false_alarm(f: Function, scale: float) -> None:
    assert verdict(in_float32_only(f), drawn(0, scale)) != "fail"


@pytest.mark.parametrize("seed", [2, 4, 8])
@pytest.mark.parametrize("name", ["softmax", "sigmoid", "logsumexp"])
def test_saturated_functions_in_float32_raise_no_false_alarm(name: str, seed: int) -> None:
    assert verdict(in_float32_only(FUNCTIONS[name]), drawn(seed, 30.0)) != "fail"


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", ["sin", "exp", "square", "sum of squares", "mean"])
def test_functions_that_refuse_float64_pass_at_ordinary_points(name: str, seed: int) -> None:
    assert gradcheck(in_float32_only(FUNCTIONS[name]), drawn(seed))


@pytest.mark.parametrize("scale", [1.0, 30.0])
@pytest.mark.parametrize("seed", range(3))
def test_offset_that_float32_cannot_resolve_raises_no_false_alarm(seed: int, scale: float) -> None:
    def f(x: Any) -> Any:
        return np.float32(1e6) + x.sin()

    assert verdict(in_float32_only(f), drawn(seed, scale)) != "fail"
    assert verdict(lambda x: f(x.astype(np.float32)), drawn(seed, scale)) != "fail"


def test_report_names_the_dtype_that_was_given() -> None:
    assert gradcheck(lambda x: x * 2, drawn(0)).inputs[0].dtype == "float32"


def test_float64_is_what_the_function_sees_where_it_allows() -> None:
    seen = set()

    def f(x: Any) -> Any:
        seen.add(str(x.dtype))
        return x * x

    assert gradcheck(f, drawn(0)).inputs[0].precision < 1e-6
    assert "float64" in seen


def test_refusal_of_float64_lowers_the_precision() -> None:
    report = gradcheck(in_float32_only(lambda x: x.sin()), drawn(0))
    assert 1e-6 < report.inputs[0].precision < 1e-2


# ---- Errors are found all the same


def wrong_sin(factor: float) -> Function:
    def sin(x: Any) -> Any:
        return np.sin(x)

    return operation(sin, x=lambda g, x: factor * g * np.cos(x))


@pytest.mark.parametrize(
    "f",
    [
        wrong_sin(1.01),
        in_float32_only(wrong_sin(1.01)),
        lambda x: wrong_sin(1.01)(x).astype(np.float32),
        lambda x: wrong_sin(1.01)(x.astype(np.float32)),
        lambda x: wrong_sin(1.01)(x.astype(np.float32)).astype(np.float64),
        lambda x: wrong_sin(1.01)(x * 2).sum(),
    ],
    ids=["free", "float32 only", "float32 output", "float32 inside", "there and back", "composed"],
)
def test_error_of_one_percent_is_caught(f: Function) -> None:
    assert verdict(f, drawn(0)[:2]) == "fail"


def test_error_of_one_millionth_is_caught_where_float64_is_allowed() -> None:
    assert verdict(wrong_sin(1.000002), drawn(0)[:2]) == "fail"


def test_wrong_sign_of_a_function_in_float32_names_the_primitive() -> None:
    report = check(in_float32_only(lambda x: wrong_sin(-1)(x).exp().sum()), drawn(1)[:2])
    assert [culprit.primitive for culprit in report.culprits] == ["sin"]


@pytest.mark.parametrize("factor", [1.01, 0.99, 2.0])
def test_wrong_gradient_by_hand_of_a_float32_function_fails(factor: float) -> None:
    f = in_float32_only(np.sin)
    assert gradcheck(f, drawn(0)[:2], grad=np.cos)
    assert verdict(f, drawn(0)[:2], grad=lambda x: np.float32(factor) * np.cos(x)) == "fail"


def test_gradient_by_hand_in_the_float32_of_its_input_passes() -> None:
    def gradient(x: Any) -> Any:
        return np.cos(x).astype(np.float32)

    assert gradcheck(np.sin, drawn(0), grad=gradient)
    assert verdict(np.sin, drawn(0), grad=lambda x: np.float32(1.01) * gradient(x)) == "fail"


def test_float32_output_of_float64_inputs_passes() -> None:
    x = drawn(0).astype(np.float64)
    assert gradcheck(lambda x: np.sin(x).astype(np.float32), x, grad=np.cos)
    assert gradcheck(lambda x: x.sin().astype(np.float32), x)
    assert verdict(lambda x: np.sin(x).astype(np.float32), x, grad=lambda x: 1.01 * np.cos(x)) == (
        "fail"
    )


def test_mixed_dtypes_are_checked_together() -> None:
    x, w = drawn(0).reshape(2, 3), np.random.default_rng(1).normal(size=(3, 2))
    report = gradcheck(lambda x, w: (x @ w).tanh(), x, w)
    assert [line.dtype for line in report.inputs] == ["float32", "float64"]


def test_gradient_that_overflows_in_float32_only_does_not_pass() -> None:
    # 4 x^3 of 1e10 is 4e30, but its rule goes through x^4 / x: 1e40 is inf in float32.
    fourth = operation(square, x=lambda g, x: g * 2 * (x * x * x * x) / (x * x * x))
    assert gradcheck(fourth, 1e10)
    assert verdict(fourth, np.float32(1e10)) != "pass"


def test_value_in_float32_stays_what_it_was() -> None:
    x = Value(drawn(0))
    before = x.data.copy()
    assert gradcheck(lambda x: x.exp(), x)
    assert (x.dtype, x.grad) == (np.float32, None)
    np.testing.assert_array_equal(x.data, before)


# ---- Layers, whose parameters are float32


@pytest.mark.parametrize(
    "activation",
    [nn.ReLU, nn.LeakyReLU, nn.Tanh, nn.Sigmoid, nn.GELU, nn.ELU, nn.SiLU, nn.Softplus, nn.Softmax],
)
def test_networks_in_float32_pass(activation: Callable[[], nn.Module]) -> None:
    model = nn.Sequential(nn.Linear(3, 5), activation(), nn.Linear(5, 2))
    rng = np.random.default_rng(0)
    x, labels = rng.normal(size=(4, 3)).astype(np.float32), rng.integers(0, 2, 4)
    assert gradcheck_module(model, Value(x))
    assert gradcheck_module(model, x, loss=lambda out: nn.functional.cross_entropy(out, labels))
