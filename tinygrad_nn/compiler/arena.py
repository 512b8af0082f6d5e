"""Where values lie in one block of memory, so that those needed at the same time lie apart."""

from __future__ import annotations

from bisect import insort
from collections.abc import Sequence
from typing import NamedTuple

ALIGNMENT = 64  # a cache line, and the widest register


class Lifetime(NamedTuple):
    """How many bytes a value takes, and the first and the last moment at which it is needed."""

    size: int
    first: int
    last: int


def plan(lifetimes: Sequence[Lifetime]) -> tuple[list[int], int]:
    """An offset for each value, and the size of the block that holds them all.

    Large values are placed first, each into the smallest gap that is left for it by those that
    are needed at the same time.

    Y. Pisarchyk, J. Lee, Efficient memory management for deep neural net inference, 2020.

    >>> plan([Lifetime(64, 0, 1), Lifetime(64, 1, 2), Lifetime(64, 2, 3)])
    ([0, 64, 0], 128)
    """
    offsets = [0] * len(lifetimes)
    total = 0
    placed: list[tuple[int, int, int, int]] = []  # (offset, end, first, last), by offset
    order = sorted(range(len(lifetimes)), key=lambda at: (-lifetimes[at].size, at))
    for at in order:
        size, first, last = lifetimes[at]
        size = aligned(size)
        best, least = None, None
        free_from = 0
        for offset, end, other_first, other_last in placed:
            if other_first > last or other_last < first:
                continue
            gap = offset - free_from
            if gap >= size and (least is None or gap < least):
                best, least = free_from, gap
            free_from = max(free_from, end)
        offsets[at] = free_from if best is None else best
        insort(placed, (offsets[at], offsets[at] + size, first, last))
        total = max(total, offsets[at] + size)
    return offsets, total


def aligned(size: int) -> int:
    """The size, rounded up to whole cache lines."""
    return -(-size // ALIGNMENT) * ALIGNMENT
