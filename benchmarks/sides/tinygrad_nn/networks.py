"""Modules of tinygrad_nn.nn, optimizers, and batches of a DataLoader."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import tinygrad_nn as tg
from tinygrad_nn import Value, nn, optim
from tinygrad_nn.data import DataLoader, TensorDataset

from ...job import Compile, Timed, as_it_is, derivatives, training
from ...work import MLP, RNN, DigitsEpoch, MoonsEpoch
from ...work.networks import Epoch
from ...work.work import SEED


def mlp(row: MLP, compiled: Compile = as_it_is) -> Timed:
    x, y = row.data
    model = _model(row)
    optimizer = optim.SGD(model.parameters(), lr=row.lr)

    def step() -> Any:
        loss = nn.functional.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    return training(compiled(step))


def digits_epoch(row: DigitsEpoch, compiled: Compile = as_it_is) -> Timed:
    model = _model(row)
    optimizer = optim.SGD(
        model.parameters(),
        lr=row.lr,
        momentum=row.momentum,
        weight_decay=row.weight_decay,
        nesterov=True,
    )
    return _epoch(row, lambda x, y: nn.functional.cross_entropy(model(x), y), optimizer, compiled)


def moons_epoch(row: MoonsEpoch, compiled: Compile = as_it_is) -> Timed:
    model = _model(row)
    optimizer = optim.SGD(model.parameters(), lr=row.lr)
    return _epoch(
        row, lambda x, y: nn.functional.hinge_loss(model(x)[:, 0], y), optimizer, compiled
    )


def rnn(row: RNN, compiled: Compile = as_it_is) -> Timed:
    x, target = row.data
    w, u, b = parameters = [Value(p) for p in row.weights]

    def step() -> Any:
        h: Any = np.zeros_like(target)
        for x_t in x:
            h = tg.tanh(x_t @ w + h @ u + b)
        loss = nn.functional.mse_loss(h, target)
        for p in parameters:
            p.zero_grad()
        loss.backward()
        return loss, [p.grad for p in parameters]

    return derivatives(compiled(step))


def _model(row: MLP | Epoch) -> nn.MLP:
    model = nn.MLP(row.sizes[0], row.sizes[1:])
    state: dict[str, Any] = {}
    for at, (weight, bias) in enumerate(row.weights):
        state |= {f"layers.{at}.weight": weight.T, f"layers.{at}.bias": bias}
    model.load_state_dict(state)
    return model


def _epoch(
    row: Epoch, loss_of: Callable[..., Any], optimizer: optim.Optimizer, compiled: Compile
) -> Timed:
    """The loader draws the same orders as the row does."""
    rng = np.random.default_rng(SEED)
    loader = DataLoader(
        TensorDataset(*row.data), batch_size=row.batch, shuffle=True, drop_last=True, rng=rng
    )

    @compiled
    def step(x: Any, y: Any) -> Any:
        loss = loss_of(x, y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    return training(lambda: sum(float(step(x, y)) for x, y in loader) / len(loader))
