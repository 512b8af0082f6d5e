"""Input at the edges of what NumPy takes, where a gradient or a value was once wrong."""

import math

import numpy as np
import pytest

import tinygrad_nn as tg
from tinygrad_nn import Value, nn, optim

F = nn.functional


def test_the_value_that_stays_of_several_written_to_one_place_has_the_gradient():
    index = np.array([[0, 0], [0, 1]], order="F")
    v, x = Value([[1.0], [2.0]]), Value(np.zeros(2))
    x[index] = v
    x.backward([1.0, 0.0])
    wins = v.data[:, 0] == x.data[0]
    np.testing.assert_array_equal(v.grad[:, 0], wins)


@pytest.mark.parametrize("x", [np.full(3, 0.1), np.full(6, 0.7), np.full(7, 0.1, np.float32)])
def test_the_standard_deviation_of_equal_numbers_has_gradient_0(x):
    np.testing.assert_array_equal(tg.grad(tg.std)(x), np.zeros(len(x)))


@pytest.mark.parametrize("dtype", [np.int8, np.int16, np.uint8])
def test_a_base_of_small_integers_has_its_logarithm_in_full(dtype):
    y = Value(2.0)
    (np.array([3], dtype) ** y).sum().backward()
    assert y.grad == pytest.approx(9 * math.log(3), rel=1e-14)


@pytest.mark.parametrize(
    "function",
    [tg.sigmoid, tg.silu, tg.softplus, tg.softmax, tg.log_softmax, tg.logsumexp, tg.elu, tg.gelu],
)
@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.int32, bool])
def test_activations_of_integers_are_those_of_the_same_floats(function, dtype):
    x = np.array([1, 0, 1] if dtype is bool else [1, 2, 100], dtype)
    np.testing.assert_array_equal(function(x), function(x.astype(float)))


def test_a_long_batch_in_float16_sums_its_gradients():
    layer = nn.Linear(2, 2, dtype=np.float16)
    layer(np.ones((8192, 2), np.float16)).backward(np.ones((8192, 2)))
    np.testing.assert_array_equal(layer.bias.grad, [8192, 8192])


def test_a_long_mean_in_float16_has_a_gradient():
    gradient = tg.grad(tg.mean)(np.ones(100_000, np.float16))
    np.testing.assert_allclose(gradient, 1e-5, rtol=0.01)


def test_norms_of_float16_gradients_do_not_overflow():
    p = Value(np.ones(100, np.float16))
    p.grad = np.full(100, 100.0)
    assert optim.clip_grad_norm_([p], 1.0) == 1000
    np.testing.assert_allclose(p.grad, 0.1, rtol=1e-3)


@pytest.mark.parametrize("make", [lambda p: optim.SGD(p, momentum=0.9), optim.Adam])
def test_a_state_in_float64_leaves_the_dtype_of_parameters(make):
    p = Value(np.ones(3, np.float32))
    optimizer = make([p])
    p.grad = np.ones(3)
    optimizer.step()
    state = optimizer.state_dict()
    for name, part in state["state"][0].items():
        if np.ndim(part):
            state["state"][0][name] = part.astype(np.float64)
    optimizer.load_state_dict(state)
    optimizer.step()
    assert p.dtype == np.float32


def test_a_state_of_another_optimizer_is_refused():
    p = Value([1.0])
    adam, sgd = optim.Adam([p]), optim.SGD([p])
    with pytest.raises(ValueError, match="betas"):
        sgd.load_state_dict(adam.state_dict())
    state = adam.state_dict()
    state["state"] = {-1: {}}
    with pytest.raises(ValueError, match="-1"):
        adam.load_state_dict(state)
    state = adam.state_dict()
    state["param_groups"][0]["lr"] = -1.0
    with pytest.raises(ValueError, match="lr"):
        adam.load_state_dict(state)


@pytest.mark.parametrize("result", [None, "text", (1.0,), 1j, np.array([1j, 0])])
def test_a_rule_returns_real_numbers(result):
    @tg.primitive(x=lambda g: result)
    def odd_rule(x):
        return x * 1.0

    with pytest.raises(TypeError, match="odd_rule for x"):
        odd_rule(Value([1.0, 2.0])).backward([1.0, 1.0])


def test_differentiable_gradients_share_no_memory():
    x, y = Value([1.0, 2.0]), Value([3.0, 4.0])
    (x + y).mean().backward(create_graph=True)
    x.grad.data[0] = 100
    assert y.grad.data[0] == 0.5


def test_an_assigned_gradient_is_copied():
    x, g = Value([1.0]), np.array([1.0])
    x.grad = g
    g[0] = 5
    assert x.grad[0] == 1


def test_the_mixed_derivative_of_a_power_at_exponent_0_is_that_of_the_closed_form():
    by_x = tg.grad(tg.power, 0)
    by_y = tg.grad(tg.power, 1)
    assert tg.grad(by_x, 1)(2.0, 0.0) == pytest.approx(0.5)
    assert tg.grad(by_y, 0)(2.0, 0.0) == pytest.approx(0.5)


def test_arguments_are_named_once():
    with pytest.raises(TypeError, match="twice"):
        tg.grad(lambda x: x * x, (0, -1))(3.0)
    assert tg.grad(lambda x: x * x, np.int64(0))(3.0) == 6


def test_where_limits_cross_the_upper_one_holds():
    low, high, x = Value(2.0), Value(1.0), Value(0.0)
    y = tg.clip(x, low, high)
    y.backward()
    assert (float(y), x.grad, low.grad, high.grad) == (1, 0, 0, 1)


def test_the_gradient_of_a_subnormal_product_keeps_its_digits():
    gradient = tg.grad(tg.prod)(np.array([1e-22, 1e-22, 1], np.float32))
    np.testing.assert_allclose(gradient, [1e-22, 1e-22, 1e-44], rtol=1e-6, atol=1e-45)


@pytest.mark.parametrize("make", [Value, lambda m: Value([1.0, 2.0]) * m])
def test_masked_arrays_are_refused(make):
    with pytest.raises(TypeError, match="mask"):
        make(np.ma.array([5.0, 6.0], mask=[True, False]))


def test_the_cost_of_a_tiny_probability_is_not_rounded_to_nothing():
    assert float(F.binary_cross_entropy([1e-20], [0.0])) == pytest.approx(1e-20, rel=1e-14)


def test_integers_do_not_take_what_needs_a_gradient():
    x = Value(np.array([1, 2]))
    with pytest.raises(TypeError, match="gradient"):
        x[0] = Value(1.5)


def test_a_differentiable_backward_pass_records_inside_no_grad():
    x = Value(2.0)
    y = x * x * x
    with tg.no_grad():
        y.backward(create_graph=True)
    x.grad.backward()
    assert float(x.grad.data + 0) != 0
    assert x.grad.requires_grad


def test_modules_that_know_each_other_are_walked_in_time():
    modules = [nn.Module() for _ in range(12)]
    for at, module in enumerate(modules):
        module.weight = Value(float(at))
        module.others = modules
    assert len(list(modules[0].parameters())) == 12


def test_a_cached_result_is_no_parameter():
    class Remembering(nn.Module):
        def __init__(self):
            self.weight = Value(2.0)

        def forward(self, x):
            self.last = x * self.weight
            return self.last

    module = Remembering()
    with tg.no_grad():
        module(3.0)
    assert list(module.state_dict()) == ["weight"]


def test_two_parameters_of_one_name_are_an_error():
    module = nn.Module()
    module.parts = {0: Value(1.0), "0": Value(2.0)}
    with pytest.raises(ValueError, match=r"parts\.0"):
        module.state_dict()


@pytest.mark.parametrize(
    ("subscripts", "a", "b"), [("i,i->", (3,), (1,)), ("ij,jk->ik", (2, 3), (1, 4))]
)
def test_einsum_repeats_axes_of_length_1(subscripts, a, b):
    rng = np.random.default_rng(0)
    x, y = Value(rng.normal(size=a)), Value(rng.normal(size=b))
    tg.einsum(subscripts, x, y).sum().backward()
    full = np.broadcast_to(y.data, (3, *b[1:]))
    expected = full if len(a) == 1 else np.broadcast_to(full.sum(axis=1), a)
    np.testing.assert_allclose(x.grad, expected)
    assert y.grad.shape == b


def test_stack_and_concatenate_take_generators():
    values = [Value(1.0), Value(2.0)]
    assert tg.stack(v for v in values).shape == (2,)
    assert tg.concatenate(v.reshape(1) for v in values).shape == (2,)


def test_a_weight_of_a_linear_layer_is_a_matrix():
    with pytest.raises(tg.ShapeError, match="n_out"):
        tg.linear(np.ones((2, 3)), np.ones(3))
