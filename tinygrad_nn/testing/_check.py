"""The steps of a gradient check, which fill in a report."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from .. import engine
from ..engine import Node
from ..errors import ShapeError
from . import coverage
from ._graph import inspect_graph, local_subject, short_path
from ._judge import Code
from ._measure import Directions, Measured, measure_all
from ._pattern import guess
from ._slopes import Array
from ._subject import ArraySubject, Subject, ValueSubject, ancestors, index_text
from .report import Culprit, Entry, Finding, InputSummary, Report

_SHOWN = 6
_TOO_MANY = 10_000_000  # derivatives, to be measured one by one
_SMALL = 2_000  # derivatives of a single operation that are measured one by one
_NODES = 300  # operations of a graph that are checked for the culprit
_NOT_A_RULE = {"changes its input", "not deterministic"}  # findings that no rule is to blame for


class Check:
    """A check of `subject`, of orders 1 to `order`."""

    def __init__(self, subject: Subject, order: int, mode: str) -> None:
        self.subject = subject
        self.mode = mode
        self.order = order
        self.report = Report(subject.name, tuple(range(1, order + 1)), mode)
        self.rng = np.random.default_rng(0)

    def run(self) -> Report:
        """Check one order after the other; a wrong one ends it."""
        subject, report = self.subject, self.report
        for order in report.orders:
            if order > 1:
                assert isinstance(subject, ValueSubject)
                subject = subject.derivative(self.rng)
            self._check(subject, order)
            report.evaluations += subject.evaluations
            if report.verdict == "fail":
                report.orders = tuple(range(1, order + 1))
                break
        return report

    def _check(self, subject: Subject, order: int) -> None:
        if not self._well_defined(subject):
            return
        if (
            self.mode == "full"
            and len(subject.origin) * sum(x.size for x in subject.inputs) > _TOO_MANY
        ):
            raise ValueError(
                f"gradcheck of {subject.name}: {len(subject.origin)} outputs and "
                f"{sum(x.size for x in subject.inputs)} inputs are too many to be measured one by "
                "one: pass mode='directional'"
            )
        if isinstance(subject, ValueSubject):
            before = len(self.report.findings)
            self._backward_passes(subject)
            if len(self.report.findings) > before:
                return
        if self.mode == "directional":
            self._directional(subject, order)
        else:
            self._full(subject, order)

    # ---- What should hold before anything is compared

    def _well_defined(self, subject: Subject) -> bool:
        """Whether the function can be checked: finite, the same each time, without effects."""
        for name, x in zip(subject.names, subject.inputs, strict=True):
            if not np.isfinite(x).all():
                self._find(
                    "not finite", f"the input {name} is NaN or infinite somewhere", "inconclusive"
                )
                return False
        changed = subject.changed_inputs()
        for name in changed:
            self._find("changes its input", f"{name} is not the same after {subject.name} has run")
        if changed:
            return False
        if not np.isfinite(subject.origin).all():
            at = int(np.argmin(np.isfinite(subject.origin)))
            text = (
                f"{subject.output_label(at) or subject.name} is {subject.origin[at]} at this point"
            )
            self._find("not finite", text, "inconclusive")
            return False
        again = subject.values(subject.inputs)
        off = np.abs(again - subject.origin)
        if np.any(~(off <= 1e3 * subject.eps * np.maximum(np.abs(again), np.abs(subject.origin)))):
            self._find(
                "not deterministic",
                f"two calls with the same inputs differ by {np.max(off):.2g}: seed what is random, "
                "or switch it off, as model.eval() does for dropout",
            )
            return False
        return True

    def _backward_passes(self, subject: ValueSubject) -> None:
        """Findings about the graph and its rules, apart from the numbers they give."""
        u = self.rng.uniform(0.5, 1.5, len(subject.origin))
        try:
            self.report.findings += inspect_graph(subject, u)
            if self.report.findings:
                return
            once, again, opposite = (_flat(subject, g) for g in (u, u, -2 * u))
        except Exception as error:
            notes = "".join(f", {note}" for note in getattr(error, "__notes__", ()))
            kind = "shape" if isinstance(error, ShapeError) else "error"
            self._find(kind, f"the backward pass raised {type(error).__name__}: {error}{notes}")
            return
        if not np.array_equal(once, again, equal_nan=True):
            self._find("not deterministic", "two backward passes through one graph differ")
        # Multiplying by -2 commutes with all rounding, so this holds to the last bit.
        elif not np.allclose(opposite, -2 * once, rtol=1e-6, atol=1e-290, equal_nan=True):
            self._find(
                "not linear in g",
                "-2 times the incoming gradient g does not give -2 times the result: does a rule "
                "forget to multiply by g?",
            )

    # ---- Comparisons

    def _full(self, subject: Subject, order: int) -> None:
        jacobian = self._claims(subject)
        if jacobian is None:
            return
        found = measure_all(subject, jacobian)
        for at, measured in enumerate(found):
            self._summarise(subject, order, measured, subject.dtypes[at])
            unreached = isinstance(subject, ValueSubject) and not subject.reached[at]
            if unreached and np.any(measured.code == Code.WRONG):
                self._find(
                    "missing gradient",
                    f"none reaches {measured.name} (its grad would be None), "
                    f"though {subject.name} depends on it",
                )
        self._show_worst(subject, order, found)
        if any(np.any(measured.code == Code.WRONG) for measured in found):
            self.report.pattern = guess(found, subject.output_shapes)

    def _claims(self, subject: Subject) -> list[Array] | None:
        """The Jacobian that the subject's own derivatives make, or None after a finding."""
        if isinstance(subject, ValueSubject):
            return subject.jacobian()
        assert isinstance(subject, ArraySubject)
        jacobian, problem = subject.claims()
        if problem:
            self._find(*problem)
        return jacobian

    def _directional(self, subject: Subject, order: int) -> None:
        if isinstance(subject, ValueSubject):

            def gradient(cotangent: Array) -> list[Array]:
                return [
                    np.zeros(x.shape) if g is None else g
                    for x, g in zip(subject.inputs, subject.vjp(cotangent), strict=True)
                ]
        else:
            jacobian = self._claims(subject)
            if jacobian is None:
                return
            claims = jacobian

            def gradient(cotangent: Array) -> list[Array]:
                return [
                    (cotangent @ claim).reshape(x.shape)
                    for x, claim in zip(subject.inputs, claims, strict=True)
                ]

        directions = Directions.random(subject, self.rng, gradient)
        measured = directions.measure()
        self._summarise(subject, order, measured, np.dtype(np.float64))
        if measured.code[0, 0] == Code.WRONG:
            self._narrow(subject, order, directions)
        else:
            self._show_worst(subject, order, [measured])

    def _narrow(self, subject: Subject, order: int, directions: Directions) -> None:
        for at, element, judgement in directions.worst_elements():
            v = directions.direction[at].reshape(-1)[element]
            self.report.worst.append(
                Entry(
                    order,
                    subject.names[at],
                    index_text(element, subject.inputs[at].shape),
                    "in a random direction of the outputs" if len(subject.origin) > 1 else "",
                    float(directions.gradient[at].reshape(-1)[element]),
                    float(judgement.numerical[0] / v),
                    float(abs(judgement.error[0] / v)),
                )
            )

    # ---- The report

    def _summarise(
        self, subject: Subject, order: int, found: Measured, dtype: np.dtype[Any]
    ) -> None:
        code = found.code
        wrong = int(np.count_nonzero(code == Code.WRONG))
        right = (code == Code.RIGHT) | (code == Code.NOTHING)
        self.report.inputs.append(
            InputSummary(
                order,
                found.name,
                str(dtype),
                found.shape,
                code.size,
                wrong,
                code.size - wrong - int(np.count_nonzero(right)),
                int(np.count_nonzero(found.kink & right)),
                int(np.count_nonzero(found.unseen & right)),
                float(np.max(found.hidden[code == Code.RIGHT], initial=0)),
            )
        )

        def where(mask: Array) -> str:
            output, element = (int(i) for i in np.argwhere(mask)[0])
            by = found.name + index_text(element, found.shape) if found.shape else found.name
            label = (
                subject.output_label(output)
                if len(subject.origin) > 1 and self.mode == "full"
                else ""
            )
            others = np.count_nonzero(mask) - 1
            return (f"{label} by {by}" if label else f"by {by}") + (
                f" and {others} more" if others else ""
            )

        if np.any(kinks := found.kink & right):
            output, element = np.argwhere(kinks)[0]
            left, over = found.left[output, element], found.right[output, element]
            self._find(
                "kink",
                f"{where(kinks)}: the slope is {left:.6g} on the left and {over:.6g} on the right; "
                "any value between is accepted",
                "pass",
            )
        if np.any(bad := ~np.isfinite(found.claim) & (code == Code.WRONG)):
            output, element = np.argwhere(bad)[0]
            self._find(
                "not finite", f"the derivative {where(bad)} is {found.claim[output, element]}"
            )
        reasons = {
            Code.JUMP: (
                "discontinuity",
                "the function jumps at this point, so it has no derivative",
            ),
            Code.UNBOUNDED: ("infinite slope", "the function has no finite slope at this point"),
            Code.UNDEFINED: ("undefined", "the function is not defined next to this point"),
            Code.TWO_SCALES: (
                "two scales",
                "the slope is as claimed on wide steps, but not on narrow ones, as of a function "
                "that rounds to float32 inside, or with a small and fast oscillation",
            ),
            Code.COARSE: (
                "too coarse",
                "the function's rounding hides so much that the numerical derivative cannot tell "
                "right from wrong to one part in a million",
            ),
        }
        for reason, (kind, text) in reasons.items():
            if np.any(code == reason):
                self._find(kind, f"{where(code == reason)}: {text}", "inconclusive")

    def _show_worst(self, subject: Subject, order: int, found: Sequence[Measured]) -> None:
        """List the worst entries, if there are any that are not right."""
        entries = []
        for measured in found:
            bad = (measured.code != Code.RIGHT) & (measured.code != Code.NOTHING)
            for output, element in np.argwhere(bad):
                entries.append((float(measured.excess[output, element]), measured, output, element))
        if any(measured.code.min(initial=0) == Code.WRONG for measured in found):
            entries = [
                entry for entry in entries if entry[1].code[entry[2], entry[3]] == Code.WRONG
            ]
        entries.sort(key=lambda entry: -entry[0])
        for _, measured, output, element in entries[:_SHOWN]:
            remark = ""
            if measured.kink[output, element]:
                remark = (
                    f"kink: {measured.left[output, element]:.6g} on the left, "
                    f"{measured.right[output, element]:.6g} on the right"
                )
            self.report.worst.append(
                Entry(
                    order,
                    measured.name,
                    index_text(int(element), measured.shape),
                    subject.output_label(int(output)) if len(subject.origin) > 1 else "",
                    float(measured.claim[output, element]),
                    float(measured.numerical[output, element]),
                    float(measured.error[output, element]),
                    remark,
                )
            )

    def _find(self, kind: str, text: str, verdict: Any = "fail") -> None:
        self.report.findings.append(Finding(kind, text, verdict))

    # ---- The graph

    def look_into_graph(self, subject: ValueSubject) -> None:
        """Note which rules a passed check has verified, or search a failed one for the culprit."""
        report = self.report
        if report.verdict == "inconclusive":
            return
        _, outputs = subject.record(engine.record())
        nodes = ancestors(outputs)
        report.graph = outputs
        if report.verdict == "pass":
            for node in nodes:
                operation = node.primitive
                assert operation is not None
                for edge in node.edges:
                    name = operation.input_name(edge[3]).partition("[")[0]
                    for order in report.orders:
                        coverage.mark(operation.name, name, order)
            return
        if {finding.kind for finding in report.findings} & _NOT_A_RULE:
            return
        report.searched = True
        right: dict[str, None] = {}
        for node in reversed(nodes[:_NODES]):
            assert node.primitive is not None
            culprits = list(_wrong_rules(node, max(report.orders)))
            report.culprits += culprits
            if not culprits:
                right[node.primitive.name] = None
        wrong = {culprit.primitive for culprit in report.culprits}
        report.proven = [name for name in right if name not in wrong]


def _wrong_rules(node: Node, order: int) -> Iterator[Culprit]:
    """The rules of the node's primitive that are wrong for its own inputs."""
    assert node.primitive is not None
    for _, _, _, slot in node.edges:
        subject = local_subject(node, slot)
        many = len(subject.origin) * subject.inputs[0].size > _SMALL
        check = Check(subject, order, "directional" if many else "full")
        with np.errstate(all="ignore"):
            report = check.run()
        if report.verdict == "fail":
            trace = node.trace
            yield Culprit(
                node.primitive.name,
                node.primitive.input_name(slot),
                short_path(trace.filename),
                trace.line,
                _problem(report),
            )


def _problem(report: Report) -> str:
    """What is wrong with a rule, as the end of a sentence about it."""
    kinds = [finding.kind for finding in report.findings if finding.verdict == "fail"]
    order = f" to order {report.orders[-1]}" if report.orders[-1] > 1 else ""
    if report.pattern:
        return f"is {report.pattern}{order}"
    return f"is wrong{order}" + (f": {', '.join(kinds)}" if kinds else "")


def _flat(subject: ValueSubject, cotangent: Array) -> Array:
    parts = zip(subject.inputs, subject.vjp(cotangent), strict=True)
    return np.concatenate([np.zeros(x.size) if g is None else g.reshape(-1) for x, g in parts])
