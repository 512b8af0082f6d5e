"""Has every side check every case: each in a process of its own, in turns, a round at a time."""

from __future__ import annotations

import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

from .. import harness
from .case import Case
from .cases import CASES
from .sides import OURS

ROUNDS = 5


@dataclass
class Outcome:
    """What a side made of a case: its verdict, in the first round, and each round's seconds."""

    verdict: str
    message: str
    seconds: list[float] = field(default_factory=list)


@dataclass
class Side:
    """The outcomes of one side, by the name of the case."""

    version: str
    outcomes: dict[str, Outcome] = field(default_factory=dict)

    def mistake(self, case: Case) -> str:
        """How it got the case wrong: "MISS", "FALSE ALARM" …, or "" where it is right."""
        if case.name not in self.outcomes:
            return "n.a."
        verdict = self.outcomes[case.name].verdict
        if verdict == "inconclusive":
            return verdict
        expected = "pass" if case.truth == "right" else "alarm"
        return "" if verdict == expected else "MISS" if verdict == "pass" else "FALSE ALARM"

    def count(self, mistake: str) -> int:
        """How many cases it got wrong in that way."""
        return sum(self.mistake(case) == mistake for case in CASES)

    def seconds(self, cases: Sequence[str]) -> list[float]:
        """The median time of each of the cases."""
        return [statistics.median(self.outcomes[name].seconds) for name in cases]


@dataclass
class Results:
    """The sides that took part, and why others did not."""

    sides: dict[str, Side] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)

    @property
    def common(self) -> list[str]:
        """The cases that every side could express."""
        return [
            case.name
            for case in CASES
            if all(case.name in side.outcomes for side in self.sides.values())
        ]


class Worker(harness.Worker):
    """The process of one side, for all cases. Leaving its context ends it."""

    def __init__(self, side: str) -> None:
        self.side = side
        self.stderr = tempfile.TemporaryFile("w+", errors="replace")  # noqa: SIM115  # as its base
        self.process = subprocess.Popen(
            [sys.executable, "-m", f"{__package__}.worker", side],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self.stderr,
            text=True,
        )


def run(peers: Sequence[str], rounds: int, progress: Callable[[str], None]) -> Results:
    """Every case, `rounds` times, by our side and the peers."""
    results = Results()
    order = random.Random(0)
    with ExitStack() as ending:
        workers = {side: ending.enter_context(Worker(side)) for side in (OURS, *peers)}
        for side in list(workers):
            progress(f"starting {side}")
            try:
                results.sides[side] = Side(workers[side].answer()["version"])
            except harness.LeftOutError as reason:
                results.left_out[side] = str(reason)
            except harness.WorkerError as error:
                results.errors[side] = str(error)
        for number in range(rounds):
            for name in order.sample(list(results.sides), len(results.sides)):
                progress(f"round {number + 1} of {rounds}: {name}")
                time.sleep(harness.PAUSE_SECONDS)
                try:
                    _add_round(results.sides[name], workers[name])
                except harness.WorkerError as error:
                    results.errors[name] = str(error)
                    del results.sides[name]
    progress("")
    return results


def _add_round(side: Side, worker: Worker) -> None:
    for name, answer in worker.ask("round").items():
        outcome = side.outcomes.setdefault(name, Outcome(answer["verdict"], answer["message"]))
        outcome.seconds.append(answer["seconds"])
