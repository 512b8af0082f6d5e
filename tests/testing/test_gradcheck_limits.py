"""What could hide a mistake from the gradient check, and what only looks like one."""

import math
from typing import Any

import numpy as np
import pytest
from checking import X, check, kinds, operation, verdict

import tinygrad_nn as tg
from tinygrad_nn import Value, nn
from tinygrad_nn.testing import gradcheck, gradcheck_module


def rounded(x: Any) -> Any:
    return np.round(x)


straight_through = operation(rounded, x=lambda g: g)


# ---- What must not hide a mistake


@pytest.mark.parametrize(
    "f",
    [
        lambda x: straight_through(x).sum() + 0 * (x + 1e20).sum(),
        lambda x: (straight_through(x).sum(), tg.where(np.array([1, 0]), x, -1e30).max()),
    ],
)
def test_huge_number_in_the_graph_lets_no_claim_pass(f: Any) -> None:
    x = np.array([0.3, 1.2])
    assert verdict(lambda x: straight_through(x).sum(), x) == "fail"
    assert verdict(f, x) != "pass"


def test_large_derivative_of_another_output_lets_no_claim_pass() -> None:
    def wrong(x: Any, y: Any) -> Any:
        return np.array([1e16, 0]), np.array([0, 1.0])

    assert verdict(lambda x, y: (1e16 * x, 0.0 * y), 1.0, 1.0, grad=wrong) != "pass"


@pytest.mark.parametrize("beside", [np.float16(1), np.float32(1)])
def test_coarse_output_leaves_the_others_as_exact_as_they_are(beside: Any) -> None:
    def square(x: Any) -> Any:
        return x * x

    wrong = operation(square, x=lambda g, x: 2.001 * g * x)
    assert verdict(lambda x: (wrong(x).sum(), beside), X) == "fail"
    by_hand = [np.array([2 * 1.00001 * 1.5, 0])]
    assert verdict(lambda x: (x * x, beside), 1.5, grad=lambda x: by_hand[0]) == "fail"


@pytest.mark.parametrize(
    ("f", "x", "wrong"),
    [
        (lambda x: 1e-160 * x, 1.0, lambda x: 2e-160),
        (np.exp, -370.0, lambda x: -5 * np.exp(x)),
        (lambda x: np.float32(1e-20) * np.float32(x), np.float32(1.5), lambda x: np.float32(3e-20)),
    ],
)
def test_numbers_whose_products_underflow_are_not_called_right(f: Any, x: Any, wrong: Any) -> None:
    assert verdict(f, x, grad=wrong) != "pass"


def test_stairs_have_one_slope_at_most() -> None:
    x = np.array([0.51, 1.0])

    def stairs(x: Any) -> Any:
        return np.round(x, 3).sum()

    assert verdict(stairs, x, grad=np.zeros_like) == "pass"
    assert verdict(stairs, x, grad=np.ones_like) != "pass"


def test_small_derivatives_are_counted_apart_and_named() -> None:
    def f(x: Any) -> Any:
        return x[0] * 1e6 + x[1] * 1e-9

    report = check(f, np.ones(2), grad=lambda x: np.array([1e6, -7e-9]))
    (line,) = report.inputs
    assert line.unseen == 1
    assert "1 of 2 right" in str(report)
    assert "small: by x[1]" in str(report)


def test_precision_printed_covers_what_would_have_passed() -> None:
    report = gradcheck(np.exp, 1.0, grad=lambda x: np.exp(x) * (1 + 1e-7))
    assert report.inputs[0].precision >= 1e-7
    assert verdict(np.exp, 1.0, grad=lambda x: np.exp(x) * (1 + 1e-6)) == "fail"


# ---- What is no mistake


@pytest.mark.parametrize(
    ("f", "x", "order"),
    [
        (lambda x: np.sqrt(x * x + 1) - 1, 2.38e-8, 1),
        (lambda x: np.log(1 - np.exp(-x)), 35.0, 1),
        (lambda x: np.sin(x) / x, 9.212712924361985e-07, 1),
        (tg.tanh, 18.25, 2),
        (tg.sigmoid, 33.76, 2),
    ],
)
def test_what_cancellation_leaves_raises_no_alarm(f: Any, x: float, order: int) -> None:
    assert verdict(f, x, order=order) != "fail"


def test_by_hand_too() -> None:
    def f(x: Any) -> Any:
        return np.sqrt(x * x + 1) - 1

    assert verdict(f, 1e-8, grad=lambda x: x / np.sqrt(x * x + 1)) != "fail"


@pytest.mark.parametrize("x", np.arange(-12.0, -5, 0.5))
def test_gelu_is_right_far_to_the_left(x: float) -> None:
    assert gradcheck(tg.gelu, x, order=2)


@pytest.mark.parametrize("order", [1, 2])
def test_function_that_insists_on_float32(order: int) -> None:
    def f(x: Any) -> Any:
        if x.dtype != np.float32:
            raise TypeError("float32 only")
        return (x * x).sum()

    assert gradcheck(f, np.float32([0.5, 1.2]), order=order)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x.astype(np.float16).sum(),
        lambda x: (x.astype(np.float32) * np.float32(1e33)).sum(),
    ],
)
def test_gradient_near_overflow_is_linear_in_g(f: Any) -> None:
    assert gradcheck(f, np.array([0.5, 1.2]))


def test_gradient_that_is_a_list_of_as_many_numbers_as_there_are_arguments() -> None:
    def f(w: Any, n: int) -> float:
        return float((w * w * n).sum())

    assert gradcheck(f, np.array([1.0, 2.0]), 3, grad=lambda w, n: [2 * v * n for v in w])


def test_gradients_may_come_by_name_or_as_values() -> None:
    def by_name(w: Any, b: Any) -> Any:
        return {"b": Value(2 * (w.sum() + b)), "w": 2 * (w.sum() + b) * np.ones(3)}

    assert gradcheck(lambda w, b: (w.sum() + b) ** 2, X, 1.0, grad=by_name)


# ---- Functions that raise, change and forget


def test_edge_of_the_domain_does_not_hide_a_mistake() -> None:
    def f(a: float, b: float) -> float:
        return math.sqrt(1 - a) + b * b

    assert verdict(f, 1.0, 2.0, grad=lambda a, b: (0.0, 3 * b)) == "fail"


def test_rule_that_raises_for_some_gradients_is_reported() -> None:
    def square(x: Any) -> Any:
        return x * x

    moody = operation(square, x=lambda g, x: 2 * g * x if np.all(g > 0) else 1 / 0)
    report = check(moody, X)
    assert (report.verdict, kinds(report)) == ("fail", {"error"})
    assert "ZeroDivisionError" in str(report)
    assert "the derivative rule of square for x" in str(report)


def test_rule_that_forgets_g_and_the_batch_is_given_a_hint() -> None:
    def plus(x: Any, b: Any) -> Any:
        return x + b

    forgetful = operation(plus, x=lambda g, b: np.ones_like(b), b=lambda g: g)
    report = check(forgetful, np.ones((4, 3)), np.ones(3))
    assert kinds(report) == {"shape"}
    assert "does it forget to multiply by g?" in str(report)


def test_rule_that_leaves_the_graph_only_by_another_input_is_named() -> None:
    def product(x: Any, y: Any) -> Any:
        return x * y

    wrong = operation(product, x=lambda g, y: g * y, y=lambda g, x: g * math.exp(math.log(x)))
    report = check(wrong, 0.5, 0.7, order=2)
    assert report.verdict == "fail"
    assert {culprit.primitive for culprit in report.culprits} == {"product"}


def test_outputs_that_change_their_shape_are_refused() -> None:
    calls: list[int] = []

    def growing(x: Any) -> Any:
        calls.append(1)
        return x * np.ones(len(calls))

    with pytest.raises(tg.ShapeError, match=r"returns shapes \[\(1,\)\], then"):
        gradcheck(growing, 1.0)


def test_constant_value_that_is_changed_is_reported_and_kept() -> None:
    b = Value(np.zeros(2), requires_grad=False)

    def f(x: Any, b: Any) -> Any:
        b[...] = 7.0
        return (x * b).sum()

    assert kinds(check(f, X[:2], b)) == {"changes its input"}
    assert not b.data.any()


def test_module_is_left_as_it_was() -> None:
    class Counting(nn.Module):
        def __init__(self) -> None:
            self.w = Value(np.ones(2))
            self.mean = Value(np.zeros(2), requires_grad=False)
            self.history = np.zeros(2)
            self.last: Any = None

        def forward(self, x: Any) -> Any:
            self.mean.data = 0.9 * self.mean.data + 0.1 * x.mean(axis=0)
            self.history += 1
            self.last = x * self.w
            return self.last

    model = Counting()
    assert gradcheck_module(model, np.ones((3, 2)))
    assert not model.mean.data.any()
    assert not model.history.any()
    assert model.last is None


def test_complex_outputs_are_refused_also_beside_real_ones() -> None:
    with pytest.raises(TypeError, match="returned complex numbers"):
        gradcheck(lambda x: (x * x, x * 1j), 1.5, grad=lambda x: 2 * x)


def test_masked_arrays_are_refused() -> None:
    with pytest.raises(TypeError, match="masked array"):
        gradcheck(lambda x: x.sum(), np.ma.masked_array(X, X > 1), grad=np.ones_like)


# ---- What was not checked is said


def test_arrays_of_integers_are_noted() -> None:
    report = gradcheck(lambda n, x: (n * x).sum(), np.arange(3), X)
    assert "not checked: n (int64)" in str(report)


def test_parameters_of_a_module_are_noted() -> None:
    report = gradcheck(nn.Linear(3, 2), X)
    assert "the parameters of Linear, which gradcheck_module checks" in str(report)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: gradcheck(X.sum(), X), "takes a function and its inputs"),
        (lambda: gradcheck(np.sum, X, grad=np.ones(3)), "grad must be a function"),
        (lambda: gradcheck(np.sum, X, wrt=1.0), "wrt takes positions or names"),
        (lambda: gradcheck_module(nn.Linear, X), "takes a Module"),
    ],
)
def test_wrong_calls_are_told(call: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        call()


def test_positions_and_orders_may_be_integers_of_numpy() -> None:
    report = gradcheck(lambda x, y: x * y, X, X, wrt=np.array([1]), order=np.int64(1))
    assert [line.name for line in report.inputs] == ["y"]
