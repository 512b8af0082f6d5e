"""The benchmark of gradient checkers: its cases are what they say, and ours gets all of them."""

import itertools
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.checkers.cases import CASES

ROOT = Path(__file__).parent.parent
SMOOTH = [case for case in CASES if case.group not in ("kink", "impure")]
KINKS = [case for case in CASES if case.group == "kink"]
IMPURE = [case for case in CASES if case.group == "impure"]

# JAX cannot differentiate these as they stand to 12 digits: the same functions in a form it can.
EQUAL = {
    "sqrt(x^2 + 1) - x at 1e4": lambda xp, x: 1 / (xp.sqrt(x * x + 1) + x),
    "sum of softmax": lambda xp, x: 1 + 0 * x.sum(),
    "sin computed in float32": lambda xp, x: xp.sin(x),
}


def cases(those):
    return pytest.mark.parametrize("case", those, ids=lambda case: case.name)


def test_there_are_enough_cases_of_both_truths():
    assert sum(case.truth == "right" for case in CASES) >= 30
    assert sum(case.truth == "wrong" for case in CASES) >= 30
    assert {case.truth for case in CASES} == {"right", "wrong"}


def test_names_of_cases_are_unique():
    assert len({case.name for case in CASES}) == len(CASES)


@pytest.mark.peers
@cases(SMOOTH)
def test_truth_is_what_jax_derives(case):
    jax = pytest.importorskip("jax", reason="JAX derives the gradients to compare with")
    f = EQUAL.get(case.name.partition(":")[0], case.f)
    inputs = [x.astype(np.float64) for x in case.inputs]
    with jax.enable_x64(True), np.errstate(all="ignore"):
        out, vjp = jax.vjp(lambda *inputs: f(jax.numpy, *inputs), *inputs)
        rng = np.random.default_rng(0)
        g = jax.tree.map(lambda part: rng.standard_normal(part.shape), out)
        expected = [np.asarray(v) for v in vjp(jax.tree.map(jax.numpy.asarray, g))]
        given = case.vjp(np, g, *inputs)
    if case.truth == "right":
        for v, e in zip(given, expected, strict=True):
            np.testing.assert_allclose(v, e, rtol=1e-12, atol=1e-13 * np.abs(e).max())
    else:
        assert any(itertools.starmap(differ, zip(given, expected, strict=True)))


def differ(given, expected):
    """Whether a gradient has the wrong shape, or an entry that is off by one part in 1e7."""
    if given is None or given.shape != expected.shape:
        return True
    return not np.allclose(given, expected, rtol=1e-7, atol=0)


@cases(KINKS)
def test_truth_at_a_kink_follows_from_one_sided_derivatives(case):
    """v is a subgradient of a convex f if v·d <= f'(x; d) for every direction d."""
    with np.errstate(invalid="ignore"):
        gradient = case.vjp(np, np.ones_like(case.f(np, *case.inputs)), *case.inputs)
    x, v = np.concatenate(case.inputs), np.concatenate(gradient)  # inputs are vectors, of one size

    def f(x):
        return np.sum(case.f(np, *np.split(x, len(case.inputs))))

    step = 2.0**-20  # exact, as these functions are linear on both sides of the kink
    directions = itertools.product([-1.0, 0.0, 1.0], repeat=x.size)
    slopes = [(v @ d, (f(x + step * np.array(d)) - f(x)) / step) for d in directions]
    is_subgradient = all(along <= slope + 1e-9 for along, slope in slopes)
    assert is_subgradient == (case.truth == "right")


@cases(IMPURE)
def test_an_impure_case_changes_what_it_is_given_or_does_not_repeat_itself(case):
    inputs = case.copies()
    g = np.full(case.inputs[0].shape, 0.5)
    first, second = ([case.f(np, *inputs), *case.vjp(np, g, *inputs)] for _ in range(2))
    unchanged = all(map(np.array_equal, [*inputs, g], [*case.inputs, np.full_like(g, 0.5)]))
    assert not (unchanged and all(map(np.array_equal, first, second)))
    assert case.truth == "wrong"


def checkers(*arguments):
    return subprocess.run(
        [sys.executable, "-m", "benchmarks.checkers", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def test_our_checker_misses_nothing_and_raises_no_false_alarm(tmp_path):
    results = tmp_path / "results.json"
    finished = checkers("--quick", "--peers", "--json", str(results))
    assert finished.returncode == 0, finished.stdout + finished.stderr
    ours = json.loads(results.read_text())["sides"]["tinygrad_nn"]
    assert (ours["misses"], ours["false_alarms"]) == (0, 0)
    assert len(ours["outcomes"]) == len(CASES)


def test_an_unknown_peer_is_an_error():
    finished = checkers("--peers", "nobody")
    assert finished.returncode == 2
    assert "nobody" in finished.stderr
