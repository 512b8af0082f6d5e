"""Derivative coverage: what is counted, how it reads, and the options of the pytest plugin."""

import copy

import pytest

from tinygrad_nn import primitives
from tinygrad_nn.primitive import _registry
from tinygrad_nn.testing import coverage

MINE = {
    "verified": [["cube", "x", 1], ["cube", "x", 2], ["blend", "x", 1]],
    "primitives": [["cube", "mine.ops", ["x"]], ["blend", "mine.ops", ["x", "y"]]],
}


@pytest.fixture(autouse=True)
def _nothing_verified(monkeypatch):
    """Leave the coverage of the surrounding run alone."""
    monkeypatch.setattr(coverage, "_verified", set())
    monkeypatch.setattr(coverage, "_elsewhere", {})
    monkeypatch.setattr(coverage, "_meant", {})


def test_percentage_is_of_rules_times_orders():
    coverage.merge(MINE)
    # cube: 1 rule to orders 1 and 2; blend: 1 of 2 rules to order 1. So 3 of 6.
    assert coverage.report(["mine"]).percent == 50


def test_table_says_what_is_verified_to_which_order():
    coverage.merge(MINE)
    assert str(coverage.report(["mine"])).splitlines() == [
        "primitive         order 1         order 2",
        "blend (mine.ops)  partly (not y)  no",
        "cube (mine.ops)   yes             yes",
        "",
        "50% verified: of 3 derivative rules, 2 to order 1, 1 to order 2",
    ]


def test_every_registered_primitive_is_reported():
    assert {row.name for row in coverage.report().rows} == set(primitives)


def test_primitives_of_the_user_come_first_with_their_module():
    coverage.merge(MINE)
    report = coverage.report()
    assert [row.name for row in report.rows[:2]] == ["blend", "cube"]
    lines = str(report).splitlines()
    assert "(mine.ops)" in lines[1]
    assert next(line for line in lines if line.startswith("tanh ")).split() == ["tanh", "no", "no"]


def test_nothing_is_verified_before_a_check():
    report = coverage.report(["tinygrad_nn"])
    assert report.percent == 0
    assert report.rules > 0


def test_marking_every_rule_to_both_orders_is_complete():
    for operation in primitives.values():
        for input in operation.inputs:
            for order in coverage.ORDERS:
                coverage.mark(operation, input, order)
    assert coverage.report().percent == 100


def test_marking_a_rule_twice_counts_once():
    coverage.merge(MINE)
    coverage.merge(MINE)
    assert coverage.report(["mine"]).percent == 50


@pytest.mark.parametrize(
    ("package", "count"), [("mine", 2), ("mine.ops", 2), ("min", 0), ("mine.ops.x", 0)]
)
def test_report_of_a_package_is_of_what_its_modules_define(package, count):
    coverage.merge(MINE)
    assert len(coverage.report([package]).rows) == count


def test_report_of_no_primitives_is_of_zero_percent():
    assert coverage.report(["nowhere"]).percent == 0


def test_snapshot_carries_all_that_is_known_to_another_process(monkeypatch):
    coverage.merge(MINE)
    before = coverage.report()
    sent = copy.deepcopy(coverage.snapshot())
    monkeypatch.setattr(coverage, "_verified", set())
    monkeypatch.setattr(coverage, "_elsewhere", {})
    coverage.merge(sent)
    assert coverage.report() == before


@pytest.mark.parametrize(
    ("percent", "text"), [(100, "100%"), (99.999, "99.9%"), (0, "0%"), (70, "70%"), (29.0, "29%")]
)
def test_percentage_is_not_rounded_up(percent, text):
    assert coverage.percentage(percent) == text


# The options, in a pytest of its own: 3 rules of `mine`, of which test_mine.py verifies two to
# order 1 and one of these to order 2, so 3 of 6.

OPERATIONS = """
import tinygrad_nn as tg

@tg.primitive(x=lambda g, x: 3 * g * x**2)
def cube(x):
    return x**3

@tg.primitive(x=lambda g, t: g * (1 - t), y=lambda g, t: g * t)
def blend(x, y, t):
    return (1 - t) * x + t * y
"""

CUBE = """
from mine import cube
from tinygrad_nn import testing

def test_cube():
    testing.gradgradcheck(cube, [1.0, 2.0])
"""

BLEND = """
from mine import blend
from tinygrad_nn import testing

def test_blend():
    testing.gradcheck(lambda x: blend(x, 2.0, 0.5), 1.0)
"""

ROWS = ["blend (mine)  partly (not y)  no", "cube (mine)   yes             yes"]
TOTAL = "50% verified: of 3 derivative rules, 2 to order 1, 1 to order 2"
OF_MINE = "--derivative-coverage-of=mine"


@pytest.fixture
def run(pytester):
    """Run two modules of tests of the primitives of a module `mine`."""

    def run(*options):
        pytester.makepyfile(mine=OPERATIONS, test_cube=CUBE, test_blend=BLEND)
        pytester.syspathinsert()
        return pytester.runpytest_inprocess(*options)

    yield run
    for name in ("cube", "blend"):
        _registry.pop(name, None)


def test_no_table_is_printed_unasked(run):
    assert "derivative coverage" not in run().stdout.str()


def test_table_has_every_primitive(run):
    result = run("--derivative-coverage")
    result.stdout.fnmatch_lines(["*= derivative coverage =*", "primitive *"])
    result.stdout.fnmatch_lines(["blend (mine) *partly (not y) *no", "cube (mine) *yes *yes"])
    result.stdout.fnmatch_lines(["abs *no *no", "* verified: of * derivative rules, *"])
    assert result.ret == 0


@pytest.mark.parametrize("options", [["-n2"], ["-n1", "--dist=loadfile"], ["-p", "no:xdist"]])
def test_table_is_the_same_however_the_tests_are_spread(run, options):
    run(OF_MINE, *options).stdout.fnmatch_lines([*ROWS, "", TOTAL], consecutive=True)


@pytest.mark.parametrize(("least", "status"), [("50", 0), ("50.1", 1), ("100", 1), ("0", 0)])
def test_run_fails_below_the_percentage(run, least, status):
    result = run(OF_MINE, f"--derivative-coverage-fail-under={least}")
    assert result.ret == status
    result.assert_outcomes(passed=2)
    failure = f"FAILED: the derivative coverage of 50% is below the required {least}%"
    assert (failure in result.stdout.lines) == bool(status)


def test_run_of_workers_fails_below_the_percentage(run):
    assert run(OF_MINE, "--derivative-coverage-fail-under=51", "-n1").ret == 1


def test_percentage_to_reach_implies_the_table(run):
    run("--derivative-coverage-fail-under=0").stdout.fnmatch_lines(["*= derivative coverage =*"])


def test_run_fails_below_the_percentage_without_a_terminal(run):
    result = run(OF_MINE, "--derivative-coverage-fail-under=51", "-p", "no:terminal")
    assert result.ret == 1


@pytest.mark.parametrize("text", ["many", "-1", "101", "nan"])
def test_percentage_must_be_one(run, text):
    result = run(f"--derivative-coverage-fail-under={text}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"*expected a number from 0 to 100, not '{text}'*"])


def test_misspelt_module_does_not_pass(run):
    result = run("--derivative-coverage-of=mime", "--derivative-coverage-fail-under=1")
    assert result.ret == 1


def test_table_is_printed_after_failures(run, pytester):
    pytester.makepyfile(test_other="def test_other():\n    assert False")
    result = run(OF_MINE)
    result.stdout.fnmatch_lines([*ROWS, "", TOTAL], consecutive=True)
    assert result.ret == 1


def test_listing_tests_checks_no_coverage(run):
    result = run("--collect-only", "--derivative-coverage-fail-under=100")
    assert result.ret == 0
    assert "derivative coverage" not in result.stdout.str()
