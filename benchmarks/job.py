"""What a side makes of a row: one step to repeat, and numbers to compare with other sides'."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

CHECKED_STEPS = 4


class Job(NamedTuple):
    """A step to be timed, and a function that gives the numbers every side must agree on."""

    step: Callable[[], Any]
    check: Callable[[], list[float]]


def training(step: Callable[[], Any]) -> Job:
    """A Job of training steps that return their loss, and are checked by it.

    The fourth loss is the one that three updates lead to.
    """
    return Job(step, lambda: [float(step()) for _ in range(CHECKED_STEPS)])
