"""A side's process: `python -m benchmarks.worker SIDE ROW`, started and spoken to by `harness`.

It makes the side's job, reports the numbers to check, and then does what each line of standard
input asks. Answers are lines of JSON.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from typing import Any

from .rows import Row, row_named

WARM_UP_SECONDS = 0.2


class LeftOutError(Exception):
    """The side cannot do the row; the message says why."""


def main() -> None:
    """Serve until standard input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends its children itself
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints is no answer

    def answer(message: dict[str, Any]) -> None:
        print(json.dumps(message), file=answers, flush=True)

    side, row = sys.argv[1:]
    try:
        serve(side, row_named(row), answer)
    except LeftOutError as reason:
        answer({"left out": str(reason)})


def serve(side: str, row: Row, answer: Callable[[dict[str, Any]], None]) -> None:
    """Report what the parent compares, then run what it asks for."""
    try:
        module = importlib.import_module(f"{__package__}.sides.{side}")
    except ImportError as error:
        raise LeftOutError(f"not installed ({error})") from None
    make_job = getattr(module, row.work.kind, None)
    if make_job is None:
        raise LeftOutError("does not do this row")
    job = make_job(row.work)
    answer({"version": module.version, "check": job.check()})
    for line in sys.stdin:
        command, *arguments = line.split()
        if command == "calibrate":
            answer({"repetitions": calibrated(job.step, float(arguments[0]))})
        else:
            answer({"seconds": timed_round(job.step, int(arguments[0]))})


def calibrated(step: Callable[[], Any], seconds: float) -> int:
    """How many repetitions take about `seconds`, after warming up."""
    repetitions = 0
    start = last = time.perf_counter()
    fastest = float("inf")
    while last - start < WARM_UP_SECONDS or repetitions < 2:
        step()
        now = time.perf_counter()
        fastest = min(fastest, now - last)
        last = now
        repetitions += 1
    return max(1, round(seconds / fastest))


def timed_round(step: Callable[[], Any], repetitions: int) -> float:
    """Seconds for each repetition, after a few that bring the caches back."""
    for _ in range(repetitions // 5):
        step()
    start = time.perf_counter()
    for _ in range(repetitions):
        step()
    return (time.perf_counter() - start) / repetitions


if __name__ == "__main__":
    main()
