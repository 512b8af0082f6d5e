"""The verdict of the gradient check: right, wrong, or not to be decided."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from checking import check, kinds, operation, verdict
from hypothesis import given, settings
from hypothesis import strategies as st

from tinygrad_nn import Value, nn
from tinygrad_nn.testing import GradientMismatch, InconclusiveWarning, gradcheck

Function = Callable[[Any], Any]

V = np.array([0.3, -1.2, 0.8])
SCALES = [1e-12, 1e-6, 1.0, 1e6, 1e12]
FUNCTIONS: list[tuple[Function, Function]] = [
    (np.sin, np.cos),
    (np.exp, np.exp),
    (lambda x: x**3, lambda x: 3 * x**2),
    (np.arctan, lambda x: 1 / (1 + x * x)),
]
every_function = pytest.mark.parametrize(
    ("f", "df"), FUNCTIONS, ids=["sin", "exp", "cube", "arctan"]
)


def scaled(f: Function, df: Function, of_x: float, of_y: float) -> tuple[Function, Function]:
    """The function of_y f(x / of_x) and its derivative."""
    return lambda x: of_y * f(x / of_x), lambda x: of_y / of_x * df(x / of_x)


def times(factor: Any, df: Function) -> Function:
    """The derivative off by a factor."""
    return lambda x: factor * df(x)


# ---- All scales


@pytest.mark.parametrize("of_y", SCALES)
@pytest.mark.parametrize("of_x", SCALES)
def test_verdict_is_the_same_on_all_scales(of_x: float, of_y: float) -> None:
    f, df = scaled(np.sin, np.cos, of_x, of_y)
    x = of_x * V
    assert verdict(f, x, grad=df) == "pass"
    assert verdict(f, x, grad=times(np.array([1, 1.000001, 1]), df)) == "fail"
    assert verdict(f, x, grad=times(0, df)) == "fail"


@given(
    function=st.sampled_from(FUNCTIONS),
    of_x=st.floats(-12, 12),
    of_y=st.floats(-12, 12),
    x=st.lists(st.floats(0.1, 3) | st.floats(-3, -0.1), min_size=1, max_size=3),
)
def test_right_derivatives_pass_on_drawn_scales(
    function: tuple[Function, Function], of_x: float, of_y: float, x: list[float]
) -> None:
    f, df = scaled(*function, 10**of_x, 10**of_y)
    assert gradcheck(f, 10**of_x * np.array(x), grad=df)


@settings(max_examples=15)
@given(
    function=st.sampled_from(FUNCTIONS),
    of_x=st.floats(-12, 12),
    of_y=st.floats(-12, 12),
    x=st.floats(0.1, 3) | st.floats(-3, -0.1),
    error=st.floats(-5.9, 0),
)
def test_wrong_derivatives_fail_on_drawn_scales(
    function: tuple[Function, Function], of_x: float, of_y: float, x: float, error: float
) -> None:
    f, df = scaled(*function, 10**of_x, 10**of_y)
    assert verdict(f, 10**of_x * x, grad=times(1 + 10**error, df)) == "fail"


def test_elements_of_very_different_sizes_are_each_checked_on_their_own_scale() -> None:
    x = np.array([1e-12, 1.0, 1e12])
    assert gradcheck(lambda x: x * x, x, grad=lambda x: 2 * x)
    for at in range(3):
        wrong = times(1 + 1e-6 * np.eye(3)[at], lambda x: 2 * x)
        assert verdict(lambda x: x * x, x, grad=wrong) == "fail"


@pytest.mark.parametrize("offset", [1e3, 1e6])
def test_offset_of_the_output_hides_no_error(offset: float) -> None:
    def f(x: Any) -> Any:
        return offset + np.sin(x)

    assert gradcheck(f, V, grad=np.cos)
    assert verdict(f, V, grad=times(1.0009, np.cos)) == "fail"


# ---- Small errors


@every_function
@pytest.mark.parametrize("factor", [1.0009, 0.9991, 2.0, -1.0, 0.0])
def test_derivative_off_by_a_factor_fails(f: Function, df: Function, factor: float) -> None:
    assert verdict(f, V, grad=times(factor, df)) == "fail"


@pytest.mark.parametrize("at", [0, 4, 9])
def test_error_of_one_millionth_in_one_of_ten_entries_is_found(at: int) -> None:
    x = np.linspace(-2, 1, 10)
    wrong = times(1 + 1e-6 * np.eye(10)[at], np.cos)
    report = check(lambda x: np.sin(x).sum(), x, grad=wrong)
    assert report.verdict == "fail"
    assert [entry.index for entry in report.worst] == [f"[{at}]"]


def test_error_of_one_millionth_in_one_entry_of_a_matrix_is_found() -> None:
    x = np.arange(1.0, 13).reshape(3, 4)
    wrong = 1 + 1e-6 * (x == 7)
    report = check(lambda x: np.log(x).sum(), x, grad=lambda x: wrong / x)
    assert [(entry.index, report.verdict) for entry in report.worst] == [("[1, 2]", "fail")]


def test_error_of_one_millionth_in_one_entry_of_a_jacobian_is_found() -> None:
    a, x = np.array([[1.0, -2.0, 0.5], [0.3, 4.0, 1.0]]), np.array([0.5, 1.0, -2.0])
    wrong = a.copy()
    wrong[1, 0] *= 1.000001
    assert gradcheck(lambda x: a @ x, x, grad=lambda x: a)
    report = check(lambda x: a @ x, x, grad=lambda x: wrong)
    assert [(entry.index, entry.output) for entry in report.worst] == [("[0]", "[1]")]


def test_small_entry_beside_large_ones_is_checked_to_its_own_digits() -> None:
    x = np.array([1.0, 2.0, 3.0])
    weight = np.array([1.0, 1e-3, 1.0])
    wrong = times(np.array([1, 1.001, 1]), lambda x: 2 * weight * x)
    assert verdict(lambda x: np.sum(weight * x * x), x, grad=wrong) == "fail"


@pytest.mark.parametrize("ratio", [1e6, 1e8, 1e12])
def test_entry_that_larger_ones_hide_is_not_called_right(ratio: float) -> None:
    report = check(
        lambda x: ratio * x[0] + x[1], np.ones(2), grad=lambda x: np.array([ratio, 1.001])
    )
    (line,) = report.inputs
    assert report.verdict == "fail" or line.unseen == 1


# ---- Steep and fast functions


@pytest.mark.parametrize(
    ("f", "df"),
    [
        (lambda x: np.exp(50 * x), lambda x: 50 * np.exp(50 * x)),
        (lambda x: np.sin(1e4 * x), lambda x: 1e4 * np.cos(1e4 * x)),
        (lambda x: np.tanh(1e3 * x) / 1e3, lambda x: 1 / np.cosh(1e3 * x) ** 2),
        (lambda x: 1 / (1 + 1e6 * x * x), lambda x: -2e6 * x / (1 + 1e6 * x * x) ** 2),
    ],
    ids=["exp 50x", "sin 1e4x", "tanh 1e3x", "narrow peak"],
)
def test_steep_and_fast_functions_are_judged_as_others(f: Function, df: Function) -> None:
    x = 3e-3 * V
    assert gradcheck(f, x, grad=df)
    assert verdict(f, x, grad=times(1.0009, df)) == "fail"
    assert verdict(f, x, grad=times(np.array([1, 1, 1.000002]), df)) == "fail"


def test_steps_that_are_whole_periods_do_not_hide_the_slope() -> None:
    x = np.array([0.1, 0.3])  # whole numbers of periods, from 0

    def f(x: Any) -> Any:
        return np.sin(2e4 * np.pi * x)

    assert gradcheck(f, x, grad=lambda x: 2e4 * np.pi * np.cos(2e4 * np.pi * x))
    assert verdict(f, x, grad=np.zeros_like) == "fail"


@pytest.mark.parametrize("period", [0.03 / 16, 0.03 / 256, 0.03 / 64, 1 / 1024])
def test_steps_that_are_powers_of_2_do_not_hide_the_slope(period: float) -> None:
    def f(x: Any) -> Any:
        return np.sin(2 * np.pi * (x - 1) / period)

    assert verdict(f, 1.0, grad=lambda x: 0.0) == "fail"
    assert gradcheck(f, 1.0, grad=lambda x: 2 * np.pi / period)


def test_slope_on_a_small_scale_is_what_counts() -> None:
    def f(x: Any) -> Any:
        return x + 1e-4 * np.sin(1e4 * x)

    assert gradcheck(f, V, grad=lambda x: 1 + np.cos(1e4 * x))
    assert verdict(f, V, grad=np.ones_like) != "pass"


@pytest.mark.parametrize("x", [1e-8, 1e-4, 30.0])
def test_singularity_nearby_does_not_matter(x: float) -> None:
    assert gradcheck(np.log, x, grad=lambda x: 1 / x)
    assert gradcheck(np.sqrt, x, grad=lambda x: 0.5 / np.sqrt(x))
    assert verdict(np.log, x, grad=lambda x: 1.001 / x) == "fail"


# ---- Gradients of 0, or nearly


@pytest.mark.parametrize(
    ("f", "df", "x"),
    [
        (lambda x: x**2, lambda x: 2 * x, [0.0, 1.0]),
        (lambda x: x**3, lambda x: 3 * x**2, [0.0, 1.0]),
        (lambda x: x**4, lambda x: 4 * x**3, [0.0]),
        (np.cos, lambda x: -np.sin(x), [1e-9]),
        (np.cos, lambda x: -np.sin(x), [0.0, 1e-9]),
        (np.full_like, lambda x: 0 * x, [0.3, 2.0]),
        (lambda x: 0 * x, lambda x: 0 * x, [0.0, 1.0]),
        (lambda x: np.abs(x) ** 1.5, lambda x: 1.5 * np.sign(x) * np.abs(x) ** 0.5, [0.0]),
        (lambda x: np.sum(np.exp(x) / np.exp(x).sum()), lambda x: 0 * x, [0.3, 2.0]),
        (lambda x: 1e-6 * x * x, lambda x: 2e-6 * x, [1.0, -0.2]),
    ],
)
def test_right_gradients_of_nearly_0_pass(f: Any, df: Any, x: list[float]) -> None:
    f = (lambda x: np.full_like(x, 3.0)) if f is np.full_like else f
    assert gradcheck(f, np.array(x), grad=df)


softmax = nn.functional.softmax


@pytest.mark.parametrize(
    ("f", "x"),
    [
        (lambda x: softmax((1e3 * x).sin()).mean(), [-0.0435930205, 0.1026323058, -0.181412497]),
        (lambda x: softmax(1e2 * x.tanh()).sum(), [1e-2, 2e-2, -3e-2]),
        (
            lambda x: softmax((x + 10) / (x + 10).std()).mean(),
            [-0.01204655131013, -0.01663592773919, -0.00310259889392, 0.01068828010419],
        ),
        (lambda x: softmax(x / x.std()).sum(), [0.09470278437160806, 0.6522304599545687]),
    ],
)
def test_rounding_in_a_gradient_of_0_is_no_error(f: Function, x: list[float]) -> None:
    # The entries of a softmax sum to 1; of the gradient 0 a backward pass leaves some 1e-15.
    assert verdict(f, np.array(x)) != "fail"


@pytest.mark.parametrize(
    ("f", "df", "x"),
    [
        (lambda x: 1e-6 * x * x, lambda x: 4e-6 * x, [1.0]),
        (lambda x: 1e-6 * x, lambda x: 2e-6 + 0 * x, [1.0]),
        (lambda x: 1e-6 * x, lambda x: 0 * x, [1.0]),
        (lambda x: x**2, lambda x: 2 * x + 1e-9, [0.0, 0.0]),
        (lambda x: x**3, lambda x: 3 * x**2 + 1e-6, [0.0, 1.0]),
        (np.cos, lambda x: 0 * x, [1e-9]),
        (lambda x: 3 + 0 * x, lambda x: 2e-6 + 0 * x, [1.0]),
        (lambda x: np.sum(np.exp(x) / np.exp(x).sum()), lambda x: 1e-9 + 0 * x, [0.3, 2.0]),
    ],
)
def test_wrong_gradients_of_nearly_0_fail(f: Any, df: Any, x: list[float]) -> None:
    assert verdict(f, np.array(x), grad=df) == "fail"


# ---- No verdict


def test_inconclusive_check_warns_and_returns_its_report() -> None:
    with pytest.warns(InconclusiveWarning, match="INCONCLUSIVE") as caught:
        report = gradcheck(np.sign, 0.0, grad=lambda x: 0.0)
    assert report.verdict == "inconclusive"
    assert not report
    assert str(caught[0].message) == str(report)
    assert caught[0].filename == __file__


def test_mismatch_is_raised_even_where_other_entries_are_uncertain() -> None:
    with pytest.raises(GradientMismatch):
        gradcheck(np.sign, np.array([0.0, 1.0]), grad=np.ones_like)


def step_up(x: Any) -> Any:
    return np.where(x >= 0.3, x * x + 1e-3, x * x)


@pytest.mark.parametrize(
    ("f", "df", "at", "kind"),
    [
        (np.sign, lambda x: 0 * x, 0.0, "discontinuity"),
        (np.floor, lambda x: 0 * x, 1.0, "discontinuity"),
        (np.round, lambda x: 0 * x, 0.5, "discontinuity"),
        (lambda x: np.heaviside(x, 0.5), lambda x: 0 * x, 0.0, "discontinuity"),
        (step_up, lambda x: 2 * x, 0.3, "discontinuity"),
        (np.sqrt, lambda x: x + np.inf, 0.0, "infinite slope"),
        (np.cbrt, lambda x: 0 * x, 0.0, "infinite slope"),
        (lambda x: np.sqrt(np.abs(x)), lambda x: 0 * x, 0.0, "infinite slope"),
        (np.arcsin, lambda x: 0 * x, 1.0, "infinite slope"),
        (np.log, lambda x: 1 / x, -1.0, "not finite"),
        (np.log, lambda x: 1 / x, 0.0, "not finite"),
        (lambda x: x**1.5, lambda x: 1.5 * x**0.5, 0.0, "undefined"),
        (lambda x: 1e6 + 1e-6 * np.sin(x), lambda x: 1e-6 * np.cos(x), 0.7, "too coarse"),
        (lambda x: np.where(x == 0, 0, np.sin(1 / x)), lambda x: 0 * x, 0.0, "too coarse"),
    ],
)
def test_point_that_allows_no_verdict_is_inconclusive(
    f: Function, df: Function, at: float, kind: str
) -> None:
    report = check(f, np.array([at]), grad=df)
    assert (report.verdict, kinds(report)) == ("inconclusive", {kind})


def test_one_point_without_a_verdict_among_good_ones_is_named() -> None:
    report = check(np.sign, np.array([2.0, 0.0, -1.0]), grad=np.zeros_like)
    assert report.verdict == "inconclusive"
    assert "x[1]" in report.findings[0].text
    (line,) = report.inputs
    assert (line.checked, line.wrong, line.inconclusive) == (9, 0, 1)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_input_that_is_not_finite_is_inconclusive(bad: float) -> None:
    for report in (
        check(lambda x: x * 2, np.array([1.0, bad])),
        check(lambda x: x * 2, np.array([1.0, bad]), grad=lambda x: 2 + 0 * x),
    ):
        assert (report.verdict, kinds(report)) == ("inconclusive", {"not finite"})


def test_output_that_is_not_finite_is_named() -> None:
    report = check(lambda x: x.log(), np.array([1.0, -1.0]))
    assert (report.verdict, kinds(report)) == ("inconclusive", {"not finite"})
    assert "[1]" in report.findings[0].text
    assert "nan" in report.findings[0].text


@pytest.mark.parametrize(
    ("f", "x"),
    [
        (np.unwrap, [-3, 3.375, 0.0]),  # what is added and taken away again rounds
        (lambda x: np.fft.fft(x, 6).imag, [0, 0, 1.75]),  # sin(pi) is 1.2e-16
        (lambda x: np.fft.ifft(x, 6).imag, [0, 0, 1.75]),
    ],
)
def test_outputs_made_of_roundings_have_the_slope_0(f: Any, x: Any) -> None:
    report = check(f, np.array(x))
    assert report.verdict == "pass"
    assert "nan" not in str(report)


def test_outputs_as_small_as_roundings_need_their_derivatives() -> None:
    def scaled(x: Any) -> Any:
        return 1e-12 * x

    wrong = operation(scaled, x=lambda g: 0 * g)
    assert verdict(lambda x: np.stack([x, wrong(x)]), np.array(1.0)) != "pass"


def test_function_without_a_derivative_does_not_pass_for_being_even() -> None:
    def f(x: Any) -> Any:  # x sin(1/x): its central differences at 0 are exactly 0
        return np.where(x == 0, 0, x * np.sin(1 / x))

    assert verdict(f, np.array([0.0]), grad=np.zeros_like) == "inconclusive"


def test_function_without_a_derivative_anywhere_is_inconclusive() -> None:
    def weierstrass(x: Any) -> Any:
        return sum(0.5**k * np.cos(7**k * np.pi * x) for k in range(30))

    assert verdict(weierstrass, 0.37, grad=lambda x: 0.0) == "inconclusive"


@pytest.mark.parametrize("scale", [0.0, 1e-6, 1e-3])
def test_offset_that_hides_the_function_raises_no_false_alarm(scale: float) -> None:
    def f(x: Any) -> Any:
        return 1e9 + scale * np.sin(x)

    assert verdict(f, V, grad=lambda x: scale * np.cos(x)) != "fail"
    assert verdict(lambda x: 1e9 + scale * x.sin(), V) != "fail"


def test_kink_nearby_beside_a_large_offset_raises_no_false_alarm() -> None:
    # 1e6 p (1 - p) for p about 1/2, with a kink where the two are equal.
    x = np.array([-0.002883105088139163, -0.002694175180141411])
    assert verdict(lambda x: (1e3 * softmax(x * x.max())).prod(), x) != "fail"


@pytest.mark.parametrize(
    ("f", "df"),
    [(np.sin, np.cos), (np.exp, np.exp), (lambda x: x * x, lambda x: 2 * x)],
    ids=["sin", "exp", "square"],
)
def test_rounding_to_float32_inside_is_not_taken_for_float64(f: Function, df: Function) -> None:
    def rounding(x: Any) -> Any:
        return f(np.asarray(x, np.float32)).astype(np.float64)

    x = np.array([0.3, 1.2])
    report = check(rounding, x, grad=df)
    assert report.verdict != "fail"
    # If it is proven right, then not to the digits that float64 allows.
    assert report.verdict == "inconclusive" or report.inputs[0].precision > 1e-6
    assert verdict(rounding, x, grad=times(1.01, df)) == "fail"


def test_stairs_have_the_slope_0_of_their_treads() -> None:
    def stairs(x: Any) -> Any:
        return np.round(x, 3)

    assert verdict(stairs, np.array([0.12345]), grad=np.zeros_like) != "fail"
    assert verdict(stairs, np.array([0.12345]), grad=np.ones_like) != "pass"


# ---- Functions of Values get the same verdicts


@pytest.mark.parametrize(
    "f",
    [
        lambda x: x.sin(),
        lambda x: (x * x).sum(),
        lambda x: x.exp() / x.exp().sum(),
        lambda x: 1e-12 * x.tanh(),
        lambda x: 1e12 * x.tanh(),
        lambda x: (50 * x).exp(),
        lambda x: (1e4 * x).sin(),
        lambda x: (x.sin(), x.cos().sum()),
        lambda x: {"a": x * 2, "b": [x**3]},
        lambda x: x @ np.arange(6.0).reshape(3, 2),
        lambda x: x * 0,
        lambda x: np.sin(x),
    ],
)
def test_derivatives_of_functions_of_values_pass(f: Function) -> None:
    report = gradcheck(f, V)
    assert report
    assert report.verdict == "pass"
    assert not report.worst


@pytest.mark.parametrize("x", [0.5, np.float64(0.5), Value(0.5), [0.5], np.array([0.5]), [[0.5]]])
def test_numbers_lists_arrays_and_values_are_inputs(x: Any) -> None:
    assert gradcheck(lambda x: (x * x).sum(), x)
    assert verdict(lambda x: (x * x.detach()).sum(), x) == "fail"


def test_scalar_verdict_is_of_the_point_alone() -> None:
    assert gradcheck(math.exp, 2.0, grad=math.exp)
    report = check(lambda x: x * math.exp(x), 2.0, grad=math.exp)  # not (1 + x) exp x
    assert report.verdict == "fail"
    assert report.worst[0].numerical == pytest.approx(3 * math.exp(2))
