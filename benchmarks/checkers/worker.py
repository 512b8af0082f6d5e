"""A side's process: `python -m benchmarks.checkers.worker SIDE`, started by `harness`.

For each line of standard input it checks every case once, and answers with a line of JSON.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from .cases import CASES


def main() -> None:
    """Serve until standard input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends its children itself
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints is no answer
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    side = sys.argv[1]

    def answer(message: dict[str, Any]) -> None:
        print(json.dumps(message), file=answers, flush=True)

    try:
        module = importlib.import_module(f"{__package__}.sides.{side}")
    except ImportError as error:
        answer({"left out": f"cannot be imported ({error})"})
        return
    checks = {case.name: module.checker(case) for case in CASES if side not in case.not_in}
    answer({"version": module.version})
    for _ in sys.stdin:
        answer({name: outcome(check) for name, check in checks.items()})


def outcome(check: Callable[[], str]) -> dict[str, Any]:
    """The verdict, how long it took, and what was said if it is an alarm."""
    message = ""
    start = time.perf_counter()
    try:
        verdict = check()
    except Exception as error:
        verdict, message = "alarm", f"{type(error).__name__}: {error}"
    seconds = time.perf_counter() - start
    return {"verdict": verdict, "seconds": seconds, "message": message}


if __name__ == "__main__":
    main()
