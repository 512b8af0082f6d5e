"""Ways to find weights: each against closed forms and the documents' printed numbers."""

import itertools
from typing import Any

import numpy as np
import pytest

import tinygrad_nn as tg
from tinygrad_nn import ShapeError, learning, nn, optim
from tinygrad_nn.data import TensorDataset
from tinygrad_nn.learning import (
    Backpropagation,
    BruteForce,
    DeltaRule,
    HillClimbing,
    NumericalGradient,
    PerceptronRule,
    RandomHillClimbing,
    fit,
)

BITS = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
AND, OR, XOR = [0, 0, 0, 1], [0, 1, 1, 1], [0, 1, 1, 0]


def bowl(w: Any) -> Any:
    """Smallest, 0, at (1, -2)."""
    return (w[0] - 1) ** 2 + 10 * (w[1] + 2) ** 2


def linear(weight: Any, bias: float | None = None) -> nn.Neuron:
    neuron = nn.Neuron(len(weight), "linear", bias=bias is not None, dtype=np.float64)
    neuron.weight.data = weight
    if neuron.bias is not None:
        neuron.bias.data = bias
    return neuron


EVERY = [
    BruteForce(np.linspace(-2, 2, 9)),
    HillClimbing(0.25),
    RandomHillClimbing(0.2, rng=np.random.default_rng(0)),
    NumericalGradient(0.04),
    Backpropagation(lr=0.04),
    Backpropagation(0.1, optim.Adam),
]


@pytest.mark.parametrize("method", EVERY, ids=lambda method: type(method).__name__)
def test_every_method_finds_the_bottom_of_a_bowl(method: Any) -> None:
    history = fit(bowl, method=method, start=[0.0, 0.0], goal=1e-2)
    assert history.converged
    np.testing.assert_allclose(history.weights[-1], [1, -2], atol=0.1)
    assert history.errors[-1] == pytest.approx(bowl(history.weights[-1]))
    assert history.errors[0] == 41
    assert len(history.errors) == len(history.weights) == len(history.evaluations)
    assert (np.diff(history.evaluations) > 0).all()
    assert "converged" in repr(history)


@pytest.mark.parametrize("method", EVERY[:-1], ids=lambda method: type(method).__name__)
def test_models_and_functions_of_their_weights_are_fitted_alike(method: Any) -> None:
    x, t = np.array([[1.0, -1.0], [0.0, 1.0], [0.5, 2.0]]), np.array([0.0, 1.0, -1.0])
    if isinstance(method, RandomHillClimbing):
        method = RandomHillClimbing(0.3, rng=np.random.default_rng(0))
    model = linear([0.5, 0.25])
    of_model = fit(model, (x, t), method, rounds=5)
    if isinstance(method, RandomHillClimbing):
        method = RandomHillClimbing(0.3, rng=np.random.default_rng(0))

    def error(w: Any, x: Any, t: Any) -> Any:
        return np.mean((x @ w - t) ** 2)

    of_function = fit(error, (x, t), method, start=[0.5, 0.25], rounds=5)
    np.testing.assert_allclose(of_model.errors, of_function.errors, rtol=1e-10)
    np.testing.assert_allclose(of_model.weights, of_function.weights, rtol=1e-7)
    np.testing.assert_array_equal(of_model.evaluations, of_function.evaluations)
    np.testing.assert_array_equal(model.weight.data, of_model.weights[-1])


# ---- Search


def test_brute_force_tries_every_combination() -> None:
    tried = []

    def error(w: Any) -> Any:
        tried.append(tuple(w))
        return bowl(w)

    history = fit(error, method=BruteForce([[0, 1], [-2, -1, 0]]), start=[5.0, 5.0])
    assert sorted(tried[2:]) == [(a, b) for a in (0, 1) for b in (-2, -1, 0)]
    assert history.evaluations[-1] == 7
    np.testing.assert_array_equal(history.weights[-1], [1, -2])


def test_brute_force_refuses_what_would_take_too_long() -> None:
    model = nn.MLP(2, [3, 1])
    before = model.state_dict()
    with pytest.raises(ValueError, match=r"try 9,904,578,032,905,937 combinations of 13 weights"):
        fit(model, (BITS, np.zeros((4, 1))), BruteForce(np.linspace(-1, 1, 17)))
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, before[name])


def test_brute_force_keeps_the_first_of_the_best() -> None:
    history = fit(lambda w: abs(w[0]), method=BruteForce([-1.0, 1.0, 2.0]), start=[5.0])
    np.testing.assert_array_equal(history.weights[-1], [-1])


def test_hill_climbing_ends_where_no_step_helps() -> None:
    history = fit(bowl, method=HillClimbing(0.7), start=[0.0, 0.0])
    # From 0 in steps of 0.7: the nearest to 1 is 0.7, the nearest to -2 is -2.1.
    np.testing.assert_allclose(history.weights[-1], [0.7, -2.1])
    assert history.reason == "no step of 0.7 lowers the error"
    np.testing.assert_array_equal(np.diff(history.evaluations), 4)


def test_random_hill_climbing_never_goes_up() -> None:
    history = fit(bowl, method=RandomHillClimbing(), start=[0.0, 0.0], rounds=200)
    assert (np.diff(history.errors) <= 0).all()
    np.testing.assert_array_equal(history.evaluations, np.arange(1, 202))
    assert not history.converged


def test_random_hill_climbing_repeats_with_the_seed() -> None:
    def path() -> Any:
        tg.manual_seed(3)
        return fit(bowl, method=RandomHillClimbing(), start=[0.0, 0.0], rounds=20).weights

    np.testing.assert_array_equal(path(), path())


# ---- Gradients


def test_gradient_descent_follows_the_closed_form() -> None:
    # On a parabola the distance from its bottom shrinks by 1 - 2 lr, and by 1 - 20 lr.
    start = np.array([0.0, 0.0])
    n = np.arange(11)[:, None]
    path = [1, -2] + (start - [1, -2]) * (1 - 0.04 * np.array([2, 20])) ** n
    for method, each in ((Backpropagation(lr=0.04), 3), (NumericalGradient(0.04), 5)):
        history = fit(bowl, method=method, start=start, rounds=10)
        np.testing.assert_allclose(history.weights, path, rtol=1e-6, atol=1e-9)
        np.testing.assert_array_equal(np.diff(history.evaluations), each)


def test_backpropagation_takes_the_steps_that_a_training_loop_takes() -> None:
    x = np.random.default_rng(0).normal(size=(12, 2)).astype(np.float32)
    t = (x[:, 0] > 0).astype(int)
    model, other = (nn.MLP(2, [4, 2], rng=np.random.default_rng(1)) for _ in range(2))
    loss = nn.functional.cross_entropy
    history = fit(model, (x, t), Backpropagation(lr=0.5, momentum=0.9), loss=loss, rounds=4)

    optimizer = optim.SGD(other.parameters(), lr=0.5, momentum=0.9)
    losses = []
    for _ in range(4):
        losses.append(float(loss(other(x), t)))
        optimizer.zero_grad()
        loss(other(x), t).backward()
        optimizer.step()
    np.testing.assert_array_equal(history.errors[:4], losses)
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, other.state_dict()[name])


def test_batches_are_drawn_anew_in_each_round_and_cover_all_examples() -> None:
    seen: list[Any] = []

    class Seeing(nn.Module):
        def __init__(self) -> None:
            self.w = tg.Value(0.0)

        def forward(self, x: Any) -> Any:
            seen.append(x.tolist())
            return self.w * x

    x = np.arange(1.0, 6.0)
    method = Backpropagation(lr=0.01, batch_size=2, rng=np.random.default_rng(0))
    history = fit(Seeing(), TensorDataset(x, 3 * x), method, rounds=3)
    epochs = [part for part in seen if len(part) < 5]
    assert [len(part) for part in epochs] == [2, 2, 1] * 3
    orders = [[*itertools.chain(*epochs[at : at + 3])] for at in (0, 3, 6)]
    assert all(sorted(order) == x.tolist() for order in orders)
    assert len(set(map(tuple, orders))) > 1
    np.testing.assert_array_equal(history.evaluations, [0, 3, 6, 9])


# ---- Rules


@pytest.mark.parametrize("outputs", [(0, 1), (-1, 1)])
@pytest.mark.parametrize("gate", [AND, OR])
def test_the_perceptron_rule_learns_what_a_line_separates(gate: Any, outputs: Any) -> None:
    targets = np.where(np.array(gate) == 1, *outputs[::-1])
    perceptron = nn.Perceptron(2, outputs)
    history = fit(perceptron, (BITS, targets), PerceptronRule())
    assert history.converged
    np.testing.assert_array_equal(perceptron(BITS).data, targets)


def test_the_perceptron_rule_step_by_step() -> None:
    # By hand: AND, from 0, z >= 0 is 1. Mistakes in the first round: at (0, 0), b becomes -1; at
    # (1, 1), where z = -1, all become one more.
    perceptron = nn.Perceptron(2, (0, 1))
    history = fit(perceptron, (BITS, AND), PerceptronRule(), rounds=1)
    np.testing.assert_array_equal(history.weights, [[0, 0, 0], [1, 1, 0]])
    np.testing.assert_array_equal(history.errors, [0.75, 0.75])


def test_the_perceptron_rule_ends_where_the_model_is_right_about_all_at_once() -> None:
    # In this one the sums of all rows at once round otherwise than those of each row.
    rng = np.random.default_rng(381)
    x = np.round(rng.uniform(-1, 1, (30, 3)), 1)
    t = np.where(x @ [1, -1, 0.5] >= 0, 1, -1)
    perceptron = nn.Perceptron(3)
    history = fit(perceptron, (x, t), PerceptronRule())
    assert history.converged
    np.testing.assert_array_equal(perceptron(x).data, t)


def test_the_perceptron_rule_says_that_xor_did_not_converge() -> None:
    history = fit(nn.Perceptron(2, (0, 1)), (BITS, XOR), PerceptronRule(), rounds=50)
    assert not history.converged
    assert "stopped after 50 rounds, with" in history.reason
    assert "perhaps no line separates them" in history.reason
    assert "not converged" in repr(history)


def test_the_delta_rule_prints_the_errors_of_the_document() -> None:
    neuron = linear([0.2])
    history = fit(neuron, ([[0.4]], [0.7]), DeltaRule(lr=1.0), rounds=20)
    assert history.errors[:4].tolist() == [
        0.38439999999999985,
        0.2712326399999999,
        0.19138175078399997,
        0.13503896335319035,
    ]
    assert history.errors[19] == 0.0005097957955105112
    assert neuron.weight.data[0] == 1.7025848182730323
    assert neuron.weight.data[0] * 0.4 == 0.681033927309213


def test_the_delta_rule_online_goes_to_the_line_of_each_example() -> None:
    # With lr = 1 / |x|^2, a step solves its example: it goes at right angles to its line.
    x, t = np.array([[1.0, -1.0], [0.0, 1.0]]), np.array([0.0, 1.0])
    neuron = linear([-1.0, 0.0])
    fit(neuron, (x[:1], t[:1]), DeltaRule(lr=0.5), rounds=1)
    np.testing.assert_allclose(neuron.weight.data, [-0.5, -0.5])  # nearest on w1 = w2
    fit(neuron, (x[1:], t[1:]), DeltaRule(lr=1.0), rounds=1)
    np.testing.assert_allclose(neuron.weight.data, [-0.5, 1.0])  # nearest on w2 = 1


def test_the_delta_rule_in_batches_is_gradient_descent_on_half_the_squares() -> None:
    rng = np.random.default_rng(0)
    x, t = rng.normal(size=(7, 3)), rng.normal(size=(7, 2))
    layers = [nn.Linear(3, 2, dtype=np.float64, rng=np.random.default_rng(1)) for _ in range(2)]
    fit(layers[0], (x, t), DeltaRule(lr=0.02, batch=True), rounds=6)

    def half_squares(prediction: Any, target: Any) -> Any:
        return nn.functional.half_mse_loss(prediction, target, reduction="sum")

    fit(layers[1], (x, t), Backpropagation(lr=0.02), loss=half_squares, rounds=6)
    np.testing.assert_allclose(layers[0].weight.data, layers[1].weight.data, rtol=1e-12)
    np.testing.assert_allclose(layers[0].bias.data, layers[1].bias.data, rtol=1e-12)


def test_the_delta_rule_finds_the_least_squares() -> None:
    rng = np.random.default_rng(0)
    x, t = rng.normal(size=(20, 2)), rng.normal(size=20)
    neuron = linear([0.0, 0.0], bias=0.0)
    fit(neuron, (x, t), DeltaRule(lr=0.03, batch=True), rounds=500)
    exact = np.linalg.lstsq(np.column_stack([x, np.ones(20)]), t, rcond=None)[0]
    np.testing.assert_allclose([*neuron.weight.data, neuron.bias.data], exact, atol=1e-8)


# ---- Limits and mistakes


def test_frozen_parameters_stay() -> None:
    for method in (HillClimbing(), NumericalGradient(), Backpropagation()):
        neuron = linear([0.5, 0.5], bias=0.0)
        neuron.weight.requires_grad = False
        history = fit(neuron, (BITS, np.array(AND)), method, rounds=3)
        np.testing.assert_array_equal(neuron.weight.data, [0.5, 0.5])
        assert history.weights.shape[1] == 1
    with pytest.raises(ValueError, match="some are frozen"):
        fit(neuron, (BITS, np.array(AND)), DeltaRule())


def test_an_error_of_minus_infinity_is_the_end() -> None:
    def error(w: Any) -> Any:
        return -np.inf if w[0] > 1 else 1.0 - w[0]

    history = fit(error, method=HillClimbing(0.6), start=[0.0])
    assert history.converged
    assert history.reason == "there is no smaller error"


def test_goal_rounds_and_nothing_to_do() -> None:
    history = fit(bowl, method=HillClimbing(1.0), start=[1.0, -2.0])
    assert history.converged
    assert len(history) == 2
    none = fit(bowl, method=HillClimbing(1.0), start=[0.0, 0.0], rounds=0)
    assert none.reason == "stopped after 0 rounds"
    assert fit(bowl, method=HillClimbing(1.0), start=[0.0, 0.0], goal=50).reason.endswith("50")


def test_an_error_function_may_work_in_place() -> None:
    def error(w: Any) -> Any:
        w -= [1.0, -2.0]
        return w @ w

    for method in (HillClimbing(1.0), Backpropagation(lr=0.5)):
        history = fit(error, method=method, start=[0.0, 0.0], rounds=5)
        np.testing.assert_array_equal(history.weights[-1], [1, -2])


def test_what_diverges_is_stopped() -> None:
    history = fit(bowl, method=Backpropagation(lr=10.0), start=[0.0, 0.0])
    assert not history.converged
    assert "try smaller steps" in history.reason


@pytest.mark.parametrize(
    "method",
    [
        HillClimbing(0.1),
        RandomHillClimbing(0.1),
        BruteForce([0.0, 0.5, 0.9]),
        NumericalGradient(0.1),
    ],
)
def test_an_interrupted_search_leaves_the_best_weights(method: Any) -> None:
    model = linear([0.0, 0.0])
    errors: list[float] = []

    def loss(prediction: Any, target: Any) -> Any:
        if len(errors) == 7:
            raise KeyboardInterrupt
        assert not prediction.requires_grad
        errors.append(float(np.mean((prediction.data - target) ** 2)))
        return errors[-1]

    data = np.eye(2), np.ones(2)
    with pytest.raises(KeyboardInterrupt):
        fit(model, data, method, loss=loss)
    error = float(np.mean((data[0] @ model.weight.data - 1) ** 2))
    if isinstance(method, NumericalGradient):  # after one step down the slope of -1
        assert error == pytest.approx(0.9**2)
    else:
        assert error == min(errors)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: fit(bowl, method=HillClimbing()), TypeError, "needs start="),
        (lambda: fit(bowl, start=[0.0]), TypeError, "method must be one such as"),
        (lambda: fit(bowl, method=HillClimbing, start=[0.0]), TypeError, "method must be one"),
        (lambda: fit(3, method=HillClimbing()), TypeError, "a model or an error function"),
        (lambda: fit(nn.Perceptron, method=HillClimbing()), TypeError, "a model or an error"),
        (lambda: fit(nn.ReLU(), (BITS, AND), HillClimbing()), ValueError, "no parameters"),
        (lambda: fit(nn.Neuron(2), BITS, HillClimbing()), TypeError, "tuple of arrays or a Ten"),
        (lambda: fit(nn.Neuron(2), (BITS,), HillClimbing()), TypeError, "pair of arrays"),
        (lambda: fit(nn.Neuron(2), {"x": BITS}, HillClimbing()), TypeError, "not dict"),
        (
            lambda: fit(bowl, method=HillClimbing(), start=tg.Value([1.0])),
            TypeError,
            "give its data",
        ),
        (lambda: fit(bowl, method=HillClimbing(), start=[]), ValueError, "no weights"),
        (lambda: fit(lambda w: 1j, method=HillClimbing(), start=[1.0]), TypeError, "real number"),
        (
            lambda: fit(bowl, method=HillClimbing(), start=[1.0], goal=np.nan),
            ValueError,
            "goal is NaN",
        ),
        (lambda: fit(bowl, method=HillClimbing(), start=[1.0], rounds=-1), ValueError, "negative"),
        (lambda: fit(bowl, method=HillClimbing(), start=[1.0], rounds=True), TypeError, "whole"),
        (lambda: BruteForce([]), ValueError, "needs values"),
        (lambda: BruteForce([[1.0], []]), ValueError, "needs values"),
        (lambda: Backpropagation(optimizer="adam"), TypeError, "a class such as optim.Adam"),
        (lambda: Backpropagation(lr=-1.0), ValueError, "lr must be a positive number"),
        (lambda: Backpropagation(learning_rate=0.1), TypeError, "learning_rate"),
        (
            lambda: fit(bowl, (np.ones(2), np.ones(3)), Backpropagation(batch_size=2), start=[0.0]),
            ValueError,
            "equal lengths",
        ),
        (
            lambda: fit(bowl, method=Backpropagation(batch_size=2), start=[0.0]),
            ValueError,
            "equal lengths",
        ),
        (
            lambda: fit(nn.Perceptron(2), (BITS, np.ones((4, 1))), PerceptronRule()),
            ShapeError,
            r"\(4,\) examples, but targets of shape \(4, 1\)",
        ),
        (
            lambda: fit(nn.StochasticBinary(2), (BITS, AND), DeltaRule()),
            TypeError,
            "the delta rule is for nn.Neuron",
        ),
        (
            lambda: fit(nn.StochasticBinary(2), (BITS, AND), HillClimbing()),
            ValueError,
            "the error is random",
        ),
        (
            lambda: tg.grad(lambda x: fit(linear([1.0]), (x, [1.0]), DeltaRule()).errors[-1])(
                np.ones((1, 1))
            ),
            TypeError,
            "the data carry a gradient",
        ),
        (lambda: fit(nn.Neuron(2), (BITS, [1, 2]), HillClimbing()), ValueError, "as many inputs"),
        (
            lambda: fit(bowl, method=HillClimbing(), start=[np.nan, 0.0]),
            ValueError,
            "at the start is nan",
        ),
        (
            lambda: fit(lambda w: w, method=HillClimbing(), start=[1.0, 2.0]),
            ValueError,
            r"must be one number, not of shape \(2,\)",
        ),
        (
            lambda: fit(bowl, method=HillClimbing(), start=[0.0, 0.0], rounds=1.5),
            TypeError,
            "whole number",
        ),
        (lambda: HillClimbing(0.0), ValueError, "step must be a positive number"),
        (lambda: RandomHillClimbing(-1.0), ValueError, "scale must be a positive number"),
        (lambda: DeltaRule(lr=-1), ValueError, "lr must be a positive number"),
        (lambda: Backpropagation(batch_size=0), ValueError, "examples in a batch"),
        (
            lambda: fit(nn.Neuron(2, "linear"), (BITS, AND), PerceptronRule()),
            TypeError,
            "the perceptron rule is for nn.Perceptron",
        ),
        (
            lambda: fit(nn.Perceptron(2), (BITS, AND), PerceptronRule()),
            ValueError,
            "targets of the perceptron rule are -1 or 1",
        ),
        (
            lambda: fit(nn.Neuron(2, "tanh"), (BITS, AND), DeltaRule()),
            TypeError,
            "linear neurons; others need Backpropagation",
        ),
        (
            lambda: fit(nn.Neuron(3, "linear"), (BITS, AND), DeltaRule()),
            ShapeError,
            r"must be \(examples, 3\), not of shape \(4, 2\)",
        ),
        (
            lambda: fit(nn.Linear(2, 1), (BITS, AND), DeltaRule()),
            ShapeError,
            r"the predictions are \(4, 1\), the targets \(4,\)",
        ),
        (
            lambda: fit(bowl, method=BruteForce([[0.0]]), start=[0.0, 0.0]),
            ValueError,
            "values of 1 weights, not of 2",
        ),
    ],
)
def test_mistakes(call: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        call()


def test_learning_is_public() -> None:
    assert tg.learning is learning
