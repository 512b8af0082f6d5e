"""Activation functions as modules, against their formulas."""

import math

import numpy as np
import pytest

from tinygrad_nn import Value, nn

X = np.array([[-3.0, -0.5, 0.0], [0.25, 1.0, 4.0]])
PHI = np.vectorize(lambda x: 0.5 * (1 + math.erf(x / math.sqrt(2))))
GELU_TANH = 0.5 * X * (1 + np.tanh(math.sqrt(2 / math.pi) * (X + 0.044715 * X**3)))
SOFTMAX = np.exp(X) / np.exp(X).sum(axis=-1, keepdims=True)
SOFTMAX_0 = np.exp(X) / np.exp(X).sum(axis=0)

CASES = [
    (nn.Identity(), X),
    (nn.ReLU(), np.where(X > 0, X, 0)),
    (nn.LeakyReLU(), np.where(X > 0, X, 0.01 * X)),
    (nn.LeakyReLU(0.3), np.where(X > 0, X, 0.3 * X)),
    (nn.ELU(), np.where(X > 0, X, np.exp(X) - 1)),
    (nn.ELU(2.0), np.where(X > 0, X, 2 * (np.exp(X) - 1))),
    (nn.GELU(), X * PHI(X)),
    (nn.GELU("tanh"), GELU_TANH),
    (nn.SiLU(), X / (1 + np.exp(-X))),
    (nn.Sigmoid(), 1 / (1 + np.exp(-X))),
    (nn.Tanh(), np.sinh(X) / np.cosh(X)),
    (nn.Softplus(), np.log(1 + np.exp(X))),
    (nn.Softmax(), SOFTMAX),
    (nn.Softmax(dim=0), SOFTMAX_0),
    (nn.LogSoftmax(), np.log(SOFTMAX)),
    (nn.LogSoftmax(dim=0), np.log(SOFTMAX_0)),
]
IDS = [f"{type(module).__name__}-{module.extra_repr()}" for module, _ in CASES]


@pytest.mark.parametrize(("module", "expected"), CASES, ids=IDS)
def test_activation_modules_compute_their_formula(module, expected):
    np.testing.assert_allclose(module(Value(X)).data, expected, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize(("module", "expected"), CASES, ids=IDS)
def test_activation_modules_keep_float32(module, expected):
    out = module(Value(X.astype(np.float32)))
    assert out.dtype == np.float32
    np.testing.assert_allclose(out.data, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("module", [module for module, _ in CASES], ids=IDS)
def test_activation_modules_have_no_parameters(module):
    assert list(module.parameters()) == []


@pytest.mark.parametrize(
    ("name", "module"),
    [
        ("relu", nn.ReLU()),
        ("leaky_relu", nn.LeakyReLU()),
        ("elu", nn.ELU()),
        ("gelu", nn.GELU()),
        ("silu", nn.SiLU()),
        ("sigmoid", nn.Sigmoid()),
        ("tanh", nn.Tanh()),
        ("softplus", nn.Softplus()),
        ("softmax", nn.Softmax()),
        ("linear", nn.Identity()),
        (None, nn.Identity()),
    ],
)
def test_a_layer_takes_its_activation_by_name(name, module):
    layer = nn.Layer(3, 4, activation=name, dtype=np.float64)
    z = X @ layer.weight.data.T + layer.bias.data
    np.testing.assert_allclose(layer(X).data, module(Value(z)).data, rtol=1e-13)


def test_gelu_refuses_an_unknown_approximation_when_made():
    with pytest.raises(ValueError, match="sigmoid"):
        nn.GELU("sigmoid")
