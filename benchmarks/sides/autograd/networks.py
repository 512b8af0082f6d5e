"""Losses as functions of lists of layers, and updates in NumPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import autograd.numpy as anp
import numpy as np
from autograd import value_and_grad

from ...job import Timed, derivatives, training
from ...work import MLP, RNN, DigitsEpoch, MoonsEpoch
from ...work.networks import Epoch
from ..numpy.layers import copied, descend, flat, nesterov


def mlp(row: MLP) -> Timed:
    x, labels = row.data
    one_hot = np.eye(row.sizes[-1], dtype=np.float32)[labels]
    layers = copied(row.weights)
    parameters = flat(layers)
    loss_and_gradients = value_and_grad(_cross_entropy)

    def step() -> Any:
        loss, gradients = loss_and_gradients(layers, x, one_hot)
        descend(parameters, flat(gradients), row.lr)
        return loss

    return training(step)


def digits_epoch(row: DigitsEpoch) -> Timed:
    x, labels = row.data
    layers = copied(row.weights)
    parameters = flat(layers)
    velocities = [np.zeros_like(parameter) for parameter in parameters]

    def update(gradients: Any) -> None:
        for parameter, g, velocity in zip(parameters, gradients, velocities, strict=True):
            nesterov(parameter, g, velocity, row.lr, row.momentum, row.weight_decay)

    one_hot = np.eye(row.sizes[-1], dtype=np.float32)[labels]
    return _epoch(row, layers, (x, one_hot), _cross_entropy, update)


def moons_epoch(row: MoonsEpoch) -> Timed:
    layers = copied(row.weights)
    parameters = flat(layers)

    def hinge(layers: Any, x: Any, signs: Any) -> Any:
        margins = 1 - signs * _outputs(layers, x)[:, 0]
        return anp.mean(margins * (margins > 0))

    def update(gradients: Any) -> None:
        descend(parameters, gradients, row.lr)

    return _epoch(row, layers, row.data, hinge, update)


def rnn(row: RNN) -> Timed:
    x, target = row.data
    weights = row.weights

    def loss_of(weights: Any) -> Any:
        w, u, b = weights
        h = np.zeros_like(target)
        for x_t in x:
            h = anp.tanh(anp.dot(x_t, w) + anp.dot(h, u) + b)
        return anp.mean((h - target) ** 2)

    value_and_gradients = value_and_grad(loss_of)
    return derivatives(lambda: value_and_gradients(weights))


def _outputs(layers: Any, x: Any) -> Any:
    *hidden, (weight, bias) = layers
    for hidden_weight, hidden_bias in hidden:
        x = anp.dot(x, hidden_weight) + hidden_bias
        x = x * (x > 0)  # costs less than anp.maximum, which looks for ties
    return anp.dot(x, weight) + bias


def _cross_entropy(layers: Any, x: Any, one_hot: Any) -> Any:
    """Labels as one-hot rows, which cost autograd less than indexing, as in its own examples."""
    logits = _outputs(layers, x)
    shifted = logits - np.max(getattr(logits, "_value", logits), axis=1, keepdims=True)
    log_p = shifted - anp.log(anp.sum(anp.exp(shifted), axis=1, keepdims=True))
    return -anp.sum(log_p * one_hot) / len(x)


def _epoch(
    row: Epoch, layers: Any, data: Any, loss_of: Callable[..., Any], update: Callable[..., None]
) -> Timed:
    x, y = data
    loss_and_gradients = value_and_grad(loss_of)
    shuffled = row.shuffling()

    def step() -> float:
        total = 0.0
        for batch in shuffled():
            loss, gradients = loss_and_gradients(layers, x[batch], y[batch])
            update(flat(gradients))
            total += float(loss)
        return total / row.batches

    return training(step)
