"""What the tests of the gradient check have counted, printed after the run."""

from collections import defaultdict
from typing import Any


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print the sums of what tests here have recorded as [successes, all]."""
    counts: dict[str, list[list[int]]] = defaultdict(list)
    for report in [*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")]:
        if report.when == "call" and "/testing/" in report.nodeid:
            for what, count in report.user_properties:
                counts[what].append(count)
    if counts:
        terminalreporter.section("the gradient check, checked")
    for what, pairs in counts.items():
        successes, tried = map(sum, zip(*pairs, strict=True))
        terminalreporter.write_line(f"{what}: {successes:,} of {tried:,}")
