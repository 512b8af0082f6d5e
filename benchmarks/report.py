"""Results as text for a terminal, and as plain data for a file."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

from .harness import Result
from .sides import COMPILED, EAGER, OURS

BUSY = 0.1  # the share of the cores from which other programs disturb the figures


def quartiles(numbers: Sequence[float]) -> tuple[float, float, float]:
    """The lower quartile, the median and the upper quartile."""
    low, middle, high = statistics.quantiles(numbers, n=4, method="inclusive")
    return low, middle, high


def machine_text(machine: dict[str, Any]) -> str:
    """The machine in a few lines."""
    lines = [
        f"{machine['processor']}, {machine['cores']} cores, {machine['system']}",
        f"{machine['python']}, NumPy {machine['numpy']}",
        f"BLAS of NumPy: {machine['blas']}",
    ]
    lines += [f"set: {name}={value}" for name, value in machine["settings"].items()]
    if machine["busy"] is not None and machine["busy"] >= BUSY:
        lines.append(
            f"Other programs use {machine['busy']:.0%} of the cores: "
            "sides that use several threads suffer most, and only ratios mean something."
        )
    return "\n".join(lines)


def result_text(result: Result) -> str:
    """The table of a row: fastest side first, with the ratios of our figures to each."""
    ours = [side for side in OURS if side in result.figures]
    lines = [
        f"{result.row.name}   {result.row.title}",
        f"  {'side':<20} {'version':<12} {result.row.unit:>12} {'quartiles':>21}"
        + "".join([f"   {_RATIO[side]:<24}" for side in ours]),
    ]
    figures = {side: quartiles(figures.rounds) for side, figures in result.figures.items()}
    for side in sorted(figures, key=lambda side: figures[side][1]):
        low, middle, high = figures[side]
        line = (
            f"  {side:<20} {result.figures[side].version:<12} {_number(middle):>12}"
            f" {_number(low) + ' - ' + _number(high):>21}"
        )
        lines.append(
            (line + "".join([f"   {_ratio(result, own, side):<24}" for own in ours])).rstrip()
        )
    lines += [
        f"  target {ours} / {peer} <= {target}: {'met' if met else 'MISSED'}"
        for (ours, peer), target in result.row.targets.items()
        if (met := target_met(result, ours, peer)) is not None
    ]
    lines += [f"  {side}: left out, {reason}" for side, reason in result.left_out.items()]
    lines += [f"  {side}: ERROR, {reason}" for side, reason in result.errors.items()]
    return "\n".join(lines)


_RATIO = {EAGER: "eager / side", COMPILED: "compiled / side"}


def _ratio(result: Result, ours: str, side: str) -> str:
    if side == ours:
        return ""
    low, ratio, high = quartiles(result.ratios(ours, side))
    return f"{ratio:.3f} ({low:.3f} - {high:.3f})"


def summary_text(results: Sequence[Result]) -> str:
    """Which targets were met."""
    verdicts = {
        (result.row.name, ours, peer): met
        for result in results
        for ours, peer in result.row.targets
        if (met := target_met(result, ours, peer)) is not None
    }
    if not verdicts:
        return "no targets among these"
    missed = [f"{row} ({ours} / {peer})" for (row, ours, peer), met in verdicts.items() if not met]
    text = f"{len(verdicts) - len(missed)} of {len(verdicts)} targets met"
    return text + (f"; missed: {', '.join(missed)}" if missed else "")


def target_met(result: Result, ours: str, peer: str) -> bool | None:
    """Whether the median ratio is at most the target; None without a target or a ratio."""
    target = result.row.targets.get((ours, peer))
    if target is None or not {ours, peer} <= result.figures.keys():
        return None
    return statistics.median(result.ratios(ours, peer)) <= target


def as_data(machine: dict[str, Any], results: Sequence[Result]) -> dict[str, Any]:
    """Everything, with every round, in a form that JSON can hold."""
    return {"machine": machine, "rows": [_row_data(result) for result in results]}


def _row_data(result: Result) -> dict[str, Any]:
    return {
        "name": result.row.name,
        "title": result.row.title,
        "unit": result.row.unit,
        "sides": {
            side: {
                "version": figures.version,
                "repetitions": figures.repetitions,
                "quartiles": quartiles(figures.rounds),
                "rounds": figures.rounds,
            }
            for side, figures in result.figures.items()
        },
        "ratios": [
            {
                "ours": ours,
                "side": side,
                "quartiles": quartiles(result.ratios(ours, side)),
                "target": result.row.targets.get((ours, side)),
                "met": target_met(result, ours, side),
            }
            for ours in OURS
            for side in result.figures
            if ours in result.figures and side != ours
        ],
        "left_out": result.left_out,
        "errors": result.errors,
    }


def _number(figure: float) -> str:
    return f"{figure:,.0f}" if figure >= 1000 else f"{figure:.1f}"
