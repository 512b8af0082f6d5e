"""Derivatives written by hand, in NumPy; for scalars in Python's own numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..job import Job, training
from ..rows import MLP, Chain

version = np.__version__


def mlp(row: MLP) -> Job:
    """Forward and backward layer by layer, in place where that saves an array."""
    x, labels = row.data
    layers = [(weight.copy(), bias.copy()) for weight, bias in row.weights]
    n = len(x)
    examples = np.arange(n)
    last = len(layers) - 1

    def step() -> Any:
        inputs = []
        out = x
        for at, (weight, bias) in enumerate(layers):
            inputs.append(out)
            out = out @ weight
            out += bias
            if at != last:
                np.maximum(out, 0, out=out)

        out -= out.max(axis=1, keepdims=True)
        at_label = out[examples, labels]
        np.exp(out, out=out)
        total = out.sum(axis=1, keepdims=True)
        loss = (np.log(total[:, 0]) - at_label).sum() / n

        g = out
        g /= total
        g[examples, labels] -= 1
        g /= n
        for at in range(last, -1, -1):
            weight, bias = layers[at]
            before = inputs[at]
            g_weight = before.T @ g
            g_bias = g.sum(axis=0)
            if at:
                g = g @ weight.T
                g *= before > 0
            g_weight *= row.lr
            weight -= g_weight
            g_bias *= row.lr
            bias -= g_bias
        return loss

    return training(step)


def chain(row: Chain) -> Job:
    """Forward, keeping what the derivatives need, and backward."""
    x = row.start
    if not row.leaves:

        def step() -> tuple[float, float]:
            y = x
            for _ in range(row.pairs):
                y = y * row.factor
                y = y + row.term
            g = 1.0
            for _ in range(row.pairs):
                g = g * row.factor
            return y, g

        return Job(step, lambda: list(step()))

    factors = [row.factor] * row.pairs
    terms = [row.term] * row.pairs

    def step_leaves() -> tuple[float, float, list[float], list[float]]:
        y = x
        before = []
        for factor, term in zip(factors, terms, strict=True):
            before.append(y)
            y = y * factor
            y = y + term
        g = 1.0
        g_factors, g_terms = [], []
        for factor, value in zip(reversed(factors), reversed(before), strict=True):
            g_terms.append(g)
            g_factors.append(g * value)
            g = g * factor
        return y, g, g_factors[::-1], g_terms[::-1]

    def check() -> list[float]:
        y, g, g_factors, g_terms = step_leaves()
        return [y, g, g, *g_factors, *g_terms]

    return Job(step_leaves, check)
