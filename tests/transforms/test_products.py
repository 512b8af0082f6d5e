"""vjp, jvp, linearize, hvp, ggnvp; jacobian and hessian."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import tinygrad_nn as tg
from tinygrad_nn import ShapeError, Value
from tinygrad_nn.testing import numerical_hessian, numerical_jacobian

RNG = np.random.default_rng(0)
A = RNG.normal(size=(4, 3))
X = RNG.normal(size=3)


def curved(x: Any) -> Any:
    return np.tanh(A @ x) * np.sum(x * x)


def number(x: Any) -> Any:
    return np.sum(np.exp(A @ x)) + x[0] * x[1] ** 2


# ---- Products


def test_vjp_multiplies_from_the_left_and_jvp_from_the_right() -> None:
    j = numerical_jacobian(curved, X)
    u, t = RNG.normal(size=4), RNG.normal(size=3)
    value, pull = tg.vjp(curved, X)
    np.testing.assert_array_equal(value, curved(X))
    (pulled,) = pull(u)
    np.testing.assert_allclose(pulled, u @ j, rtol=1e-7)
    value, pushed = tg.jvp(curved, (X,), (t,))
    np.testing.assert_array_equal(value, curved(X))
    np.testing.assert_allclose(pushed, j @ t, rtol=1e-7)
    assert {type(pulled), type(pushed), type(value)} == {np.ndarray}
    np.testing.assert_allclose(pulled @ t, u @ pushed, rtol=1e-13)


def test_pull_and_push_may_be_called_many_times() -> None:
    calls = []

    def f(x: Any) -> Any:
        calls.append(1)
        return curved(x)

    j = numerical_jacobian(curved, X)
    _, pull = tg.vjp(f, X)
    _, push = tg.linearize(f, X)
    for _ in range(3):
        u, t = RNG.normal(size=4), RNG.normal(size=3)
        np.testing.assert_allclose(pull(u)[0], u @ j, rtol=1e-7)
        np.testing.assert_allclose(push(t), j @ t, rtol=1e-7)
    assert len(calls) == 2


def test_value_that_is_returned_may_be_changed() -> None:
    for value, along in (tg.vjp(np.exp, X), tg.linearize(np.exp, X)):
        value -= 1.0
        found = along(np.ones(3))
        np.testing.assert_array_equal(found[0] if isinstance(found, tuple) else found, np.exp(X))


@dataclass
class Parameters:
    w: Any
    name: str
    parts: tuple[Any, ...]


def nested(p: Parameters, extra: dict[str, Any]) -> Any:
    return {"a": p.w @ p.parts[0], "b": (p.parts[1] * extra["x"], p.w.sum())}


def test_arguments_and_results_may_be_nested() -> None:
    p = Parameters(A, "name", (X, 2.0))
    value, pull = tg.vjp(nested, p, {"x": 5.0, "n": 3})
    assert value["b"][0] == 10.0
    of_p, of_extra = pull({"a": np.ones(4), "b": (10.0, 100.0)})
    np.testing.assert_allclose(of_p.w, np.outer(np.ones(4), X) + 100)
    np.testing.assert_allclose(of_p.parts[0], A.sum(axis=0))
    assert (of_p.parts[1], of_p.name, of_extra["x"], of_extra["n"]) == (50.0, None, 20.0, 0.0)
    tangent = Parameters(np.ones((4, 3)), "any", (np.zeros(3), 1.0))
    _, pushed = tg.jvp(nested, (p, {"x": 5.0, "n": 3}), (tangent, {"x": 0.0, "n": 0}))
    np.testing.assert_allclose(pushed["a"], np.full(4, X.sum()))
    assert pushed["b"] == (5.0, 12.0)


def test_results_that_depend_on_nothing_have_derivative_zero() -> None:
    _, pull = tg.vjp(lambda x, y: (x * 2, np.ones(2)), 3.0, np.ones(2))
    gradients = pull((1.0, np.ones(2)))
    assert gradients[0] == 2.0
    np.testing.assert_array_equal(gradients[1], np.zeros(2))
    _, pushed = tg.jvp(lambda x: (x * 2, np.ones(2)), (3.0,), (1.0,))
    assert pushed[0] == 2.0
    np.testing.assert_array_equal(pushed[1], np.zeros(2))


def test_second_derivatives_leave_out_what_is_no_number() -> None:
    def f(p: Any) -> Any:
        return p["a"] ** 2 * p["k"]

    at = {"a": 2.0, "k": 3.0, "name": "f"}  # the derivatives are (2 a k, a^2), (2 k, 2 a, 0)
    (along,) = tg.hvp(f, (at,), ({"a": 1.0, "k": 10.0, "name": None},))
    assert along == {"a": 6.0 + 40.0, "k": 4.0, "name": None}
    assert tg.hessian(f)(at) == {
        "a": {"a": 6.0, "k": 4.0, "name": None},
        "k": {"a": 4.0, "k": 0.0, "name": None},
        "name": None,
    }


def test_hvp_is_the_hessian_times_the_direction() -> None:
    v = RNG.normal(size=3)
    (product,) = tg.hvp(number, (X,), (v,))
    np.testing.assert_allclose(product, numerical_hessian(number, X) @ v, rtol=1e-6)
    first, second = tg.hvp(lambda x, y: (x * y).sum(), (X, 2.0 * X), (v, 0 * v))
    np.testing.assert_array_equal(first, 0 * v)
    np.testing.assert_allclose(second, v)


def test_hvp_can_be_differentiated_by_the_point_and_by_the_direction() -> None:
    v = RNG.normal(size=3)

    def product(x: Any, v: Any) -> Any:
        return tg.hvp(lambda x: (x**3).sum(), (x,), (v,))[0].sum()  # 6 x v

    by_point, by_direction = tg.grad(product, argnums=(0, 1))(X, v)
    np.testing.assert_allclose(by_point, 6 * v)
    np.testing.assert_allclose(by_direction, 6 * X)


def test_hvp_by_what_the_gradient_does_not_depend_on_is_zero() -> None:
    for f in (lambda x, y: (x * x).sum(), lambda x, y: (2 * x + y).sum(), lambda x, y: 3.0):
        product, zero = tg.hvp(f, (X, X), (X, X))
        np.testing.assert_array_equal(product, 2 * X if f(X, X) == (X * X).sum() else 0 * X)
        np.testing.assert_array_equal(zero, 0 * X, strict=True)


def test_hvp_calls_the_function_once() -> None:
    calls = []
    tg.hvp(lambda x: calls.append(x) or (x * x).sum(), (X,), (X,))
    assert len(calls) == 1


def test_hvp_refuses_a_direction_of_another_shape() -> None:
    for f in (number, lambda x: 2 * x.sum()):
        with pytest.raises(ShapeError, match=r"tangent of shape \(2,\) for an argument of \(3,\)"):
            tg.hvp(f, (X,), (X[:2],))


def test_ggnvp_is_that_of_the_jacobian_and_the_hessian_of_the_loss() -> None:
    target = np.arange(4.0)

    def loss(y: Any) -> Any:
        return np.logaddexp(0, 0).item() + np.sum((y - target) ** 2 * np.array([1, 2, 3, 4]))

    v = RNG.normal(size=3)
    j = numerical_jacobian(curved, X)
    (product,) = tg.ggnvp(curved, loss, (X,), (v,))
    np.testing.assert_allclose(product, j.T @ (2 * np.array([1, 2, 3, 4]) * (j @ v)), rtol=1e-6)


def test_aux_comes_along() -> None:
    value, pull, aux = tg.vjp(lambda x: (x * x, {"half": x / 2}), 3.0, has_aux=True)
    assert (value, aux["half"], pull(1.0)) == (9.0, 1.5, (6.0,))
    gradient, aux = tg.grad(lambda x: (x * x, x + 1), has_aux=True)(3.0)
    assert (gradient, aux, type(aux)) == (6.0, 4.0, np.float64)
    _, pull, aux = tg.vjp(lambda x: (lambda y: (y.sum(), y))(np.exp(x)), np.zeros(3), has_aux=True)
    aux[:] = 0  # it is the caller's own
    np.testing.assert_array_equal(pull(1.0)[0], np.ones(3))
    pair = tg.grad(lambda x: (x * x, [np.array([x, 1.0])]), has_aux=True)(3.0)
    assert pair[1][0].tolist() == [3.0, 1.0]
    assert pair[1][0].dtype == float
    (value, aux), gradient = tg.value_and_grad(lambda x: (x * x, "text"), has_aux=True)(3.0)
    assert (value, aux, gradient) == (9.0, "text", 6.0)


# ---- Nesting


def derivative_by_jvp(f: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x: tg.jvp(f, (x,), (1.0,))[1]


def derivative_by_vjp(f: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x: tg.vjp(f, x)[1](1.0)[0]


WAYS = [tg.grad, tg.jacobian, tg.elementwise_grad, derivative_by_jvp, derivative_by_vjp]


@pytest.mark.parametrize("outer", WAYS)
@pytest.mark.parametrize("inner", WAYS)
def test_fourth_derivative_of_tanh_by_every_way(outer: Any, inner: Any) -> None:
    x = 0.3
    t = np.tanh(x)
    fourth = outer(inner(outer(inner(np.tanh))))(x)
    assert fourth == pytest.approx((1 - t**2) * (16 * t - 24 * t**3), rel=1e-12)
    assert isinstance(fourth, float)


def test_variables_of_different_levels_are_not_confused() -> None:
    # d/dx [x d/dy (x y)] = 2 x, along x by jvp and by vjp
    for way in (derivative_by_jvp, derivative_by_vjp):
        assert way(lambda x: x * derivative_by_jvp(lambda y: x * y)(2.0))(5.0) == 10.0
        assert way(lambda x: x * derivative_by_jvp(lambda y: x + y)(2.0))(5.0) == 1.0


def test_derivatives_by_a_model_s_parameter_from_outside() -> None:
    w = Value(2.0)
    _, pushed = tg.jvp(lambda x: w * x * x, (3.0,), (1.0,))
    assert isinstance(pushed, Value)
    pushed.backward()  # of 2 w x
    assert w.grad == 6.0


# ---- Matrices


@pytest.mark.parametrize("f", [curved, lambda x: A[:2] @ np.sin(x), lambda x: x[0] * x, number])
def test_jacobian_is_the_numerical_one(f: Any) -> None:
    found = tg.jacobian(f)(X)
    np.testing.assert_allclose(found, numerical_jacobian(f, X), rtol=1e-7, atol=1e-9)
    assert type(found) is np.ndarray


def test_jacobian_has_the_shape_of_the_result_then_of_the_argument() -> None:
    x = RNG.normal(size=(2, 3))
    found = tg.jacobian(lambda x: np.stack([x @ X, x @ X**2, x @ X**3, x @ np.ones(3)]))(x)
    assert found.shape == (4, 2, 2, 3)
    wide = tg.jacobian(lambda x: x.sum(axis=0))(x)
    assert wide.shape == (3, 2, 3)
    np.testing.assert_array_equal(wide[1], [[0, 1, 0], [0, 1, 0]])


@pytest.mark.parametrize("size", [1, 50])
def test_rows_and_columns_give_the_same(size: int) -> None:
    weight = RNG.normal(size=(size, 6))
    found = tg.jacobian(lambda p: {"y": weight @ p["x"] * p["k"]})({"x": np.ones(6), "k": 2.0})
    np.testing.assert_allclose(found["y"]["x"], 2 * weight)
    np.testing.assert_allclose(found["y"]["k"], weight.sum(axis=1))


@pytest.mark.parametrize(("shape", "most"), [((1, 50), 2), ((50, 1), 4)])
def test_the_fewer_of_rows_and_columns_are_computed(shape: tuple[int, int], most: int) -> None:
    calls = []

    def rule(g: Any) -> Any:
        calls.append(1)
        return g

    name = f"counted_{shape[0]}"
    scope: dict[str, Any] = {}
    exec(f"def {name}(x): return +x", scope)
    counted = tg.primitive(x=rule)(scope[name])
    tg.jacobian(lambda x: np.ones(shape) @ counted(x))(np.ones(shape[1]))
    assert len(calls) <= most


def test_jacobian_by_several_arguments_and_of_several_results() -> None:
    def f(x: Any, y: Any) -> Any:
        return x * y, y.sum()

    (xy, total) = tg.jacobian(f, argnums=(0, "y"))(2.0, np.array([3.0, 4.0]))
    np.testing.assert_array_equal(xy[0], [3, 4])
    np.testing.assert_array_equal(xy[1], 2 * np.eye(2))
    assert total[0] == 0.0
    np.testing.assert_array_equal(total[1], [1, 1])


def test_hessian_is_the_numerical_one_and_symmetric() -> None:
    found = tg.hessian(number)(X)
    np.testing.assert_allclose(found, numerical_hessian(number, X), rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(found, found.T, rtol=1e-13)
    (xx, xy), (yx, yy) = tg.hessian(lambda x, y: x**2 * y**3, argnums=(0, 1))(2.0, 3.0)
    assert (xx, xy, yx, yy) == (54.0, 108.0, 108.0, 72.0)


def test_empty_arrays_have_empty_jacobians() -> None:
    assert tg.jacobian(lambda x: x * 2)(np.zeros(0)).shape == (0, 0)
    assert tg.jacobian(lambda x: x.sum())(np.zeros(0)).shape == (0,)
    assert tg.jacobian(lambda x: np.zeros((0, 2)) * x)(np.ones(2)).shape == (0, 2, 2)


# ---- Arguments by name


def test_arguments_are_chosen_by_name() -> None:
    def f(x: Any, *, scale: Any = 1.0) -> Any:
        return x * scale**2

    assert tg.grad(f, "scale")(3.0, scale=2.0) == 12.0
    assert tg.grad(f, "x")(3.0, scale=2.0) == 4.0
    assert tg.grad(f, ("x", "scale"))(3.0, scale=2.0) == (4.0, 12.0)
    assert tg.jacobian(f, "scale")(3.0, scale=2.0) == 12.0


# ---- Errors


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: tg.grad(lambda x: x, "y")(1.0), TypeError, "no argument 'y'"),
        (lambda: tg.grad(lambda x: x, "x")(), TypeError, "no argument 'x'"),
        (lambda: tg.grad(lambda x, y: x, (0, "x"))(1.0, 2.0), TypeError, "an argument twice"),
        (lambda: tg.grad(lambda x, y: x, (0, -2))(1.0, 2.0), TypeError, "an argument twice"),
        (lambda: tg.jvp(np.sin, 1.0, 1.0), TypeError, "primals is a tuple"),
        (lambda: tg.jvp(np.sin, (1.0,), (1.0, 2.0)), TypeError, "1 primals, 2 tangents"),
        (lambda: tg.jvp(np.sin, (X,), (np.ones(4),)), ShapeError, "tangent of shape"),
        (lambda: tg.vjp(np.sin, X)[1](np.ones(4)), ShapeError, "gradient of shape"),
        (lambda: tg.vjp(np.sin, np.arange(3)), TypeError, "pass floats"),
        (lambda: tg.hvp(np.sin, (X,), (X,)), ShapeError, "hvp: .* not one number"),
        (lambda: tg.hessian(np.sin)(X), ShapeError, "hessian: .* not one number"),
        (lambda: tg.grad(lambda x: x, has_aux=True)(1.0), TypeError, "pair"),
        (lambda: tg.vjp(lambda x: (x, x), 1.0)[1](1.0), TypeError, "1 parts for 2"),
        (lambda: tg.jacobian("no function")(1.0), TypeError, "takes a function"),
        (lambda: tg.vjp(None, 1.0), TypeError, "takes a function"),
    ],
)
def test_wrong_calls_are_told(call: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        call()
