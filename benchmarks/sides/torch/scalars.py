"""Tensors without axes."""

from __future__ import annotations

from typing import Any

import torch

from ...job import Timed
from ...work import Chain, ScalarGraph


def chain(row: Chain) -> Timed:
    """Tensors without axes."""
    x: Any = torch.tensor(row.start, dtype=torch.float64, requires_grad=True)
    if not row.leaves:

        def step() -> Any:
            x.grad = None
            y: Any = x
            for _ in range(row.pairs):
                y = y * row.factor
                y = y + row.term
            y.backward()
            return y

        return Timed(step, lambda: [float(step()), float(x.grad)])

    factors: list[Any] = [
        torch.full_like(x, row.factor, requires_grad=True) for _ in range(row.pairs)
    ]
    terms: list[Any] = [torch.full_like(x, row.term, requires_grad=True) for _ in range(row.pairs)]
    leaves: list[Any] = [x, *factors, *terms]

    def step_leaves() -> Any:
        for leaf in leaves:
            leaf.grad = None
        y: Any = x
        for factor, term in zip(factors, terms, strict=True):
            y = y * factor
            y = y + term
        y.backward()
        return y

    return Timed(
        step_leaves, lambda: [float(step_leaves()), float(x.grad), *(float(v.grad) for v in leaves)]
    )


def scalar_graph(row: ScalarGraph) -> Timed:
    x: Any = torch.tensor(row.start, dtype=torch.float64, requires_grad=True)

    def build() -> Any:
        y: Any = x
        for _ in range(row.pairs):
            y = y * x
            y = y + x
        return y

    return Timed(build, lambda: [float(build())])
