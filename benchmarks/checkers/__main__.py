"""The command line: `python -m benchmarks.checkers`."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from .. import machine
from ..report import machine_text
from . import harness, report
from .sides import OURS, PEERS


def main() -> int:
    """Check all cases; 1 if a side crashed, or ours misses one or raises a false alarm."""
    given = _parser().parse_args()
    where = machine.describe()
    print(machine_text(where), flush=True)
    try:
        results = harness.run(given.peers, 1 if given.quick else harness.ROUNDS, _progress)
    except KeyboardInterrupt:
        _progress("")
        print("interrupted", file=sys.stderr)
        return 130
    print(f"\n{report.summary_text(results)}\n{report.mistakes_text(results)}")
    print(report.not_applicable_text(results))
    if given.json:
        given.json.write_text(json.dumps(report.as_data(where, results), indent=1) + "\n")
    ours = results.sides.get(OURS)
    mistaken = ours is None or ours.count("MISS") or ours.count("FALSE ALARM")
    return 1 if results.errors or mistaken else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.checkers",
        description=f"Compare the gradient checkers of {OURS} and its peers.",
    )
    parser.add_argument("--peers", nargs="*", choices=PEERS, default=PEERS, metavar="PEER")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all outcomes there")
    parser.add_argument("--quick", action="store_true", help="one round instead of several")
    return parser


def _progress(text: str) -> None:
    """Show what is going on, on the last line of a terminal."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
