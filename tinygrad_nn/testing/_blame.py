"""After a check: which rule is to blame, or which are now verified."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..engine import Node
from . import coverage
from ._check import Check
from ._graph import local_subject, short_path
from ._subject import ValueSubject
from .report import Culprit, Report

_SMALL = 2_000  # derivatives of a single operation that are measured one by one
_NODES = 300  # operations of a graph that are checked
_NOT_A_RULE = {"changes its input", "not deterministic"}  # findings that no rule is to blame for


def look_into_graph(subject: ValueSubject, report: Report) -> None:
    """Search the graph of a failed check for culprits; note what a passed one has verified."""
    report.graph = list(subject.outputs)
    if report.verdict == "pass":
        _mark_verified(subject.graph, report.orders)
    elif report.verdict == "fail" and not _NOT_A_RULE & {each.kind for each in report.findings}:
        _search(subject.graph, report)


def _mark_verified(nodes: list[Node], orders: tuple[int, ...]) -> None:
    for node in nodes:
        operation = node.primitive
        assert operation is not None
        for edge in node.edges:
            name = operation.input_name(edge[3]).partition("[")[0]
            for order in orders:
                coverage.mark(operation.name, name, order)


def _search(nodes: list[Node], report: Report) -> None:
    """Check the rules of every operation on its own inputs, in the order of the computation."""
    report.searched = True
    # Ties between inputs concern the rules of several together.
    together = "not a subgradient" in {finding.kind for finding in report.findings}
    right: dict[str, None] = {}
    for node in _most_different(nodes):
        assert node.primitive is not None
        slots = [edge[3] for edge in node.edges]
        groups = [slots] if together else [[slot] for slot in slots]
        culprits = [c for group in groups for c in _wrong_rules(node, group, report.orders[-1])]
        report.culprits += culprits
        if not culprits:
            right[node.primitive.name] = None
    wrong = {culprit.primitive for culprit in report.culprits}
    report.proven = [name for name in right if name not in wrong]


def _most_different(nodes: list[Node]) -> list[Node]:
    """In the order of the computation, a bounded number of operations: some of every kind."""
    seen: dict[Any, int] = {}
    ranked = []
    for node in reversed(nodes):
        kind = (node.primitive, node.trace.filename, node.trace.line, node.describe())
        seen[kind] = seen.get(kind, 0) + 1
        ranked.append((seen[kind], node.number, node))
    return sorted(
        [node for *_, node in sorted(ranked, key=lambda each: each[:2])[:_NODES]],
        key=lambda node: node.number,
    )


def _wrong_rules(node: Node, slots: list[int], order: int) -> Iterator[Culprit]:
    """The node's primitive, if its rules for the inputs in `slots` are wrong at its own inputs."""
    assert node.primitive is not None
    local = local_subject(node, slots)
    problem = _problem(local, order)
    everything = [edge[3] for edge in node.edges]
    if not problem and order > 1 and slots != everything:
        # By the other inputs as well, the rules have to have the right derivatives.
        of = [everything.index(slot) for slot in slots]
        mixed = local_subject(node, everything).derivative(np.random.default_rng(0), of)
        problem = _problem(mixed, order - 1, derived=1)
    if problem:
        yield Culprit(
            node.primitive.name,
            " and ".join(node.primitive.input_name(slot) for slot in slots),
            short_path(node.trace.filename),
            node.trace.line,
            problem,
        )


def _problem(subject: ValueSubject, order: int, derived: int = 0) -> str:
    """What is wrong with a rule, as the end of a sentence about it, or nothing.

    `subject` is an operation, or its gradient if that was `derived`.
    """
    many = len(subject.origin) * sum(x.size for x in subject.inputs) > _SMALL
    with np.errstate(all="ignore"):
        report = Check(subject, order, "directional" if many else "full", narrowed=False).run()
    if report.verdict != "fail":
        return ""
    kinds = [finding.kind for finding in report.findings if finding.verdict == "fail"]
    what = report.pattern or ": ".join(["wrong", *kinds[:1]])
    if " is " in what:
        what = f"wrong: its derivative by {what}" if derived else f"wrong: {what}"
    if not report.pattern and report.worst:
        entry = report.worst[0]
        what = f"wrong, {entry.analytic:.6g} instead of {entry.numerical:.6g} somewhere"
    order = report.orders[-1] + derived
    return f"is {what}, to order {order}" if order > 1 else f"is {what}"
