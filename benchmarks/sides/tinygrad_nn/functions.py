"""Functions of Values."""

from __future__ import annotations

from typing import Any

import numpy as np

import tinygrad_nn as tg
from tinygrad_nn import Value, nn

from ...job import Compile, Timed, as_it_is, derivatives, summary
from ...work import HVP, Elementwise, LogSumExp


def elementwise(row: Elementwise, compiled: Compile = as_it_is) -> Timed:
    x = Value(row.data)

    def step() -> Any:
        x.zero_grad()
        y = (tg.tanh(2 * x + 1) * tg.exp(-(x**2))).sum()
        y.backward()
        return y, [x.grad]

    return derivatives(compiled(step))


def logsumexp(row: LogSumExp, compiled: Compile = as_it_is) -> Timed:
    x, labels = row.data
    weight = Value(row.weight)
    examples = np.arange(row.examples)

    def step() -> Any:
        weight.zero_grad()
        z = x @ weight
        loss = (tg.logsumexp(z, axis=1) - z[examples, labels]).mean()
        loss.backward()
        return loss, [weight.grad]

    return derivatives(compiled(step))


def hvp(row: HVP, compiled: Compile = as_it_is) -> Timed:
    x, labels = row.data
    parameters = [p for layer in row.weights for p in layer]
    vector = [p for layer in row.vector for p in layer]

    def loss_of(w1: Any, b1: Any, w2: Any, b2: Any) -> Any:
        h = tg.tanh(x @ w1 + b1)
        return nn.functional.cross_entropy(h @ w2 + b2, labels)

    @compiled
    def product() -> Any:
        return tg.hvp(loss_of, parameters, vector)

    return Timed(product, lambda: summary(product()))
