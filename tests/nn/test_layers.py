"""Neuron, Layer, MLP, Linear, Dropout, Flatten."""

import numpy as np
import pytest

import tinygrad_nn as tg
from tinygrad_nn import Value, nn, optim


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


# ---- Linear


@pytest.mark.parametrize("leading", [(), (5,), (2, 5), (0,)])
def test_linear_computes_x_times_weight_transposed_plus_bias(leading):
    layer = nn.Linear(3, 2, dtype=np.float64)
    x = np.random.default_rng(0).normal(size=(*leading, 3))
    expected = np.einsum("...i,oi->...o", x, layer.weight.data) + layer.bias.data
    out = layer(x)
    assert out.shape == (*leading, 2)
    np.testing.assert_allclose(out.data, expected, rtol=1e-14)


def test_linear_has_a_weight_of_out_by_in_and_a_bias_of_out():
    layer = nn.Linear(3, 2)
    assert {name: p.shape for name, p in layer.named_parameters()} == {
        "weight": (2, 3),
        "bias": (2,),
    }
    without = nn.Linear(3, 2, bias=False)
    assert [name for name, _ in without.named_parameters()] == ["weight"]
    x = np.ones((1, 3), np.float32)
    np.testing.assert_allclose(without(x).data, without.weight.data.sum(axis=1)[None], rtol=1e-6)


def test_gradients_of_linear_are_those_of_matrix_calculus():
    rng = np.random.default_rng(1)
    layer = nn.Linear(3, 2, dtype=np.float64)
    x, g = Value(rng.normal(size=(4, 5, 3))), rng.normal(size=(4, 5, 2))
    layer(x).backward(g)
    np.testing.assert_allclose(x.grad, g @ layer.weight.data, rtol=1e-13)
    np.testing.assert_allclose(
        layer.weight.grad, g.reshape(-1, 2).T @ x.data.reshape(-1, 3), rtol=1e-13
    )
    np.testing.assert_allclose(layer.bias.grad, g.sum(axis=(0, 1)), rtol=1e-13)


@pytest.mark.parametrize("x", [np.ones((5, 3), "f"), np.ones((2, 5, 3), "f"), np.ones(3, "f")])
@pytest.mark.parametrize(
    "optimizer",
    [
        lambda p: optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.1),
        lambda p: optim.Adam(p),
    ],
)
def test_weights_are_columns_in_memory_and_stay_so_in_training(x, optimizer):
    layer = nn.Linear(3, 2)
    step = optimizer(layer.parameters())
    for _ in range(3):
        assert layer.weight.data.T.flags.c_contiguous
        step.zero_grad()
        (layer(x) ** 2).sum().backward()
        step.step()
        assert layer.weight.grad.T.flags.c_contiguous
        arrays = [part for part in step.state[layer.weight].values() if np.ndim(part)]
        assert arrays
        assert all(array.T.flags.c_contiguous for array in arrays)
    layer.load_state_dict(layer.state_dict())
    assert layer.weight.data.T.flags.c_contiguous
    layer.zero_grad()
    (layer(x) ** 2).sum().backward(create_graph=True)
    assert layer.weight.grad.data.T.flags.c_contiguous


def test_linear_given_the_wrong_width_names_both_shapes():
    with pytest.raises(tg.ShapeError, match=r"\(5, 4\).*\(2, 3\)"):
        nn.Linear(3, 2)(np.ones((5, 4)))


# ---- Neuron, Layer, MLP


@pytest.mark.parametrize("leading", [(), (4,), (2, 4)])
def test_a_neuron_is_an_activation_of_a_weighted_sum(leading):
    neuron = nn.Neuron(3, activation="sigmoid", dtype=np.float64)
    assert neuron.weight.shape == (3,)
    assert neuron.bias.shape == ()
    x = np.random.default_rng(2).normal(size=(*leading, 3))
    expected = sigmoid((x * neuron.weight.data).sum(axis=-1) + neuron.bias.data)
    np.testing.assert_allclose(neuron(x).data, expected, rtol=1e-14)


def test_neurons_and_layers_are_tanh_units_unless_told_otherwise():
    x = np.ones((1, 2))
    neuron, layer = nn.Neuron(2, dtype=np.float64), nn.Layer(2, 1, dtype=np.float64)
    z = neuron.weight.data.sum() + neuron.bias.data
    assert float(neuron(x)[0]) == pytest.approx(np.tanh(z), rel=1e-14)
    z = layer.weight.data.sum() + layer.bias.data
    np.testing.assert_allclose(layer(x).data, np.tanh(z)[None], rtol=1e-14)


def test_a_neuron_without_bias_has_one_parameter():
    neuron = nn.Neuron(2, "linear", bias=False)
    neuron.weight.data = [2.0, 3.0]
    assert [name for name, _ in neuron.named_parameters()] == ["weight"]
    assert float(neuron([1.0, 10.0])) == 32.0


def test_gradients_of_a_neuron_follow_the_chain_rule():
    neuron = nn.Neuron(2, dtype=np.float64)
    neuron.weight.data, neuron.bias.data = [0.5, -1.0], 0.25
    x = np.array([0.3, 0.8])
    y = neuron(x)
    y.backward()
    slope = 1 - np.tanh(0.5 * 0.3 - 0.8 + 0.25) ** 2
    np.testing.assert_allclose(neuron.weight.grad, slope * x, rtol=1e-14)
    assert neuron.bias.grad == pytest.approx(slope, rel=1e-14)


def test_a_neuron_given_the_wrong_number_of_inputs_says_so():
    with pytest.raises(tg.ShapeError, match=r"3.*\(4, 2\)"):
        nn.Neuron(3)(np.ones((4, 2)))
    with pytest.raises(tg.ShapeError, match=r"3.*\(\)"):
        nn.Neuron(3)(1.0)


def test_an_mlp_is_its_layers_in_turn_the_last_linear():
    mlp = nn.MLP(2, [4, 3, 1], activation="relu", dtype=np.float64)
    mlp.layers[-1].bias.data = [-10.0]  # so that a relu at the end would show
    x = y = np.random.default_rng(3).normal(size=(5, 2))
    for layer in mlp.layers:
        z = y @ layer.weight.data.T + layer.bias.data
        y = np.maximum(z, 0)
    assert [layer.weight.shape for layer in mlp.layers] == [(4, 2), (3, 4), (1, 3)]
    assert np.all(z < 0)
    np.testing.assert_allclose(mlp(x).data, z, rtol=1e-13)


def test_an_mlp_takes_any_function_or_module_as_activation():
    x = np.ones((1, 2))
    mlp = nn.MLP(2, [2, 1], activation=lambda z: 0 * z, dtype=np.float64)
    np.testing.assert_array_equal(mlp(x).data, mlp.layers[1].bias.data[None])
    mlp = nn.MLP(2, [2, 1], activation=nn.LeakyReLU(1.0), dtype=np.float64)
    first, last = mlp.layers
    expected = last.weight.data @ (first.weight.data.sum(axis=1) + first.bias.data)
    np.testing.assert_allclose(mlp(x).data[0], expected + last.bias.data, rtol=1e-13)


def test_an_activation_with_parameters_is_a_part_of_its_layer():
    class PReLU(nn.Module):
        def __init__(self):
            self.slope = Value(0.25)

        def forward(self, x):
            return tg.where(x > 0, x, self.slope * x)

    names = [name for name, _ in nn.Layer(2, 2, activation=PReLU()).named_parameters()]
    assert names == ["weight", "bias", "activation.slope"]


def test_an_mlp_without_bias_has_weights_alone():
    names = [name for name, _ in nn.MLP(2, [3, 1], bias=False).named_parameters()]
    assert names == ["layers.0.weight", "layers.1.weight"]


@pytest.mark.parametrize(
    ("make", "error"),
    [
        (lambda: nn.Layer(2, 2, activation="swosh"), ValueError),
        (lambda: nn.Neuron(2, activation="swosh"), ValueError),
        (lambda: nn.MLP(2, [2, 1], activation="swosh"), ValueError),
        (lambda: nn.MLP(2, [1], activation="swosh"), ValueError),
        (lambda: nn.Layer(2, 2, activation=nn.ReLU), TypeError),
        (lambda: nn.MLP(2, [1], activation=nn.ReLU), TypeError),
        (lambda: nn.Layer(2, 2, activation=3), TypeError),
    ],
)
def test_a_wrong_activation_is_met_when_the_layer_is_made(make, error):
    with pytest.raises(error, match="activation"):
        make()


@pytest.mark.parametrize("sizes", [3, []])
def test_an_mlp_needs_a_list_of_sizes(sizes):
    with pytest.raises((TypeError, ValueError), match="sizes"):
        nn.MLP(2, sizes)


@pytest.mark.parametrize("n", [0, -1, 2.0, "2"])
@pytest.mark.parametrize(
    "make",
    [
        lambda n: nn.Linear(n, 2),
        lambda n: nn.Linear(2, n),
        lambda n: nn.Layer(n, 2),
        lambda n: nn.Neuron(n),
        lambda n: nn.MLP(n, [1]),
        lambda n: nn.MLP(2, [n, 1]),
    ],
)
def test_sizes_are_positive_integers(make, n):
    with pytest.raises((TypeError, ValueError), match="positive integer"):
        make(n)


# ---- Types and randomness


MAKERS = [
    lambda **options: nn.Linear(3, 2, **options),
    lambda **options: nn.Layer(3, 2, **options),
    lambda **options: nn.Neuron(3, **options),
    lambda **options: nn.MLP(3, [2, 1], **options),
]
KINDS = ["Linear", "Layer", "Neuron", "MLP"]


@pytest.mark.parametrize("make", MAKERS, ids=KINDS)
def test_parameters_are_float32_unless_dtype_says_otherwise(make):
    x = np.ones((4, 3), np.float32)
    assert {p.dtype for p in make().parameters()} == {np.dtype(np.float32)}
    assert make()(x).dtype == np.float32
    wide = make(dtype=np.float64)
    assert {p.dtype for p in wide.parameters()} == {np.dtype(np.float64)}
    assert wide(x.astype(np.float64)).dtype == np.float64


@pytest.mark.parametrize("make", MAKERS, ids=KINDS)
def test_gradients_of_float32_parameters_are_float32(make):
    module = make()
    module(np.ones((4, 3))).sum().backward()
    assert {p.grad.dtype for p in module.parameters()} == {np.dtype(np.float32)}


@pytest.mark.parametrize("make", MAKERS, ids=KINDS)
def test_layers_start_alike_from_equal_generators_and_apart_from_one(make):
    rng = np.random.default_rng(5)
    a, b, c = make(rng=np.random.default_rng(5)), make(rng=rng), make(rng=rng)
    for p, q, r in zip(a.parameters(), b.parameters(), c.parameters(), strict=True):
        np.testing.assert_array_equal(p.data, q.data)
        assert not np.array_equal(q.data, r.data)


@pytest.mark.parametrize("rng", [0, np.random.RandomState(0)])
@pytest.mark.parametrize(
    "make", [*MAKERS, lambda **options: nn.Dropout(0.5, **options)], ids=[*KINDS, "Dropout"]
)
def test_what_is_no_generator_is_refused_when_the_layer_is_made(make, rng):
    with pytest.raises(TypeError, match="Generator"):
        make(rng=rng)


# ---- Dropout


@pytest.mark.parametrize("p", [0.1, 0.5, 0.8])
def test_dropout_keeps_the_expected_value(p):
    n = 100_000
    out = nn.Dropout(p)(Value(np.full(n, 3.0))).data
    # Each element is 3/(1-p) with probability 1-p: standard deviation 3 sqrt(p/(1-p)).
    assert abs(out.mean() - 3) < 6 * 3 * np.sqrt(p / (1 - p) / n)
    assert abs(np.mean(out == 0) - p) < 6 * np.sqrt(p * (1 - p) / n)
    np.testing.assert_allclose(np.unique(out), [0, 3 / (1 - p)], rtol=1e-14)


@pytest.mark.parametrize("x", [np.ones(100_000, int), np.ones(100_000, bool)], ids=["int", "bool"])
def test_dropout_of_integers_keeps_the_expected_value(x):
    assert nn.Dropout(0.3)(x).mean() == pytest.approx(1, abs=0.02)


def test_the_gradient_of_dropout_is_its_mask():
    x = Value(np.full(1000, 2.0))
    out = nn.Dropout(0.25)(x)
    out.sum().backward()
    np.testing.assert_allclose(x.grad, out.data / 2, rtol=1e-14)


@pytest.mark.parametrize("x", [Value(np.ones(5)), np.ones(5)], ids=["Value", "array"])
def test_dropout_in_evaluation_is_the_identity(x):
    assert nn.Dropout(0.9).eval()(x) is x
    assert nn.functional.dropout(x, 0.9, training=False) is x
    assert nn.Dropout(0.0)(x) is x


def test_dropout_of_everything_leaves_zeros_with_zero_gradient():
    x = Value(np.ones(5))
    out = nn.Dropout(1.0)(x)
    np.testing.assert_array_equal(out.data, np.zeros(5))
    out.sum().backward()
    np.testing.assert_array_equal(x.grad, np.zeros(5))


def test_dropout_is_reproducible_and_new_at_each_call():
    x = np.ones(100)
    a, b = (nn.Dropout(rng=np.random.default_rng(7)) for _ in range(2))
    first = a(x)
    np.testing.assert_array_equal(first, b(x))
    assert not np.array_equal(first, a(x))
    tg.manual_seed(1)
    first = nn.Dropout()(x)
    tg.manual_seed(1)
    np.testing.assert_array_equal(first, nn.Dropout()(x))


def test_dropout_drops_half_by_default_and_keeps_float32():
    assert nn.Dropout().p == 0.5
    assert nn.Dropout(0.3)(Value(np.ones(4, np.float32))).dtype == np.float32


@pytest.mark.parametrize("p", [-0.1, 1.1, float("nan")])
def test_a_probability_is_between_0_and_1(p):
    with pytest.raises(ValueError, match=str(p)):
        nn.Dropout(p)
    with pytest.raises(ValueError, match=str(p)):
        nn.functional.dropout(np.ones(2), p)


# ---- Flatten


@pytest.mark.parametrize(
    ("axes", "expected"),
    [
        ((), (2, 60)),
        ((0,), (120,)),
        ((1, 2), (2, 12, 5)),
        ((-2,), (2, 3, 20)),
        ((2, 2), (2, 3, 4, 5)),
    ],
)
def test_flatten_joins_axes(axes, expected):
    x = np.arange(120.0).reshape(2, 3, 4, 5)
    out = nn.Flatten(*axes)(Value(x))
    assert out.shape == expected
    np.testing.assert_array_equal(out.data, x.reshape(expected))


def test_flatten_keeps_an_empty_batch():
    assert nn.Flatten()(np.ones((0, 3, 4))).shape == (0, 12)


def test_flatten_refuses_axes_in_the_wrong_order():
    with pytest.raises(ValueError, match="2"):
        nn.Flatten(2, 1)(np.ones((2, 3, 4)))


def test_flatten_refuses_an_axis_that_is_not_there():
    with pytest.raises(ValueError, match="3"):
        nn.Flatten(3)(np.ones((2, 3)))
