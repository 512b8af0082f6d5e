"""Tensors without axes."""

# mypy: disable-error-code="attr-defined,no-untyped-call,assignment,operator,arg-type"
from __future__ import annotations

from typing import Any

import mygrad as mg

from ...job import Timed
from ...work import Chain, ScalarGraph


def chain(row: Chain) -> Timed:
    """Tensors without axes. MyGrad clears gradients itself when a tensor is used again."""
    x = mg.tensor(row.start)
    if not row.leaves:

        def step() -> Any:
            y = x
            for _ in range(row.pairs):
                y = y * row.factor
                y = y + row.term
            y.backward()
            return y

        return Timed(step, lambda: [float(step()), float(x.grad)])

    factors = [mg.tensor(row.factor) for _ in range(row.pairs)]
    terms = [mg.tensor(row.term) for _ in range(row.pairs)]
    leaves = [x, *factors, *terms]

    def step_leaves() -> Any:
        y = x
        for factor, term in zip(factors, terms, strict=True):
            y = y * factor
            y = y + term
        y.backward()
        return y

    return Timed(
        step_leaves, lambda: [float(step_leaves()), float(x.grad), *(float(v.grad) for v in leaves)]
    )


def scalar_graph(row: ScalarGraph) -> Timed:
    x = mg.tensor(row.start)

    def build() -> Any:
        y = x
        for _ in range(row.pairs):
            y = y * x
            y = y + x
        return y

    return Timed(build, lambda: [float(build())])
