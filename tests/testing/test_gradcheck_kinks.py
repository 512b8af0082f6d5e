"""The gradient check at kinks, where every slope between the two sides is a right derivative."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from checking import check, kinds, operation, verdict

from tinygrad_nn import nn
from tinygrad_nn.testing import gradcheck

Function = Callable[[Any], Any]

POINTS = np.array([0.0, 1.0, -1.0])

# What is kinked at 0, its derivative elsewhere, and its slopes at 0 from the left and the right.
KINKED: dict[str, tuple[Function, Function, float, float]] = {
    "relu": (lambda x: np.maximum(x, 0), lambda x: 1.0 * (x > 0), 0, 1),
    "minus relu": (lambda x: -np.maximum(x, 0), lambda x: -1.0 * (x > 0), 0, -1),
    "abs": (np.abs, np.sign, -1, 1),
    "leaky relu": (
        lambda x: np.where(x > 0, x, 0.01 * x),
        lambda x: np.where(x > 0, 1, 0.01),
        *(0.01, 1),
    ),
    "elu with alpha 2": (
        lambda x: np.where(x > 0, x, 2 * np.expm1(np.minimum(x, 0))),
        lambda x: np.where(x > 0, 1, 2 * np.exp(np.minimum(x, 0))),
        *(2, 1),
    ),
    "sin |x|": (lambda x: np.sin(np.abs(x)), lambda x: np.sign(x) * np.cos(x), -1, 1),
    "1e-6 |x|": (lambda x: 1e-6 * np.abs(x), lambda x: 1e-6 * np.sign(x), -1e-6, 1e-6),
    "1e6 |x|": (lambda x: 1e6 * np.abs(x), lambda x: 1e6 * np.sign(x), -1e6, 1e6),
    "exp x + 1e-3 |x|": (
        lambda x: np.exp(x) + 1e-3 * np.abs(x),
        lambda x: np.exp(x) + 1e-3 * np.sign(x),
        *(0.999, 1.001),
    ),
}
every_kink = pytest.mark.parametrize(
    ("f", "df", "left", "right"), KINKED.values(), ids=KINKED.keys()
)


def at_0(value: float, df: Function) -> Function:
    """The derivative with a value of its own at 0."""
    return lambda x: np.where(x == 0, value, df(x))


@every_kink
@pytest.mark.parametrize("between", [0.0, 0.3, 0.5, 1.0])
def test_every_value_between_the_slopes_passes(
    f: Function, df: Function, left: float, right: float, between: float
) -> None:
    report = gradcheck(f, POINTS, grad=at_0(left + between * (right - left), df))
    assert (report.verdict, kinds(report)) == ("pass", {"kink"})


@every_kink
@pytest.mark.parametrize("outside", [-1.0, -0.01, 1.01, 2.0])
def test_values_outside_the_slopes_fail(
    f: Function, df: Function, left: float, right: float, outside: float
) -> None:
    report = check(f, POINTS, grad=at_0(left + outside * (right - left), df))
    assert report.verdict == "fail"
    assert [entry.index for entry in report.worst] == ["[0]"]
    assert "kink" in report.worst[0].remark


def test_finding_names_the_place_and_the_slopes() -> None:
    leaky = KINKED["leaky relu"][0]
    (finding,) = gradcheck(leaky, POINTS, grad=at_0(0.5, KINKED["leaky relu"][1])).findings
    assert finding.verdict == "pass"
    for part in ("x[0]", "0.01 on the left", "1 on the right"):
        assert part in finding.text


def test_kinks_are_counted() -> None:
    report = gradcheck(np.abs, np.array([0.0, 2.0, 0.0]), grad=np.sign)
    assert [line.kinks for line in report.inputs] == [2]
    assert "at kinks" in str(report)


def test_error_away_from_the_kink_still_fails() -> None:
    wrong = at_0(0, lambda x: 1.000002 * np.sign(x))
    report = check(np.abs, POINTS, grad=wrong)
    assert report.verdict == "fail"
    assert {entry.index for entry in report.worst} == {"[1]", "[2]"}


@pytest.mark.parametrize("x", [1e-7, -1e-7, 1e-12])
def test_kink_beside_the_point_is_none_at_the_point(x: float) -> None:
    report = gradcheck(np.abs, np.array([x]), grad=np.sign)
    assert not report.findings
    assert verdict(np.abs, np.array([x]), grad=lambda x: 0 * x) == "fail"


def test_bend_that_is_sharp_but_smooth_is_no_kink() -> None:
    def f(x: Any) -> Any:
        return np.sqrt(x * x + 1e-12)

    x = np.array([3e-7, -1e-6])
    report = gradcheck(f, x, grad=lambda x: x / f(x))
    assert not report.findings
    assert verdict(f, x[:1], grad=np.sign) == "fail"
    assert gradcheck(f, np.array([0.0, 3e-7]), grad=lambda x: x / f(x))


@pytest.mark.parametrize(
    ("f", "inputs"),
    [
        (lambda x: x.max(), [[1.0, 2.0, 2.0]]),
        (lambda x: x.min(), [[1.0, 1.0, 2.0]]),
        (lambda x: x.max(axis=1), [[[1.0, 1.0], [2.0, 3.0]]]),
        (np.maximum, [[1.0, 2.0], [1.0, 3.0]]),
        (np.minimum, [[1.0, 2.0], [1.0, 3.0]]),
        (lambda x: x.std(), [[1.0, 1.0, 1.0]]),
        (lambda x: abs(x).sum(), [[0.0, 1.0, 0.0]]),
        (lambda x: x.clip(0, 1), [[0.0, 0.5, 1.0]]),
        (lambda x: nn.functional.relu(x), [[0.0, 1.0]]),
        (lambda x: nn.functional.leaky_relu(x), [[0.0, 1.0]]),
        (lambda x: nn.functional.elu(x, alpha=2.0), [[0.0, 1.0, -1.0]]),
        (lambda x, w: np.maximum(x @ w, 0), [[[0.0, 0.0]], [[1.0, 2.0], [3.0, -1.0]]]),
    ],
    ids=lambda value: "" if isinstance(value, list) else None,
)
def test_subgradients_of_the_package_pass_with_a_note(f: Any, inputs: list[Any]) -> None:
    report = gradcheck(f, *map(np.array, inputs))
    assert (report.verdict, kinds(report)) == ("pass", {"kink"})


def test_kink_in_a_fast_function_is_not_overlooked_for_a_right_mean_slope() -> None:
    def f(x: Any) -> Any:
        return np.sin(30 * x) + 0.1 * np.abs(x)

    report = gradcheck(f, np.array([0.0]), grad=lambda x: 30 * np.cos(30 * x))
    assert kinds(report) == {"kink"}
    assert verdict(f, np.array([0.0]), grad=lambda x: 30.11 + 0 * x) == "fail"


def test_function_whose_kinks_cancel_has_none() -> None:
    report = gradcheck(lambda x: np.maximum(x, 0) - np.maximum(-x, 0), np.array([0.0]))
    assert not report.findings


def test_ties_that_are_each_within_bounds_but_not_together_fail() -> None:
    # The slope of max(x) along (1, 1) is 1 at a tie: the shares must sum to 1.
    x = np.array([1.0, 1.0, 0.5])
    for shares, expected in [
        ([0.5, 0.5, 0], "pass"),
        ([1, 0, 0], "pass"),
        ([0.25, 0.75, 0], "pass"),
        ([1, 1, 0], "fail"),
        ([0, 0, 0], "fail"),
        ([0.5, 0.6, 0], "fail"),
    ]:
        assert verdict(np.max, x, grad=lambda x, shares=shares: np.array(shares)) == expected


def test_wrong_subgradient_of_a_rule_names_its_primitive() -> None:
    def ramp(x: Any) -> Any:
        return np.maximum(x, 0)

    wrong = operation(ramp, x=lambda g, x: g * np.where(x == 0, 1.5, x > 0))
    report = check(lambda x: wrong(x * 2).sum(), POINTS)
    assert [culprit.primitive for culprit in report.culprits] == ["ramp"]


def test_second_derivative_at_a_kink_of_the_first_passes_with_a_note() -> None:
    report = gradcheck(lambda x: x * abs(x), np.array([0.0, 1.0]), order=2)
    assert (report.verdict, kinds(report)) == ("pass", {"kink"})


def test_second_derivative_of_abs_at_0_is_inconclusive() -> None:
    report = check(lambda x: abs(x), np.array([0.0, 1.0]), order=2)
    assert report.verdict == "inconclusive"
    assert "discontinuity" in kinds(report)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("mode", ["full", "directional"])
def test_network_of_relus_passes(seed: int, mode: str) -> None:
    rng = np.random.default_rng(seed)
    x, a, b, c = (rng.normal(size=shape) for shape in [(6, 4), (4, 8), (8, 8), (8, 1)])

    def network(x: Any, a: Any, b: Any, c: Any) -> Any:
        relu = nn.functional.relu
        return (relu(relu(x @ a) @ b) @ c).sum()

    assert gradcheck(network, x, a, b, c, mode=mode)
