"""The fused primitives of networks, against what they are fused from."""

from typing import Any

import numpy as np
import pytest
from derivatives import check_gradients

from tinygrad_nn import ShapeError, Value
from tinygrad_nn.ops import linear, network


def normal(*shapes: tuple[int, ...]) -> list[Any]:
    rng = np.random.default_rng(0)
    return [np.asarray(rng.normal(size=shape))[()] for shape in shapes]


@pytest.mark.parametrize("batch", [(), (2,), (2, 1), (0,), (2, 0)])
def test_linear_is_a_product_with_the_transposed_weight(batch: tuple[int, ...]) -> None:
    x, weight, bias = normal((*batch, 3), (4, 3), (4,))
    np.testing.assert_allclose(linear(Value(x), weight, bias).data, x @ weight.T + bias)
    np.testing.assert_allclose(linear(x, Value(weight)).data, x @ weight.T)
    check_gradients(linear, x, weight, bias, order=2)


@pytest.mark.parametrize("batch", [(), (2,), (2, 3)])
def test_linear_with_no_features_gives_the_bias(batch: tuple[int, ...]) -> None:
    x, weight, bias = normal((*batch, 0), (4, 0), (4,))
    np.testing.assert_array_equal(
        linear(Value(x), weight, bias).data, np.broadcast_to(bias, (*batch, 4))
    )
    check_gradients(linear, x, weight, bias, order=2)


def test_linear_leaves_its_inputs_and_promotes() -> None:
    x, weight, bias = normal((2, 3), (4, 3), (4,))
    parts = Value(x, dtype=np.float32), Value(weight, dtype=np.float32), Value(bias)
    y = linear(*parts)
    assert y.dtype == np.float64
    y.sum().backward()
    for part in parts:
        assert (part.grad.dtype, part.grad.shape) == (part.dtype, part.shape)
    np.testing.assert_array_equal(parts[2].data, bias)
    assert linear(parts[0], parts[1], bias.astype(np.float32)).dtype == np.float32


def test_linear_says_which_shapes_do_not_fit() -> None:
    with pytest.raises(ShapeError, match=r"linear.*\(2, 3\).*\(4, 5\)"):
        linear(Value(np.ones((2, 3))), np.ones((4, 5)))


def test_cross_entropy_with_labels_is_minus_the_log_softmax() -> None:
    (logits,) = normal((4, 3))
    labels = np.array([0, 2, 2, 1])
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    loss = network.label_cross_entropy(Value(logits), labels)
    np.testing.assert_allclose(loss.data, -np.log(p[np.arange(4), labels]))
    check_gradients(lambda logits: network.label_cross_entropy(logits, labels), logits, order=2)


def test_cross_entropy_of_large_logits_is_finite() -> None:
    logits = Value([[1e4, 0.0], [1e4, 0.0], [0.0, -np.inf]])
    loss = network.label_cross_entropy(logits, np.array([0, 1, 0]))
    loss.sum().backward()
    np.testing.assert_array_equal(loss.data, [0, 1e4, 0])
    np.testing.assert_allclose(logits.grad, [[0, 0], [1, -1], [0, 0]], atol=1e-12)


def test_logistic_cross_entropy_is_that_of_the_sigmoid() -> None:
    logits, target = normal((2, 3), (2, 3))
    target = 1 / (1 + np.exp(target))
    p = 1 / (1 + np.exp(-logits))
    loss = network.logistic_cross_entropy(Value(logits), target)
    np.testing.assert_allclose(loss.data, -target * np.log(p) - (1 - target) * np.log(1 - p))
    check_gradients(network.logistic_cross_entropy, logits, target, order=2)


def test_logistic_cross_entropy_of_large_logits_is_finite() -> None:
    logits = Value([1e4, -1e4, 1e4, -1e4])
    loss = network.logistic_cross_entropy(logits, np.array([1.0, 0.0, 0.0, 1.0]))
    loss.sum().backward()
    np.testing.assert_array_equal(loss.data, [0, 0, 1e4, 1e4])
    np.testing.assert_array_equal(logits.grad, [0, 0, 1, -1])


def test_binary_cross_entropy_is_the_formula() -> None:
    p, target = np.array([0.2, 0.5, 0.8]), np.array([0.1, 0.9, 0.6])
    loss = network.binary_cross_entropy(Value(p), target)
    np.testing.assert_allclose(loss.data, -target * np.log(p) - (1 - target) * np.log(1 - p))
    check_gradients(network.binary_cross_entropy, p, target, order=2, step=4e-3, rtol=1e-5)


def test_binary_cross_entropy_bounds_its_logarithms_as_pytorch_does() -> None:
    p = Value([0.0, 1.0, 1.0, 0.0])
    loss = network.binary_cross_entropy(p, np.array([0.0, 1.0, 0.0, 1.0]))
    np.testing.assert_array_equal(loss.data, [0, 0, 100, 100])
    loss.sum().backward()
    assert np.all(np.isfinite(p.grad))
