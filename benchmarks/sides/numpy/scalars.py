"""Chains of scalars in Python's numbers; a perceptron of scalars in NumPy's arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...job import Timed, training
from ...work import Chain, MoonsScalar, ScalarGraph
from .layers import backward, copied, descend, flat, forward, hinge


def chain(row: Chain) -> Timed:
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

        return Timed(step, lambda: list(step()))

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

    return Timed(step_leaves, check)


def moons_scalar(row: MoonsScalar) -> Timed:
    """All points at once, as nobody would write it with scalars."""
    x, signs = row.data
    layers = copied(row.weights)
    parameters = flat(layers)

    def step() -> Any:
        inputs, out = forward(layers, x)
        loss, g = hinge(out, signs)
        gradients = backward(layers, inputs, g)
        for parameter, gradient in zip(parameters, gradients, strict=True):
            loss += row.alpha * np.vdot(parameter, parameter)
            gradient += 2 * row.alpha * parameter
        descend(parameters, gradients, row.lr)
        return loss

    return training(step)


def scalar_graph(row: ScalarGraph) -> Timed:
    """A list of what the derivatives need."""
    x = row.start

    def build() -> tuple[float, list[float]]:
        y = x
        before = []
        for _ in range(row.pairs):
            before.append(y)
            y = y * x
            y = y + x
        return y, before

    return Timed(build, lambda: [build()[0]])
