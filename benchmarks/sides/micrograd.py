"""micrograd: scalars only."""

from __future__ import annotations

import sys
from importlib.metadata import version as installed_version
from typing import Any

from micrograd.engine import Value

from ..job import Job
from ..rows import Chain

version = installed_version("micrograd")


def chain(row: Chain) -> Job:
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

        return Job(step, lambda: [step().data, x.grad])

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

    return Job(step_leaves, lambda: [step_leaves().data, x.grad, *(leaf.grad for leaf in leaves)])
