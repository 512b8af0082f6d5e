"""After a check: which rule is to blame, or which are now verified."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine import Node, short_path
from . import coverage
from ._check import Check
from ._graph import local_subject
from ._subject import ValueSubject
from .report import Culprit, Report, Verdict

_SMALL = 2_000  # derivatives of a single operation that are measured one by one
_NODES = 300  # operations of a graph that are checked
# Findings that no rule is to blame for.
_NOT_A_RULE = {"changes its input", "not deterministic", "other values"}


def look_into_graph(subject: ValueSubject, report: Report) -> None:
    """Search the graph of a failed check for culprits; note what a passed one has verified."""
    report.graph = list(subject.outputs)
    report.variables = dict(zip(subject.names, subject.variables, strict=True))
    if report.verdict == "pass" and coverage.watching:
        _mark_verified(subject.graph, report.orders[-1])
    elif report.verdict == "fail" and not _NOT_A_RULE & {each.kind for each in report.findings}:
        _search(subject.graph, report)


def _mark_verified(nodes: list[Node], order: int) -> None:
    """Mark the rules that are proven right at the inputs that they had here, on their own."""
    for node in _most_different(nodes):
        operation = node.primitive
        assert operation is not None
        if coverage.is_verified(operation, order):
            continue
        report = _check(local_subject(node, [edge[3] for edge in node.edges]), order)
        if not report:
            continue
        lines = [line for line in report.inputs if line.proven]
        names = {line.name.partition("[")[0] for line in lines if line.order == 1}
        for name in names & {*operation.inputs}:
            for proven_order in {line.order for line in lines}:
                coverage.mark(operation, name, proven_order)


def _search(nodes: list[Node], report: Report) -> None:
    """Check the rules of every operation on its own inputs, in the order of the computation."""
    report.searched = True
    # Ties between inputs concern the rules of several together.
    together = "not a subgradient" in {finding.kind for finding in report.findings}
    right: dict[str, bool] = {}
    for node in _most_different(nodes):
        assert node.primitive is not None
        slots = [edge[3] for edge in node.edges]
        groups = [slots] if together else [[slot] for slot in slots]
        verdicts = set()
        for group in groups:
            verdict, problem = _verdict(node, group, report.orders[-1])
            verdicts.add(verdict)
            if verdict == "fail":
                report.culprits.append(_culprit(node, group, problem))
        name = node.primitive.name
        right[name] = right.get(name, True) and verdicts == {"pass"}
    report.proven = [name for name, is_right in right.items() if is_right]


def _most_different(nodes: list[Node]) -> list[Node]:
    """In the order of the computation, a bounded number of operations: some of every kind."""
    seen: dict[Any, int] = {}
    ranked = []
    for node in filter(_is_real, reversed(nodes)):
        kind = (node.primitive, node.trace.filename, node.trace.line, node.describe())
        seen[kind] = seen.get(kind, 0) + 1
        ranked.append((seen[kind], node.number, node))
    return sorted(
        [node for *_, node in sorted(ranked, key=lambda each: each[:2])[:_NODES]],
        key=lambda node: node.number,
    )


def _is_real(node: Node) -> bool:
    """Whether its operation can be checked on its own: one with rules, of real numbers."""
    if node.is_call:
        return False
    assert node.primitive is not None
    inputs = [x for _, x in node.primitive.arguments(node.trace.inputs)]
    return not any(np.iscomplexobj(x) for x in inputs if isinstance(x, (np.ndarray, np.generic)))


def _culprit(node: Node, slots: list[int], problem: str) -> Culprit:
    assert node.primitive is not None
    names = " and ".join(node.primitive.input_name(slot) for slot in slots)
    file = short_path(node.trace.filename)
    return Culprit(node.primitive.name, names, file, node.trace.line, problem)


def _verdict(node: Node, slots: list[int], order: int) -> tuple[Verdict, str]:
    """On the rules of a node for the inputs in `slots`, at its own inputs; and what is wrong."""
    report = _check(local_subject(node, slots), order)
    everything = [edge[3] for edge in node.edges]
    if report.verdict == "fail" or order == 1 or slots == everything:
        return report.verdict, _problem(report)
    # By the other inputs as well, the rules have to have the right derivatives.
    of = [everything.index(slot) for slot in slots]
    try:
        mixed = local_subject(node, everything).derivative(np.random.default_rng(0), of)
    except Exception as error:
        return "fail", f"raised {type(error).__name__}: {error}"
    report = _check(mixed, order - 1)
    return report.verdict, _problem(report, derived=1)


def _check(subject: ValueSubject, order: int) -> Report:
    many = len(subject.origin) * sum(x.size for x in subject.inputs) > _SMALL
    with np.errstate(all="ignore"):
        return Check(subject, order, "directional" if many else "full", narrowed=False).run()


def _problem(report: Report, derived: int = 0) -> str:
    """What is wrong with a rule, as the end of a sentence about it.

    `report` is of an operation, or of its gradient if that was `derived`.
    """
    broken = [finding for finding in report.findings if finding.verdict == "fail"]
    order = report.orders[-1] + derived
    if report.pattern:
        what = report.pattern
        if " is " in what:
            what = f"wrong: its derivative by {what}" if derived else f"wrong: {what}"
    elif report.worst:
        entry = report.worst[0]
        what = f"wrong, {entry.analytic:.6g} instead of {entry.numerical:.6g} somewhere"
    else:
        what = f"wrong: {broken[0].text if broken else ''}"
    return f"is {what}, to order {order}" if order > 1 else f"is {what}"
