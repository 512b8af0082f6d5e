"""The gradient check in the graph: which rule is wrong, which are right, and higher orders."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from checking import X, check, kinds, operation, square

import tinygrad_nn as tg
from tinygrad_nn import Value
from tinygrad_nn.testing import coverage, gradcheck, gradgradcheck


def sine(x: Any) -> Any:
    return np.sin(x)


def times(x: Any, y: Any) -> Any:
    return x * y


def join(*parts: Any, axis: int = 0) -> Any:
    return np.concatenate(parts, axis=axis)


def split(g: Any, parts_shape: Any, index: int, axis: int) -> Any:
    """The part of g that belongs to input `index` of a concatenation."""
    ends = np.cumsum([shape[axis] for shape in parts_shape])
    return np.split(g, ends[:-1], axis=axis)[index]


wrong_sine = operation(sine, x=lambda g, x: -g * np.cos(x))
wrong_times = operation(times, x=lambda g, y: g * y, y=lambda g, x: 1.001 * g * x)
wrong_join = operation(
    join,
    parts=lambda g, parts_shape, index, axis: split(g, parts_shape, index, axis) * (1 + index % 2),
)


def line_of(function: Callable[..., Any], text: str) -> int:
    """The number of the line in `function` that contains `text`."""
    lines, first = inspect.getsourcelines(function)
    return first + next(at for at, line in enumerate(lines) if text in line)


# ---- The culprit


def five_steps(x: Any) -> Any:
    hidden = x.tanh()
    waves = wrong_sine(hidden * 3)
    return (waves.exp() + x).sum()


def test_wrong_primitive_among_five_is_named_with_its_line_and_input() -> None:
    report = check(five_steps, X)
    (culprit,) = report.culprits
    assert (culprit.primitive, culprit.input) == ("sine", "x")
    assert os.path.samefile(culprit.filename, __file__)
    assert culprit.line == line_of(five_steps, "wrong_sine")
    assert "factor -1" in culprit.problem


def test_other_primitives_are_proven_right_in_the_order_of_the_computation() -> None:
    assert check(five_steps, X).proven == ["tanh", "multiply", "exp", "add", "sum"]


def test_two_wrong_primitives_are_both_named() -> None:
    report = check(lambda x: wrong_times(wrong_sine(x).exp(), x).sum(), X)
    assert [(each.primitive, each.input) for each in report.culprits] == [
        ("sine", "x"),
        ("times", "y"),
    ]
    assert report.proven == ["exp", "sum"]


def test_rule_that_is_wrong_for_one_of_two_inputs_names_that_input() -> None:
    report = check(lambda x: wrong_times(x.sin(), x.exp()).sum(), X)
    assert [each.input for each in report.culprits] == ["y"]
    assert "1.001" in report.culprits[0].problem
    assert "times" not in report.proven


def test_wrong_input_that_needs_no_gradient_is_not_checked() -> None:
    assert gradcheck(lambda x: wrong_times(x, np.ones(3)), X)


def test_input_of_a_variadic_primitive_is_named_by_its_position() -> None:
    x, y = np.arange(6.0).reshape(2, 3), np.ones((2, 1))
    report = check(lambda x, y: wrong_join(x.exp(), y, axis=1).sin().sum(), x, y)
    assert [(each.primitive, each.input) for each in report.culprits] == [("join", "parts[1]")]
    assert report.proven == ["exp", "sin", "sum"]


def test_constants_passed_by_keyword_are_kept() -> None:
    def scale_rows(x: Any, *, axis: int, by: Any) -> Any:
        return x * np.expand_dims(by, axis)

    wrong = operation(scale_rows, x=lambda g, by: g * by)  # right for axis 0 only
    x, by = np.ones((3, 3)), np.array([1.0, 2.0, 3.0])
    assert gradcheck(lambda x: wrong(x, axis=0, by=by), x)
    report = check(lambda x: wrong(x.exp(), axis=1, by=by), x)
    assert [each.primitive for each in report.culprits] == ["scale_rows"]


def test_primitive_that_is_wrong_at_some_inputs_only_is_named_there() -> None:
    def ramp(x: Any) -> Any:
        return np.maximum(x, 0)

    wrong = operation(ramp, x=lambda g, x: g * (x > 1))
    assert gradcheck(lambda x: wrong(x + 1).sum(), X)
    report = check(lambda x: (wrong(x) + wrong(x + 1)).sum(), X)
    (culprit,) = report.culprits
    assert culprit.primitive == "ramp"
    assert "ramp" not in report.proven


def test_culprit_is_found_in_a_function_of_several_outputs() -> None:
    report = check(lambda x: {"a": x.exp(), "b": (wrong_sine(x), x.sum())}, X)
    assert [each.primitive for each in report.culprits] == ["sine"]


def test_culprit_in_a_long_computation_is_found() -> None:
    def long(x: Any) -> Any:
        for _ in range(400):
            x = x * 1.001
        return wrong_sine(x)

    report = check(long, 0.5)
    assert [each.primitive for each in report.culprits] == ["sine"]


def test_primitive_called_on_many_lines_is_named_for_each() -> None:
    def f(x: Any) -> Any:
        once = wrong_sine(x)
        return once + wrong_sine(2 * x)

    lines = [each.line for each in check(f, 0.5).culprits]
    assert lines == [line_of(f, "once ="), line_of(f, "once +")]


def test_computation_with_values_made_before_can_be_checked() -> None:
    weight = Value(np.array([1.0, 2.0, 3.0])) * 2
    report = gradcheck(lambda x: x * weight, X)
    assert report
    assert check(lambda x: wrong_sine(x * weight), X).culprits[0].primitive == "sine"


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x * x.detach(),
        lambda x: x * x.data,
        lambda x: x * Value(x.data),
        lambda x: (x * x.item() if x.ndim == 0 else x * np.asarray(x.data)).sum(),
    ],
    ids=["detach", "data", "new Value", "item"],
)
def test_what_leaves_the_graph_is_suspected_where_all_rules_are_right(f: Any) -> None:
    report = check(f, np.array(1.5))
    assert report.verdict == "fail"
    assert not report.culprits
    assert "multiply" in report.proven
    assert "leave the graph" in str(report)
    assert "detach()" in str(report)


def test_python_number_made_of_an_input_is_suspected() -> None:
    report = check(lambda x: x * float(x), 2.0)
    assert report.verdict == "fail"
    assert "leave the graph" in str(report)


def test_gradient_by_hand_has_no_culprits() -> None:
    report = check(np.sin, X, grad=lambda x: -np.cos(x))
    assert not report.culprits
    assert not report.proven
    assert not report.graph
    assert "leave the graph" not in str(report)


def test_function_that_is_itself_random_blames_no_rule() -> None:
    rng = np.random.default_rng(0)
    report = check(lambda x: x * rng.normal(), X)
    assert not report.culprits
    assert "leave the graph" not in str(report)


def test_graph_of_the_report_ends_in_the_outputs() -> None:
    report = gradcheck(lambda x: (x.exp(), x.sum()), X)
    assert [type(out) for out in report.graph] == [Value, Value]
    np.testing.assert_allclose(report.graph[0].data, np.exp(X))
    assert report.graph[1].data == X.sum()


# ---- Second and higher orders


def cube(x: Any) -> Any:
    return x**3


def three_squares(x: Any) -> Any:
    return 3 * x**2


twice_too_much = operation(three_squares, x=lambda g, x: 12 * g * x)


def number(x: Any) -> Any:
    """x outside of the graph."""
    return x.detach() if isinstance(x, Value) else x


FIRST_ORDER_ONLY = {
    "data": operation(cube, x=lambda g, x: 3 * g * number(x) ** 2),
    "data, in part": operation(cube, x=lambda g, x: 3 * g * x * number(x)),
    "twice the second": operation(cube, x=lambda g, x: g * twice_too_much(x)),
    "detached g": operation(cube, x=lambda g, x: 3 * number(g) * x**2),
}


@pytest.mark.parametrize("f", FIRST_ORDER_ONLY.values(), ids=FIRST_ORDER_ONLY.keys())
def test_rule_that_is_wrong_to_second_order_fails_there_and_is_named(f: Any) -> None:
    assert gradcheck(lambda x: f(x.exp()).sum(), X)
    report = check(lambda x: f(x.exp()).sum(), X, order=2)
    assert report.verdict == "fail"
    assert report.orders == (1, 2)
    assert not any(line.wrong for line in report.inputs if line.order == 1)
    assert {entry.order for entry in report.worst} == {2}
    (culprit,) = report.culprits
    assert culprit.primitive == "cube"
    assert "order 2" in culprit.problem


def test_rule_that_cannot_be_differentiated_is_named_with_its_error() -> None:
    f = operation(cube, x=lambda g, x: 3 * g * float(x) ** 2)
    assert gradcheck(f, 2.0)
    report = check(lambda x: f(x.exp()), 0.5, order=2)
    assert (report.verdict, kinds(report)) == ("fail", {"error"})
    assert "rule of cube for x" in report.findings[0].text
    assert [each.primitive for each in report.culprits] == ["cube"]


def test_wrong_first_derivative_ends_the_check() -> None:
    report = check(wrong_sine, X, order=2)
    assert report.orders == (1,)
    assert {line.order for line in report.inputs} == {1}


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x.exp(),
        lambda x: (x.sin() * x).sum(),
        lambda x: x**3,
        lambda x: x * 3,
        lambda x: 1 / x,
        lambda x: {"a": x.tanh(), "b": x.prod()},
    ],
)
@pytest.mark.parametrize("order", [2, 3])
def test_higher_derivatives_of_the_package_pass(f: Any, order: int) -> None:
    report = gradcheck(f, X, order=order)
    assert report
    assert report.orders == tuple(range(1, order + 1))
    assert {line.order for line in report.inputs} == set(report.orders)


def test_third_order_finds_what_the_second_does_not() -> None:
    def six_times(x: Any) -> Any:
        return 6 * x

    wrong_six = operation(six_times, x=lambda g: 7 * g)
    right_three = operation(three_squares, x=lambda g, x: g * wrong_six(x))
    f = operation(cube, x=lambda g, x: g * right_three(x))
    assert gradcheck(f, X, order=2)
    report = check(f, X, order=3)
    assert report.verdict == "fail"
    assert {entry.order for entry in report.worst} == {3}
    assert "order 3" in report.culprits[0].problem


def test_gradgradcheck_is_gradcheck_of_order_2() -> None:
    assert gradgradcheck(lambda x, y: (x * y).sin(), X, X + 1).orders == (1, 2)
    for f in FIRST_ORDER_ONLY.values():
        assert check(f, X, by=gradgradcheck).verdict == "fail"


def test_gradgradcheck_takes_the_options_of_gradcheck() -> None:
    report = gradgradcheck(lambda x, y: (x * y).sum(), X, X, wrt="y", mode="directional")
    assert (report.mode, report.orders) == ("directional", (1, 2))


def test_second_order_of_several_inputs_includes_mixed_derivatives() -> None:
    # x y^2 by a rule whose gradient by y forgets that it depends on x.
    def product(x: Any, y: Any) -> Any:
        return x * y * y

    f = operation(product, x=lambda g, y: g * y * y, y=lambda g, x, y: 2 * g * number(x) * y)
    assert gradcheck(f, X, X + 1)
    report = check(f, X, X + 1, order=2)
    assert report.verdict == "fail"
    assert {entry.input for entry in report.worst} == {"x"}


# ---- Derivative coverage


@pytest.fixture
def verified(monkeypatch: pytest.MonkeyPatch) -> set[tuple[str, str, int]]:
    """The marks that the test makes."""
    marks: set[tuple[str, str, int]] = set()
    monkeypatch.setattr(coverage, "watching", True)
    monkeypatch.setattr(coverage, "_verified", marks)
    monkeypatch.setattr(coverage, "_meant", {})
    return marks


def test_passed_check_marks_every_rule_on_its_way(verified: set[Any]) -> None:
    gradcheck(lambda x, y: (x * y).tanh().sum(), X, X)
    assert verified == {
        ("multiply", "x", 1),
        ("multiply", "y", 1),
        ("tanh", "x", 1),
        ("sum", "x", 1),
    }


def test_input_without_a_gradient_is_not_marked(verified: set[Any]) -> None:
    gradcheck(lambda x: x * 2, X)
    assert verified == {("multiply", "x", 1)}


def test_second_order_marks_both_orders(verified: set[Any]) -> None:
    gradgradcheck(lambda x: x.tanh(), X)
    assert verified == {("tanh", "x", 1), ("tanh", "x", 2)}


def test_variadic_input_is_marked_by_its_name(verified: set[Any]) -> None:
    gradcheck(lambda x, y: tg.concatenate([x, y]), X, X)
    assert {(name, input) for name, input, _ in verified} == {("concatenate", "arrays")}


def test_failed_and_inconclusive_checks_mark_nothing(verified: set[Any]) -> None:
    assert check(five_steps, X).verdict == "fail"
    assert check(lambda x: np.sign(x) * x.exp(), np.array([0.0])).verdict == "inconclusive"
    assert check(lambda x: abs(x), np.array([0.0]), order=2).verdict == "inconclusive"
    assert not verified


def test_checks_mark_nothing_if_nobody_watches(
    verified: set[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(coverage, "watching", False)
    gradcheck(lambda x: x.tanh(), X)
    assert not verified


@pytest.mark.parametrize(
    "f",
    [
        lambda x, wrong: wrong(x) * 0.0 + x,
        lambda x, wrong: 1e12 * x + wrong(x) * 1e-6,
        lambda x, wrong: tg.where(np.array(False), wrong(x), x).sum(),
        lambda x, wrong: (-wrong(x)).relu() + x,
    ],
)
def test_rule_whose_result_is_lost_is_not_marked(verified: set[Any], f: Any) -> None:
    wrong = operation(square, x=lambda g, x: 1.5 * g * x)
    assert gradcheck(lambda x: f(x, wrong), 1.0)
    assert not {rule for rule in verified if rule[0] == "square"}


def test_rule_at_a_kink_or_of_a_slope_of_0_is_not_marked(verified: set[Any]) -> None:
    gradcheck(lambda x: x.relu(), np.zeros(2))
    gradcheck(operation(square, x=lambda g, x: 0 * g * x), 0.0)
    assert not verified


def test_marks_are_those_of_the_last_definition(verified: set[Any]) -> None:
    first = operation(square, x=lambda g, x: 2 * g * x)
    second = operation(square, x=lambda g, x: g * x + g * x)
    gradgradcheck(first, X)
    assert coverage.is_verified(first.primitive, 2)
    gradcheck(second, X)
    assert not coverage.is_verified(first.primitive, 1)
    assert verified == {("square", "x", 1)}


def test_rule_of_a_constant_input_is_not_marked(verified: set[Any]) -> None:
    def scaled(x: Any, w: Any) -> Any:
        return x * w

    wrong = operation(scaled, x=lambda g, w: g * w, w=lambda g, x: -9 * g * x)
    assert gradcheck(wrong, 1.5, tg.Value(2.0), wrt="x")
    assert ("scaled", "w", 1) not in verified


def test_check_of_a_gradient_by_hand_marks_nothing(verified: set[Any]) -> None:
    gradcheck(np.sin, X, grad=np.cos)
    assert not verified


def test_primitive_of_the_user_is_marked(verified: set[Any]) -> None:
    gradcheck(operation(square, x=lambda g, x: 2 * g * x), X)
    assert verified == {("square", "x", 1)}
