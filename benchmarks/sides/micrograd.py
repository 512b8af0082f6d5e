"""micrograd: scalars only."""

from __future__ import annotations

import sys
from importlib.metadata import version as installed_version
from typing import Any

from micrograd.engine import Value
from micrograd.nn import MLP

from ..job import Timed, training
from ..work import Chain, MoonsScalar, ScalarGraph

version = installed_version("micrograd")
imports = "import micrograd.engine, micrograd.nn"


def chain(row: Chain) -> Timed:
    """Its backward pass recurses once for each operation, deeper than Python allows by default."""
    sys.setrecursionlimit(10 * row.length)
    x = Value(row.start)
    if not row.leaves:

        def step() -> Any:
            x.grad = 0
            y = x
            for _ in range(row.pairs):
                y = y * row.factor
                y = y + row.term
            y.backward()
            return y

        return Timed(step, lambda: [step().data, x.grad])

    factors = [Value(row.factor) for _ in range(row.pairs)]
    terms = [Value(row.term) for _ in range(row.pairs)]
    leaves = [x, *factors, *terms]

    def step_leaves() -> Any:
        for leaf in leaves:
            leaf.grad = 0
        y = x
        for factor, term in zip(factors, terms, strict=True):
            y = y * factor
            y = y + term
        y.backward()
        return y

    return Timed(step_leaves, lambda: [step_leaves().data, x.grad, *(leaf.grad for leaf in leaves)])


def moons_scalar(row: MoonsScalar) -> Timed:
    """The step of its own demo, which makes Values of the points too."""
    points, signs = (array.tolist() for array in row.data)
    n_in, *n_outs = row.sizes
    model = MLP(n_in, n_outs)
    for p, number in zip(model.parameters(), row.numbers(), strict=True):
        p.data = number

    def step() -> Any:
        inputs = [list(map(Value, point)) for point in points]
        scores = list(map(model, inputs))
        margins = [(1 + -sign * score).relu() for sign, score in zip(signs, scores, strict=True)]
        data_loss = sum(margins) * (1.0 / len(margins))
        loss = data_loss + row.alpha * sum(p * p for p in model.parameters())
        model.zero_grad()
        loss.backward()
        for p in model.parameters():
            p.data -= row.lr * p.grad
        return loss.data

    return training(step)


def scalar_graph(row: ScalarGraph) -> Timed:
    x = Value(row.start)

    def build() -> Any:
        y = x
        for _ in range(row.pairs):
            y = y * x
            y = y + x
        return y

    return Timed(build, lambda: [build().data])
