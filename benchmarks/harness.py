"""Times the sides of a row: each in a process of its own, in turns, a round at a time."""

from __future__ import annotations

import json
import math
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Self

from .job import LeftOutError
from .rows import Row
from .sides import OURS, REFERENCE

TOLERANCE = 1e-4
# Between rounds: threads of BLAS and OpenMP spin for some 30 ms before they sleep, and would
# take a core from the next side.
PAUSE_SECONDS = 0.05


@dataclass(frozen=True)
class Plan:
    """How many rounds, and about how long each is.

    No further round begins after `row_seconds`, unless there were fewer than `fewest`.
    """

    rounds: int = 30
    round_seconds: float = 0.04
    fewest: int = 7
    row_seconds: float = 60.0


QUICK = Plan(rounds=7, round_seconds=0.02, fewest=3, row_seconds=6.0)


@dataclass
class Figures:
    """The figures of one side, in the row's unit, one for each round."""

    version: str
    repetitions: int = 0
    rounds: list[float] = field(default_factory=list)


@dataclass
class Result:
    """The figures of a row by side, and why other sides have none."""

    row: Row
    figures: dict[str, Figures] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)

    def ratios(self, ours: str, peer: str) -> list[float]:
        """The figure of a side of ours by the peer's in the same round, round by round."""
        pairs = zip(self.figures[ours].rounds, self.figures[peer].rounds, strict=True)
        return [a / b for a, b in pairs]


class WorkerError(Exception):
    """A worker ended, or gave wrong numbers; the message says what happened."""


class Worker:
    """The process of one side, for one row. Leaving its context ends it."""

    def __init__(self, side: str, row: Row) -> None:
        self.side = side
        self.stderr = tempfile.TemporaryFile("w+", errors="replace")  # noqa: SIM115  # closed by __exit__
        self.process = subprocess.Popen(
            [sys.executable, "-m", f"{__package__}.worker", side, row.name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.stderr,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.process.kill()  # it holds nothing that needs saving
        self.process.wait()
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdout.close()
        with suppress(BrokenPipeError):
            self.process.stdin.close()
        self.stderr.close()

    def answer(self) -> dict[str, Any]:
        """What the worker says next. Raises WorkerError if it ended, LeftOutError if it cannot."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            self.process.wait()
            raise WorkerError(f"its process ended: {self._last_words()}")
        message: dict[str, Any] = json.loads(line)
        if "left out" in message:
            raise LeftOutError(message["left out"])
        return message

    def ask(self, *command: object) -> dict[str, Any]:
        """Have a command done and return the answer."""
        assert self.process.stdin is not None
        with suppress(BrokenPipeError):  # `answer` finds out why
            print(*command, file=self.process.stdin, flush=True)
        return self.answer()

    def _last_words(self) -> str:
        self.stderr.seek(0)
        lines = [line.strip() for line in self.stderr if line.strip()]
        return lines[-1] if lines else f"exit code {self.process.returncode}, no message"


def run(row: Row, peers: Sequence[str], plan: Plan, progress: Callable[[str], None]) -> Result:
    """Time `row` on our sides and the peers', leaving out who cannot or does not agree."""
    sides = [*OURS, *peers]
    result = Result(row)
    order = random.Random(0)
    with ExitStack() as ending:
        progress(f"{row.name}: starting a process for each side")
        workers = {
            side: ending.enter_context(Worker(side, row))
            for side in dict.fromkeys([REFERENCE, *sides])
        }
        ready = _agreeing(workers, result)
        if REFERENCE not in sides:
            ready.pop(REFERENCE, None)
        for side in list(ready):
            progress(f"{row.name}: calibrating {side}")
            with _leaving_out(side, ready, result):
                answer = ready[side].ask("calibrate", plan.round_seconds)
                result.figures[side].repetitions = answer["repetitions"]
        start = time.monotonic()
        for number in range(plan.rounds):
            if number >= plan.fewest and time.monotonic() - start > plan.row_seconds:
                break
            progress(f"{row.name}: round {number + 1} of {plan.rounds}")
            for side in order.sample(list(ready), len(ready)):
                time.sleep(PAUSE_SECONDS)
                with _leaving_out(side, ready, result):
                    figures = result.figures[side]
                    answer = ready[side].ask("round", figures.repetitions)
                    figures.rounds.append(answer["figure"])
    progress("")
    result.figures = {side: result.figures[side] for side in sides if side in ready}
    return result


def _agreeing(workers: dict[str, Worker], result: Result) -> dict[str, Worker]:
    """The workers that are ready, and whose numbers agree with the reference's."""
    ready = dict(workers)
    expected: list[float] | None = None
    for side in workers:  # the reference comes first
        with _leaving_out(side, ready, result):
            answer = workers[side].answer()
            result.figures[side] = Figures(answer["version"])
            if side == REFERENCE:
                expected = answer["check"]
            elif expected is None:
                raise LeftOutError(f"{REFERENCE} gave no numbers to check it by")
            else:
                _check(answer["check"], expected)
    return ready


def _check(numbers: list[float], expected: list[float]) -> None:
    if len(numbers) != len(expected):
        raise WorkerError(f"gave {len(numbers)} numbers, {REFERENCE} {len(expected)}")
    for number, right in zip(numbers, expected, strict=True):
        if not math.isclose(number, right, rel_tol=TOLERANCE):
            raise WorkerError(f"does other work: it gave {number:.7g}, {REFERENCE} {right:.7g}")


@contextmanager
def _leaving_out(side: str, ready: dict[str, Worker], result: Result) -> Iterator[None]:
    """Take `side` out of `ready`, and note why, if something in the context fails."""
    try:
        yield
    except LeftOutError as reason:
        result.left_out[side] = str(reason)
        del ready[side]
    except WorkerError as error:
        result.errors[side] = str(error)
        del ready[side]
