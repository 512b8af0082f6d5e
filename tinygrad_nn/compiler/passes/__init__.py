"""Passes: functions from a program to a better one that computes the same.

The same is meant to the last bit, but for `sums_of_repeated`, whose docstring has the bound.
"""

from __future__ import annotations

from collections.abc import Callable

from ..levels import by_levels
from ..program import Program
from .algebra import simplified
from .constants import folded
from .dead_code import without_dead_code
from .fusion import fused
from .indexing import indexed_flat
from .products import with_products
from .repetition import without_repetition
from .sums import plain_reductions, sums_of_repeated

__all__ = [
    "PASSES",
    "by_levels",
    "folded",
    "fused",
    "indexed_flat",
    "optimized",
    "plain_reductions",
    "simplified",
    "sums_of_repeated",
    "with_products",
    "without_dead_code",
    "without_repetition",
]

Pass = Callable[[Program], Program]

PASSES: list[Pass] = [
    without_dead_code,
    by_levels,  # what follows has less to do where these are thousands of scalar calls
    plain_reductions,
    folded,
    simplified,
    without_repetition,
    sums_of_repeated,
    with_products,
    indexed_flat,
    without_repetition,
    without_dead_code,
    fused,
]


def optimized(program: Program) -> Program:
    """The program after all passes."""
    for each in PASSES:
        program = each(program)
    return program
