"""What the gradient check names apart from wrong numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from checking import X, check, kinds, operation, square

import tinygrad_nn as tg
from tinygrad_nn import Value, nn
from tinygrad_nn.testing import gradcheck

Rule = Callable[..., Any]


def finding(f: Callable[..., Any], *inputs: Any, **options: Any) -> tuple[str, str]:
    """The kind and the text of the only thing that a failing check has found."""
    report = check(f, *inputs, **options)
    assert report.verdict == "fail"
    (only,) = report.findings
    return only.kind, only.text


def rule_finding(rule: Rule, x: Any = X) -> tuple[str, str]:
    """What is found about a rule of x * x."""
    return finding(operation(square, x=rule), x)


# ---- Shapes and dtypes


@pytest.mark.parametrize(
    "rule",
    [lambda g, x: 2 * (g * x)[:2], lambda g, x: 7.0, lambda g, x: np.outer(x, 2 * g)[:, :2]],
    ids=["too short", "a number", "too many axes"],
)
def test_rule_of_the_wrong_shape_is_named(rule: Rule) -> None:
    kind, text = rule_finding(rule)
    assert kind == "shape"
    assert "square" in text
    assert "(3,)" in text


def test_transposed_rule_is_a_wrong_shape() -> None:
    assert rule_finding(lambda g, x: 2 * (g * x).T, np.ones((2, 3)))[0] == "shape"


def test_rule_that_loses_digits_is_named() -> None:
    kind, text = rule_finding(lambda g, x: (2 * g * x).astype(np.float32))
    assert kind == "dtype"
    assert "float32" in text
    assert "square" in text


def test_rule_that_returns_integers_is_not_taken_for_right() -> None:
    rounding = operation(square, x=lambda g, x: (2 * g * x).astype(int))
    assert check(rounding, X).verdict == "fail"  # though 2x is whole here


# ---- Randomness and side effects


def test_random_function_is_named() -> None:
    rng = np.random.default_rng(0)
    for size in (1.0, 1e-9):
        kind, text = finding(lambda x, size=size: x * x + size * rng.normal(), X)
        assert kind == "not deterministic"
        assert "seed" in text


def test_random_numpy_function_is_named() -> None:
    rng = np.random.default_rng(0)
    assert finding(lambda x: x * rng.normal(), X, grad=np.ones_like)[0] == "not deterministic"


def test_function_that_counts_its_calls_is_named() -> None:
    calls: list[int] = []

    def f(x: Any) -> Any:
        calls.append(1)
        return x * len(calls)

    assert finding(f, X)[0] == "not deterministic"


@pytest.mark.parametrize("value", [np.inf, np.nan])
def test_function_that_is_not_finite_the_next_time_is_named(value: float) -> None:
    calls: list[int] = []

    def f(x: Any) -> Any:
        calls.append(1)
        return x * (1.0 if len(calls) < 3 else value)

    assert finding(f, X)[0] == "not deterministic"


def test_dropout_is_named_with_what_to_do() -> None:
    kind, text = finding(lambda x: nn.functional.dropout(x, 0.5), np.ones(50))
    assert kind == "not deterministic"
    assert "eval()" in text


def test_random_rule_is_named() -> None:
    rng = np.random.default_rng(0)
    assert rule_finding(lambda g, x: 2 * g * x * rng.normal())[0] == "not deterministic"


def test_random_gradient_by_hand_is_named() -> None:
    rng = np.random.default_rng(0)
    report = check(np.sin, X, grad=lambda x: np.cos(x) * (1 + 1e-9 * rng.normal()))
    assert kinds(report) == {"not deterministic"}


def add_one(x: Any) -> Any:
    x += 1
    return x * x


def set_first(x: Any) -> Any:
    x[0] = 5.0
    return x * x


def overwrite_data(x: Any) -> Any:
    y = x * x
    x.data[0] = 5.0
    return y


@pytest.mark.parametrize("f", [add_one, set_first, overwrite_data])
def test_function_that_changes_its_input_is_named(f: Callable[[Any], Any]) -> None:
    kind, text = finding(f, X)
    assert kind == "changes its input"
    assert text.startswith("x ")


def test_numpy_function_that_changes_its_input_is_named() -> None:
    def f(a: Any, b: Any) -> Any:
        b *= 2
        return np.sum(a * b)

    kind, text = finding(f, X, X + 1, grad=lambda a, b: (2 * b, 2 * a))
    assert kind == "changes its input"
    assert text.startswith("b ")


def test_gradient_by_hand_that_changes_its_input_is_named() -> None:
    def gradient(x: Any) -> Any:
        x *= 2
        return x

    assert finding(np.square, X, grad=gradient)[0] == "changes its input"


def test_function_that_changes_what_is_not_checked_is_named() -> None:
    def f(x: Any, weights: Any) -> Any:
        weights += 1
        return np.sum(x * weights)

    weights = np.ones(3)
    kind, _ = finding(f, X, weights, wrt="x", grad=lambda x, weights: weights)
    assert kind == "changes its input"


# ---- Saved values


def changes_g(g: Any, x: Any) -> Any:
    g *= 2 * x
    return g


def changes_x(g: Any, x: Any) -> Any:
    x *= 2
    return g * x


@pytest.mark.parametrize(("rule", "what"), [(changes_g, "g,"), (changes_x, "a value it is given")])
def test_rule_that_changes_what_it_is_given_is_named(rule: Rule, what: str) -> None:
    kind, text = rule_finding(rule)
    assert kind == "saved value changed"
    assert f"for x changes {what}" in text


def test_rule_that_changes_the_output_is_named() -> None:
    def exp(x: Any) -> Any:
        return np.exp(x)

    def changes_out(g: Any, out: Any) -> Any:
        out *= g
        return out

    kind, text = finding(lambda x: operation(exp, x=changes_out)(x * 2).sum(), X)
    assert kind == "saved value changed"
    assert "exp" in text


def test_function_that_changes_an_array_after_its_use_is_named_with_the_use() -> None:
    def f(x: Any) -> Any:
        buffer = np.array([1.0, 2.0, 3.0])
        first = x * buffer
        buffer *= 3
        return first + x.sin()

    kind, text = finding(f, X)
    assert kind == "saved value changed"
    assert "multiply at " in text
    assert "test_gradcheck_findings.py:" in text


def test_function_that_changes_a_result_after_its_use_is_named() -> None:
    def f(x: Any) -> Any:
        hidden = x.exp()
        y = hidden * 2
        hidden.data[...] = 0
        return y

    assert finding(f, X)[0] == "saved value changed"


def test_changed_array_is_not_blamed_on_something_that_leaves_the_graph() -> None:
    def f(x: Any) -> Any:
        buffer = np.ones(3)
        y = x * buffer
        buffer *= 3
        return y

    assert "leave the graph" not in str(check(f, X))


# ---- Linearity in g


@pytest.mark.parametrize(
    "rule",
    [
        lambda g, x: 2 * x,
        lambda g, x: 2 * x * g * g,
        lambda g, x: 2 * x * abs(g),
        lambda g, x: 2 * x * np.maximum(g, 0),
        lambda g, x: 2 * x * g + 1,
        lambda g, x: 2 * x * np.clip(g, -1, 1),
        lambda g, x: 2 * x * np.clip(g, -10, 10),
        lambda g, x: np.where(x > 1, 2 * x, 2 * x * g),
        lambda g, x: 2 * x * g.astype(np.float32).round(2).astype(np.float64),
    ],
    ids=["no g", "g^2", "|g|", "relu", "+ 1", "clipped", "clipped at 10", "one entry", "rounded"],
)
def test_rule_that_is_not_linear_in_g_is_named(rule: Rule) -> None:
    assert rule_finding(rule)[0] == "not linear in g"


@pytest.mark.parametrize("scale", [1e-150, 1e-30, 1e30, 1e150])
def test_gradients_of_any_size_are_linear(scale: float) -> None:
    assert gradcheck(lambda x: scale * x.sin(), X)


# ---- Missing, and not finite


@pytest.mark.parametrize(
    "f",
    [
        lambda x, y: x * y.detach(),
        lambda x, y: x * Value(y.data),
        lambda x, y: x * y.data,
        lambda x, y: x + tg.no_grad()(lambda: y * y)(),
    ],
    ids=["detach", "new Value", "data", "no_grad"],
)
def test_gradient_that_does_not_arrive_is_named(f: Callable[..., Any]) -> None:
    kind, text = finding(f, X, X + 1)
    assert kind == "missing gradient"
    assert " y " in text


def test_function_without_a_graph_has_no_gradient() -> None:
    assert finding(lambda x: np.sin(x.data), X)[0] == "missing gradient"


def test_gradient_that_is_rightly_missing_is_none_at_all() -> None:
    assert gradcheck(lambda x, y: x * 2, X, X + 1)
    assert gradcheck(lambda x, y: x * y.shape[0], X, X + 1)


def test_missing_gradient_by_hand_is_named() -> None:
    def product(x: Any, y: Any) -> Any:
        return np.sum(x * y)

    report = check(product, X, X + 1, grad=lambda x, y: (y, None))
    assert (report.verdict, kinds(report)) == ("fail", {"missing gradient"})


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_derivative_that_is_not_finite_is_named(bad: float) -> None:
    kind, text = rule_finding(lambda g, x: g * np.where(x == 2, bad, 2 * x))
    assert kind == "not finite"
    assert "x[2]" in text
    kind, text = finding(np.square, X, grad=lambda x: np.where(x == 2, bad, 2 * x))
    assert kind == "not finite"


def test_derivative_that_is_not_finite_is_the_worst() -> None:
    report = check(np.sum, X, grad=lambda x: np.array([1e9, 2.0, np.nan]))
    assert report.worst[0].index == "[2]"


def test_division_of_0_by_0_in_a_rule_is_not_finite() -> None:
    assert rule_finding(lambda g, x: 2 * g * x * x / x, np.array([0.0, 1.0]))[0] == "not finite"


# ---- Errors


def raises(g: Any, x: Any) -> Any:
    raise KeyError("no such thing")


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        (raises, "KeyError: 'no such thing'"),
        (lambda g, x: 1 / 0, "ZeroDivisionError"),
        (lambda g, x: None, "NoneType"),
        (lambda g, x: 2j * g * x, "complex128"),
    ],
    ids=["raises", "divides", "None", "complex"],
)
def test_rule_that_fails_is_named_with_its_error(rule: Rule, text: str) -> None:
    kind, found = rule_finding(rule)
    assert kind == "error"
    assert text in found
    assert "rule of square for x" in found


def test_rule_that_fails_is_the_culprit() -> None:
    failing = operation(square, x=raises)
    report = check(lambda x: failing(x.exp()).sum(), X)
    assert [culprit.primitive for culprit in report.culprits] == ["square"]
    assert report.proven == ["exp", "sum"]
