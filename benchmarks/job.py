"""What a side makes of a row: something to measure, and numbers to compare with other sides'."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

Compile = Callable[[Callable[..., Any]], Callable[..., Any]]

CHECKED_STEPS = 4
WARM_UP_SECONDS = 0.2


class LeftOutError(Exception):
    """A side cannot take part; the message says why."""


class Job(Protocol):
    """What a worker needs: the numbers every side must agree on, and rounds of measuring."""

    @property
    def check(self) -> Callable[[], list[float]]: ...

    def calibrated(self, seconds: float) -> int:
        """How many repetitions of the work take about `seconds`, after warming up."""
        ...

    def round(self, repetitions: int) -> float:
        """What is measured, in the row's unit."""
        ...


def as_it_is(f: Callable[..., Any]) -> Callable[..., Any]:
    """In the place of what compiles a function, where none is to be compiled."""
    return f


@dataclass(frozen=True)
class Timed:
    """A step that is repeated; a round gives microseconds for each."""

    step: Callable[[], Any]
    check: Callable[[], list[float]]

    def calibrated(self, seconds: float) -> int:
        repetitions = 0
        start = last = time.perf_counter()
        fastest = float("inf")
        while last - start < WARM_UP_SECONDS or repetitions < 2:
            self.step()
            now = time.perf_counter()
            fastest = min(fastest, now - last)
            last = now
            repetitions += 1
        return max(1, round(seconds / fastest))

    def round(self, repetitions: int) -> float:
        for _ in range(repetitions // 5):  # brings the caches back
            self.step()
        start = time.perf_counter()
        for _ in range(repetitions):
            self.step()
        return (time.perf_counter() - start) / repetitions * 1e6


@dataclass(frozen=True)
class Measured:
    """What is not repeated, since each measurement has a fresh process of its own."""

    measure: Callable[[], float]
    check: Callable[[], list[float]]

    def calibrated(self, seconds: float) -> int:
        return 1

    def round(self, repetitions: int) -> float:
        return self.measure()


def training(step: Callable[[], Any]) -> Timed:
    """Training steps that return their loss, and are checked by it.

    The fourth loss is the one that three updates lead to.
    """
    return Timed(step, lambda: [float(step()) for _ in range(CHECKED_STEPS)])


def derivatives(step: Callable[[], tuple[Any, Iterable[Any]]]) -> Timed:
    """Steps that return a value and its gradients, and are checked by both."""

    def check() -> list[float]:
        value, gradients = step()
        return [float(value), *summary(gradients)]

    return Timed(step, check)


def summary(gradients: Iterable[Any]) -> list[float]:
    """Numbers that differ if gradients differ in size, sign or place: two for each array."""
    numbers = []
    for gradient in gradients:
        flat = np.asarray(gradient, float).ravel()
        place = np.arange(1, len(flat) + 1) / len(flat)
        numbers += [float(np.linalg.norm(flat)), float(place @ np.maximum(flat, 0))]
    return numbers
