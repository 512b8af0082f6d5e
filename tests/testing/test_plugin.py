"""The pytest plugin: how a wrong derivative shows in a test run, and the fixture."""

import subprocess
import sys
from textwrap import dedent

import pytest

CUBE = """
import numpy as np
import pytest
from tinygrad_nn import testing

def cube(x):
    return x ** 3

def wrong_derivative(x):
    return 2 * x ** 2

def check():
    testing.gradcheck(cube, np.array([1.0, 2.0]), grad=wrong_derivative)
"""

TEST = """
def test_cube():
    check()
"""

STEP = """
def test_step():
    testing.gradcheck(np.floor, np.array([1.0]), grad=np.zeros_like)
"""


@pytest.fixture
def run(pytester):
    """Run the source of a test module, and give what pytest printed."""

    def run(source, *options):
        path = pytester.makepyfile(test_cube=CUBE + dedent(source))
        return pytester.runpytest_inprocess(path, *options).stdout

    return run


def checker_frames(output):
    return [line for line in output.lines if "gradcheck.py" in line or "report.py" in line]


@pytest.mark.parametrize("style", ["auto", "long", "short", "line", "native", "no"])
def test_mismatch_is_shown_without_the_checker(run, style):
    output = run(TEST, f"--tb={style}")
    assert not checker_frames(output)
    output.fnmatch_lines(["FAILED test_cube.py::test_cube - GradientMismatch: *", "*1 failed*"])


def test_mismatch_shows_its_report_and_the_lines_of_the_test(run, mismatch_lines):
    output = run(TEST)
    output.fnmatch_lines(
        [
            "test_cube.py:*: in test_cube",
            "    check()",
            "test_cube.py:12: in check",
            "    testing.gradcheck(cube, np.array([[]1.0, 2.0]), grad=wrong_derivative)",
            *mismatch_lines,
        ],
        consecutive=True,
    )


@pytest.fixture
def mismatch_lines():
    """How pytest prints the report of `check()`."""
    namespace = {}
    exec(CUBE, namespace)
    with pytest.raises(AssertionError) as caught:
        namespace["check"]()
    first, *rest = str(caught.value).replace("[", "[[]").splitlines()
    return [f"E   *GradientMismatch: {first}", *(f"E   {line}" for line in rest)]


def test_line_style_names_the_line_that_called_the_checker(run):
    run(TEST, "--tb=line").fnmatch_lines(["*test_cube.py:12: GradientMismatch: *"])


def test_native_style_ends_at_the_line_that_called_the_checker(run):
    run(TEST, "--tb=native").fnmatch_lines(
        ["    testing.gradcheck(cube*", "tinygrad_nn.testing.*GradientMismatch: *"]
    )


def test_long_style_shows_the_source_of_the_test(run):
    run(TEST, "--tb=long").fnmatch_lines(["    def test_cube():", ">       check()"])


def test_full_trace_shows_the_checker(run):
    assert checker_frames(run(TEST, "--full-trace"))


def test_mismatch_crosses_from_a_worker(run, mismatch_lines):
    output = run(TEST, "-n1")
    assert not checker_frames(output)
    output.fnmatch_lines(["    check()", *mismatch_lines])
    output.fnmatch_lines(["FAILED test_cube.py::test_cube - GradientMismatch: *"])


def test_mismatch_in_a_fixture_is_an_error_at_the_fixture(run):
    output = run(
        """
        @pytest.fixture
        def checked():
            check()

        def test_cube(checked):
            pass
        """
    )
    assert not checker_frames(output)
    output.fnmatch_lines(["test_cube.py:*: in checked", "ERROR *::test_cube - GradientMismatch: *"])


def test_mismatch_in_a_unittest_case_is_shown_without_the_checker(run):
    output = run(
        """
        import unittest

        class TestCube(unittest.TestCase):
            def test_cube(self):
                check()
        """
    )
    assert not checker_frames(output)
    output.fnmatch_lines(["test_cube.py:12: in check", "FAILED *::test_cube - GradientMismatch: *"])


def test_cause_of_another_exception_is_shown_without_the_checker(run):
    output = run(
        """
        def test_cube():
            try:
                check()
            except AssertionError as mismatch:
                raise ValueError("the cube is wrong") from mismatch
        """
    )
    assert not checker_frames(output)
    output.fnmatch_lines(
        [
            "*GradientMismatch: *",
            "*direct cause*",
            "E * ValueError: the cube is wrong",
            "FAILED *::test_cube - ValueError: the cube is wrong",
        ]
    )


def test_mismatches_in_an_exception_group_are_shown_without_the_checker(run):
    output = run(
        """
        def test_cube():
            try:
                check()
            except AssertionError as mismatch:
                raise ExceptionGroup("wrong", [mismatch]) from None
        """
    )
    assert not checker_frames(output)
    output.fnmatch_lines(["*ExceptionGroup: wrong*", "*GradientMismatch: *"])


def test_falsifying_example_of_hypothesis_is_shown_with_the_report(run):
    output = run(
        """
        from hypothesis import given, settings, strategies as st

        @settings(database=None, derandomize=True)
        @given(st.integers(1, 9))
        def test_cube(n):
            testing.gradcheck(cube, np.array([float(n)]), grad=wrong_derivative)
        """
    )
    assert not checker_frames(output)
    output.fnmatch_lines(
        [
            "    testing.gradcheck(cube, np.array([[]float(n)]), grad=wrong_derivative)",
            "E   *test_cube(",
            "E       n=1,*",
            "FAILED *::test_cube - GradientMismatch: *",
        ]
    )


def test_expected_mismatch_is_no_failure(run):
    output = run("@pytest.mark.xfail(raises=AssertionError)" + TEST, "-rx")
    output.fnmatch_lines(["*1 xfailed*"])


def test_other_failures_stay_as_they_are(run):
    source = """
        def test_other():
            testing.gradcheck(no_function, 1.0)
        """
    with_plugin = run(source).lines
    without_plugin = run(source, "-p", "no:tinygrad_nn").lines
    shown = with_plugin.index(">       testing.gradcheck(no_function, 1.0)")
    assert with_plugin[shown:-1] == without_plugin[shown:-1]


def test_fixture_is_the_checker(run):
    source = """
        def test_fixture(gradcheck):
            assert gradcheck is testing.gradcheck
        """
    run(source).fnmatch_lines(["*1 passed*"])


def test_fixture_is_listed_with_what_it_does(run):
    run("", "--fixtures").fnmatch_lines(["gradcheck*session scope*", "*derivatives of a function*"])


def test_inconclusive_check_is_in_the_summary_of_warnings(run):
    output = run(STEP, "-W", "default")
    output.fnmatch_lines(["*warnings summary*", "*InconclusiveWarning: *", "*1 warning*"])


def test_inconclusive_check_that_is_an_error_is_shown_without_the_checker(run):
    output = run(STEP, "-W", "error")
    assert not checker_frames(output)
    output.fnmatch_lines(["FAILED *::test_step - InconclusiveWarning: *"])


def test_start_of_pytest_loads_no_hypothesis():
    loaded = subprocess.run(
        [sys.executable, "-c", "import tinygrad_nn.testing.plugin, sys; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert "hypothesis" not in loaded
