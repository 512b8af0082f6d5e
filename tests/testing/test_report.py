"""The report of a gradient check, as an object and as text for a terminal."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import re
from typing import Any

import numpy as np
import pytest
from checking import X, check, operation

from tinygrad_nn.testing import GradientMismatch, Report, gradcheck
from tinygrad_nn.testing.report import Culprit, Entry, Finding, InputSummary


def sine(x: Any) -> Any:
    return np.sin(x)


wrong_sine = operation(sine, x=lambda g, x: -g * np.cos(x))


def composed(x: Any, weight: Any) -> Any:
    return (wrong_sine(x.exp()) @ weight).sum()


def report(**parts: Any) -> Report:
    """A report with one line and the given parts."""
    line = InputSummary(1, "x", "float64", (3,), 9)
    return Report("f", (1,), "full", **{"inputs": [line], **parts})


WRONG = InputSummary(1, "x", "float64", (3,), 9, wrong=2)
UNCERTAIN = InputSummary(1, "x", "float64", (3,), 9, inconclusive=1)
ENTRY = Entry(1, "x", "[1]", "", 2.0, 1.0, 1e-12)


# ---- The verdict


@pytest.mark.parametrize(
    ("parts", "verdict"),
    [
        ({}, "pass"),
        ({"findings": [Finding("kink", "", "pass")]}, "pass"),
        ({"findings": [Finding("discontinuity", "", "inconclusive")]}, "inconclusive"),
        ({"findings": [Finding("shape", "")]}, "fail"),
        ({"inputs": [UNCERTAIN]}, "inconclusive"),
        ({"inputs": [WRONG]}, "fail"),
        ({"inputs": [UNCERTAIN, WRONG]}, "fail"),
        ({"inputs": [UNCERTAIN], "findings": [Finding("shape", "")]}, "fail"),
        ({"inputs": [WRONG], "findings": [Finding("kink", "", "pass")]}, "fail"),
    ],
)
def test_verdict_is_that_of_the_worst_part(parts: dict[str, Any], verdict: str) -> None:
    assert report(**parts).verdict == verdict
    assert bool(report(**parts)) == (verdict == "pass")


def test_ratio_is_the_analytic_derivative_over_the_numerical_one() -> None:
    assert ENTRY.ratio == 2.0
    assert dataclasses.replace(ENTRY, numerical=0.0).ratio is None


# ---- The text


def test_headline_has_the_name_the_verdict_and_the_reason() -> None:
    def headline(**parts: Any) -> str:
        return str(report(**parts)).splitlines()[0]

    assert headline(evaluations=12) == "gradcheck of f: PASSED (12 evaluations)"
    assert headline(inputs=[WRONG]) == "gradcheck of f: FAILED, 2 of 9 derivatives are wrong"
    assert headline(findings=[Finding("shape", "")]) == "gradcheck of f: FAILED, shape"
    assert headline(findings=[Finding("discontinuity", "", "inconclusive")]) == (
        "gradcheck of f: INCONCLUSIVE, discontinuity"
    )
    culprit = Culprit("sine", "x", "model.py", 7, "is off by a factor -1")
    assert headline(inputs=[WRONG], culprits=[culprit], searched=True) == (
        "gradcheck of f: FAILED, the rule of sine for x is wrong"
    )


def test_headline_names_a_kind_of_finding_once() -> None:
    found = [
        Finding("discontinuity", "a", "inconclusive"),
        Finding("discontinuity", "b", "inconclusive"),
    ]
    assert str(report(findings=found)).splitlines()[0].count("discontinuity") == 1


def test_headline_names_the_function() -> None:
    class Squared:
        def __call__(self, x: Any) -> Any:
            return x * x

    assert "gradcheck of composed: FAILED" in str(check(composed, X, np.ones(3)))
    assert "gradcheck of Squared: PASSED" in str(gradcheck(Squared(), X))
    assert "gradcheck of <lambda>: PASSED" in str(gradcheck(lambda x: x * x, X))


def test_passing_report_says_what_was_checked_and_how_exactly() -> None:
    lines = str(gradcheck(lambda x, y: (x * y).sum(), X, 2.0)).splitlines()
    assert re.fullmatch(r"gradcheck of <lambda>: PASSED \(\d+ evaluations\)", lines[0])
    assert lines[1:3] == ["", "  first derivatives by backward(), one by one"]
    assert re.fullmatch(r"    x  float64 \(3,\)  all 3 right, to \de-\d\d", lines[3])
    assert re.fullmatch(r"    y  float64       right, to \de-\d\d", lines[4])
    assert len(lines) == 5


def test_failing_report_has_table_pattern_and_culprit() -> None:
    text = str(check(composed, X, np.array([1.0, 2.0, -1.0])))
    lines = [line for line in text.splitlines() if line]
    assert lines[0] == "gradcheck of composed: FAILED, the rule of sine for x is wrong"
    assert re.fullmatch(r"    x +float64 \(3,\)  3 of 3 wrong", lines[2])
    assert re.fullmatch(r"    weight +float64 \(3,\)  all 3 right, to .*", lines[3])
    header = next(at for at, line in enumerate(lines) if "numerical ± error" in line)
    assert re.split(r"  +", lines[header].strip()) == [
        "input",
        "analytic",
        "numerical ± error",
        "difference",
        "ratio",
    ]
    for row in lines[header + 1 : header + 4]:
        assert re.fullmatch(r"  x\[\d\] +-?\d\S* +-?\d\S* ± \de-\d\d +-?\d\S* +-1", row)
    assert "  looks like: x is off by a factor -1" in lines
    assert lines[-3] == "  culprit"
    assert re.fullmatch(
        r"    sine, called at \S*test_report.py:\d+: its rule for x is off by a factor -1",
        lines[-2],
    )
    assert lines[-1] == "    proven right: exp, matmul, sum"


def test_table_names_the_output_where_there_are_several() -> None:
    text = str(check(np.sin, X, grad=lambda x: 2 * np.cos(x)))
    header, row = next(
        pair
        for pair in zip(text.splitlines(), text.splitlines()[1:], strict=False)
        if "numerical" in pair[0]
    )
    assert header.split()[:3] == ["input", "output", "analytic"]
    assert re.match(r"  x\[(\d)\] +\[\1\] ", row)


def test_worst_entries_come_first_and_are_few() -> None:
    x = np.linspace(0.1, 1, 50)
    factor = 1 + 1e-3 * np.arange(50)
    worst = check(lambda x: np.sum(x**2), x, grad=lambda x: 2 * x * factor).worst
    assert worst[0].index == "[49]"
    assert len(worst) < 15
    ratios = [entry.ratio for entry in worst]
    assert ratios == sorted(ratios, reverse=True)


def test_columns_stay_aligned_with_long_names_and_large_shapes() -> None:
    long = "layers[12].attention.query.weight"
    inputs = [
        InputSummary(1, "x", "float32", (), 1, wrong=1),
        InputSummary(1, long, "float64", (1024, 1024, 3), 3145728, wrong=3145727),
    ]
    worst = [
        Entry(1, "x", "", "['loss'][0, 0]", 1.0, -2e-300, 1e-310, "kink: 0 on the left"),
        Entry(1, long, "[1023, 1023, 2]", "[0]", -1.23456789123e-12, 0.0, 3e-17),
        Entry(1, "y", "[0]", "[1]", np.nan, np.inf, np.inf),
    ]
    lines = str(report(inputs=inputs, worst=worst)).splitlines()
    rows = [line for line in lines if line.startswith("    ")]
    assert {row.index("float") for row in rows} == {4 + len(long) + 2}
    assert {row.index(" of ") - len(str(n)) for row, n in zip(rows, (1, 3145727), strict=True)} == {
        rows[0].index("1 of 1")
    }
    header = next(at for at, line in enumerate(lines) if "numerical" in line)
    at = {name: lines[header].index(name) for name in ("output", "analytic", "numerical")}
    for line in lines[header + 1 : header + 4]:
        for start in at.values():
            assert line[start - 2 : start] == "  "
            assert line[start] != " "
    assert all(line == line.rstrip() for line in lines)


def test_small_and_large_numbers_are_shown_with_their_digits() -> None:
    worst = [
        Entry(1, "x", "", "", 1.000001, 1.0, 1e-12),
        Entry(1, "y", "", "", 123456789.0, 123456788.0, 1e-3),
        Entry(1, "z", "", "", 2e-12, 1e-12, 1e-20),
    ]
    text = str(report(worst=worst))
    assert "1.000001" in text
    assert "123456789 " in text
    assert "123456788 ± 1e-03" in text
    assert "2e-12" in text
    assert "1e-12 ± 1e-20" in text


def test_findings_are_grouped_by_what_they_mean() -> None:
    found = [
        Finding("kink", "at x[0]", "pass"),
        Finding("missing gradient", "none reaches y"),
        Finding("discontinuity", "by x[1]", "inconclusive"),
    ]
    lines = [line for line in str(report(findings=found)).splitlines() if line]
    where = [lines.index(f"    {finding.kind}: {finding.text}") for finding in found]
    headings = [lines[at - 1].strip() for at in where]
    assert len(set(headings)) == 3
    assert where[1] < where[2] < where[0]  # what is wrong comes first


def test_orders_have_tables_of_their_own() -> None:
    text = str(gradcheck(lambda x: x**3, X, order=3))
    orders = [text.index(f"{order} derivatives") for order in ("first", "second", "third")]
    assert orders == sorted(orders)


def test_culprit_without_a_place_is_still_a_sentence() -> None:
    assert str(Culprit("sine", "x", "", 0, "is zero")) == "sine: its rule for x is zero"
    assert "model.py:7" in str(Culprit("sine", "x", "model.py", 7, "is zero"))


def test_every_report_fits_a_terminal() -> None:
    for text in (
        str(check(composed, X, np.ones(3))),
        str(check(np.sign, np.zeros(2), grad=np.zeros_like)),
        str(gradcheck(np.abs, np.zeros(2), grad=np.sign)),
    ):
        table = [line for line in text.splitlines() if ": " not in line]
        assert max(map(len, table)) <= 100


# ---- The exception


def mismatch(*inputs: Any, **options: Any) -> GradientMismatch:
    with pytest.raises(GradientMismatch) as caught:
        gradcheck(*inputs, **options)
    return caught.value


WRONG_CHECKS = {
    "by hand": ((np.sin, X), {"grad": lambda x: -np.cos(x)}),
    "of Values": ((composed, X, np.ones(3)), {}),
    "order 2": ((lambda x: x.exp() * x.detach(), X), {"order": 2}),
}


@pytest.fixture(params=WRONG_CHECKS.values(), ids=WRONG_CHECKS.keys())
def error(request: pytest.FixtureRequest) -> GradientMismatch:
    inputs, options = request.param
    return mismatch(*inputs, **options)


class TestMismatch:
    def test_says_what_the_report_says(self, error: GradientMismatch) -> None:
        assert isinstance(error, AssertionError)
        assert str(error) == str(error.report)
        assert error.report.verdict == "fail"

    def test_can_be_pickled(self, error: GradientMismatch) -> None:
        again = pickle.loads(pickle.dumps(error))
        assert str(again) == str(error)
        assert again.report.inputs == error.report.inputs
        assert again.report.culprits == error.report.culprits

    def test_can_be_copied(self, error: GradientMismatch) -> None:
        assert str(copy.deepcopy(error)) == str(error)


def test_passing_report_can_be_pickled() -> None:
    passed = gradcheck(lambda x: x.exp(), X)
    assert str(pickle.loads(pickle.dumps(passed))) == str(passed)


def test_exception_is_named_as_it_is_imported() -> None:
    error = mismatch(np.sin, X, grad=np.sin)
    assert f"{type(error).__module__}.{type(error).__name__}" == (
        "tinygrad_nn.testing.GradientMismatch"
    )
