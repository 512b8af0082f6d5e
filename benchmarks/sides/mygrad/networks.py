"""Tensors that are updated in place."""

# mypy: disable-error-code="attr-defined,no-untyped-call,assignment,operator,arg-type"
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mygrad as mg
import numpy as np
from mygrad.nnet.activations import relu
from mygrad.nnet.losses import softmax_crossentropy

from ...job import Timed, derivatives, training
from ...work import MLP, RNN, DigitsEpoch, MoonsEpoch
from ...work.networks import Epoch
from ..numpy.layers import flat, nesterov


def mlp(row: MLP) -> Timed:
    x, y = row.data
    layers = _layers(row)
    parameters = flat(layers)

    def step() -> Any:
        loss = softmax_crossentropy(_outputs(layers, x), y)
        loss.backward()
        _descend(parameters, row.lr)
        return loss

    return training(step)


def digits_epoch(row: DigitsEpoch) -> Timed:
    layers = _layers(row)
    parameters = flat(layers)
    velocities = [np.zeros_like(parameter.data) for parameter in parameters]

    def loss_of(x: Any, y: Any) -> Any:
        return softmax_crossentropy(_outputs(layers, x), y)

    def update() -> None:
        for p, velocity in zip(parameters, velocities, strict=True):
            nesterov(p.data, p.grad, velocity, row.lr, row.momentum, row.weight_decay)

    return _epoch(row, loss_of, update)


def moons_epoch(row: MoonsEpoch) -> Timed:
    layers = _layers(row)
    parameters = flat(layers)

    def loss_of(x: Any, signs: Any) -> Any:
        return relu(1 - signs * _outputs(layers, x)[:, 0]).mean()

    return _epoch(row, loss_of, lambda: _descend(parameters, row.lr))


def rnn(row: RNN) -> Timed:
    x, target = row.data
    w, u, b = parameters = [mg.tensor(p) for p in row.weights]

    def step() -> Any:
        h = np.zeros_like(target)
        for x_t in x:
            h = mg.tanh(mg.matmul(x_t, w) + mg.matmul(h, u) + b)
        loss = ((h - target) ** 2).mean()
        loss.backward()
        return loss, [p.grad for p in parameters]

    return derivatives(step)


def _layers(row: MLP | Epoch) -> Any:
    return [(mg.tensor(weight), mg.tensor(bias)) for weight, bias in row.weights]


def _outputs(layers: Any, x: Any) -> Any:
    *hidden, (weight, bias) = layers
    for hidden_weight, hidden_bias in hidden:
        x = relu(mg.matmul(x, hidden_weight) + hidden_bias)
    return mg.matmul(x, weight) + bias


def _descend(parameters: Any, lr: float) -> None:
    for parameter in parameters:
        parameter.data -= lr * parameter.grad


def _epoch(row: Epoch, loss_of: Callable[..., Any], update: Callable[[], None]) -> Timed:
    x, y = row.data
    shuffled = row.shuffling()

    def step() -> float:
        total = 0.0
        for batch in shuffled():
            loss = loss_of(x[batch], y[batch])
            loss.backward()
            update()
            total += float(loss)
        return total / row.batches

    return training(step)
