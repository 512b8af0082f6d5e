"""compile: the same results as eager, to the last bit, and errors for what a program cannot do."""

from typing import Any

import numpy as np
import pytest

import tinygrad_nn as tg
from tinygrad_nn import CaptureError, compile, nn, optim

X = np.random.default_rng(0).normal(size=(50, 2)).astype(np.float32)
T = (X[:, 0] * X[:, 1] > 0).astype(int)


def trainer(make_optimizer: Any, *, dropout: float = 0.0) -> Any:
    """A model, its optimizer, and a training step."""
    rng = np.random.default_rng(0)
    model = nn.Sequential(
        nn.Linear(2, 16, rng=rng), nn.ReLU(), nn.Dropout(dropout), nn.Linear(16, 2, rng=rng)
    )
    optimizer = make_optimizer(model.parameters())

    def step(x: Any, y: Any) -> Any:
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    return model, optimizer, step


@pytest.mark.parametrize(
    "make_optimizer",
    [
        lambda p: optim.SGD(p, lr=0.1),
        lambda p: optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True, weight_decay=1e-3),
        lambda p: optim.Adam(p, lr=0.01),
        lambda p: optim.AdamW(p, lr=0.01),
    ],
)
def test_training_is_the_same_to_the_last_bit(make_optimizer: Any) -> None:
    eager, compiled = trainer(make_optimizer, dropout=0.3), trainer(make_optimizer, dropout=0.3)
    step = compile(compiled[2])
    for run in range(8):
        losses = []
        for (_, optimizer, _), take in ((eager, eager[2]), (compiled, step)):
            tg.manual_seed(run)
            optimizer.param_groups[0]["lr"] = 0.1 / (run + 1)
            losses.append(take(X, T).data)
        assert losses[0] == losses[1]
        for p, q in zip(eager[0].parameters(), compiled[0].parameters(), strict=True):
            np.testing.assert_array_equal(p.data, q.data)
            np.testing.assert_array_equal(p.grad, q.grad)
    assert step.cache_info().misses == (2 if compiled[1].state else 1)  # one makes the state


def test_another_shape_or_mode_is_another_program() -> None:
    model, _, step = trainer(lambda p: optim.SGD(p, lr=0.1), dropout=0.3)
    step = compile(step)
    for _ in range(4):
        step(X, T)
    assert step.cache_info()[:2] == (3, 1)
    step(X[:10], T[:10])
    step(X, T)
    model.eval()
    step(X, T)
    assert step.cache_info()[:2] == (4, 3)


def test_values_and_gradients_are_those_of_eager() -> None:
    def loss(w: Any, x: Any) -> Any:
        return np.sum(np.tanh(x @ w) * np.exp(-(w**2)).sum()) / (1 + np.linalg.norm(w))

    f = tg.value_and_grad(loss)
    g = compile(f)
    for scale in (1.0, 0.5, -2.0):
        w, x = scale * np.array([0.5, -1.0]), np.arange(6.0).reshape(3, 2)
        for expected, found in zip(f(w, x), g(w, x), strict=True):
            np.testing.assert_array_equal(expected, found)


def test_arrays_used_by_name_are_read_in_each_call() -> None:
    table = np.ones(2)
    several = [np.ones(2), np.zeros(2)]

    def f(x: Any) -> Any:
        return x * np.sin(table) + several[0] - several[1]

    g = compile(f)
    for change in (1.0, 2.0, 3.0):
        table[:] = change
        several[1] = np.full(2, change)
        np.testing.assert_array_equal(g(np.arange(2.0)), f(np.arange(2.0)))
    assert g.cache_info().misses == 1


def test_generators_draw_anew() -> None:
    rng = np.random.default_rng(0)

    def f(x: Any) -> Any:
        return x + rng.normal(size=3)

    g = compile(f)
    found = [g(np.zeros(3)) for _ in range(3)]
    again = np.random.default_rng(0)
    for each in found:
        np.testing.assert_array_equal(each, again.normal(size=3))


def test_results_are_not_written_to_by_later_calls() -> None:
    g = compile(lambda x: (x * 2, (x * x).sum()))
    first = g(np.arange(3.0))
    g(np.ones(3))
    np.testing.assert_array_equal(first[0], [0, 2, 4])
    assert first[1] == 5


COUNT = 0


def counts(x: Any) -> Any:
    global COUNT
    COUNT += 1
    return x


LOSSES: list[Any] = []


def collects(x: Any) -> Any:
    LOSSES.append(x * 2)
    return x


@pytest.mark.parametrize(
    ("f", "message"),
    [
        (lambda x: x if x.sum() > 3 else 2 * x, "decides by a computed value"),
        (lambda x: x * float(x.sum()), "makes a Python number of a computed value"),
        (lambda x: x * np.random.rand(2), "draws from np.random"),  # noqa: NPY002
        (lambda x: print("step") or x, "prints"),
        (counts, "sets the global 'COUNT'"),
        (collects, "changes LOSSES"),
    ],
)
def test_what_a_program_cannot_do_is_an_error_with_its_line(f: Any, message: str) -> None:
    with pytest.raises(CaptureError, match=message) as caught:
        compile(f)(np.ones(2))
    if "random" not in message:
        assert "test_compile.py:" in str(caught.value)


def test_an_error_leaves_everything_as_it_was() -> None:
    model, _, step = trainer(lambda p: optim.SGD(p, lr=0.1))
    before = model.state_dict()

    def failing(x: Any, y: Any) -> Any:
        loss = step(x, y)
        return loss if loss > 0 else None

    with pytest.raises(CaptureError):
        compile(failing)(X, T)
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, before[name])


def test_a_name_that_means_something_else_is_another_program() -> None:
    scale = 2.0
    weight = tg.Value([1.0, 2.0])

    def f(x: Any) -> Any:
        return (weight * x * scale).sum()

    g = compile(f)
    assert g(np.ones(2)).data == 6
    scale = 3.0
    assert g(np.ones(2)).data == 9
    weight = tg.Value([10.0, 20.0])
    assert g(np.ones(2)).data == 90
    model = nn.Linear(2, 1)
    h = compile(lambda x: model(x).sum())
    h(X)
    model.weight = tg.Value(np.zeros((1, 2), np.float32))
    assert h(X).data == pytest.approx(50 * float(model.bias.data[0]), rel=1e-6)
