"""The guess at the pattern of a wrong derivative."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from checking import check, operation

X = np.array([0.5, 1.5, 2.0, -0.7])
A = np.array([[0.5, -1.0, 2.0], [1.5, 3.0, 0.3]])
M = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 7.0], [0.5, -1.0, 2.0]])


def sum_of_sines(x: Any) -> Any:
    return np.sum(np.sin(x))


def pattern(f: Callable[..., Any], *inputs: Any, grad: Callable[..., Any] | None = None) -> str:
    report = check(f, *inputs, grad=grad)
    assert report.verdict == "fail"
    return report.pattern


@pytest.mark.parametrize(
    ("factor", "text"),
    [
        (-1, "-1"),
        (2, "2"),
        (1 / 2, "1/2"),
        (-1 / 4, "-1/4"),
        (2 / 3, "2/3"),
        (10, "10"),
        (0.001, "0.001"),
        (1.000002, "1.000002"),
        (np.pi, "3.1415927"),
    ],
)
@pytest.mark.parametrize("f", [sum_of_sines, np.sin], ids=["of a number", "elementwise"])
def test_constant_factor_is_named(f: Callable[..., Any], factor: float, text: str) -> None:
    assert pattern(f, X, grad=lambda x: factor * np.cos(x)) == f"off by a factor {text}"


def test_mean_taken_for_a_sum_is_off_by_the_number_of_elements() -> None:
    assert pattern(lambda x: np.mean(np.sin(x)), X, grad=np.cos) == "off by a factor 4"
    assert pattern(sum_of_sines, X, grad=lambda x: np.cos(x) / 4) == "off by a factor 1/4"


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (lambda g: g[::-1], "reversed along axis 0"),
        (lambda g: g[:, ::-1], "reversed along axis 1"),
        (lambda g: np.roll(g, 1, 1), "shifted by 1 along axis 1"),
        (lambda g: np.roll(g, -1, 1), "shifted by -1 along axis 1"),
        (lambda g: 0 * g, "zero"),
        (lambda g: g + 0.01, "off by +0.01 everywhere"),
        (lambda g: g - 1, "off by -1 everywhere"),
    ],
)
def test_moved_zero_and_offset_gradients_are_named(change: Callable[[Any], Any], text: str) -> None:
    assert text in pattern(sum_of_sines, A, grad=lambda x: change(np.cos(x)))


def test_transposed_gradient_of_a_square_matrix_is_named() -> None:
    assert pattern(lambda x: np.sum(M * x * x), M, grad=lambda x: (2 * M * x).T) == "transposed"


def test_transposed_rule_of_matmul_is_named() -> None:
    def product(a: Any, b: Any) -> Any:
        return a @ b

    wrong = operation(product, a=lambda g, b: g @ b, b=lambda g, a: a.T @ g)
    report = check(lambda a, b: wrong(a, b), M, M + 1)
    assert [culprit.input for culprit in report.culprits] == ["a"]


def test_gradients_of_two_inputs_that_are_swapped_are_named() -> None:
    def f(x: Any, y: Any) -> Any:
        return np.sum(np.sin(x) * np.exp(y))

    def swapped(x: Any, y: Any) -> Any:
        return np.sin(x) * np.exp(y), np.cos(x) * np.exp(y)

    text = pattern(f, X, X + 0.3, grad=swapped)
    assert text == "x is the derivative by y; y is the derivative by x"


def test_pattern_names_the_one_wrong_input() -> None:
    def product(x: Any, y: Any) -> Any:
        return np.sum(x * y)

    assert pattern(product, X, X + 1, grad=lambda x, y: (y, 2 * x)) == "y is off by a factor 2"


def test_pattern_of_all_inputs_is_said_once() -> None:
    def product(x: Any, y: Any) -> Any:
        return np.sum(x * y)

    assert pattern(product, X, X + 1, grad=lambda x, y: (-y, -x)) == "off by a factor -1"


def test_missing_sum_over_a_broadcast_axis_is_named() -> None:
    def add(x: Any, bias: Any) -> Any:
        return x + bias

    first_row = operation(add, x=lambda g: g, bias=lambda g: g[0])
    report = check(lambda x, bias: first_row(x, bias).sum(), A, np.ones(3))
    (culprit,) = report.culprits
    assert culprit.input == "bias"
    assert "missing the sum over axis 0" in culprit.problem


def test_missing_sum_is_named_by_the_axis_of_the_output() -> None:
    def repeat(b: Any) -> Any:
        return b + np.zeros((2, 3))

    def last_column(b: Any) -> Any:  # b: (2, 1)
        jacobian = np.zeros((2, 3, 2, 1))
        jacobian[[0, 1], 2, [0, 1], 0] = 1
        return jacobian

    assert "missing the sum over axis 1" in pattern(repeat, A[:, :1], grad=last_column)


def test_pattern_of_a_wrong_rule_reads_as_a_sentence() -> None:
    def sine(x: Any) -> Any:
        return np.sin(x)

    wrong = operation(sine, x=lambda g, x: g * np.cos(x) * 2)
    (culprit,) = check(lambda x: wrong(x).exp().sum(), X).culprits
    assert culprit.problem == "is off by a factor 2"


def test_pattern_of_a_rule_to_second_order_reads_as_a_sentence() -> None:
    def cube(x: Any) -> Any:
        return x**3

    def three_squares(x: Any) -> Any:
        return 3 * x**2

    twice = operation(three_squares, x=lambda g, x: 12 * g * x)
    report = check(operation(cube, x=lambda g, x: g * twice(x)), X, order=2)
    assert "off by a factor 2" in report.culprits[0].problem
    assert "is x is" not in str(report)


# ---- No guess


@pytest.mark.parametrize(
    "df",
    [
        lambda x: np.sin(x) + x,
        lambda x: np.cos(x) * [1, 2, 1, 1],
        lambda x: np.cos(x) * [1, 0, 1, 1],
        lambda x: np.cos(x) * [1, 2, 2, 1],
        lambda x: np.where(x > 0, np.cos(x), np.nan),
        lambda x: np.cos(x) + 0.01 * x,
    ],
    ids=["another function", "one entry", "one entry 0", "two entries", "nan", "drifting"],
)
def test_no_pattern_is_guessed_where_none_fits(df: Callable[[Any], Any]) -> None:
    report = check(sum_of_sines, X, grad=df)
    assert (report.verdict, report.pattern) == ("fail", "")
    assert "looks like" not in str(report)


def test_no_pattern_is_guessed_for_one_wrong_entry_of_a_jacobian() -> None:
    assert pattern(np.sin, X, grad=lambda x: np.cos(x) * [1, 2, 1, 1]) == ""


def test_no_pattern_is_guessed_where_one_of_two_wrong_inputs_fits_none() -> None:
    def product(x: Any, y: Any) -> Any:
        return np.sum(x * y)

    assert pattern(product, X, X + 1, grad=lambda x, y: (2 * y, np.sin(x))) == ""


def test_passing_and_inconclusive_checks_have_no_pattern() -> None:
    assert check(np.sin, X, grad=np.cos).pattern == ""
    assert check(np.sign, np.zeros(2), grad=np.zeros_like).pattern == ""
