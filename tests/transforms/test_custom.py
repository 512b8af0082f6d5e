"""custom_vjp, checkpoint, stop_gradient, vmap."""

import copy
from typing import Any

import numpy as np
import pytest

import tinygrad_nn as tg
from tinygrad_nn import ShapeError, Value, nn
from tinygrad_nn.testing import gradcheck

X = np.array([0.5, -1.0, 2.0])


# ---- checkpoint


def block(x: Any) -> Any:
    return np.tanh(np.sin(x) * x) * 2.0


def test_checkpoint_has_the_derivatives_of_the_function() -> None:
    gradcheck(lambda x: (tg.checkpoint(block)(x) * x).sum(), X, order=2)
    fourth = tg.grad(tg.grad(tg.grad(tg.grad(tg.checkpoint(np.tanh)))))(0.3)
    assert fourth == pytest.approx(tg.grad(tg.grad(tg.grad(tg.grad(np.tanh))))(0.3), rel=1e-12)


def test_checkpoint_calls_again_once_for_a_backward_pass() -> None:
    calls = []

    @tg.checkpoint
    def f(x: Any, y: Any) -> Any:
        calls.append(1)
        return {"sum": x + y, "both": (x * y, x - y)}

    x, y = Value(2.0), Value(3.0)
    out = f(x, y)
    assert len(calls) == 1
    (out["sum"] * out["both"][0] + out["both"][1]).backward()
    assert len(calls) == 2
    assert (x.grad, y.grad) == (3 * 5 + 6 + 1, 2 * 5 + 6 - 1)


def test_checkpoint_keeps_no_graph() -> None:
    kept = tg.checkpoint(lambda x: np.sin(np.sin(np.sin(x))))(Value(X))
    nodes, stack = set(), [kept._node]
    while stack:
        node = stack.pop()
        nodes.add(node)
        stack += [edge[0] for edge in node.edges]
    assert len(nodes) == 3  # the result, the call, the input


def test_checkpoint_finds_what_the_function_uses_from_outside() -> None:
    model = nn.Sequential(nn.Linear(3, 3), nn.Tanh(), nn.Linear(3, 1))
    x = np.ones((2, 3))
    model(x).sum().backward()
    expected = {name: p.grad for name, p in model.named_parameters()}
    for p in model.parameters():
        p.zero_grad()
    tg.checkpoint(model)(x).sum().backward()
    for name, p in model.named_parameters():
        np.testing.assert_allclose(p.grad, expected[name], rtol=1e-6)


def test_checkpoint_counts_an_input_made_of_another_once() -> None:
    x = Value(3.0)
    y = x * x
    tg.checkpoint(lambda a, b: a * b)(x, y).backward()  # x^3
    assert x.grad == 27.0


def test_checkpoint_draws_the_same_random_numbers_again() -> None:
    tg.manual_seed(3)
    dropout = nn.Dropout(0.5)
    x = Value(np.ones(1000))
    out = tg.checkpoint(dropout)(x)
    after = tg.nn.Dropout(0.5)(np.ones(1000)).data
    out.sum().backward()
    np.testing.assert_array_equal(x.grad, out.data)
    tg.manual_seed(3)
    dropout(np.ones(1000))
    np.testing.assert_array_equal(tg.nn.Dropout(0.5)(np.ones(1000)).data, after)


def test_checkpoint_goes_back_to_its_inputs_as_they_were() -> None:
    def f(x: Any) -> Any:
        step = tg.checkpoint(lambda y, weights, n: (np.exp(y) * weights[0] * n).sum())
        y, weights, total = x * 1.0, [np.ones(3)], 0.0
        for n in range(1, 4):
            total = total + step(y, weights, n=n)
            y *= 0.5
            y[0] = x[1] * n
            weights[0][:] = n
        return total

    gradcheck(f, X, order=2)


def test_views_in_checkpoint_are_those_of_arrays() -> None:
    def normalised(x: Any) -> Any:
        a = x.reshape(2, 2) * 1.0
        for row in a:
            row /= (row**2).sum()
        return a

    x = np.array([1.0, 2.0, -1.0, 0.5])
    weights = np.array([[1.0, 2.0], [3.0, 4.0]])
    by = [
        tg.grad(lambda x, f=f: (f(x) * weights).sum())
        for f in (tg.checkpoint(normalised), normalised)
    ]
    np.testing.assert_array_equal(by[0](x), by[1](x))
    gradcheck(lambda x: tg.checkpoint(normalised)(x), x, order=2)


def test_checkpoint_notices_a_function_that_gives_something_else() -> None:
    lengths = iter([3, 2])
    with pytest.raises(RuntimeError, match="function gave something else"):
        tg.grad(lambda x: tg.checkpoint(lambda x: x[: next(lengths)])(x).sum())(X)


def test_checkpoint_without_gradients_is_the_function() -> None:
    with tg.no_grad():
        assert tg.checkpoint(np.square)(Value(3.0)).data == 9.0
    assert tg.checkpoint(np.square)(3.0) == 9.0
    assert tg.checkpoint(lambda x: (x * 2, "text", None))(Value(3.0))[1:] == ("text", None)


def test_checkpoint_is_drawn() -> None:
    assert "block" in str(tg.draw(lambda x: tg.checkpoint(block)(x) * 2, 3.0))


# ---- custom_vjp


def logistic() -> Any:
    @tg.custom_vjp
    def log1pexp(x: Any) -> Any:
        return np.log(1 + np.exp(x))

    log1pexp.defvjp(
        lambda x: (np.log1p(np.exp(x)), x),
        lambda x, g: (g * (1 - 1 / (1 + np.exp(x))),),
    )
    return log1pexp


def test_custom_vjp_is_used_to_any_order() -> None:
    f = logistic()
    gradcheck(lambda x: f(x).sum(), X, order=2)
    third = tg.grad(tg.grad(tg.grad(f)))(0.7)
    s = 1 / (1 + np.exp(-0.7))
    assert third == pytest.approx(s * (1 - s) * (1 - 2 * s), rel=1e-12)


def test_custom_vjp_need_not_be_the_derivative() -> None:
    @tg.custom_vjp
    def straight_through(x: Any) -> Any:
        return np.round(x)

    straight_through.defvjp(lambda x: (np.round(x), None), lambda _, g: (g,))
    np.testing.assert_array_equal(tg.grad(lambda x: straight_through(x).sum())(X), np.ones(3))
    np.testing.assert_array_equal(straight_through(X), np.round(X))


def test_custom_vjp_of_nests_and_of_constants() -> None:
    @tg.custom_vjp
    def f(p: Any, k: int, *, scale: float = 1.0) -> Any:
        return p["a"] * k * scale, p["b"]

    f.defvjp(
        lambda p, k, scale=1.0: ((p["a"] * k * scale, p["b"]), (k, scale)),
        lambda kept, g: ({"a": g[0] * kept[0] * kept[1], "b": g[1]}, None),
    )
    a, b = Value(2.0), Value(X)
    first, second = f({"a": a, "b": b}, 3, scale=10.0)
    assert first.data == 60.0
    (first + (second * X).sum()).backward()
    assert a.grad == 30.0
    np.testing.assert_array_equal(b.grad, X)


def test_custom_vjp_goes_back_to_its_arguments_as_they_were() -> None:
    @tg.custom_vjp
    def cube(x: Any) -> Any:
        return x**3

    cube.defvjp(lambda x: (x**3, x), lambda x, g: (3 * x**2 * g,))

    def f(x: Any) -> Any:
        y = x * 1.0
        z = cube(y)
        y *= 0.5
        return (z * y).sum()  # x^4 / 2

    np.testing.assert_allclose(tg.grad(f)(X), 2 * X**3, rtol=1e-14)
    np.testing.assert_allclose(tg.elementwise_grad(tg.grad(f))(X), 6 * X**2, rtol=1e-14)


def test_custom_vjp_keeps_what_its_functions_are_given() -> None:
    @tg.custom_vjp
    def scaled(x: Any, *, a: Any) -> Any:
        return x * x * a

    def forward(x: Any, *, a: Any) -> Any:
        return x * x * a, (x, a)

    scaled.defvjp(forward, lambda kept, g: (2 * g * kept[0] * kept[1],))

    def f(x: Any) -> Any:
        a, total = np.ones(3), 0.0
        for k in range(1, 3):
            a[:] = k
            total = total + scaled(x, a=a).sum()
        return total  # 3 x^2

    np.testing.assert_allclose(tg.grad(f)(X), 6 * X, rtol=1e-15)
    np.testing.assert_allclose(tg.elementwise_grad(tg.grad(f))(X), [6, 6, 6], rtol=1e-15)


def test_custom_vjp_refuses_values_that_are_no_arguments() -> None:
    def f(x: Any, w: Any) -> Any:
        scaled = tg.custom_vjp(lambda x: x * w)
        scaled.defvjp(lambda x: (x * w, None), lambda _, g: (g * w,))
        return scaled(x).sum()

    assert tg.grad(f)(2.0, 3.0) == 3.0
    for argnums in ((0, 1), 1):
        with pytest.raises(TypeError, match="is not one of its arguments"):
            tg.grad(f, argnums)(2.0, 3.0)


def test_custom_vjp_does_not_let_its_arguments_be_changed() -> None:
    doubled = tg.custom_vjp(lambda x: x * 2)

    def forward(x: Any) -> Any:
        x *= 2
        return x, None

    doubled.defvjp(forward, lambda _, g: (2 * g,))
    with pytest.raises(ValueError, match="read-only"):
        tg.grad(lambda x: doubled(x).sum())(X)


def test_custom_vjp_errors_name_the_function() -> None:
    @tg.custom_vjp
    def half(x: Any) -> Any:
        return x / 2

    with pytest.raises(TypeError, match="half: give its derivative"):
        half(Value(1.0))
    half.defvjp(lambda x: x / 2, lambda _, g: (g / 2,))
    with pytest.raises(TypeError, match="half: forward returns"):
        half(Value(1.0))
    half.defvjp(lambda x: (x / 2, None), lambda _, g: g / 2)
    with pytest.raises(TypeError, match="half: backward returns a tuple of 1"):
        half(Value(1.0)).backward()
    half.defvjp(lambda x: (x / 2, None), lambda _, g: (np.ones(3),))
    with pytest.raises(ShapeError, match="half"):
        half(Value(1.0)).backward()


# ---- stop_gradient


def test_stop_gradient_is_constant() -> None:
    assert tg.grad(lambda x: x * tg.stop_gradient(x))(3.0) == 3.0
    of_array = tg.grad(lambda x: tg.stop_gradient(np.array([x, x])).sum() * x)
    assert of_array(3.0) == 6.0
    nest = tg.stop_gradient({"a": Value(1.0), "b": [Value(X), "text", 3]})
    assert not nest["a"].requires_grad
    assert nest["b"][1:] == ["text", 3]


# ---- vmap


def test_vmap_applies_to_each_example() -> None:
    rows = np.arange(6.0).reshape(2, 3)
    np.testing.assert_array_equal(tg.vmap(lambda x: x.sum())(rows), [3, 12])
    np.testing.assert_array_equal(tg.vmap(lambda x: x.sum(), 1)(rows), [3, 5, 7])
    found = tg.vmap(lambda x, y: {"z": x * y}, (0, None))(rows, 10.0)
    np.testing.assert_array_equal(found["z"], rows * 10)
    np.testing.assert_array_equal(tg.vmap(lambda x: x * 2, out_axes=1)(rows), rows.T * 2)
    pairs = tg.vmap(lambda p: p["a"] @ p["b"])({"a": rows, "b": rows})
    np.testing.assert_array_equal(pairs, [5, 50])


def test_vmap_and_derivatives_nest() -> None:
    rows = np.arange(6.0).reshape(2, 3)
    per_example = tg.vmap(tg.grad(lambda x: (x**3).sum()))(rows)
    np.testing.assert_allclose(per_example, 3 * rows**2)
    gradcheck(lambda x: (tg.vmap(lambda r: r * r.sum())(x) ** 2).sum(), rows, order=2)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: tg.vmap(np.sin)(1.0), "has no axis 0"),
        (lambda: tg.vmap(np.add)(np.ones(2), np.ones(3)), "different numbers of examples"),
        (lambda: tg.vmap(np.sin)(np.ones(0)), "no examples"),
    ],
)
def test_vmap_of_what_does_not_fit_is_a_shape_error(call: Any, message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        call()


def test_deep_copies_keep_the_gradient() -> None:
    def f(x: Any) -> Any:
        y = copy.deepcopy({"x": x})["x"]
        y[0] = 3.0
        return (x * y).sum()

    np.testing.assert_array_equal(tg.grad(f)(X), [3.0, -2.0, 4.0])
