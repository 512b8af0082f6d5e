"""The gradient check is itself checked: it finds corrupted rules, and names them.

That it raises no false alarm is seen in test_every_primitive. The numbers of both are printed at
the end of the run.
"""

import functools
import itertools
import random
import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from derivatives import PRIMITIVES
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from mutations import Mutant, mutants, shows

import tinygrad_nn as tg
from tinygrad_nn.primitive import Primitive
from tinygrad_nn.testing import GradientMismatch, Report, gradcheck
from tinygrad_nn.testing.strategies import Call, Draw

pytestmark = pytest.mark.filterwarnings("ignore::tinygrad_nn.testing.InconclusiveWarning")

THOROUGH = settings.default.max_examples >= 1000
CALLS = 3 if THOROUGH else 1  # in which each wrong rule is

# The imaginary part is 0 of all that the check varies; tests/test_complex.py checks its rule.
OPERATIONS = [p for p in PRIMITIVES if p.name != "imag"]
every_primitive = pytest.mark.parametrize("operation", OPERATIONS, ids=lambda p: p.name)

# Some corruptions change nothing: any that multiplies or moves derivatives which are all 0 …
ZERO = {"copysign.y", "floor_divide.x", "floor_divide.y", "heaviside.x", "sign.x", "step.x"}
CHANGES_ZERO = {"NaN in one entry", "float32", "changing g"}
# … those by which a rule loses derivatives that are 0, as where a function is piecewise linear;
# the rule of y for x where both are the same; and what becomes of sums where there are none.
NEVER_REPEATED = {
    *("linear.x", "linear.weight", "lstsq.a", "lstsq.b", "convolve.a", "convolve.v"),
}
EQUIVALENT = {
    "constant inputs": {
        *("abs.x", "clip.x", "clip.min", "clip.max", "leaky_relu.x", "relu.x", "remainder.y"),
        *("max.x", "maximum.x", "maximum.y", "min.x", "minimum.x", "minimum.y"),
        *("fmax.x", "fmax.y", "fmin.x", "fmin.y", "fmod.y", "nanmax.x", "nanmin.x"),
        *("copysign.x", "heaviside.y", "rfft.x"),
    },
    "values of other inputs": {"copysign.x"},
    "rule of another input": {"add.x", "add.y"},
    "first instead of sum": NEVER_REPEATED,
    "mean instead of sum": NEVER_REPEATED,
    "transposed": {"convolve.a", "convolve.v"},
}


def changes_nothing(mutant: Mutant) -> bool:
    rule, corruption = f"{mutant.right.name}.{mutant.input}", mutant.corruption.name
    if rule == "copysign.y" and corruption == "rule of another input":
        return False
    if rule in ZERO:
        return corruption not in CHANGES_ZERO
    return rule in EQUIVALENT.get(corruption, ())


# ---- Calls at which a corruption shows

Function = Callable[..., Any]


@functools.cache
def arguments(operation: Primitive, count: int) -> list[dict[str, Any]]:
    """What the operation is called with, drawn from its domain."""
    found: list[dict[str, Any]] = []

    @settings(
        max_examples=count,
        derandomize=True,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(st.data())
    def draw(data: Any) -> None:
        found.append(operation.domain(Draw(data.draw)))

    draw()
    return found


def calls_of(mutant: Mutant, count: int) -> list[tuple[Call, Call]]:
    """Calls of the right and of the wrong operation, the quick ones first, but in random order."""
    drawn = list(arguments(mutant.right, count))
    random.Random(str(mutant)).shuffle(drawn)
    pairs = [(Call(mutant.right, given), Call(mutant.wrong, given)) for given in drawn]
    pairs = [pair for pair in pairs if mutant.input in pair[0].__signature__.parameters]
    return sorted(pairs, key=lambda pair: max(24, number_of_derivatives(pair[0])))


def number_of_derivatives(call: Call) -> int:
    return np.size(call(*call.inputs)) * sum(x.size for x in call.inputs)


def as_it_is(call: Call) -> tuple[Function, list[Any]]:
    return call, call.inputs


def composed(call: Call) -> tuple[Function, list[Any]]:
    """A function with the call in its middle, at a point where the call has its inputs."""

    def f(*angles: Any) -> Any:
        out = call(*[8 * tg.sin(angle) for angle in angles])
        weights = np.linspace(0.5, 1.5, out.size).reshape(out.shape)
        return (weights * tg.sin(out)).sum()

    return f, [np.arcsin(x / 8) for x in call.inputs]


def showing(
    mutant: Mutant, place: Callable[[Call], Any] = as_it_is, among: int = 40
) -> Iterator[tuple[Function, list[Any]]]:
    """Functions that call the mutant, with inputs at which their derivatives are wrong."""
    for pair in calls_of(mutant, among):
        (right, inputs), (wrong, _) = map(place, pair)
        if mutant.corruption.silent:
            shown = np.ndim(right(*inputs)) > 0
        else:
            shown = shows(mutant.corruption.order, right, wrong, inputs)
        if shown:
            yield wrong, inputs


# ---- Wrong rules are found


def problem(mutant: Mutant, place: Callable[[Call], Any] = as_it_is) -> str | None:
    """What is wrong with the checks of functions that call the mutant, if anything is."""
    few = list(itertools.islice(showing(mutant, place), CALLS))
    for f, inputs in few or itertools.islice(showing(mutant, place, among=300), 1):
        few = [(f, inputs)]
        try:
            report = gradcheck(f, *inputs, order=mutant.corruption.order)
        except GradientMismatch as mismatch:
            if not names(mismatch.report, mutant):
                return f"{mutant}: not named at {inputs}\n{mismatch}"
        else:
            return f"{mutant}: {report.verdict} at {inputs}"
    return None if few else f"{mutant}: shows nowhere"


def names(report: Report, mutant: Mutant) -> bool:
    """Whether the report blames the rule that was corrupted, and no other."""
    if not report.culprits:
        rule = f"the rule of {mutant.right.name} at .* for {mutant.input}\\b"
        return any(re.match(rule, finding.text) for finding in report.findings)
    return all(
        culprit.primitive == mutant.right.name and mutant.input in re.findall(r"\w+", culprit.input)
        for culprit in report.culprits
    )


@every_primitive
def test_corrupted_rules_are_found_and_named(operation, record_property):
    everything = [mutant for name in operation.inputs for mutant in mutants(operation, name)]
    wrong = [mutant for mutant in everything if not changes_nothing(mutant)]
    problems = [text for mutant in wrong if (text := problem(mutant))]
    record_property("corrupted rules found and named", [len(wrong) - len(problems), len(wrong)])
    problems += [
        f"{mutant}: changes something"
        for mutant in everything
        if mutant not in wrong and any(showing(mutant, among=20))
    ]
    assert not problems, "\n\n".join(problems)


@every_primitive
def test_corrupted_rules_inside_of_a_function_are_found_and_named(operation, record_property):
    wrong = [
        mutant
        for name in operation.inputs
        for mutant in mutants(operation, name)
        if not changes_nothing(mutant) and not mutant.corruption.silent
    ]
    wrong = random.Random(operation.name).sample(wrong, min(2, len(wrong)))
    problems = [text for mutant in wrong if (text := problem(mutant, composed))]
    record_property("of them inside of a function", [len(wrong) - len(problems), len(wrong)])
    assert not problems, "\n\n".join(problems)
