"""Perceptrons forward and backward layer by layer, in place where that saves an array."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from ...work.work import Layers

Array = np.ndarray[Any, Any]


def copied(layers: Layers) -> Layers:
    return [(weight.copy(), bias.copy()) for weight, bias in layers]


def flat(layers: Layers) -> list[Array]:
    """Weights and biases, first to last."""
    return [parameter for layer in layers for parameter in layer]


def forward(layers: Layers, x: Array) -> tuple[list[Array], Array]:
    """The input of each layer, and the output of the last, with ReLU between them."""
    inputs: list[Array] = []
    for weight, bias in layers:
        if inputs:
            np.maximum(x, 0, out=x)
        inputs.append(x)
        x = x @ weight
        x += bias
    return inputs, x


def backward(layers: Layers, inputs: Sequence[Array], g: Array) -> list[Array]:
    """The gradients of weights and biases, first to last, from that of the output."""
    gradients: list[Array] = []
    for at in range(len(layers) - 1, -1, -1):
        before = inputs[at]
        gradients += (g.sum(axis=0), before.T @ g)
        if at:
            g = g @ layers[at][0].T
            g *= before > 0
    return gradients[::-1]


def cross_entropy(logits: Array, labels: Array, examples: Array) -> tuple[Any, Array]:
    """The mean cross-entropy, and its gradient in place of the logits."""
    n = len(examples)
    logits -= logits.max(axis=1, keepdims=True)
    at_label = logits[examples, labels]
    np.exp(logits, out=logits)
    total = logits.sum(axis=1, keepdims=True)
    loss = (np.log(total[:, 0]) - at_label).sum() / n
    g = logits
    g /= total
    g[examples, labels] -= 1
    g /= n
    return loss, g


def hinge(scores: Array, signs: Array) -> tuple[Any, Array]:
    """The mean of max(0, 1 - sign score) for scores (n, 1), and its gradient."""
    n = len(signs)
    margin = scores[:, 0] * signs
    np.subtract(1, margin, out=margin)
    g = signs * (margin > 0)
    g /= -n
    np.maximum(margin, 0, out=margin)
    return margin.sum() / n, g[:, None]


def descend(parameters: Iterable[Array], gradients: Iterable[Array], lr: float) -> None:
    """Gradient descent, which overwrites the gradients."""
    for parameter, g in zip(parameters, gradients, strict=True):
        g *= lr
        parameter -= g


def nesterov(
    parameter: Array, g: Array, velocity: Array, lr: float, momentum: float, weight_decay: float
) -> None:
    """An update by Nesterov's momentum as PyTorch defines it; `velocity` starts as 0."""
    g += weight_decay * parameter
    velocity *= momentum
    velocity += g
    change = momentum * velocity
    change += g
    change *= lr
    parameter -= change
