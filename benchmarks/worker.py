"""A side's process: `python -m benchmarks.worker SIDE ROW`, started and spoken to by `harness`.

It makes the side's job, reports the numbers to check, and then does what each line of standard
input asks. Answers are lines of JSON.
"""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from .job import LeftOutError
from .rows import Row, row_named
from .sides import found


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
    job = row.work.job(side)
    answer({"version": found(side, "version"), "check": job.check()})
    for line in sys.stdin:
        command, argument = line.split()
        if command == "calibrate":
            answer({"repetitions": job.calibrated(float(argument))})
        else:
            answer({"figure": job.round(int(argument))})


if __name__ == "__main__":
    main()
