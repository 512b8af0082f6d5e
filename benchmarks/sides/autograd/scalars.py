"""Graphs of scalars."""

from __future__ import annotations

from typing import Any

import numpy as np
from autograd import value_and_grad
from autograd.core import make_vjp

from ...job import Timed
from ...work import Chain, ScalarGraph


def chain(row: Chain) -> Timed:
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
        return Timed(lambda: numbers(row.start), lambda: [float(v) for v in numbers(row.start)])

    leaves = value_and_grad(leaf_chain, argnum=(0, 1, 2))
    arguments = row.start, np.full(row.pairs, row.factor), np.full(row.pairs, row.term)

    def check() -> list[float]:
        y, (g, g_factors, g_terms) = leaves(*arguments)
        return [float(y), float(g), float(g), *g_factors, *g_terms]

    return Timed(lambda: leaves(*arguments), check)


def scalar_graph(row: ScalarGraph) -> Timed:
    """make_vjp gives the value and a function that holds the graph."""

    def f(x: Any) -> Any:
        y = x
        for _ in range(row.pairs):
            y = y * x
            y = y + x
        return y

    return Timed(lambda: make_vjp(f, row.start), lambda: [float(make_vjp(f, row.start)[1])])
