"""The package's random numbers: one seed, one result."""

import numpy as np
import pytest

import tinygrad_nn as tg
from tinygrad_nn import Value, nn, optim
from tinygrad_nn.data import DataLoader, TensorDataset


def train(seed):
    """A training that uses everything random: initialisation, shuffling, dropout."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(40, 3)).astype(np.float32)
    labels = (x.sum(axis=1) > 0).astype(int)
    tg.manual_seed(seed)
    model = nn.Sequential(
        nn.Linear(3, 8, init="kaiming_normal"),
        nn.ReLU(),
        nn.Dropout(0.2),
        nn.MLP(8, [4, 2]),
    )
    optimizer = optim.Adam(model.parameters(), lr=0.01)
    losses = []
    for _ in range(3):
        for batch, target in DataLoader(TensorDataset(x, labels), 16, shuffle=True):
            loss = nn.functional.cross_entropy(model(batch), target)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(float(loss))
    return losses, [p.data for p in model.parameters()]


def test_equal_seeds_give_bit_identical_trainings():
    (losses, parameters), (again, parameters_again) = train(1), train(1)
    assert losses == again
    for a, b in zip(parameters, parameters_again, strict=True):
        assert a.tobytes() == b.tobytes()


def test_different_seeds_give_different_trainings():
    assert train(1)[0] != train(2)[0]


def test_the_seed_does_not_touch_the_generators_of_numpy():
    state = np.random.get_state()[1].copy()  # noqa: NPY002
    tg.manual_seed(3)
    nn.Linear(2, 2)
    np.testing.assert_array_equal(state, np.random.get_state()[1])  # noqa: NPY002


def test_a_generator_of_ones_own_leaves_that_of_the_package_alone():
    tg.manual_seed(4)
    expected = nn.Linear(2, 2).weight.data
    tg.manual_seed(4)
    rng = np.random.default_rng(0)
    nn.Linear(5, 5, rng=rng)
    nn.MLP(5, [5], rng=rng)
    nn.Dropout(rng=rng)(np.ones(10))
    nn.init.normal_(Value(np.zeros(3)), rng=rng)
    list(DataLoader(np.ones(5), shuffle=True, rng=rng))
    np.testing.assert_array_equal(nn.Linear(2, 2).weight.data, expected)


@pytest.mark.parametrize("draw", [nn.functional.dropout, lambda x: nn.Linear(3, 3).weight.data])
def test_random_numbers_go_on_after_a_seed(draw):
    tg.manual_seed(5)
    x = np.ones((3, 3))
    assert not np.array_equal(draw(x), draw(x))
