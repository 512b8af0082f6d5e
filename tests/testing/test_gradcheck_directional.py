"""The mode "directional": all derivatives at once, along a random direction."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from checking import check, kinds, operation, verdict

from tinygrad_nn import Value, nn
from tinygrad_nn.testing import gradcheck

MANY = np.random.default_rng(0).normal(size=20_000)


def counting(f: Callable[..., Any]) -> tuple[Callable[..., Any], list[int]]:
    """`f`, and where its calls are counted."""
    calls = [0]

    def counted(*inputs: Any) -> Any:
        calls[0] += 1
        return f(*inputs)

    return counted, calls


def sum_of_tanh(x: Any) -> Any:
    return np.tanh(x * x).sum()


def gradient(x: Any) -> Any:
    return 2 * x / np.cosh(x * x) ** 2


@pytest.mark.parametrize(
    ("f", "options"),
    [
        (sum_of_tanh, {"grad": gradient}),
        (lambda x: (x * x).tanh().sum(), {}),
        (lambda x: (x * x).tanh(), {}),
    ],
    ids=["by hand", "one output", "as many outputs"],
)
def test_million_inputs_take_about_a_dozen_evaluations(f: Any, options: Any) -> None:
    counted, calls = counting(f)
    report = gradcheck(counted, np.linspace(-2, 2, 1_000_000), mode="directional", **options)
    assert report.mode == "directional"
    assert calls[0] == report.evaluations <= 16


@pytest.mark.parametrize("at", [0, 12_345, 19_999])
def test_failure_is_narrowed_to_the_wrong_entry(at: int) -> None:
    def wrong(x: Any) -> Any:
        g = gradient(x)
        g[at] += 0.5
        return g

    worst = check(sum_of_tanh, MANY, grad=wrong, mode="directional").worst[0]
    assert (worst.input, worst.index) == ("x", f"[{at}]")


def test_narrowed_entry_shows_the_derivative_itself() -> None:
    def wrong(x: Any) -> Any:
        g = gradient(x)
        g[77] *= 1.5
        return g

    x = MANY[:100]
    worst = check(sum_of_tanh, x, grad=wrong, mode="directional").worst[0]
    assert worst.analytic == pytest.approx(1.5 * gradient(x)[77])
    assert worst.numerical == pytest.approx(gradient(x)[77], rel=1e-5)
    assert worst.ratio == pytest.approx(1.5, rel=1e-5)


def test_failure_is_narrowed_to_several_wrong_entries() -> None:
    places = {3, 500, 501, 1999}

    def wrong(x: Any) -> Any:
        g = gradient(x)
        for at in places:
            g[at] += 1.0
        return g

    worst = check(sum_of_tanh, MANY[:2000], grad=wrong, mode="directional").worst
    assert {f"[{at}]" for at in places} <= {entry.index for entry in worst}


def test_failure_in_a_matrix_is_narrowed_to_its_index() -> None:
    w, x = np.random.default_rng(1).normal(size=(30, 40)), np.ones((5, 30))

    def wrong(w: Any) -> Any:
        g = x.T @ (1 - np.tanh(x @ w) ** 2)
        g[7, 31] = 0.0
        return g

    worst = check(lambda w: np.tanh(x @ w).sum(), w, grad=wrong, mode="directional").worst
    assert worst[0].index == "[7, 31]"


@pytest.mark.parametrize("factor", [1.000002, -1.0, 0.0])
def test_error_of_all_entries_is_found(factor: float) -> None:
    x = MANY[:100]
    assert verdict(sum_of_tanh, x, grad=lambda x: factor * gradient(x), mode="directional") == (
        "fail"
    )


def test_errors_that_cancel_in_their_sum_are_found() -> None:
    x = np.ones(10)
    wrong = 2 * x
    wrong[3] += 0.5
    wrong[7] -= 0.5
    report = check(lambda x: np.sum(x**2), x, grad=lambda x: wrong, mode="directional")
    assert {entry.index for entry in report.worst if entry.index} == {"[3]", "[7]"}


def test_worst_of_many_wrong_entries_comes_first() -> None:
    def wrong(x: Any) -> Any:
        g = 1.01 * gradient(x)
        g[1234] += 10
        return g

    worst = check(sum_of_tanh, MANY[:2000], grad=wrong, mode="directional").worst
    assert worst[0].index == "[1234]"


@pytest.mark.parametrize("which", [0, 1])
def test_inputs_of_different_scales_are_checked_alike(which: int) -> None:
    rng = np.random.default_rng(2)
    small, large = 1e-6 * rng.normal(size=50), 1e6 * rng.normal(size=50)

    def f(x: Any, y: Any) -> Any:
        return np.sin(1e6 * x).sum() + np.cos(1e-6 * y).sum()

    def gradients(factors: tuple[float, float]) -> Callable[..., Any]:
        a, b = factors
        return lambda x, y: (a * 1e6 * np.cos(1e6 * x), -b * 1e-6 * np.sin(1e-6 * y))

    assert gradcheck(f, small, large, grad=gradients((1, 1)), mode="directional")
    wrong = check(
        f, small, large, grad=gradients((1.01, 1) if which == 0 else (1, 1.01)), mode="directional"
    )
    assert wrong.verdict == "fail"
    assert {entry.input for entry in wrong.worst if entry.index} == {"xy"[which]}


@pytest.mark.parametrize("seed", range(4))
def test_networks_of_relus_pass(seed: int) -> None:
    rng = np.random.default_rng(seed)
    weights = [rng.normal(size=(20, 50)), rng.normal(size=(50, 50)), rng.normal(size=(50, 3))]

    def network(x: Any, a: Any, b: Any, c: Any) -> Any:
        relu = nn.functional.relu
        return (relu(relu(x @ a) @ b) @ c).sum()

    assert gradcheck(network, rng.normal(size=(16, 20)), *weights, mode="directional")


@pytest.mark.parametrize("count", range(1, 8))
def test_kinks_on_the_way_are_to_be_checked_one_by_one(count: int) -> None:
    x = np.append(np.zeros(count), [1.0, 2.0])
    report = check(lambda x: abs(x).sum(), x, mode="directional")
    assert (report.verdict, kinds(report)) == ("inconclusive", {"kinks"})
    assert "mode='full'" in str(report)


def test_kink_of_a_single_number_is_judged() -> None:
    assert verdict(abs, 0.0, mode="directional") == "pass"
    assert verdict(np.abs, 0.0, grad=lambda x: 3.0, mode="directional") == "fail"


def test_input_with_small_derivatives_is_checked_beside_one_with_large_ones() -> None:
    def f(a: Any, b: Any) -> Any:
        return 1e5 * np.sum(a * a) + b * b

    def wrong(a: Any, b: Any) -> Any:
        return 2e5 * a, -2 * b

    report = check(f, MANY, 1.3, grad=wrong, mode="directional")
    assert [line.wrong for line in report.inputs] == [0, 1]


def test_jacobian_by_hand_is_checked_too() -> None:
    a = np.random.default_rng(3).normal(size=(4, 6))
    wrong = a.copy()
    wrong[2, 5] *= 2
    assert gradcheck(lambda x: a @ x, np.ones(6), grad=lambda x: a, mode="directional")
    report = check(lambda x: a @ x, np.ones(6), grad=lambda x: wrong, mode="directional")
    assert report.worst[0].index == "[5]"


def test_culprit_is_named() -> None:
    def sin(x: Any) -> Any:
        return np.sin(x)

    wrong_sin = operation(sin, x=lambda g, x: -g * np.cos(x))
    report = check(lambda x: wrong_sin(x.tanh()).sum(), MANY[:300], mode="directional")
    assert [culprit.primitive for culprit in report.culprits] == ["sin"]
    assert set(report.proven) == {"tanh", "sum"}


def test_second_order_is_checked_along_a_direction_too() -> None:
    def cube(x: Any) -> Any:
        return x**3

    wrong = operation(cube, x=lambda g, x: 3 * g * x * getattr(x, "data", x))
    report = gradcheck(lambda x: (x * x).tanh().sum(), MANY, mode="directional", order=2)
    assert report.orders == (1, 2)
    assert [line.order for line in report.inputs] == [1, 2, 2]
    assert gradcheck(lambda x: wrong(x).sum(), MANY, mode="directional")
    assert verdict(lambda x: wrong(x).sum(), MANY[:8], mode="directional", order=2) == "fail"


@pytest.mark.parametrize("x", [0.5, np.zeros(0), np.zeros((0, 3)), np.zeros((2, 3)), Value(0.5)])
def test_any_shape_can_be_checked(x: Any) -> None:
    assert gradcheck(lambda x: x * 2, x, mode="directional")


def test_report_says_that_it_was_a_direction() -> None:
    text = str(gradcheck(lambda x: (x * x).sum(), MANY, mode="directional"))
    assert "in a random direction" in text


def test_point_without_a_verdict_is_inconclusive() -> None:
    report = check(
        lambda x: np.sign(x).sum(), np.array([0.0, 1]), grad=np.zeros_like, mode="directional"
    )
    assert (report.verdict, kinds(report)) == ("inconclusive", {"discontinuity"})
