"""For the whole suite: Hypothesis profiles, a fixed seed for the package, printed counts."""

import os
from collections import defaultdict
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

import tinygrad_nn as tg

pytest_plugins = ["pytester"]

settings.register_profile("quick", max_examples=40, deadline=None, derandomize=True)
settings.register_profile(
    "thorough", max_examples=1000, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "quick"))


@pytest.fixture(autouse=True)
def _seed() -> None:
    tg.manual_seed(0)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print the sums of what tests of the gradient check have recorded as [successes, all]."""
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
