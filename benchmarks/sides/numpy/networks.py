"""Networks, layer by layer."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...job import Timed, derivatives, training
from ...work import MLP, RNN, DigitsEpoch, MoonsEpoch
from .layers import Array, backward, copied, cross_entropy, descend, flat, forward, hinge, nesterov


def mlp(row: MLP) -> Timed:
    x, labels = row.data
    layers = copied(row.weights)
    parameters = flat(layers)
    examples = np.arange(row.batch)

    def step() -> Any:
        inputs, out = forward(layers, x)
        loss, g = cross_entropy(out, labels, examples)
        descend(parameters, backward(layers, inputs, g), row.lr)
        return loss

    return training(step)


def digits_epoch(row: DigitsEpoch) -> Timed:
    x, labels = row.data
    layers = copied(row.weights)
    parameters = flat(layers)
    velocities = [np.zeros_like(parameter) for parameter in parameters]
    examples = np.arange(row.batch)
    shuffled = row.shuffling()

    def step() -> float:
        total = 0.0
        for batch in shuffled():
            inputs, out = forward(layers, x[batch])
            loss, g = cross_entropy(out, labels[batch], examples)
            gradients = backward(layers, inputs, g)
            for parameter, g, velocity in zip(parameters, gradients, velocities, strict=True):
                nesterov(parameter, g, velocity, row.lr, row.momentum, row.weight_decay)
            total += float(loss)
        return total / row.batches

    return training(step)


def moons_epoch(row: MoonsEpoch) -> Timed:
    x, signs = row.data
    layers = copied(row.weights)
    parameters = flat(layers)
    shuffled = row.shuffling()

    def step() -> float:
        total = 0.0
        for batch in shuffled():
            inputs, out = forward(layers, x[batch])
            loss, g = hinge(out, signs[batch])
            descend(parameters, backward(layers, inputs, g), row.lr)
            total += float(loss)
        return total / row.batches

    return training(step)


def rnn(row: RNN) -> Timed:
    """All steps' inputs, and all steps' gradients of the weights, are one product each."""
    x, target = row.data
    w, u, b = row.weights
    inputs = x.reshape(-1, row.features)

    def value_and_gradients() -> tuple[Any, list[Array]]:
        sums = (inputs @ w).reshape(row.steps, row.batch, row.hidden)
        sums += b
        states = np.zeros((row.steps + 1, row.batch, row.hidden), np.float32)
        for t in range(row.steps):
            h = sums[t]
            h += states[t] @ u
            np.tanh(h, out=states[t + 1])

        error = states[-1] - target
        value = np.vdot(error, error) / error.size
        g = error
        g *= 2 / error.size
        slopes = states[1:] * states[1:]
        np.subtract(1, slopes, out=slopes)
        g_sums = slopes
        for t in range(row.steps - 1, -1, -1):
            g_sums[t] *= g
            g = g_sums[t] @ u.T
        g_sums = g_sums.reshape(-1, row.hidden)
        g_u = states[:-1].reshape(-1, row.hidden).T @ g_sums
        return value, [inputs.T @ g_sums, g_u, g_sums.sum(axis=0)]

    return derivatives(value_and_gradients)
