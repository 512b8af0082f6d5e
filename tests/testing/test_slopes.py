"""The engine of the numerical derivatives: slopes along a line, which know their error."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_nn.testing._slopes import CENTRE, LEFT, RIGHT, Search, Slopes

EPS = float(np.finfo(np.float64).eps)
KINDS = pytest.mark.parametrize("kind", [CENTRE, RIGHT, LEFT], ids=["centre", "right", "left"])

CURVES = {
    "sin": (np.sin, np.cos),
    "exp": (np.exp, np.exp),
    "cube": (lambda x: x**3 - 3 * x, lambda x: 3 * x**2 - 3),
    "witch": (lambda x: 1 / (1 + x**2), lambda x: -2 * x / (1 + x**2) ** 2),
    "log": (lambda x: np.log(np.abs(x)), lambda x: 1 / x),
}
SMOOTH = pytest.mark.parametrize(("f", "slope"), CURVES.values(), ids=CURVES)


def search(f, x):
    """A Search along the axis of a function of one float, which returns one or several."""

    def line(distance):
        moved = x + distance
        return moved - x, np.atleast_1d(f(moved)).astype(float)

    return Search(line, np.atleast_1d(f(x)).astype(float), (abs(x) or 1.0, 1.0), EPS)


def slopes(f, x) -> Slopes:
    """What all windows together say of f at x."""
    found = search(f, x)
    with np.errstate(all="ignore"):
        found.measure_noise()
        for step in found.steps():
            found.look(step)
        return found.best()


def random_points(count, seed=0):
    rng = np.random.default_rng(seed)
    return rng.normal(size=count) * 10 ** rng.uniform(-1.5, 0.7, count)


@KINDS
@SMOOTH
def test_the_error_of_a_smooth_function_is_small_and_covers_the_truth(f, slope, kind):
    for x in random_points(10):
        found = slopes(f, x)
        size = abs(slope(x)) + abs(f(x) / x)
        assert abs(found.slope[kind, 0] - slope(x)) <= found.error[kind, 0] + 4 * EPS * size
        assert found.error[kind, 0] <= (1e-10 if kind == CENTRE else 1e-8) * size


@SMOOTH
@pytest.mark.parametrize("unit", [1e-12, 1e-5, 1e12])
@pytest.mark.parametrize("height", [1e-12, 1e12])
def test_slopes_do_not_depend_on_the_units_of_x_and_f(f, slope, unit, height):
    found = slopes(lambda x: height * f(x / unit), 0.7 * unit)
    want = slope(0.7) * height / unit
    assert found.slope[CENTRE, 0] == pytest.approx(want, rel=1e-11)
    assert found.error[CENTRE, 0] < 1e-10 * abs(want)


@pytest.mark.parametrize(
    ("f", "slope"),
    [
        (lambda x: np.exp(50 * x), lambda x: 50 * np.exp(50 * x)),
        (lambda x: np.sin(1e4 * x), lambda x: 1e4 * np.cos(1e4 * x)),
        (lambda x: np.exp(-(((x - 1) / 1e-3) ** 2)) + x, lambda x: 1.0),
        (lambda x: np.tanh(1e6 * (x - 1)), lambda x: 1e6),
    ],
    ids=["exp 50x", "sin 1e4 x", "bump", "steep tanh"],
)
def test_functions_that_bend_on_a_scale_of_their_own_are_followed(f, slope):
    found = slopes(f, 1.0)
    assert found.slope[CENTRE, 0] == pytest.approx(slope(1.0), rel=1e-8)
    assert found.error[CENTRE, 0] <= 1e-7 * abs(slope(1.0))


@pytest.mark.parametrize("x", [1e-12, 1e-6, 1e6])
def test_a_function_that_bends_on_the_scale_of_1_is_followed_at_any_x(x):
    found = slopes(np.cos, x)
    assert found.slope[CENTRE, 0] == pytest.approx(-math.sin(x), abs=1e-9)
    assert found.error[CENTRE, 0] < 1e-8


@given(st.floats(-5, 5), st.floats(-5, 5))
def test_a_kink_has_a_slope_on_either_side(left, right):
    found = slopes(lambda t: (left if t < 1 else right) * (t - 1), 1.0)
    want = [(left + right) / 2, right, left, right - left]
    np.testing.assert_allclose(found.slope[:, 0], want, rtol=1e-12, atol=1e-13)
    assert found.error.max() < 1e-11 * (abs(left) + abs(right)) + 1e-300
    assert found.kink[0] == (abs(right - left) > 1e-10 * (abs(left) + abs(right)))
    assert not found.jump[0]
    assert not found.unbounded[0]


@pytest.mark.parametrize("at", [1e-3, 1e-6, -1e-6, 1e-9])
def test_a_kink_nearby_is_told_from_one_at_the_point(at):
    found = slopes(lambda t: max(t - 1 - at, 0.0), 1.0)
    want = 1.0 if at < 0 else 0.0
    for kind in (CENTRE, RIGHT, LEFT):
        assert found.slope[kind, 0] == pytest.approx(want, abs=1e-5)
        assert found.error[kind, 0] < 1e-4


@pytest.mark.parametrize(
    "f",
    [
        lambda t: float(t > 1),
        lambda t: float(t >= 1) + math.sin(t),
        lambda t: float(t == 1),
        lambda t: 1e-3 * math.copysign(1, t - 1) + t**2,
    ],
    ids=["step", "step on a curve", "lone point", "small step"],
)
def test_a_jump_is_seen(f):
    assert slopes(f, 1.0).jump[0]


@pytest.mark.parametrize(
    "f",
    [np.cbrt, lambda t: np.sign(t) * np.sqrt(abs(t)), lambda t: np.sqrt(abs(t))],
    ids=["cube root", "signed square root", "cusp"],
)
def test_a_vertical_tangent_is_seen(f):
    found = slopes(f, 0.0)
    assert found.unbounded[0]
    assert not found.jump[0]


@pytest.mark.parametrize("f", [np.sin, abs, lambda t: 1e-9 * t, np.tanh, lambda t: t**3])
def test_nothing_else_is_seen_in_continuous_functions(f):
    for x in (0.0, 0.3, -2.0, 1e-8):
        found = slopes(f, x)
        assert not found.jump[0]
        assert not found.unbounded[0]
        assert found.kink[0] == (f is abs and x == 0)


ROUGH = {
    "float32 inside": (lambda x: float(np.sin(np.float32(x))), np.cos),
    "a large number subtracted": (lambda x: (1e6 + math.sin(x)) - 1e6, math.cos),
    "random noise": (lambda x: math.sin(x) + 1e-6 * math.sin(1e20 * x), math.cos),
    "rounded to 9 digits": (lambda x: round(math.sin(x), 9), math.cos),
}


@pytest.mark.parametrize(("f", "slope"), ROUGH.values(), ids=ROUGH)
def test_the_error_covers_the_noise_of_a_rough_function(f, slope):
    missed, useless = 0, 0
    for x in random_points(60):
        found = slopes(f, x)
        missed += abs(found.slope[CENTRE, 0] - slope(x)) > 4 * found.error[CENTRE, 0]
        useless += found.error[CENTRE, 0] > 1e-3 * (abs(slope(x)) + abs(f(x) / x))
    assert missed <= 1
    assert useless <= 6


def test_a_function_that_is_constant_is_flat():
    found = slopes(lambda x: 7.0, 1.0)
    assert found.flat[0]
    assert (found.slope == 0).all()
    assert not slopes(lambda x: 7 + max(x - 1, 0), 1.0).flat[0]


def test_outputs_are_judged_one_by_one():
    found = slopes(lambda x: [np.sin(x), abs(x - 1), float(x > 1), np.sin(1e4 * x), 3.0], 1.0)
    assert found.slope[CENTRE, 0] == pytest.approx(math.cos(1), rel=1e-11)
    assert found.slope[RIGHT, 1] == pytest.approx(1)
    assert found.slope[CENTRE, 3] == pytest.approx(1e4 * math.cos(1e4), rel=1e-8)
    np.testing.assert_array_equal(found.jump, [False, False, True, False, False])
    np.testing.assert_array_equal(found.flat, [False, False, False, False, True])


def test_where_f_is_defined_on_one_side_only_that_side_has_a_slope():
    found = slopes(lambda x: x**1.5, np.float64(0.0))
    assert found.slope[RIGHT, 0] == pytest.approx(0, abs=1e-4)
    assert np.isfinite(found.error[RIGHT, 0])
    assert np.isinf(found.error[[CENTRE, LEFT], 0]).all()


def test_nothing_is_known_where_f_is_nan():
    found = slopes(lambda x: np.nan, 1.0)
    assert not np.isfinite(found.error).any()


def test_infinities_far_away_do_no_harm():
    found = slopes(lambda x: np.exp(np.exp(x)), 1.0)
    assert found.slope[CENTRE, 0] == pytest.approx(math.exp(math.e + 1), rel=1e-10)


def test_nothing_is_known_before_a_window_is_looked_at():
    assert np.isinf(search(np.sin, 1.0).best().error).all()


def test_a_window_as_wide_as_another_tells_nothing_new():
    found = search(np.sin, 1.0)
    assert found.look(0.01)
    assert not found.look(0.03)
    assert found.look(0.1)
    assert [window.step for window in found.windows] == [0.01, 0.1]


def test_a_step_that_does_not_move_x_is_refused():
    found = search(np.sin, 1e20)
    assert not found.look(1.0)
    assert found.windows == []


@pytest.mark.parametrize("x", [1e-12, 1e-3, 1.0, 1e9])
def test_steps_start_at_the_scales_of_x_and_go_outwards(x):
    steps = [*search(np.sin, x).steps(0.01)]
    assert steps[:2] == pytest.approx([0.01 * x, 0.01])
    assert min(steps) < 1e-13 * x
    assert max(steps) > 1e3 * max(x, 1)
    for at, step in enumerate(steps[2:], start=2):
        assert step in steps[at:]  # each only once
        assert min(abs(math.log(step / other)) for other in steps[:at]) < 1.01 * math.log(16)


@given(
    st.lists(st.floats(-2, 2), min_size=2, max_size=6),
    st.floats(0.1, 3),
    st.floats(-8, 8).map(lambda power: 10**power),
)
def test_the_slope_of_a_polynomial_is_within_its_error(coefficients, x, unit):
    f = np.polynomial.Polynomial(coefficients)
    found = slopes(lambda t: f(t / unit), x * unit)
    size = np.polynomial.Polynomial(np.abs(coefficients))(x)
    for kind in (CENTRE, RIGHT, LEFT):
        off = abs(found.slope[kind, 0] - f.deriv()(x) / unit)
        assert off <= found.error[kind, 0] + 20 * EPS * size / x / unit
