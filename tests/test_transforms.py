"""tg.grad and tg.value_and_grad."""

import math
from typing import Any

import numpy as np
import pytest

import tinygrad_nn as tg
from tinygrad_nn import ShapeError, Value


def test_grad_is_the_derivative() -> None:
    gradient = tg.grad(lambda x: (x**3).sum())(np.array([1.0, 2.0]))
    assert type(gradient) is np.ndarray
    np.testing.assert_allclose(gradient, [3, 12])
    assert type(tg.grad(lambda x: x**3)(2.0)) is np.float64


def test_value_and_grad_gives_both() -> None:
    value, gradient = tg.value_and_grad(lambda x: x * x)(3.0)
    assert (value, gradient) == (9, 6)
    assert type(value) is np.float64


@pytest.mark.parametrize("x", [0.0, 0.3, -1.2])
def test_derivatives_of_tanh_to_the_fourth_order(x: float) -> None:
    t = math.tanh(x)
    closed = [
        t,
        1 - t**2,
        -2 * t * (1 - t**2),
        (1 - t**2) * (6 * t**2 - 2),
        (1 - t**2) * (16 * t - 24 * t**3),
    ]
    f = tg.tanh
    for want in closed:
        assert float(f(x)) == pytest.approx(want, rel=1e-12, abs=1e-14)
        f = tg.grad(f)


def test_inner_and_outer_variables_are_not_confused() -> None:
    # d/dx (x d/dy (x + y)) = d/dx x = 1
    assert tg.grad(lambda x: x * tg.grad(lambda y: x + y)(1.0))(1.0) == 1
    # d/dx (x d/dy (x y)) = d/dx x^2 = 2 x, at y = 2
    assert tg.grad(lambda x: x * tg.grad(lambda y: x * y)(2.0))(5.0) == 10
    # The inner y is x itself: d/dx (x [d/dy y x]_{y=x}) = 2 x
    assert tg.grad(lambda x: x * tg.grad(lambda y: y * x)(x))(5.0) == 10
    # d/dx [d/dy y^2 x]_{y=x} = d/dx 2 x^2
    assert tg.grad(lambda x: tg.grad(lambda y: y * y * x)(x))(5.0) == 20


def test_mixed_derivative_of_three_nested_closures() -> None:
    f = lambda x, y, z: x**2 * y**3 * z**4  # noqa: E731
    mixed = tg.grad(
        lambda x: tg.grad(lambda y: tg.grad(lambda z: f(x, y, z))(5.0))(3.0),
    )
    assert float(mixed(2.0)) == pytest.approx(2 * 2 * 3 * 9 * 4 * 125)


def test_gradient_of_what_does_not_depend_is_zero() -> None:
    assert tg.grad(lambda x: 3.0)(2.0) == 0
    np.testing.assert_array_equal(
        tg.grad(lambda x: Value(3.0) * 2)(np.ones((2, 3))), np.zeros((2, 3))
    )
    first, second = tg.grad(lambda x, y: (x * x).sum(), argnums=(0, 1))(np.ones(2), np.ones(3))
    np.testing.assert_array_equal(second, np.zeros(3))
    np.testing.assert_array_equal(first, [2, 2])


def test_second_derivative_of_a_linear_function_is_zero() -> None:
    assert tg.grad(tg.grad(lambda x: 3 * x))(2.0) == 0
    np.testing.assert_array_equal(
        tg.grad(lambda x: tg.grad(lambda x: (2 * x).sum())(x).sum())(np.ones(3)), np.zeros(3)
    )


def test_argnums_choose_arguments() -> None:
    f = lambda x, y, z: (x * y**2 * z**3).sum()  # noqa: E731
    x, y, z = 2.0, 3.0, 5.0
    assert tg.grad(f)(x, y, z) == 9 * 125
    assert tg.grad(f, 1)(x, y, z) == 2 * 2 * 3 * 125
    assert tg.grad(f, -1)(x, y, z) == 2 * 9 * 3 * 25
    several = tg.grad(f, argnums=(2, 0))(x, y, z)
    assert isinstance(several, tuple)
    assert several == (2 * 9 * 3 * 25, 9 * 125)
    assert tg.grad(f, argnums=(1,))(x, y, z) == (1500,)
    assert tg.grad(f, argnums=[0])(x, y, z) == (9 * 125,)


def test_argnums_out_of_range_are_an_error() -> None:
    with pytest.raises(TypeError, match="argnums"):
        tg.grad(lambda x: x, argnums=1)(1.0)


def test_same_array_in_two_arguments_is_two_variables() -> None:
    x = Value(3.0)
    assert tg.grad(lambda a, b: a * b)(x, x).data == 3
    assert x.grad is None


def test_other_arguments_and_keywords_are_passed_as_they_are() -> None:
    def f(x: Value, labels: Any, *, scale: float) -> Value:
        assert isinstance(x, Value)
        assert type(labels) is np.ndarray
        return (x[labels] * scale).sum()

    np.testing.assert_array_equal(
        tg.grad(f)(np.zeros(3), np.array([0, 0, 2]), scale=2.0), [4, 0, 2]
    )


def test_gradient_has_shape_and_dtype_of_the_argument() -> None:
    x = np.ones((2, 1), np.float32)
    gradient = tg.grad(lambda x: (x * np.ones((2, 3))).sum())(x)
    assert (gradient.shape, gradient.dtype) == ((2, 1), np.float32)
    zero = tg.grad(lambda x: 1.0)(np.float32(2))
    assert type(zero) is np.float32


def test_python_numbers_and_lists_are_floating_point() -> None:
    assert tg.grad(lambda x: x * x)(3) == 6
    np.testing.assert_array_equal(tg.grad(lambda x: (x * x).sum())([1, 2]), [2, 4])


@pytest.mark.parametrize(
    "x", [np.array([1, 2]), np.int64(3), np.array([True]), True, Value(np.array([1, 2]))]
)
def test_integer_arrays_are_an_error(x: Any) -> None:
    with pytest.raises(TypeError, match="no derivative"):
        tg.grad(lambda x: (x * 1.0).sum())(x)


def test_result_that_is_not_one_number_is_a_shape_error() -> None:
    with pytest.raises(ShapeError, match=r"\(2,\)"):
        tg.grad(lambda x: x * 2)(np.ones(2))


@pytest.mark.parametrize("result", [None, "text", [Value(1.0)]])
def test_result_that_is_no_number_is_an_error(result: Any) -> None:
    with pytest.raises((TypeError, ShapeError)):
        tg.grad(lambda x: result)(1.0)


def test_parameters_from_outside_stay_differentiable() -> None:
    w = Value(3.0)
    slope = tg.grad(lambda x: w * w * x * x)(2.0)  # 2 w^2 x
    assert isinstance(slope, Value)
    assert float(slope) == 36
    slope.backward()
    assert w.grad == 4 * 3 * 2


def test_parameters_from_outside_receive_nothing_meanwhile() -> None:
    w = Value(3.0)
    tg.grad(lambda x: w * x)(2.0)
    assert w.grad is None


def test_value_of_a_function_of_parameters_stays_differentiable() -> None:
    w = Value(3.0)
    value, slope = tg.value_and_grad(lambda x: w * x)(2.0)
    (value + slope).backward()  # 2 w + w
    assert w.grad == 3


def test_argument_that_requires_a_gradient_stays_differentiable() -> None:
    x = Value(2.0)
    slope = tg.grad(lambda x: x**3)(x)
    assert isinstance(slope, Value)
    slope.backward()
    assert x.grad == 12


def test_argument_that_requires_none_is_differentiated_and_the_result_plain() -> None:
    x = Value(2.0, requires_grad=False)
    slope = tg.grad(lambda x: x**3)(x)
    assert not isinstance(slope, Value)
    assert slope == 12


def test_grad_works_under_no_grad_and_its_result_is_plain() -> None:
    w = Value(3.0)
    with tg.no_grad():
        slope = tg.grad(lambda x: w * x * x)(2.0)
        assert not tg.is_grad_enabled()
    assert not isinstance(slope, Value)
    assert slope == 12


def test_gradients_of_two_arguments_share_no_memory() -> None:
    x, y = np.ones(3), np.ones(3)
    first, second = tg.grad(lambda x, y: (x + y).sum(), (0, 1))(x, y)
    for one in (first, second):
        assert one.flags.writeable
        assert not np.shares_memory(one, x)
        assert not np.shares_memory(one, y)
    assert not np.shares_memory(first, second)


def test_arguments_are_not_changed() -> None:
    def f(x: Value) -> Value:
        x[0] = 10.0
        x *= 2
        return x.sum()

    x = np.ones(2)
    v = Value(np.ones(2))
    np.testing.assert_array_equal(tg.grad(f)(x), [0, 2])
    np.testing.assert_array_equal(tg.grad(f)(v).data, [0, 2])
    np.testing.assert_array_equal(x, [1, 1])
    np.testing.assert_array_equal(v.data, [1, 1])


def test_control_flow_and_numpy_functions_are_differentiable() -> None:
    def f(x: Any) -> Any:
        total = 0.0
        for i in range(3):
            total = total + np.sin(x) * i if x > 0 else total - x
        return total

    assert float(tg.grad(f)(0.5)) == pytest.approx(3 * math.cos(0.5))
    assert tg.grad(f)(-0.5) == -3


def test_grad_keeps_name_and_documentation() -> None:
    def cube(x: Any) -> Any:
        """x^3."""
        return x**3

    assert tg.grad(cube).__name__ == "cube"
    assert tg.value_and_grad(cube).__doc__ == "x^3."


def test_recording_does_not_change_what_a_gradient_is() -> None:
    with tg.record():
        gradient = tg.grad(lambda x: (x * x).exp())(0.5)
    assert type(gradient) is np.float64


def test_a_second_derivative_by_another_argument_is_an_array_too() -> None:
    by_x = tg.grad(lambda x, y: x * x * y, 0)
    assert type(tg.grad(by_x, 1)(3.0, 2.0)) is np.float64
    assert tg.grad(by_x, 1)(3.0, 2.0) == 6
