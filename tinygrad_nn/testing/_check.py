"""The steps of a gradient check, which fill in a report."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ._by_hand import ArraySubject
from ._graph import inspect_graph
from ._judge import Code
from ._measure import Directions, excuse_unstable, measure_all, spread_nearby, wrong_together
from ._pattern import guess
from ._slopes import Array
from ._subject import BackwardError, Subject, ValueSubject
from ._summary import finding_together, findings, narrowed, summary, worst
from .report import Finding, Report, Verdict

_TOO_MANY = 10_000_000  # derivatives, to be measured one by one


class Check:
    """A check of `subject`, of orders 1 to `order`.

    If a random direction fails, it is `narrowed` down to single elements.
    """

    def __init__(self, subject: Subject, order: int, mode: str, narrowed: bool = True) -> None:
        self.subject = subject
        self.narrowed = narrowed
        self.report = Report(subject.name, tuple(range(1, order + 1)), mode, subject.source)
        self.rng = np.random.default_rng(0)

    def run(self) -> Report:
        """Check one order after the other; a wrong one ends it."""
        subject, report = self.subject, self.report
        for order in report.orders:
            if order > 1:
                assert isinstance(subject, ValueSubject)
                derivative = self._derivative(subject, order)
                if derivative is None:
                    break
                subject = derivative
            try:
                if self._well_defined(subject) and self._well_formed(subject):
                    self._compare(subject, order)
            except BackwardError as error:
                self._find("error", str(error))
            report.evaluations += subject.evaluations
            if report.verdict == "fail":
                report.orders = tuple(range(1, order + 1))
                break
        return report

    def _derivative(self, subject: ValueSubject, order: int) -> ValueSubject | None:
        try:
            return subject.derivative(self.rng)
        except Exception as error:
            notes = "".join(f", {note}" for note in getattr(error, "__notes__", ()))
            text = f"the derivative of order {order}: {type(error).__name__}: {error}{notes}"
            self._find("error", text)
            return None

    def _find(self, kind: str, text: str, verdict: Verdict = "fail") -> bool:
        """Add to the findings; False, for what was looked for."""
        self.report.findings.append(Finding(kind, text, verdict))
        return False

    # ---- What must hold before anything is compared

    def _well_defined(self, subject: Subject) -> bool:
        """Whether the function can be checked: finite, the same each time, without effects, and
        the same with arrays.
        """
        for name, x in zip(subject.names, subject.inputs, strict=True):
            if not np.isfinite(x).all():
                text = f"the input {name} is NaN or infinite somewhere"
                return self._find("not finite", text, "inconclusive")
        again, changed = subject.run_again()
        if again.shape != subject.origin.shape:
            return self._find("not deterministic", "two calls return arrays of different shapes")
        if changed:
            text = f"{', '.join(changed)} is not the same after {subject.name} has run"
            return self._find("changes its input", text)
        sizes = np.maximum(np.abs(again), np.abs(subject.origin))
        if not np.all(_same(again, subject.origin, 1e3 * subject.eps * sizes)):
            off = np.max(np.abs(again - subject.origin))
            return self._find(
                "not deterministic",
                f"two calls with the same inputs differ by {off:.2g}: seed what is random, "
                "or switch it off, as model.eval() does for dropout",
            )
        if isinstance(subject, ValueSubject) and not self._same_with_arrays(subject):
            return False
        if not np.isfinite(subject.origin).all():
            at = int(np.argmin(np.isfinite(subject.origin)))
            text = f"{subject.name}{subject.output_label(at)} is {subject.origin[at]} at this point"
            return self._find("not finite", text, "inconclusive")
        return True

    def _same_with_arrays(self, subject: ValueSubject) -> bool:
        """Whether the outputs are, to rounding, the plain ones."""
        values, plain = subject.origin, subject.plain
        if plain is None:
            return True
        allowed = np.maximum(1e-10, 10 * subject.eps) * subject.largest
        same = _same(values, plain, allowed)
        if not same.all():  # what cancels, or is chaotic, may be made of roundings
            same = _same(values, plain, allowed + 10 * spread_nearby(subject, self.rng))
        if same.all():
            return True
        at = int(np.argmax(np.where(same, 0, np.abs(values - plain))))
        more = int(np.count_nonzero(~same)) - 1
        label = subject.output_label(at)
        if subject.is_gradient:
            here, there, so = "with create_graph=True", "without", "a rule or f depends on which"
        else:
            here, there, label = "with Values", "with arrays", f"{subject.name}{label}"
            so = (
                f"{subject.name} computes something else with arrays than with Values, so its "
                "derivative is that of another function"
            )
        others = f" (and {more} more differ)" if more else ""
        return self._find(
            "other values",
            f"{label} is {values[at]:.12g} {here}, but {plain[at]:.12g} {there}{others}: {so}",
        )

    def _well_formed(self, subject: Subject) -> bool:
        """Whether the claimed derivatives can be had at all, in a form that can be compared."""
        if isinstance(subject, ValueSubject):
            return self._good_backward_passes(subject)
        assert isinstance(subject, ArraySubject)
        problem = subject.claim()
        return self._find(*problem) if problem else True

    def _good_backward_passes(self, subject: ValueSubject) -> bool:
        """Whether rules run, change nothing, give the same each time, and are linear in g."""
        u = self.rng.uniform(0.5, 1.5, len(subject.origin))
        problems = inspect_graph(subject, u)
        if problems:
            self.report.findings += problems
            return False
        once, again = _joined(subject.gradient(u)), _joined(subject.gradient(u))
        if not np.array_equal(once, again, equal_nan=True):
            return self._find("not deterministic", "two backward passes through one graph differ")
        # Multiplying by a power of 2 commutes with all rounding, but for over- and underflow.
        for power in (2.0**20, 4.0):
            scaled = _joined(subject.gradient(-power * u))
            if np.isfinite(scaled).all():
                break
        lost = power * np.max(subject.tiny, initial=0) ** 0.5
        if not np.allclose(scaled, -power * once, rtol=1e-6, atol=lost, equal_nan=True):
            return self._find(
                "not linear in g",
                f"multiplying the incoming gradient g by {-power:g} does not do so to the result: "
                "does a rule forget to multiply by g?",
            )
        return self._same_in_own_dtypes(subject, u, once)

    def _same_in_own_dtypes(self, subject: ValueSubject, u: Array, wide: Array) -> bool:
        """Whether float32 gives about the gradient that float64 gave, but for rounding."""
        own = subject.in_own_dtypes()
        if own is not None:
            narrow = _joined(own.gradient(u))
            largest = np.max(np.abs(wide), initial=0)
            if not np.allclose(narrow, wide, rtol=0.01, atol=0.01 * largest, equal_nan=True):
                self._find(
                    "dtype",
                    f"in {', '.join(dict.fromkeys(map(str, own.dtypes)))} the gradient differs "
                    "from that in float64 by more than 1 %: rounding or overflow",
                    "inconclusive",
                )
        return True

    # ---- Comparisons

    def _compare(self, subject: Subject, order: int) -> None:
        if self.report.mode == "full":
            self._compare_all(subject, order)
        else:
            self._compare_along_direction(subject, order)

    def _compare_all(self, subject: Subject, order: int) -> None:
        outputs, inputs = len(subject.origin), sum(x.size for x in subject.inputs)
        if outputs * inputs > _TOO_MANY:
            raise ValueError(
                f"gradcheck of {subject.name}: the derivatives of {outputs} outputs by {inputs} "
                "inputs are too many to be measured one by one: pass mode='directional'"
            )

        def label(output: int) -> str:
            return subject.output_label(output) if outputs > 1 else ""

        found = measure_all(subject, subject.jacobian())
        excuse_unstable(subject, found, self.rng)
        for at, measured in enumerate(found):
            self.report.inputs.append(summary(order, str(subject.dtypes[at]), measured))
            self.report.findings += findings(measured, label)
            if np.any(measured.code == Code.WRONG) and not subject.is_reached(at):
                self._find("missing gradient", subject.unreached(at))
        for joint in wrong_together(subject, found, self.rng):
            self.report.findings.append(finding_together(joint, found, label))
        self.report.worst += worst(order, found, label)
        if self.report.verdict == "fail":
            self.report.pattern = guess(found, subject.output_shapes)

    def _compare_along_direction(self, subject: Subject, order: int) -> None:
        directions = Directions.random(subject, self.rng)
        found = directions.measure()
        for at, measured in enumerate(found):
            line = summary(order, str(subject.dtypes[at]), measured)
            named = replace(line, name=subject.names[at], shape=subject.inputs[at].shape)
            self.report.inputs.append(named)
            self.report.findings += findings(measured, lambda output: "")
        if self.narrowed:
            wrong = [at for at, measured in enumerate(found) if measured.code[0, 0] == Code.WRONG]
            self.report.worst += narrowed(order, directions, wrong)
        self.report.worst += worst(order, found, lambda output: "")


def _same(a: Array, b: Array, allowed: Array) -> Array:
    """Where a and b differ by no more than is allowed; a NaN is the same as another."""
    off = np.abs(a - b)
    close = np.isfinite(off) & (off <= allowed)
    return np.asarray(close | (a == b) | (np.isnan(a) & np.isnan(b)))


def _joined(arrays: list[Array]) -> Array:
    return np.concatenate([array.reshape(-1) for array in arrays])
