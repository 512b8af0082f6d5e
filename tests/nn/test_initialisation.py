"""nn.init: the distributions parameters start from."""

import math

import numpy as np
import pytest

import tinygrad_nn as tg
from tinygrad_nn import Value, nn
from tinygrad_nn.nn import init

N_OUT, N_IN = 300, 200


def weight(*shape):
    return Value(np.full(shape or (N_OUT, N_IN), np.nan))


def fills(name):
    return getattr(init, name)


# The variance of a uniform distribution on +-b is b^2 / 3.
BOUNDS = [
    ("xavier_uniform_", {}, math.sqrt(6 / (N_IN + N_OUT))),
    ("xavier_uniform_", {"gain": 3.0}, 3 * math.sqrt(6 / (N_IN + N_OUT))),
    ("kaiming_uniform_", {}, math.sqrt(2) * math.sqrt(3 / N_IN)),
    ("kaiming_uniform_", {"mode": "fan_out"}, math.sqrt(2) * math.sqrt(3 / N_OUT)),
    ("kaiming_uniform_", {"nonlinearity": "linear"}, math.sqrt(3 / N_IN)),
    ("kaiming_uniform_", {"nonlinearity": "tanh"}, 5 / 3 * math.sqrt(3 / N_IN)),
    ("kaiming_uniform_", {"a": math.sqrt(5)}, 1 / math.sqrt(N_IN)),
    ("uniform_", {"low": -0.5, "high": 0.5}, 0.5),
]
STDS = [
    ("xavier_normal_", {}, math.sqrt(2 / (N_IN + N_OUT))),
    ("xavier_normal_", {"gain": 3.0}, 3 * math.sqrt(2 / (N_IN + N_OUT))),
    ("kaiming_normal_", {}, math.sqrt(2 / N_IN)),
    ("kaiming_normal_", {"mode": "fan_out"}, math.sqrt(2 / N_OUT)),
    ("kaiming_normal_", {"nonlinearity": "relu"}, math.sqrt(2 / N_IN)),
    ("kaiming_normal_", {"a": 1.0}, math.sqrt(1 / N_IN)),
    ("normal_", {}, 1.0),
    ("normal_", {"std": 0.2}, 0.2),
]


@pytest.mark.parametrize(("name", "options", "bound"), BOUNDS)
def test_uniform_initialisations_fill_their_interval(name, options, bound):
    w = fills(name)(weight(), **options).data
    assert np.abs(w).max() <= bound
    # Of 60,000 numbers, the largest reaches within 0.1 % of the bound but once in e^60 draws.
    assert w.max() > 0.999 * bound
    assert w.min() < -0.999 * bound
    assert abs(w.mean()) < 6 * bound / math.sqrt(3 * w.size)
    assert w.std() == pytest.approx(bound / math.sqrt(3), rel=0.02)


@pytest.mark.parametrize(("name", "options", "std"), STDS)
def test_normal_initialisations_have_their_standard_deviation(name, options, std):
    w = fills(name)(weight(), **options).data
    assert abs(w.mean()) < 6 * std / math.sqrt(w.size)
    assert w.std() == pytest.approx(std, rel=0.02)
    # A normal distribution has a fourth moment of 3 std^4, a uniform one of 1.8.
    assert np.mean(w**4) == pytest.approx(3 * std**4, rel=0.1)


def test_uniform_is_on_0_to_1_by_default_and_normal_takes_a_mean():
    w = init.uniform_(weight()).data
    assert 0 <= w.min() < 0.001
    assert 0.999 < w.max() < 1
    assert init.normal_(weight(), 5.0, 0.1).data.mean() == pytest.approx(5, abs=0.01)


def test_constants_are_the_same_everywhere():
    np.testing.assert_array_equal(init.constant_(weight(2, 3), 1.5).data, np.full((2, 3), 1.5))
    np.testing.assert_array_equal(init.zeros_(weight(2)).data, np.zeros(2))
    np.testing.assert_array_equal(init.ones_(weight(2)).data, np.ones(2))


@pytest.mark.parametrize("shape", [(4, 4), (3, 7), (7, 3), (6, 2, 5)])
@pytest.mark.parametrize("gain", [1.0, 2.5])
def test_orthogonal_rows_or_columns_are_orthonormal_times_the_gain(shape, gain):
    w = init.orthogonal_(weight(*shape), gain).data.reshape(shape[0], -1)
    product = w @ w.T if w.shape[0] <= w.shape[1] else w.T @ w
    np.testing.assert_allclose(product, gain**2 * np.eye(min(w.shape)), atol=1e-12)


def test_orthogonal_matrices_favour_no_sign():
    # Uniform over orthogonal matrices, each diagonal element is as often positive as negative:
    # 400 of 800, standard deviation 14.
    diagonals = np.concatenate([np.diag(init.orthogonal_(weight(4, 4)).data) for _ in range(200)])
    assert 300 < np.sum(diagonals > 0) < 500


def test_further_axes_multiply_the_fans():
    # Shape (n_out, n_in, 5, 4), as of a convolution: fan_in = 20 * 30, fan_out = 20 * 50.
    w = init.xavier_uniform_(weight(50, 30, 5, 4)).data
    assert np.abs(w).max() == pytest.approx(math.sqrt(6 / (20 * 80)), rel=1e-3)
    w = init.kaiming_uniform_(weight(50, 30, 5, 4), mode="fan_out").data
    assert np.abs(w).max() == pytest.approx(math.sqrt(6 / (20 * 50)), rel=1e-3)


@pytest.mark.parametrize(
    ("nonlinearity", "gain"),
    [("linear", 1), ("sigmoid", 1), ("tanh", 5 / 3), ("relu", math.sqrt(2))],
)
def test_gains_are_the_published_ones(nonlinearity, gain):
    assert init.calculate_gain(nonlinearity) == pytest.approx(gain, rel=1e-15)


@pytest.mark.parametrize("slope", [0.0, 0.01, 0.5, 1.0])
def test_the_gain_of_leaky_relu_depends_on_its_slope(slope):
    gain = init.calculate_gain("leaky_relu", slope)
    assert gain == pytest.approx(math.sqrt(2 / (1 + slope**2)), rel=1e-15)


# ---- In place, reproducible


ALL = [
    "uniform_",
    "normal_",
    "constant_",
    "zeros_",
    "ones_",
    "xavier_uniform_",
    "xavier_normal_",
    "kaiming_uniform_",
    "kaiming_normal_",
    "orthogonal_",
]
RANDOM = [name for name in ALL if name not in ("constant_", "zeros_", "ones_")]


@pytest.mark.parametrize("name", ALL)
def test_initialisation_is_in_place_and_keeps_the_dtype(name):
    parameter = Value(np.full((3, 2), np.nan, np.float32))
    assert fills(name)(parameter) is parameter
    assert parameter.dtype == np.float32
    assert np.all(np.isfinite(parameter.data))
    assert parameter.requires_grad


@pytest.mark.parametrize("name", RANDOM)
def test_initialisation_is_reproducible(name):
    by_rng = [fills(name)(weight(), rng=np.random.default_rng(3)).data for _ in range(2)]
    np.testing.assert_array_equal(*by_rng)
    by_seed = []
    for _ in range(2):
        tg.manual_seed(3)
        by_seed.append(fills(name)(weight()).data)
    np.testing.assert_array_equal(*by_seed)
    assert not np.array_equal(by_seed[0], fills(name)(weight()).data)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("parameter", [np.ones((2, 2)), [[1.0]]], ids=["array", "list"])
def test_what_is_no_value_cannot_be_filled(name, parameter):
    with pytest.raises(TypeError, match="Value"):
        fills(name)(parameter)


@pytest.mark.parametrize("name", [name for name in RANDOM if name[0] in "xko"])
def test_fans_need_two_axes(name):
    with pytest.raises(tg.ShapeError, match=r"\(3,\)"):
        fills(name)(weight(3))


def test_wrong_names_raise():
    with pytest.raises(ValueError, match=r"swish.*relu"):
        init.calculate_gain("swish")
    with pytest.raises(ValueError, match="fan_avg"):
        init.kaiming_uniform_(weight(), mode="fan_avg")
    with pytest.raises(ValueError, match="fan_avg"):
        init.kaiming_normal_(weight(), mode="fan_avg")


# ---- In layers


def layers(**options):
    return {
        "Linear": nn.Linear(N_IN, N_OUT, **options).weight.data,
        "Layer": nn.Layer(N_IN, N_OUT, **options).weight.data,
        "MLP": nn.MLP(N_IN, [N_OUT, 1], **options).layers[0].weight.data,
        "Neuron": nn.Neuron(N_OUT * N_IN, **options).weight.data,
    }


@pytest.mark.parametrize("kind", ["Linear", "Layer", "MLP"])
@pytest.mark.parametrize(
    ("name", "std"),
    [
        (None, 1 / math.sqrt(3 * N_IN)),
        ("uniform", 1 / math.sqrt(12)),
        ("normal", 1.0),
        ("zeros", 0.0),
        ("xavier_uniform", math.sqrt(2 / (N_IN + N_OUT))),
        ("xavier_normal", math.sqrt(2 / (N_IN + N_OUT))),
        ("kaiming_uniform", math.sqrt(2 / N_IN)),
        ("kaiming_normal", math.sqrt(2 / N_IN)),
        ("orthogonal", 1 / math.sqrt(N_OUT)),
    ],
)
def test_layers_take_an_initialisation_by_name(kind, name, std):
    assert layers(init=name)[kind].std() == pytest.approx(std, rel=0.03)


def test_a_neuron_takes_an_initialisation_by_name():
    np.testing.assert_array_equal(nn.Neuron(3, init="ones").weight.data, np.ones(3))


@pytest.mark.parametrize("make", [nn.Linear, nn.Layer])
def test_linear_layers_start_within_the_bounds_of_pytorch(make):
    layer = make(400, 300)
    bound = 1 / math.sqrt(400)
    for parameter in layer.parameters():
        assert np.abs(parameter.data).max() <= np.float32(bound)
        assert np.abs(parameter.data).max() > 0.95 * bound
        assert abs(parameter.data.mean()) < 6 * bound / math.sqrt(3 * parameter.size)


@pytest.mark.parametrize(
    "make",
    [
        lambda: nn.Linear(2, 2, init="glorot"),
        lambda: nn.Layer(2, 2, init="glorot"),
        lambda: nn.MLP(2, [2], init="glorot"),
        lambda: nn.Neuron(2, init="glorot"),
    ],
)
def test_layers_refuse_an_unknown_initialisation_and_list_the_known(make):
    with pytest.raises(ValueError, match=r"glorot.*xavier_uniform"):
        make()
