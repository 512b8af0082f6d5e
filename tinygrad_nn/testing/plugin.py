"""The pytest plugin, active wherever tinygrad_nn and pytest are installed.

It brings the fixture `gradcheck`, shows a GradientMismatch as its report at the line of the test
that met it, and prints the derivative coverage of a run (`--derivative-coverage`). Every pytest
starts with it, so it imports the checker only where it is needed.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Collection, Generator
from typing import Any

import pytest

from . import coverage


@pytest.fixture(scope="session")
def gradcheck() -> Callable[..., Any]:
    """tinygrad_nn.testing.gradcheck: assert that the derivatives of a function are right.

    `gradcheck(f, *inputs)` returns its report, or raises GradientMismatch with one that says which
    derivative is wrong, where and by how much.
    """
    from .gradcheck import gradcheck

    return gradcheck


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show a mismatch at the test's own line, without the way there through the checker."""
    report = yield
    if call.excinfo is not None and not item.config.getoption("fulltrace"):
        error = call.excinfo.value
        if verdicts := _verdicts(error):
            for verdict in verdicts:
                _leave_checker_out(verdict)
            report.longrepr = _shown(item, error, "short" if error in verdicts else "auto")
    return report


def _verdicts(error: BaseException) -> list[BaseException]:
    """What the checker raised: mismatches and, where warnings are errors, inconclusive checks."""
    from .report import GradientMismatch, InconclusiveWarning

    kinds = (GradientMismatch, InconclusiveWarning)
    return [each for each in _linked(error) if isinstance(each, kinds)]


def _shown(item: pytest.Item, error: BaseException, style: Any) -> Any:
    """How pytest shows `error`, in `style` unless `--tb` asks for another."""
    chosen = item.config.getoption("tbstyle")
    excinfo = pytest.ExceptionInfo.from_exception(error)
    shown: Any = pytest.Item.repr_failure(item, excinfo, style if chosen == "auto" else chosen)
    if shown.reprcrash is not None:  # the short summary, which has little room
        shown.reprcrash.message = shown.reprcrash.message.removeprefix(f"{__package__}.")
    return shown


def _linked(error: BaseException) -> Collection[BaseException]:
    """`error`, the exceptions it was raised from or while handling, and those in a group."""
    found: dict[int, BaseException] = {}
    queue: list[BaseException | None] = [error]
    while queue:
        each = queue.pop()
        if each is not None and id(each) not in found:
            found[id(each)] = each
            queue += [each.__cause__, each.__context__]
            if isinstance(each, BaseExceptionGroup):
                queue += each.exceptions
    return found.values()


def _leave_checker_out(error: BaseException) -> None:
    """End the traceback where the checker was called."""
    here = error.__traceback__
    while here is not None and here.tb_next is not None:
        if here.tb_next.tb_frame.f_globals.get("__name__", "").startswith(f"{__package__}."):
            here.tb_next = None
        here = here.tb_next


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options of derivative coverage."""
    group = parser.getgroup("tinygrad_nn", "derivatives (tinygrad_nn)")
    group.addoption(
        "--derivative-coverage",
        action="store_true",
        help="print which primitives' derivative rules a gradcheck verified in this run",
    )
    group.addoption(
        "--derivative-coverage-of",
        metavar="MODULE",
        action="append",
        default=[],
        help="the same for the primitives of this module or package only (can be repeated)",
    )
    group.addoption(
        "--derivative-coverage-fail-under",
        metavar="N",
        type=_percent,
        help="the same, and fail the run if less than N percent is verified",
    )


def _percent(text: str) -> float:
    try:
        percent = float(text)
    except ValueError:
        percent = -1
    if not 0 <= percent <= 100:
        raise argparse.ArgumentTypeError(f"expected a number from 0 to 100, not {text!r}")
    return percent


def pytest_configure(config: pytest.Config) -> None:
    """Switch derivative coverage on where it is asked for."""
    of = config.getoption("derivative_coverage_of")
    least = config.getoption("derivative_coverage_fail_under")
    asked = config.getoption("derivative_coverage") or of or least is not None
    if asked and not config.getoption("collectonly"):
        config.pluginmanager.register(_DerivativeCoverage(of, least), "derivative_coverage")


class _DerivativeCoverage:
    """Prints the derivative coverage after a run, and fails the run where it is too low.

    Under pytest-xdist each worker sends what it knows to the controller, which reports.
    """

    def __init__(self, of: Collection[str], least: float | None) -> None:
        coverage.watching = True
        self.of = of
        self.least = least

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        output = getattr(session.config, "workeroutput", None)
        if output is not None:
            output["derivative_coverage"] = coverage.snapshot()
        elif self.shortfall() and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        output = getattr(node, "workeroutput", {})  # a worker that crashed sent none
        if "derivative_coverage" in output:
            coverage.merge(output["derivative_coverage"])

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        terminalreporter.write_sep("=", "derivative coverage")
        terminalreporter.write_line(str(coverage.report(self.of)))
        if shortfall := self.shortfall():
            terminalreporter.write_line(shortfall, red=True, bold=True)

    def shortfall(self) -> str:
        """What there is to say against the coverage: nothing if it suffices."""
        report = coverage.report(self.of)
        if self.of and not report.rows:
            return f"FAILED: no primitive is defined in {', '.join(self.of)}"
        percent = report.counted.percent
        if self.least is None or percent >= self.least:
            return ""
        return (
            f"FAILED: the derivative coverage of {coverage.percentage(percent)} "
            f"is below the required {self.least:g}%"
        )
