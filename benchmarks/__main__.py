"""The command line: `python -m benchmarks`."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from . import harness, machine, report
from .rows import ROWS, Row
from .sides import EAGER, PEERS


def main() -> int:
    """Run the rows asked for; 1 if a side crashed or did other work than the rest."""
    parser = _parser()
    given = parser.parse_args()
    if given.list:
        print(_listing())
        return 0
    try:
        rows = _rows(given.rows)
    except ValueError as error:
        parser.error(str(error))
    plan = harness.QUICK if given.quick else harness.Plan()
    results = []
    try:
        where = machine.describe()
        print(report.machine_text(where), flush=True)
        for row in rows:
            result = harness.run(row, given.peers, plan, _progress)
            print(f"\n{report.result_text(result)}", flush=True)
            results.append(result)
    except KeyboardInterrupt:
        _progress("")
        print("interrupted", file=sys.stderr)
        return 130
    print(f"\n{report.summary_text(results)}")
    if given.json:
        given.json.write_text(json.dumps(report.as_data(where, results), indent=1) + "\n")
    return 1 if any(result.errors for result in results) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks", description=f"Time {EAGER} and its peers on the same work."
    )
    parser.add_argument("rows", nargs="*", metavar="ROW", help="rows, or how their names begin")
    parser.add_argument("--peers", nargs="+", choices=PEERS, default=PEERS, metavar="PEER")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all rounds there")
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    parser.add_argument("--list", action="store_true", help="show rows and peers, and stop")
    return parser


def _rows(names: list[str]) -> list[Row]:
    for name in names:
        if not any(row.name.startswith(name) for row in ROWS):
            raise ValueError(f"no row begins with {name!r}; see --list")
    exact = {row.name for row in ROWS}
    starts = tuple(name for name in names if name not in exact)
    return [
        row
        for row in ROWS
        if not names or row.name in names or (starts and row.name.startswith(starts))
    ]


def _listing() -> str:
    width = max(len(row.name) for row in ROWS)
    rows = [f"  {row.name:<{width}}  {row.title}" for row in ROWS]
    return "\n".join(["rows:", *rows, f"peers: {', '.join(PEERS)}"])


def _progress(text: str) -> None:
    """Show what is going on, on the last line of a terminal."""
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
