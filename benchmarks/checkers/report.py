"""Results as text for a terminal, and as plain data for a file."""

from __future__ import annotations

import statistics
from dataclasses import asdict
from typing import Any

from .cases import CASES
from .harness import Results, Side


def summary_text(results: Results) -> str:
    """The table of the sides."""
    wrong = sum(case.truth == "wrong" for case in CASES)
    lines = [
        f"{len(CASES)} cases: {wrong} wrong derivatives, {len(CASES) - wrong} right ones",
        f"  {'side':<12} {'version':<10} {'misses':>8} {'false alarms':>14} {'inconclusive':>14}"
        f" {'n.a.':>6} {'ms a check':>12} {'s in all':>10}",
    ]
    lines += [_side_line(name, side, results.common) for name, side in results.sides.items()]
    lines += [f"  {side}: left out, {reason}" for side, reason in results.left_out.items()]
    lines += [f"  {side}: ERROR, {reason}" for side, reason in results.errors.items()]
    return "\n".join(lines)


def _side_line(name: str, side: Side, common: list[str]) -> str:
    seconds = side.seconds(common)
    return (
        f"  {name:<12} {side.version:<10} {side.count('MISS'):>8} {side.count('FALSE ALARM'):>14}"
        f" {side.count('inconclusive'):>14} {side.count('n.a.'):>6}"
        f" {statistics.median(seconds) * 1e3:>12.2f} {sum(seconds):>10.2f}"
    )


def mistakes_text(results: Results) -> str:
    """The cases that a side got wrong, with what each side made of them."""
    sides = results.sides.values()
    lines = ["", f"  {'':<50} {'truth':<6}" + "".join(f" {name:<12}" for name in results.sides)]
    group = ""
    for case in CASES:
        mistakes = [side.mistake(case) for side in sides]
        if not set(mistakes) - {"", "n.a."}:
            continue
        if case.group != group:
            group = case.group
            lines.append(group)
        verdicts = "".join(f" {mistake or '.':<12}" for mistake in mistakes)
        lines.append(f"  {case.name:<50} {case.truth:<6}{verdicts}".rstrip())
    return "\n".join(lines)


def not_applicable_text(results: Results) -> str:
    """The cases that a side cannot express, and why."""
    return "\n".join(
        f"n.a.: {name}, {case.name}: {case.not_in[name]}"
        for name in results.sides
        for case in CASES
        if name in case.not_in
    )


def as_data(machine: dict[str, Any], results: Results) -> dict[str, Any]:
    """Everything, with every round, in a form that JSON can hold."""
    return {
        "machine": machine,
        "cases": [
            {"name": case.name, "group": case.group, "truth": case.truth, "not_in": case.not_in}
            for case in CASES
        ],
        "sides": {
            name: {
                "version": side.version,
                "misses": side.count("MISS"),
                "false_alarms": side.count("FALSE ALARM"),
                "inconclusive": side.count("inconclusive"),
                "outcomes": {case: asdict(outcome) for case, outcome in side.outcomes.items()},
            }
            for name, side in results.sides.items()
        },
        "left_out": results.left_out,
        "errors": results.errors,
    }
