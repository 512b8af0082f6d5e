"""Neurons and logic, against their definitions and the documents' numbers."""

import itertools
import math
import re
from typing import Any

import numpy as np
import pytest

import tinygrad_nn as tg
from tinygrad_nn import ShapeError, Value, nn
from tinygrad_nn.nn import functional, logic, neurons
from tinygrad_nn.testing import gradcheck

BITS = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
ANIMALS = np.array([[1000, 5, 2], [200, 3, 1], [30, 2, 2]])  # kg, m, cm of fur


# ---- McCulloch and Pitts


@pytest.mark.parametrize("dtype", [np.int64, np.int8, bool, np.float16, np.float32, np.float64])
def test_a_mcculloch_pitts_neuron_counts_its_inputs(dtype: Any) -> None:
    x = np.array(list(itertools.product([0, 1], repeat=4))).astype(dtype)
    returned = {np.float16: np.float32, np.float32: np.float32, np.float64: np.float64}
    for threshold in (-math.inf, -1e17, 0, 1, 1 + 1e-12, 2.5, 4, 5, 1e300, math.inf):
        out = nn.McCullochPitts(4, threshold)(x)
        np.testing.assert_array_equal(out, x.astype(int).sum(axis=1) >= threshold)
        assert out.dtype == returned.get(dtype, np.int64)


def test_an_inhibitory_input_forbids() -> None:
    x = np.array(list(itertools.product([0, 1], repeat=4)))
    for threshold in (-1e300, -1, 0, 0.5, 1, 2, 1e300):
        out = nn.McCullochPitts(4, threshold, inhibitory=iter([1, 3]))(x)
        expected = (x[:, 0] + x[:, 2] >= threshold) & (x[:, 1] == 0) & (x[:, 3] == 0)
        np.testing.assert_array_equal(out, expected)


def test_it_takes_many_inputs_of_a_small_type() -> None:
    assert nn.McCullochPitts(1000, 500)(np.ones(1000, np.int8)) == 1
    assert nn.McCullochPitts(5000, 5000)(np.ones(5000, np.float16)) == 1


def test_gates_are_those_of_the_documents() -> None:
    a, b = BITS.T
    for gate, threshold, expected in (
        (logic.And(), 2, a & b),
        (logic.Or(), 1, a | b),
    ):
        assert gate.threshold == threshold
        np.testing.assert_array_equal(gate(a, b), expected)
    assert logic.Not().threshold == 0
    np.testing.assert_array_equal(logic.Not()(a), 1 - a)
    np.testing.assert_array_equal(logic.AndNot()(a, b), a & ~b)
    np.testing.assert_array_equal(logic.Xor()(a, b), a ^ b)
    np.testing.assert_array_equal(logic.And(3)(a, b, 1), a & b)


def test_adders_add() -> None:
    a, b, carry = np.array(list(itertools.product([0, 1], repeat=3))).T
    total, carried = logic.FullAdder()(a, b, carry)
    np.testing.assert_array_equal(total + 2 * carried, a + b + carry)
    total, carried = logic.HalfAdder()(a[:, None], b)
    np.testing.assert_array_equal(total + 2 * carried, a[:, None] + b)


def test_every_gate_is_a_neuron_and_xor_is_a_net_of_two_layers() -> None:
    gates = [m for m in logic.FullAdder().modules() if not list(m.children())]
    assert len(gates) == 9
    assert all(isinstance(gate, nn.McCullochPitts) for gate in gates)
    assert [type(m).__name__ for m in logic.Xor().children()] == ["AndNot", "AndNot", "Or"]


def test_a_full_adder_is_drawn_with_its_bits() -> None:
    drawing = str(tg.draw(logic.FullAdder(), 1.0, 0.0, 1.0, collapse=nn.McCullochPitts))
    assert "carry: Or" in drawing
    drawing = tg.draw(logic.FullAdder(), 1.0, 1.0, 1.0, collapse=nn.McCullochPitts)
    bits = re.findall(r"→ (\d)<", drawing.source)
    # 1 are a carry, the last, and in the second Xor one gate and the last of it.
    assert sorted(bits) == ["0"] * 5 + ["1"] * 4
    with pytest.raises(ValueError, match=r"1\.0, not 1"):
        tg.draw(logic.FullAdder(), 1, 1, 1)


# ---- The perceptron


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_elephant_decision_of_the_documents(dtype: Any) -> None:
    elephant = nn.Perceptron.from_threshold([2, 1, 0.5], 1000, dtype=dtype)
    np.testing.assert_array_equal(ANIMALS @ elephant.weight.data, [2006, 403.5, 63])
    np.testing.assert_array_equal(elephant(ANIMALS).data, [1, -1, -1])
    assert elephant.threshold == 1000
    zero_one = nn.Perceptron.from_threshold([2, 1, 0.5], 1000, (0, 1))
    np.testing.assert_array_equal(zero_one(ANIMALS).data, [1, 0, 0])


def test_at_the_threshold_a_perceptron_fires() -> None:
    assert nn.Perceptron.from_threshold([1.0], 3.0)([3.0]).data == 1
    assert nn.Perceptron.from_threshold([1.0], 16777217)([16777216.0]).data == -1  # no float32
    assert nn.Perceptron.from_threshold([1.0], 3.0)([np.nextafter(3.0, 0)]).data == -1


@pytest.mark.parametrize(("x0", "first"), [(1.0, -1000), (-1.0, 1000), (2.0, -500)])
def test_the_bias_trick_and_back(x0: float, first: float) -> None:
    elephant = nn.Perceptron.from_threshold([2, 1, 0.5], 1000)
    trick = elephant.bias_trick(x0)
    assert trick.bias is None
    np.testing.assert_array_equal(trick.weight.data, [first, 2, 1, 0.5])
    x = neurons.with_constant(ANIMALS, x0)
    np.testing.assert_array_equal(x, np.column_stack([np.full(3, x0), ANIMALS]))
    np.testing.assert_array_equal(trick(x).data, elephant(ANIMALS).data)
    whole = Value(ANIMALS, dtype=int, requires_grad=False)
    np.testing.assert_array_equal(neurons.with_constant(whole, 0.5).data[:, 0], 0.5)
    back = trick.undo_bias_trick(x0)
    np.testing.assert_array_equal(back.weight.data, elephant.weight.data)
    assert back.bias.data == elephant.bias.data


def test_a_step_teaches_nothing() -> None:
    perceptron = nn.Perceptron.from_threshold([1.0, 1.0], 0.5)
    perceptron(np.array([[1.0, 0.0], [0.2, 0.1]])).sum().backward()
    np.testing.assert_array_equal(perceptron.weight.grad, [0, 0])


# ---- Neurons with a derivative


@pytest.mark.parametrize(
    ("activation", "f", "slope"),
    [
        ("linear", lambda z: z, lambda z: 1),
        ("relu", lambda z: max(0, z), lambda z: float(z > 0)),
        ("leaky_relu", lambda z: max(0.01 * z, z), lambda z: 1 if z > 0 else 0.01),
        (
            "sigmoid",
            lambda z: 1 / (1 + math.exp(-z)),
            lambda z: math.exp(z) / (1 + math.exp(z)) ** 2,
        ),
        (
            "tanh",
            lambda z: (math.exp(z) - math.exp(-z)) / (math.exp(z) + math.exp(-z)),
            lambda z: 4 / (math.exp(z) + math.exp(-z)) ** 2,
        ),
    ],
)
@pytest.mark.parametrize("bias", [-2.0, 0.5])
def test_neurons_compute_what_the_table_says(
    activation: str, f: Any, slope: Any, bias: float
) -> None:
    neuron = nn.Neuron(2, activation, dtype=np.float64)
    neuron.weight.data, neuron.bias.data = [0.5, -1.0], bias
    x = np.array([1.0, 0.25])
    z = 0.25 + bias
    y = neuron(x)
    assert float(y) == pytest.approx(f(z), rel=1e-14)
    y.backward()
    np.testing.assert_allclose(neuron.weight.grad, slope(z) * x, rtol=1e-13)


def test_a_softmax_group() -> None:
    group = nn.Layer(2, 3, "softmax", dtype=np.float64)
    x = np.array([0.5, -1.0])
    z = group.weight.data @ x + group.bias.data
    y = group(x)
    np.testing.assert_allclose(y.data, np.exp(z) / np.exp(z).sum(), rtol=1e-14)
    y[1].backward()
    expected = y.data[1] * ((np.arange(3) == 1) - y.data)  # dy_1/dz_1 = y_1 (1 - y_1)
    np.testing.assert_allclose(group.bias.grad, expected, rtol=1e-13)


# ---- Neurons that draw at random

Z = np.array([-1.5, 0.0, 0.4, 2.0])


def sigmoid(z: Any) -> Any:
    return 1 / (1 + np.exp(-z))


def test_a_stochastic_binary_neuron_fires_with_its_probability() -> None:
    n = 20_000
    z = np.broadcast_to(Z, (n, 4))
    fires = functional.stochastic_binary(z, rng=np.random.default_rng(0))
    assert set(np.unique(fires)) == {0, 1}
    spread = np.sqrt(sigmoid(Z) * (1 - sigmoid(Z)) / n)
    assert (np.abs(fires.mean(axis=0) - sigmoid(Z)) < 4 * spread).all()


def test_a_poisson_neuron_fires_at_its_rate() -> None:
    n = 20_000
    counts = functional.poisson_relu(np.broadcast_to(Z, (n, 4)), rng=np.random.default_rng(0))
    rate = np.maximum(Z, 0)
    assert (np.abs(counts.mean(axis=0) - rate) <= 4 * np.sqrt(rate / n)).all()
    assert (np.abs(counts.var(axis=0) - rate) <= 8 * np.sqrt((rate + 2 * rate**2) / n)).all()
    np.testing.assert_array_equal(counts, np.round(counts))


def test_samples_are_whole_numbers_whatever_the_rounding() -> None:
    for dtype in (np.float32, np.float64):
        z = Value(np.random.default_rng(0).uniform(0, 5, 10_000), dtype=dtype)
        for sample in (functional.stochastic_binary(z), functional.poisson_relu(z)):
            assert sample.dtype == dtype
            np.testing.assert_array_equal(sample.data, np.round(sample.data))


@pytest.mark.parametrize("kind", [nn.StochasticBinary, nn.PoissonReLU])
def test_the_same_seed_draws_the_same(kind: Any) -> None:
    def drawn(**options: Any) -> Any:
        tg.manual_seed(5)
        neuron = kind(3, **options)
        return neuron(np.ones((50, 3))).data

    np.testing.assert_array_equal(drawn(), drawn())
    own = [drawn(rng=np.random.default_rng(1)) for _ in range(2)]
    np.testing.assert_array_equal(*own)


def test_straight_through_the_gradient_of_an_expected_linear_loss_is_right() -> None:
    c = np.array([1.0, -2.0, 3.0, 0.5])
    for sample, slope in (
        (functional.stochastic_binary, sigmoid(Z) * (1 - sigmoid(Z))),  # of c p
        (functional.poisson_relu, Z > 0),  # of c max(0, z)
    ):
        z = Value(Z)
        (c * sample(z)).sum().backward()
        np.testing.assert_allclose(z.grad, c * slope, rtol=1e-14)


def loss_of(s: Any) -> Any:
    """No linear function of the samples, and none of each alone."""
    return (s[..., 0] - 2 * s[..., 1] + s[..., 0] * s[..., 2] - 0.5) ** 2


def expected_gradient(estimate: Any, samples: Any, probabilities: Any) -> Any:
    """The mean of the gradient by z over all samples, each with its probability."""
    total = np.zeros(3)
    for s, p in zip(samples, probabilities, strict=True):
        z = Value(Z[1:])
        estimate(z, np.array(s, float)).backward()
        total += p * z.grad
    return total


def test_the_score_function_gives_the_gradient_of_the_expected_loss_of_binary_samples() -> None:
    samples = np.array(list(itertools.product([0, 1], repeat=3)), float)

    def expected_loss(z: Any) -> Any:
        p = sigmoid(z)
        return sum(np.prod(np.where(s, p, 1 - p)) * loss_of(s) for s in samples)

    def estimate(z: Any, s: Any) -> Any:
        log_prob = functional.stochastic_binary_log_prob(z, s).sum()
        return functional.score_function(loss_of(s), log_prob)

    p = sigmoid(Z[1:])
    found = expected_gradient(estimate, samples, [np.prod(np.where(s, p, 1 - p)) for s in samples])
    np.testing.assert_allclose(found, tg.grad(expected_loss)(Z[1:]), rtol=1e-12)


def test_the_score_function_gives_the_gradient_of_the_expected_loss_of_poisson_samples() -> None:
    # E[s^2] = r + r^2 for the rate r, and its derivative is 1 + 2 r.
    rate = 1.3
    z = Value(rate)
    total = np.float64(0)
    for s in range(60):
        log_prob = functional.poisson_relu_log_prob(z, float(s))
        z.zero_grad()
        functional.score_function(np.float64(s**2), log_prob).backward()
        total += z.grad * math.exp(-rate) * rate**s / math.factorial(s)
        assert float(log_prob) == pytest.approx(
            s * math.log(rate) - rate - math.log(math.factorial(s)), rel=1e-12
        )
    assert total == pytest.approx(1 + 2 * rate, rel=1e-12)


def test_log_probabilities_have_right_derivatives() -> None:
    gradcheck(lambda z: functional.stochastic_binary_log_prob(z, [1, 0, 0, 1]).sum(), Z)
    gradcheck(
        lambda z: functional.poisson_relu_log_prob(z, [0, 3, 1]).sum(), np.array([0.3, 2.0, 5.0])
    )


def test_a_poisson_neuron_at_rest_is_silent() -> None:
    np.testing.assert_array_equal(
        functional.poisson_relu_log_prob(np.array([-1.0, 0.0, -2.0]), [0, 0, 1]), [0, 0, -np.inf]
    )


@pytest.mark.parametrize("kind", [nn.StochasticBinary, nn.PoissonReLU])
@pytest.mark.parametrize("by_score", [True, False])
def test_stochastic_neurons_learn(kind: Any, by_score: bool) -> None:
    """To fire for the first input, and not for the second."""
    x = np.repeat(np.eye(2, dtype=np.float32), 200, axis=0)
    target = x[:, 0]
    tg.manual_seed(0)
    neuron = kind(2)
    neuron.weight.data, neuron.bias.data = [0.3, 0.3], 0.3
    optimizer = tg.optim.SGD(neuron.parameters(), lr=0.5)

    def losses() -> Any:
        s = neuron(x)
        if not by_score:
            return (s - target) ** 2
        s = s.detach()
        return functional.score_function((s - target) ** 2, neuron.log_prob(x, s))

    before = float(losses().mean())
    for _ in range(60):
        optimizer.zero_grad()
        losses().mean().backward()
        optimizer.step()
    with tg.no_grad():
        after = np.mean([float(losses().mean()) for _ in range(20)])
    assert after < 0.62 * before


def test_single_numbers_are_drawn_too() -> None:
    assert functional.stochastic_binary(1000.0) == 1
    assert functional.poisson_relu(-1.0) == 0
    for neuron in (nn.StochasticBinary(2), nn.PoissonReLU(2)):
        assert neuron([1.0, 2.0]).shape == ()
        assert "softplus" not in str(tg.draw(neuron, np.array([1.0, 0.0])))


def test_log_probabilities_are_exact_where_they_are_small() -> None:
    z = Value([37.0, -37.0, np.inf, -np.inf])
    log_prob = functional.stochastic_binary_log_prob(z, [1, 0, 1, 0])
    np.testing.assert_allclose(log_prob.data, [-math.exp(-37)] * 2 + [0, 0], rtol=1e-12)
    for log_prob in (functional.stochastic_binary_log_prob, functional.poisson_relu_log_prob):
        assert log_prob(np.ones(2, np.float32), [1, 0]).dtype == np.float32


def test_the_score_function_has_the_second_derivative_of_the_expected_loss() -> None:
    # E[(s - 0.3)^2] = 0.4 p + 0.09, for the sigmoid p of z = 0.3.
    p = float(sigmoid(0.3))

    def estimate(z: Any, s: float) -> Any:
        log_prob = functional.stochastic_binary_log_prob(z, s)
        return functional.score_function(np.float64((s - 0.3) ** 2), log_prob)

    found = p * tg.grad(tg.grad(lambda z: estimate(z, 1.0)))(0.3)
    found += (1 - p) * tg.grad(tg.grad(lambda z: estimate(z, 0.0)))(0.3)
    assert found == pytest.approx(0.4 * p * (1 - p) * (1 - 2 * p), rel=1e-12)


def test_not_a_number_stays_one() -> None:
    z = Value([np.nan, 1.0])
    assert np.isnan(functional.poisson_relu(Value(np.inf)).data)
    for sample in (functional.stochastic_binary(z), functional.poisson_relu(z)):
        np.testing.assert_array_equal(np.isnan(sample.data), [True, False])


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: nn.McCullochPitts(2, 1)([0.5, 1.0]), ValueError, "0 or 1"),
        (lambda: nn.McCullochPitts(2, 1)([1, 1, 1]), ShapeError, "of 2 inputs, given x of shape"),
        (lambda: nn.McCullochPitts(0, 1), ValueError, "number of inputs"),
        (lambda: nn.McCullochPitts(2, 1, [2]), ValueError, "inhibitory lists inputs from 0 to 1"),
        (lambda: nn.McCullochPitts(2, 1, [True]), ValueError, "inhibitory lists inputs"),
        (lambda: nn.McCullochPitts(2, 1, [-1]), ValueError, "inhibitory lists inputs"),
        (lambda: nn.McCullochPitts(2, math.nan), ValueError, "threshold is NaN"),
        (lambda: setattr(nn.McCullochPitts(2, 1), "threshold", 2), AttributeError, "threshold"),
        (lambda: nn.Neuron(2, "softmax"), ValueError, "nn.Layer"),
        (lambda: nn.Neuron(2, dtype=int), TypeError, "floating point"),
        (lambda: nn.Linear(2, 1, dtype=bool), TypeError, "floating point"),
        (lambda: nn.Perceptron(2, dtype=int), TypeError, "floating point"),
        (lambda: nn.Perceptron(2).bias_trick(math.inf), ValueError, "must not be inf"),
        (
            lambda: functional.stochastic_binary_log_prob(0.0, Value(1.0)),
            TypeError,
            "detach",
        ),
        (lambda: logic.And()(1), TypeError, "And of 2 bits, not 1"),
        (lambda: logic.Xor()(1, 2), ValueError, "0 or 1"),
        (lambda: nn.Perceptron(2, (1, -1)), ValueError, "outputs must be"),
        (lambda: nn.Perceptron(2)([1.0]), ShapeError, "a perceptron of 2 inputs"),
        (lambda: nn.Perceptron(2).bias_trick(0.0), ValueError, "must not be 0"),
        (lambda: nn.Perceptron(2).undo_bias_trick(), ValueError, "has a bias"),
        (lambda: nn.StochasticBinary(2, rng=0), TypeError, "numpy.random.Generator"),
        (lambda: functional.stochastic_binary_log_prob(0.0, 0.5), ValueError, "of 0 and 1"),
        (lambda: functional.poisson_relu_log_prob(1.0, -1.0), ValueError, "whole numbers"),
        (
            lambda: functional.score_function(np.ones(2), np.ones((2, 3))),
            ShapeError,
            "sum log_prob over the neurons",
        ),
    ],
)
def test_mistakes(call: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        call()
