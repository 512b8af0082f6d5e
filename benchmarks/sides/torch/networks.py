"""Modules of torch.nn; `compiled` is applied to the functions of the loss."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from ...job import Compile, Timed, as_it_is, derivatives, training
from ...work import MLP, RNN, DigitsEpoch, MoonsEpoch
from ...work.networks import Epoch


def mlp(row: MLP, compiled: Compile = as_it_is) -> Timed:
    """nn.Sequential, nn.functional.cross_entropy, optim.SGD."""
    x, y = map(torch.from_numpy, row.data)
    model = _model(row.weights)
    optimizer = torch.optim.SGD(model.parameters(), lr=row.lr)

    @compiled
    def loss_of(x: Any, y: Any) -> Any:
        return nn.functional.cross_entropy(model(x), y)

    def step() -> Any:
        loss = loss_of(x, y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    return training(step)


def digits_epoch(row: DigitsEpoch, compiled: Compile = as_it_is) -> Timed:
    model = _model(row.weights)
    optimizer = torch.optim.SGD(
        model.parameters(),
        lr=row.lr,
        momentum=row.momentum,
        weight_decay=row.weight_decay,
        nesterov=True,
    )

    @compiled
    def loss_of(x: Any, y: Any) -> Any:
        return nn.functional.cross_entropy(model(x), y)

    return _epoch(row, loss_of, optimizer)


def moons_epoch(row: MoonsEpoch, compiled: Compile = as_it_is) -> Timed:
    """The hinge loss by clamp, as PyTorch's own covers embeddings only."""
    model = _model(row.weights)
    optimizer = torch.optim.SGD(model.parameters(), lr=row.lr)

    @compiled
    def loss_of(x: Any, signs: Any) -> Any:
        return (1 - signs * model(x).squeeze(1)).clamp(min=0).mean()

    return _epoch(row, loss_of, optimizer)


def rnn(row: RNN, compiled: Compile = as_it_is) -> Timed:
    """The cell by torch.addmm: nn.RNNCell is slower, and has a second bias."""
    x, target = map(torch.from_numpy, row.data)
    w, u, b = parameters = [torch.from_numpy(p).requires_grad_() for p in row.weights]

    @compiled
    def loss_of(x: Any, target: Any) -> Any:
        h = torch.zeros_like(target)
        for x_t in x.unbind():
            h = torch.tanh(torch.addmm(b, x_t, w) + h @ u)
        return nn.functional.mse_loss(h, target)

    def step() -> Any:
        loss = loss_of(x, target)
        return loss, torch.autograd.grad(loss, parameters)

    return derivatives(step)


def _model(weights: Any) -> nn.Module:
    layers: list[nn.Module] = []
    for weight, bias in weights:
        linear = nn.Linear(*weight.shape)
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(weight.T))
            linear.bias.copy_(torch.from_numpy(bias))
        layers += [linear, nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def _epoch(row: Epoch, loss_of: Callable[..., Any], optimizer: torch.optim.Optimizer) -> Timed:
    """Batches taken from tensors by index: a DataLoader is for what does not fit in memory."""
    x, y = map(torch.from_numpy, row.data)
    shuffled = row.shuffling()

    def step() -> float:
        total = 0.0
        for batch in torch.from_numpy(shuffled()):
            loss = loss_of(x[batch], y[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item()
        return total / row.batches

    return training(step)
