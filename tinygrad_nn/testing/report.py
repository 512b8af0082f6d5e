"""What a check found, as an object and as text for a terminal."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Literal

Verdict = Literal["pass", "fail", "inconclusive"]


@dataclass(frozen=True)
class Entry:
    """One derivative: what the function claims, and what was measured."""

    order: int
    input: str
    index: str
    output: str
    analytic: float
    numerical: float
    error: float
    remark: str = ""

    @property
    def ratio(self) -> float | None:
        """analytic / numerical, where that is a number."""
        return self.analytic / self.numerical if self.numerical else None


@dataclass(frozen=True)
class InputSummary:
    """The derivatives by one input: how many, and what became of them."""

    order: int
    name: str
    dtype: str
    shape: tuple[int, ...]
    checked: int
    wrong: int = 0
    inconclusive: int = 0
    kinks: int = 0
    unseen: int = 0  # not 0, but too small beside the rest for a verdict on their digits
    proven: int = 0  # right, no kinks, and not 0 where the function bends
    precision: float = 0.0  # the largest relative error that could have hidden in a right one


@dataclass(frozen=True)
class Finding:
    """Something that is wrong, or uncertain, beyond single numbers.

    `kind` names it: "shape", "dtype", "not deterministic", "changes its input", "other values",
    "saved value changed", "not linear in g", "missing gradient", "not finite", "error", "kink",
    "discontinuity", ...
    """

    kind: str
    text: str
    verdict: Verdict = "fail"


@dataclass(frozen=True)
class Culprit:
    """A derivative rule that is wrong on its own: of which primitive, and where it was called."""

    primitive: str
    input: str
    filename: str
    line: int
    problem: str

    def __str__(self) -> str:
        place = f", called at {self.filename}:{self.line}" if self.filename else ""
        return f"{self.primitive}{place}: its rule for {self.input} {self.problem}"


@dataclass
class Report:
    """The result of a gradient check. True if the derivatives are verified; print it to read it.

    `verdict` is "pass", "fail" or "inconclusive"; `findings`, `worst` (the worst entries),
    `pattern` (a guess at what happened), `culprits` (wrong rules) and `proven` (primitives whose
    rules are right here) say why. `graph` holds the recorded outputs of a function of Values, and
    `variables` its inputs by name.
    """

    name: str
    orders: tuple[int, ...]
    mode: str
    source: str = "backward()"  # of the derivatives
    inputs: list[InputSummary] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    worst: list[Entry] = field(default_factory=list)
    pattern: str = ""
    culprits: list[Culprit] = field(default_factory=list)
    proven: list[str] = field(default_factory=list)
    searched: bool = False  # whether the rules in the graph were checked one by one
    evaluations: int = 0
    graph: list[Any] = field(default_factory=list, repr=False)
    variables: dict[str, Any] = field(default_factory=dict, repr=False)

    @property
    def verdict(self) -> Verdict:
        """What follows: one thing wrong makes it "fail", else one uncertain "inconclusive"."""
        verdicts = {finding.verdict for finding in self.findings}
        if "fail" in verdicts or any(line.wrong for line in self.inputs):
            return "fail"
        if "inconclusive" in verdicts or any(line.inconclusive for line in self.inputs):
            return "inconclusive"
        return "pass"

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "graph": [], "variables": {}}  # graphs stay in their process

    def __deepcopy__(self, memo: dict[int, Any]) -> Report:
        copy = object.__new__(Report)
        copy.__dict__.update(self.__getstate__())
        return copy

    def __bool__(self) -> bool:
        return self.verdict == "pass"

    def __str__(self) -> str:
        return "\n".join(_lines(self))


class GradientMismatch(AssertionError):  # noqa: N818 (the name users know the check's failure by)
    """A derivative is wrong. `report` says which, where and by how much; so does the message."""

    __module__ = "tinygrad_nn.testing"

    def __init__(self, report: Report) -> None:
        super().__init__(str(report))
        self.report = report

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.report,), vars(self)


class InconclusiveWarning(UserWarning):
    """A derivative is neither proven right nor wrong, because the point does not allow it."""

    __module__ = "tinygrad_nn.testing"


# ---- Text

_SAYS = {"pass": "PASSED", "fail": "FAILED", "inconclusive": "INCONCLUSIVE"}
_ORDERS = {1: "first", 2: "second", 3: "third"}


def _lines(report: Report) -> list[str]:
    lines = [f"gradcheck of {report.name}: {_SAYS[report.verdict]}{_reason(report)}"]
    for order in report.orders:
        rows = [line for line in report.inputs if line.order == order]
        if not rows:
            continue
        how = "in a random direction" if report.mode == "directional" else "one by one"
        which = f"{_ORDERS.get(order, f'{order}th')} derivatives by {report.source}"
        lines += ["", f"  {which}, {how}"]
        width = max(len(row.name) for row in rows)
        kind = max(len(_array(row)) for row in rows)
        lines += [
            f"    {row.name:<{width}}  {_array(row):<{kind}}  {_outcome(row)}" for row in rows
        ]
    for verdict, heading in (("fail", "wrong"), ("inconclusive", "uncertain"), ("pass", "noted")):
        found = [finding for finding in report.findings if finding.verdict == verdict]
        if found:
            lines += ["", f"  {heading}"]
            lines += [f"    {finding.kind}: {finding.text}" for finding in found]
    if report.worst:
        lines += ["", *_table(report)]
    if report.pattern:
        lines += ["", f"  looks like: {report.pattern}"]
    if blame := _blame(report):
        lines += ["", *blame]
    return lines


def _reason(report: Report) -> str:
    """The headline's reason, in a few words."""
    verdict = report.verdict
    if verdict == "pass":
        return f" ({report.evaluations} evaluations)"
    if report.culprits:
        first = report.culprits[0]
        return f", the rule of {first.primitive} for {first.input} is wrong"
    kinds = [finding.kind for finding in report.findings if finding.verdict == verdict]
    if verdict == "fail" and (wrong := sum(line.wrong for line in report.inputs)):
        last = report.inputs[-1].order
        total = sum(line.checked for line in report.inputs if line.order == last)
        kinds.append(f"{wrong} of {total} derivatives are wrong")
    return f", {'; '.join(dict.fromkeys(kinds))}" if kinds else ""


def _array(row: InputSummary) -> str:
    return f"{row.dtype} {row.shape}" if row.shape else row.dtype


def _outcome(row: InputSummary) -> str:
    parts = []
    if row.wrong:
        parts.append(f"{row.wrong} of {row.checked} wrong")
    if row.inconclusive:
        parts.append(f"{row.inconclusive} of {row.checked} uncertain")
    right = row.checked - row.unseen
    if not parts and right:
        all_of_them = "right" if row.checked == 1 else f"all {row.checked} right"
        parts.append(f"{right} of {row.checked} right" if row.unseen else all_of_them)
        parts.append(f"to {row.precision:.0e}" if row.precision else "exactly")
    if row.unseen:
        parts.append(f"{row.unseen} too small to be seen")
    if row.kinks:
        parts.append(f"{row.kinks} at kinks")
    return ", ".join(parts)


def _table(report: Report) -> list[str]:
    header = ("input", "output", "analytic", "numerical ± error", "difference", "ratio", "")
    rows = [header]
    for entry in report.worst:
        if math.isfinite(entry.error):
            numerical = f"{entry.numerical:.9g} ± {entry.error:.0e}"
            difference = f"{entry.analytic - entry.numerical:.3g}"
            ratio = "" if entry.ratio is None else f"{entry.ratio:.7g}"
        else:
            numerical, difference, ratio = "none", "", ""
        place, analytic = entry.input + entry.index, f"{entry.analytic:.9g}"
        rows.append((place, entry.output, analytic, numerical, difference, ratio, entry.remark))
    columns = [column for column in zip(*rows, strict=True) if any(column[1:])]
    padded = [[cell.ljust(max(map(len, column))) for cell in column] for column in columns]
    return [f"  {'  '.join(row)}".rstrip() for row in zip(*padded, strict=True)]


def _blame(report: Report) -> list[str]:
    lines = []
    if report.culprits:
        lines.append("  culprit" if len(report.culprits) == 1 else "  culprits")
        lines += [f"    {culprit}" for culprit in report.culprits]
        if report.proven:
            lines.append(f"    proven right: {', '.join(report.proven)}")
    elif report.proven and not any(found.verdict == "fail" for found in report.findings):
        lines.append(
            "  every rule in the graph is right on its own (" + ", ".join(report.proven) + "):"
        )
        lines.append("    does something leave the graph, through .data, item() or detach()?")
    return lines
