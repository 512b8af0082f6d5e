"""The first steps of a fresh model, in which what compiles compiles."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import ClassVar

from ..job import LeftOutError, Measured, Timed
from .work import Work

STEPS = 2  # some compile once more when there are gradients


@dataclass(frozen=True)
class FirstSteps(Work):
    """The first two steps of the work of a row, of a model that each round makes anew."""

    of: Work
    kind: ClassVar[str] = "first_steps"
    unit: ClassVar[str] = "ms"

    @property
    def name(self) -> str:
        return f"first-{self.of.name}"

    @property
    def title(self) -> str:
        return f"first two steps, compiling included: {self.of.title}"

    def job(self, side: str) -> Measured:
        job = self.of.job(side)
        if not isinstance(job, Timed):
            raise LeftOutError("has no steps")
        return Measured(lambda: self._measured(side), job.check)

    def _measured(self, side: str) -> float:
        job = self.of.job(side)
        assert isinstance(job, Timed)
        start = time.perf_counter()
        for _ in range(STEPS):
            job.step()
        return (time.perf_counter() - start) * 1e3
