"""numerical_gradient, numerical_jacobian, numerical_jvp and numerical_hessian."""

import math
from collections import namedtuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_nn as tg
from tinygrad_nn import ShapeError, Value
from tinygrad_nn.testing.numerical import (
    numerical_gradient,
    numerical_hessian,
    numerical_jacobian,
    numerical_jvp,
)

EPS = float(np.finfo(np.float64).eps)
METHODS = ["central", "forward", "backward", "richardson", "complex"]
REAL_METHODS = METHODS[:-1]
# The errors to be expected, of f over the scale on which it bends.
ACCURACY = {
    "central": 1e-9,
    "forward": 1e-6,
    "backward": 1e-6,
    "richardson": 1e-11,
    "complex": 1e-14,
}

CURVES = {
    "sin": (np.sin, np.cos),
    "exp": (np.exp, np.exp),
    "cube": (lambda x: x**3 - 3 * x, lambda x: 3 * x**2 - 3),
    "witch": (lambda x: 1 / (1 + x**2), lambda x: -2 * x / (1 + x**2) ** 2),
    "log": (np.log, lambda x: 1 / x),
    "tanh": (np.tanh, lambda x: 1 / np.cosh(x) ** 2),
}
SMOOTH = pytest.mark.parametrize(("f", "slope"), CURVES.values(), ids=CURVES)


def random_points(count, seed=0):
    rng = np.random.default_rng(seed)
    return np.abs(rng.normal(size=count)) * 10 ** rng.uniform(-1.5, 0.7, count)


# ---- Gradients


@SMOOTH
@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("unit", [1e-12, 1e-5, 1.0, 1e12])
@pytest.mark.parametrize("height", [1e-12, 1e12])
def test_derivatives_at_every_scale_of_x_and_f(f, slope, method, unit, height):
    found = numerical_gradient(lambda x: height * f(x / unit), 0.7 * unit, method)
    off = abs(found * unit / height - slope(0.7))
    assert off <= ACCURACY[method] * (abs(slope(0.7)) + abs(f(0.7)))


@SMOOTH
@pytest.mark.parametrize("method", METHODS)
def test_the_error_covers_the_truth_and_is_not_far_from_it(f, slope, method):
    missed = 0
    for x in random_points(8):
        found, error = numerical_gradient(f, x, method, with_error=True)
        off, size = abs(found - slope(x)), abs(slope(x)) + abs(f(x) / x)
        missed += off > error + 4 * EPS * abs(slope(x))  # which has an error of its own
        assert error <= max(2 * off, ACCURACY[method] * size)
    assert missed == 0


@pytest.mark.parametrize("method", REAL_METHODS)
@pytest.mark.parametrize(
    ("f", "slope"),
    [
        (lambda x: float(np.sin(np.float32(x))), np.cos),
        (lambda x: np.sin(np.asarray(x, np.float32)), np.cos),
        (lambda x: (1e6 + math.sin(x)) - 1e6, math.cos),
        (lambda x: math.sin(x) + 1e-6 * math.sin(1e20 * x), math.cos),
        (lambda x: np.sin(1e4 * x), lambda x: 1e4 * np.cos(1e4 * x)),
    ],
    ids=["float32 inside", "float32", "cancellation", "noise", "fast"],
)
def test_the_error_covers_the_truth_of_rough_functions(f, slope, method):
    missed = 0
    for x in random_points(10):
        found, error = numerical_gradient(f, x, method, with_error=True)
        missed += abs(found - slope(x)) > error
    assert missed <= 1


@given(
    st.lists(st.floats(-2, 2), min_size=2, max_size=6),
    st.floats(0.1, 3),
    st.floats(-8, 8).map(lambda power: 10**power),
    st.sampled_from(METHODS),
)
def test_the_error_covers_the_truth_of_polynomials(coefficients, x, unit, method):
    f = np.polynomial.Polynomial(coefficients)
    found, error = numerical_gradient(lambda t: f(t / unit), x * unit, method, with_error=True)
    size = np.polynomial.Polynomial(np.abs(coefficients))(x)
    assert abs(found - f.deriv()(x) / unit) <= error + 10 * EPS * size / x / unit


@pytest.mark.parametrize(
    ("f", "slope"),
    [
        (lambda x: np.exp(50 * x), lambda x: 50 * np.exp(50 * x)),
        (lambda x: np.sin(1e4 * x), lambda x: 1e4 * np.cos(1e4 * x)),
        (lambda x: np.exp(-(((x - 1) / 1e-3) ** 2)) + x, lambda x: 1.0),
    ],
    ids=["exp 50x", "sin 1e4 x", "bump"],
)
def test_richardson_and_complex_follow_functions_that_bend_on_another_scale(f, slope):
    assert numerical_gradient(f, 1.0, "richardson") == pytest.approx(slope(1.0), rel=1e-8)
    assert numerical_gradient(f, 1.0, "complex") == pytest.approx(slope(1.0), rel=1e-13)


def test_richardson_finds_the_step_at_a_tiny_x():
    found, error = numerical_gradient(math.exp, 1e-12, "richardson", with_error=True)
    assert found == pytest.approx(1, rel=1e-11)
    assert error < 1e-10
    assert numerical_gradient(math.log, 1e-12, "richardson") == pytest.approx(1e12, rel=1e-10)


def test_the_error_says_that_the_step_of_central_is_bad_there():
    found, error = numerical_gradient(math.exp, 1e-12, with_error=True)
    assert abs(found - 1) <= error


@pytest.mark.parametrize(
    ("method", "distances"),
    [
        ("central", [EPS ** (1 / 3), -(EPS ** (1 / 3))]),
        ("forward", [EPS**0.5]),
        ("backward", [-(EPS**0.5)]),
    ],
)
@pytest.mark.parametrize(("x", "scale"), [(3.0, 3.0), (-1e-9, 1e-9), (0.0, 1.0), (1e12, 1e12)])
def test_steps_are_in_proportion_to_x(method, distances, x, scale):
    visited = []
    numerical_gradient(lambda t: visited.append(float(t)) or 1.0, x, method)
    assert visited[0] == x
    assert [t - x for t in visited[1:]] == pytest.approx([d * scale for d in distances], rel=1e-4)


def test_steps_of_small_elements_are_in_proportion_to_the_others():
    visited = []
    x = np.array([0.0, 1e-9, 2.0, 4.0, np.nan])
    numerical_gradient(lambda t: visited.append(t) or 1.0, x, "forward")
    steps = np.diag(np.stack(visited[1:])) - x
    np.testing.assert_allclose(steps[:4], EPS**0.5 * np.array([2, 0.02, 2, 4]), rtol=1e-6)


def test_steps_grow_with_the_rounding_of_f():
    visited = []
    numerical_gradient(lambda t: visited.append(t) or np.float32(1), 1.0, "forward")
    assert visited[1] - 1 == pytest.approx(2**-11.5, rel=1e-3)


def test_forward_and_backward_are_one_sided():
    h = EPS**0.5
    assert numerical_gradient(lambda x: x**2, 1.0, "forward") - 2 == pytest.approx(h)
    assert numerical_gradient(lambda x: x**2, 1.0, "backward") - 2 == pytest.approx(-h)


def test_the_distance_reached_is_what_is_divided_by():
    # 1e15 is known to 1/8 only, which is no power of the step.
    x = 1e15 + 1 / 3
    assert numerical_gradient(lambda t: 3 * (t - x), x) == 3
    assert numerical_gradient(lambda t: 3 * (t - x), x, "forward") == 3


# ---- Where there is no derivative


@pytest.mark.parametrize(
    ("method", "slope", "error"),
    [("central", 0.5, 1.5), ("richardson", 0.5, 1.5), ("forward", 2, 0), ("backward", -1, 0)],
)
def test_at_a_kink_the_error_reaches_both_slopes(method, slope, error):
    found = numerical_gradient(lambda x: max(2 * x, -x), 0.0, method, with_error=True)
    assert found == pytest.approx((slope, error), abs=1e-9)


@pytest.mark.parametrize(
    "f",
    [
        lambda x: float(x > 0),
        lambda x: np.sign(x),
        lambda x: float(x == 0),
        np.cbrt,
        np.sqrt,
        lambda x: x * np.nan,
        lambda x: np.inf,
        lambda x: np.sin(x) / x,
    ],
    ids=["step", "sign", "lone point", "cube root", "square root", "nan", "inf", "hole"],
)
def test_where_there_is_no_derivative_it_is_nan_and_its_error_infinite(f):
    found, error = numerical_gradient(f, 0.0, "richardson", with_error=True)
    assert np.isnan(found)
    assert error == np.inf
    for method in ("central", "forward", "backward"):
        assert numerical_gradient(f, 0.0, method, with_error=True)[1] == np.inf


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("x", [np.nan, np.inf, -np.inf])
def test_no_derivative_where_x_is_not_finite(method, x):
    assert np.isnan(numerical_gradient(lambda t: t * 0 + np.nan, x, method))
    assert np.isnan(numerical_gradient(lambda t: t * 2, np.array([x, 1.0, x])[0], method))


@pytest.mark.parametrize("method", METHODS)
def test_elements_that_are_not_finite_do_not_spoil_the_others(method):
    x = np.array([np.nan, 3.0, np.inf])
    found = numerical_gradient(lambda t: t[1] ** 2, x, method)
    assert found[1] == pytest.approx(6, rel=1e-6)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("hole", [np.nan, np.inf])
def test_no_derivative_where_f_is_not_finite_at_x_alone(method, hole):
    found = numerical_gradient(lambda x: x * (hole if x == 1 else 2.0), 1.0, method)
    assert np.isnan(found)


# ---- What f may do


def test_errors_of_f_beside_x_count_as_nan():
    assert np.isnan(numerical_gradient(math.sqrt, 0.0))
    assert numerical_gradient(math.sqrt, 1e-20, "richardson") == pytest.approx(5e9, rel=1e-9)
    at_0 = numerical_gradient(lambda x: 1.0 if x == 0 else 1 / math.floor(x), 0.0, "backward")
    assert at_0 > 1e7  # f(-h) = -1
    assert np.isnan(numerical_gradient(lambda x: 1.0 if x == 0 else 1 // int(x), 0.0))


@pytest.mark.parametrize("error", [ValueError, ZeroDivisionError, KeyError])
def test_errors_of_f_at_x_are_passed_on(error):
    def f(x):
        raise error("from f")

    with pytest.raises(error, match="from f"):
        numerical_gradient(f, 1.0)


def test_mistakes_of_f_beside_x_are_passed_on():
    with pytest.raises(KeyError):
        numerical_gradient(lambda x: {1.0: 2.0}[float(x)], 1.0)


@pytest.mark.parametrize("method", REAL_METHODS)
def test_no_floating_point_warning_comes_out(method):
    f = {
        "log": lambda x: np.sum(np.log(x)),
        "exp": lambda x: np.sum(np.exp(500 * x)),
        "divide": lambda x: np.sum(1 / (x - x)),
    }
    for each in f.values():
        numerical_gradient(each, np.array([1e-30, 1.0, 1.4]), method, with_error=True)


@pytest.mark.parametrize("method", METHODS)
def test_f_may_change_its_argument(method):
    def f(x):
        x *= 2
        x += 1
        return np.sum(x**2)

    x = np.array([1.0, 2.0])
    np.testing.assert_allclose(numerical_gradient(f, x, method), [12, 20], rtol=1e-6)
    np.testing.assert_array_equal(x, [1, 2])


@pytest.mark.parametrize("method", REAL_METHODS)
def test_f_may_keep_its_argument_and_return_the_same_array_each_time(method):
    kept, out = [], np.empty(2)

    def f(x):
        kept.append(x)
        np.multiply(x, kept[0], out=out)
        return out

    jacobian = numerical_jacobian(f, np.array([1.0, 2.0]), method)
    np.testing.assert_allclose(jacobian, np.diag([1, 2]), rtol=1e-6)
    np.testing.assert_array_equal(kept[0], [1, 2])
    assert len({id(x) for x in kept}) == len(kept)


def test_f_may_return_its_argument():
    np.testing.assert_allclose(numerical_jacobian(lambda x: x, np.ones(2)), np.eye(2))


# ---- Structures


def test_the_gradient_has_the_structure_of_x():
    Layer = namedtuple("Layer", "weight bias")
    x = {"layers": [Layer(np.array([[1.0, 2.0]]), 3.0)], "scale": (4.0, np.float32(5))}

    def f(x):
        layer = x["layers"][0]
        return np.sum(layer.weight**2) * layer.bias + x["scale"][0] * x["scale"][1]

    found = numerical_gradient(f, x, "richardson")
    layer = found["layers"][0]
    assert type(layer) is Layer
    np.testing.assert_allclose(layer.weight, [[6, 12]])
    assert [layer.bias, *found["scale"]] == pytest.approx([5, 5, 4])
    assert layer.weight.dtype == np.float64
    assert {type(part) for part in (layer.bias, *found["scale"])} == {np.float64}


def test_numbers_come_to_f_as_numbers_and_arrays_as_arrays():
    seen = []
    x = (1, 2.0, np.float32(3), np.array(4.0), np.ones(2, np.float32), [5, 6], Value(7.0))
    numerical_gradient(lambda x: seen.append(x) or 1.0, x)
    assert [type(part) for part in seen[0]] == (
        3 * [np.float64] + 3 * [np.ndarray] + [Value]  # type: ignore[list-item]
    )
    assert [part.dtype for part in seen[0]] == 7 * [np.float64]
    assert [np.shape(part) for part in seen[0]] == [(), (), (), (), (2,), (2,), ()]


def test_functions_of_values():
    x = Value([0.5, -1.0, 2.0])
    found = numerical_gradient(lambda x: (tg.tanh(x) * x).sum(), x, "richardson")
    want = tg.grad(lambda x: (tg.tanh(x) * x).sum())(x.data)
    np.testing.assert_allclose(found, want, rtol=1e-10)
    assert type(found) is np.ndarray
    assert x.grad is None


@pytest.mark.parametrize("requires_grad", [True, False])
def test_values_come_to_f_as_they_are(requires_grad):
    seen = []
    x = Value([1.0], requires_grad=requires_grad)
    numerical_gradient(lambda x: seen.append(x) or x.sum(), x)
    assert {value.requires_grad for value in seen} == {requires_grad}
    assert all(value is not x for value in seen)


def test_f_may_differentiate():
    # d/dx |d/dx x^3|^2 = d/dx 9 x^4
    def f(x):
        y = (x**3).sum()
        y.backward()
        return (x.grad**2).sum()

    np.testing.assert_allclose(numerical_gradient(f, Value([1.0, 2.0])), [36, 288])
    gradient = tg.grad(lambda x: (x**3).sum())
    np.testing.assert_allclose(
        numerical_gradient(lambda x: np.sum(gradient(x) ** 2), np.array([1.0, 2.0])), [36, 288]
    )


def test_float32_arrays_are_probed_in_float64():
    x = np.array([0.5, 1.5], np.float32)
    found = numerical_gradient(lambda x: np.sum(np.sin(x)), x, "richardson")
    np.testing.assert_allclose(found, np.cos(x.astype(np.float64)), rtol=1e-11)


@pytest.mark.parametrize("x", [np.zeros((0, 3)), {}, (), {"a": [], "b": ()}])
def test_nothing_to_differentiate_by_is_fine(x):
    found, error = numerical_gradient(lambda x: 1.0, x, with_error=True)
    assert type(found) is type(error) is type(x)
    if isinstance(x, np.ndarray):
        assert found.shape == x.shape


@pytest.mark.parametrize("f", [lambda x: 3, lambda x: np.int8(3), lambda x: Value(3.0)])
def test_a_constant_has_gradient_0(f):
    for method in REAL_METHODS:
        found = numerical_gradient(f, np.ones(2), method)
        np.testing.assert_array_equal(found, [0, 0])


# ---- Mistakes


@pytest.mark.parametrize(
    "x", [np.arange(3), np.int64(3), True, np.ones(2, bool), Value([1, 2], dtype=int)]
)
def test_integers_and_booleans_have_no_derivative(x):
    with pytest.raises(TypeError, match=r"x\['w'\] is (int64|bool), which .* pass floats"):
        numerical_gradient(lambda x: 1.0, {"w": x})


@pytest.mark.parametrize(
    ("x", "what"),
    [(1j, "complex128"), (np.ones(2, complex), "complex128"), ("x", "str"), (None, "NoneType")],
)
def test_what_is_no_real_number_is_refused(x, what):
    with pytest.raises(TypeError, match=rf"x\[1\] is {what}, not a real number"):
        numerical_gradient(lambda x: 1.0, (1.0, x))


def test_lists_of_different_lengths_are_refused():
    with pytest.raises(ShapeError, match="x is a list of lists of different lengths"):
        numerical_gradient(lambda x: 1.0, [[1.0], [1.0, 2.0]])


@pytest.mark.parametrize(
    ("result", "what"),
    [
        ("no", "str"),
        (None, "NoneType"),
        (1j, "complex128"),
        (True, "bool"),
        (np.array("a"), "ndarray"),
    ],
)
def test_a_result_that_is_no_real_number_is_refused(result, what):
    with pytest.raises(TypeError, match=rf"f\(x\) is {what}, not a real number"):
        numerical_gradient(lambda x: result, 1.0)


def test_a_gradient_is_of_one_number():
    with pytest.raises(ShapeError, match=r"f returned shape \(2,\), not one number"):
        numerical_gradient(lambda x: x, np.ones(2))
    with pytest.raises(ShapeError, match=r"f returned shape \(1,\), not one number"):
        numerical_hessian(lambda x: x, Value([1.0]))
    with pytest.raises(TypeError, match="f returned tuple, not a number"):
        numerical_gradient(lambda x: (x, x), 1.0)


@pytest.mark.parametrize("x", [1.0, np.ones(0)])
def test_an_unknown_method_is_refused(x):
    with pytest.raises(ValueError, match="'centre' is none of backward, central, complex"):
        numerical_gradient(np.sum, x, "centre")


# ---- The complex step


def test_the_complex_step_is_exact():
    x = random_points(50)
    found, error = numerical_gradient(
        lambda x: np.sum(np.exp(np.sin(x))), x, "complex", with_error=True
    )
    want = np.exp(np.sin(x)) * np.cos(x)
    np.testing.assert_allclose(found, want, rtol=1e-15, atol=1e-16)
    assert (error < 1e-14 * np.exp(1)).all()


@pytest.mark.parametrize(
    "f",
    [
        lambda x: np.sum(np.abs(x)),
        lambda x: math.exp(x[0]),
        lambda x: np.sum(np.ones(2) * x.astype(float)) + x[0],
        lambda x: np.add(x, 0, out=np.zeros(2))[0],
        lambda x: float(x[0]) + x[1],
        lambda x: 1.0,
    ],
    ids=["abs", "math", "astype", "out", "float", "constant"],
)
def test_a_function_that_loses_the_imaginary_part_is_refused(f):
    with pytest.raises(TypeError, match="'complex' needs an analytic f that takes complex"):
        numerical_gradient(f, np.ones(2), "complex")


def test_a_function_that_is_not_analytic_has_a_large_error():
    found, error = numerical_gradient(
        lambda x: np.sum(x * np.conj(x)), np.array([1.0, 2.0]), "complex", with_error=True
    )
    np.testing.assert_array_equal(found, 0)
    np.testing.assert_allclose(error, [2, 4])


def test_values_are_real():
    with pytest.raises(TypeError, match="Values are real"):
        numerical_gradient(lambda x: x * x, Value(1.0), "complex")


# ---- Jacobians


@pytest.mark.parametrize("method", METHODS)
def test_the_jacobian_of_a_product_with_a_matrix(method):
    a = np.arange(6.0).reshape(2, 3)
    found = numerical_jacobian(lambda x: a @ x, np.ones((3, 4)), method)
    assert found.shape == (2, 4, 3, 4)
    np.testing.assert_allclose(found, np.einsum("ij,kl->ikjl", a, np.eye(4)), atol=1e-6)


def test_the_jacobian_of_nested_structures():
    x = {"a": 2.0, "b": np.array([1.0, 3.0])}
    found = numerical_jacobian(lambda x: (x["a"] * x["b"], [{"s": x["b"].sum()}]), x)
    assert type(found) is tuple
    assert type(found[1]) is list
    np.testing.assert_allclose(found[0]["a"], [1, 3], rtol=1e-9)
    np.testing.assert_allclose(found[0]["b"], 2 * np.eye(2), rtol=1e-9)
    assert found[1][0]["s"]["a"] == 0
    assert type(found[1][0]["s"]["a"]) is np.float64
    np.testing.assert_allclose(found[1][0]["s"]["b"], [1, 1], rtol=1e-9)


def test_errors_of_a_jacobian_are_those_of_its_elements():
    found, error = numerical_jacobian(
        lambda x: np.array([np.sin(x[0]), abs(x[1]), float(x[0] > 1)]),
        np.array([1.0, 0.0]),
        "richardson",
        with_error=True,
    )
    np.testing.assert_allclose(error, [[0, 0], [0, 1], [np.inf, 0]], atol=1e-10)
    np.testing.assert_allclose(found, [[math.cos(1), 0], [0, 0], [np.nan, 0]], atol=1e-10)


def test_the_jacobian_of_values():
    x = Value([1.0, 2.0, 3.0])
    found = numerical_jacobian(lambda x: tg.cumsum(x * x), x)
    np.testing.assert_allclose(found, np.tril(np.ones((3, 3))) * [2, 4, 6], rtol=1e-9)


@pytest.mark.parametrize("empty", [np.ones((2, 0)), np.ones(0)])
def test_the_jacobian_of_and_by_nothing(empty):
    assert numerical_jacobian(lambda x: x, empty).shape == empty.shape * 2
    assert numerical_jacobian(lambda x: np.ones(3), empty).shape == (3, *empty.shape)
    assert numerical_jacobian(lambda x: empty, np.ones(3)).shape == (*empty.shape, 3)


def test_shapes_of_the_result_must_not_change():
    with pytest.raises(ShapeError, match=r"f\(x\) \(3,\) near x, f\(x\) \(2,\) at x"):
        numerical_jacobian(lambda x: np.ones(2 if x == 1 else 3), 1.0)
    with pytest.raises(ShapeError, match=r"f\(x\)\['b'\] \(\) near x, f\(x\)\['a'\] \(\) at x"):
        numerical_jacobian(lambda x: {"a" if x == 1 else "b": x}, 1.0)


# ---- Products with a direction


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("unit", [1e-9, 1.0, 1e9])
@pytest.mark.parametrize("length", [1e-9, 1.0, 1e9])
def test_the_jvp_is_the_jacobian_times_the_direction(method, unit, length):
    rng = np.random.default_rng(0)
    a, x, v = rng.normal(size=(4, 3)), rng.normal(size=3), rng.normal(size=3)
    found = numerical_jvp(lambda x: np.sin(a @ x / unit), x * unit, v * length, method)
    want = np.cos(a @ x) * (a @ v) * length / unit
    np.testing.assert_allclose(found, want, rtol=0, atol=10 * ACCURACY[method] * length / unit)


def test_the_jvp_of_nested_structures():
    x = {"a": 2.0, "b": np.array([1.0, 3.0])}
    v = {"b": [10, 20], "a": 100}
    found, error = numerical_jvp(
        lambda x: (x["a"] * x["b"], x["b"]), x, v, "richardson", with_error=True
    )
    np.testing.assert_allclose(found[0], [120, 340])
    np.testing.assert_allclose(found[1], [10, 20])
    assert (np.stack(error) < 1e-9).all()


def test_the_jvp_of_a_model_takes_few_calls():
    calls = []
    x = Value(np.linspace(-1, 1, 10_000))
    numerical_jvp(lambda x: calls.append(1) or tg.tanh(x).sum(), x, np.ones(10_000))
    assert len(calls) == 3


@pytest.mark.parametrize("method", METHODS)
def test_no_direction_no_change(method):
    found, error = numerical_jvp(np.cumsum, np.ones(2), np.zeros(2), method, with_error=True)
    np.testing.assert_array_equal(found, [0, 0])
    np.testing.assert_array_equal(error, [0, 0])


def test_one_direction_does_not_touch_other_elements():
    seen = []
    x = np.array([0.1, 0.2, 0.3])
    numerical_jvp(lambda x: seen.append(x) or x, x, np.array([0, 1.0, 0]), "richardson")
    moved = np.stack(seen) != x
    assert moved[1:, 1].all()
    assert not moved[:, [0, 2]].any()


@pytest.mark.parametrize("v", [np.ones(3), 1.0, {"a": np.ones(2)}, np.ones((1, 2))])
def test_a_direction_of_another_shape_is_refused(v):
    with pytest.raises(ShapeError, match=r"numerical_jvp: v.* does not fit x \(2,\)"):
        numerical_jvp(np.cumsum, np.ones(2), v)


# ---- Second derivatives


def rosenbrock(x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def hessian_of_rosenbrock(x):
    beside = np.diag(-400 * x[:-1], 1)
    diagonal = np.zeros(len(x))
    diagonal[:-1] = 1200 * x[:-1] ** 2 - 400 * x[1:] + 2
    diagonal[1:] += 200
    return np.diag(diagonal) + beside + beside.T


def log_sum_exp(x):
    return np.log(np.sum(np.exp(x)))


def hessian_of_log_sum_exp(x):
    p = np.exp(x - log_sum_exp(x))
    return np.diag(p) - np.outer(p, p)


SURFACES = pytest.mark.parametrize(
    ("f", "hessian"),
    [(rosenbrock, hessian_of_rosenbrock), (log_sum_exp, hessian_of_log_sum_exp)],
    ids=["rosenbrock", "log-sum-exp"],
)


@SURFACES
@pytest.mark.parametrize("unit", [1e-6, 1e-3, 1.0, 1e3, 1e6])
def test_hessians_at_every_scale(f, hessian, unit):
    x = np.random.default_rng(0).normal(size=3)
    found, error = numerical_hessian(lambda x: f(x / unit), x * unit, with_error=True)
    want = hessian(x) / unit**2
    off = np.abs(found - want)
    assert off.max() < 1e-9 * np.abs(want).max()
    assert (off <= 3 * error + 1e-14 * np.abs(want)).all()
    assert error.max() < 1e-7 * np.abs(want).max()
    np.testing.assert_array_equal(found, found.T)


@pytest.mark.parametrize("x", [1e-12, 1e-6, 0.0])
def test_a_hessian_at_a_tiny_x(x):
    found = numerical_hessian(lambda x: np.exp(x[0]) * np.cos(x[1]), np.array([x, 2 * x]))
    np.testing.assert_allclose(found, [[1, 0], [0, -1]], atol=3e-6)
    want = np.exp(x) * np.array([[np.cos(2 * x), -np.sin(2 * x)], [-np.sin(2 * x), -np.cos(2 * x)]])
    np.testing.assert_allclose(found, want, atol=1e-10)


@given(
    st.lists(st.floats(-2, 2), min_size=3, max_size=6),
    st.floats(0.1, 3),
    st.floats(-6, 6).map(lambda power: 10**power),
)
def test_the_error_covers_the_second_derivative_of_polynomials(coefficients, x, unit):
    f = np.polynomial.Polynomial(coefficients)
    found, error = numerical_hessian(lambda t: f(t / unit), x * unit, with_error=True)
    size = np.polynomial.Polynomial(np.abs(coefficients))(x) / (x * unit) ** 2
    assert abs(found - f.deriv(2)(x) / unit**2) <= error + 10 * EPS * size
    assert error <= 1e-8 * size


def test_the_hessian_of_nested_structures():
    x = {"a": 2.0, "b": np.array([1.0, 3.0])}
    found = numerical_hessian(lambda x: x["a"] ** 2 * np.prod(x["b"]), x)
    assert found["a"]["a"] == pytest.approx(6)
    assert type(found["a"]["a"]) is np.float64
    np.testing.assert_allclose(found["a"]["b"], [12, 4])
    np.testing.assert_allclose(found["b"]["a"], [12, 4])
    np.testing.assert_allclose(found["b"]["b"], [[0, 4], [4, 0]], atol=1e-9)


def test_the_hessian_of_a_function_of_a_matrix():
    x = np.random.default_rng(1).normal(size=(2, 2))
    found = numerical_hessian(np.linalg.det, x)
    assert found.shape == (2, 2, 2, 2)
    want = np.zeros((2, 2, 2, 2))
    want[0, 0, 1, 1] = want[1, 1, 0, 0] = 1
    want[0, 1, 1, 0] = want[1, 0, 0, 1] = -1
    np.testing.assert_allclose(found, want, atol=1e-9)


def test_the_hessian_of_a_function_of_values():
    found = numerical_hessian(lambda x: (x * x * x).sum(), Value([1.0, 2.0]))
    np.testing.assert_allclose(found, [[6, 0], [0, 12]], atol=1e-8)


def test_the_hessian_of_a_linear_function_is_0():
    found, error = numerical_hessian(lambda x: 3 * x[0] - x[1], np.ones(2), with_error=True)
    np.testing.assert_allclose(found, 0, atol=1e-10)
    assert (error < 1e-9).all()


def test_no_second_derivative_at_a_kink_or_jump():
    for f in (abs, lambda x: float(x > 0)):
        found, error = numerical_hessian(f, 0.0, with_error=True)
        assert np.isnan(found)
        assert error == np.inf


def test_one_input_does_not_matter():
    np.testing.assert_array_equal(numerical_hessian(np.sum, np.ones(0)), np.zeros((0, 0)))
