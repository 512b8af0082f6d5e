"""HIPS autograd: value_and_grad of a function of the parameters."""

from __future__ import annotations

from importlib.metadata import version as installed_version
from typing import Any

import autograd.numpy as anp
import numpy as np
from autograd import value_and_grad

from ..job import Job, training
from ..rows import MLP, Chain

version = installed_version("autograd")


def mlp(row: MLP) -> Job:
    """Labels as one-hot rows, which cost autograd less than indexing, as in its own examples."""
    x, labels = row.data
    one_hot = np.eye(row.sizes[-1], dtype=np.float32)[labels] / np.float32(row.batch)
    parameters = [[weight.copy(), bias.copy()] for weight, bias in row.weights]

    def loss_of(parameters: Any) -> Any:
        *hidden, (weight, bias) = parameters
        out = x
        for hidden_weight, hidden_bias in hidden:
            out = anp.dot(out, hidden_weight) + hidden_bias
            out = out * (out > 0)  # costs less than anp.maximum, which looks for ties
        logits = anp.dot(out, weight) + bias
        shifted = logits - np.max(logits._value, axis=1, keepdims=True)
        log_p = shifted - anp.log(anp.sum(anp.exp(shifted), axis=1, keepdims=True))
        return -anp.sum(log_p * one_hot)

    loss_and_gradients = value_and_grad(loss_of)

    def step() -> Any:
        loss, gradients = loss_and_gradients(parameters)
        for layer, layer_gradients in zip(parameters, gradients, strict=True):
            for parameter, gradient in zip(layer, layer_gradients, strict=True):
                parameter -= row.lr * gradient
        return loss

    return training(step)


def chain(row: Chain) -> Job:
    """Operands with gradients are the elements of two arrays."""

    def number_chain(x: Any) -> Any:
        y = x
        for _ in range(row.pairs):
            y = y * row.factor
            y = y + row.term
        return y

    def leaf_chain(x: Any, factors: Any, terms: Any) -> Any:
        y = x
        for at in range(row.pairs):
            y = y * factors[at]
            y = y + terms[at]
        return y

    if not row.leaves:
        numbers = value_and_grad(number_chain)
        return Job(lambda: numbers(row.start), lambda: [float(v) for v in numbers(row.start)])

    leaves = value_and_grad(leaf_chain, argnum=(0, 1, 2))
    arguments = row.start, np.full(row.pairs, row.factor), np.full(row.pairs, row.term)

    def check() -> list[float]:
        y, (g, g_factors, g_terms) = leaves(*arguments)
        return [float(y), float(g), float(g), *g_factors, *g_terms]

    return Job(lambda: leaves(*arguments), check)
