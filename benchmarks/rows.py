"""The rows of the benchmark: which work is measured, and which ratios are aimed at."""

from __future__ import annotations

from dataclasses import dataclass, field

from .work import (
    HVP,
    MLP,
    RNN,
    Chain,
    DigitsEpoch,
    Elementwise,
    Import,
    LogSumExp,
    MoonsEpoch,
    MoonsScalar,
    PeakMemory,
    ScalarGraph,
    ScalarMemory,
    Work,
)


@dataclass(frozen=True)
class Row:
    """Work to be measured, and by peer the ratio of our figure to its that is aimed at."""

    work: Work
    targets: dict[str, float] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.work.name

    @property
    def title(self) -> str:
        return self.work.title

    @property
    def unit(self) -> str:
        return self.work.unit


LARGE_MLP = MLP((1024, 2048, 2048, 10), batch=512)

ROWS = [
    Row(MLP((2, 16, 16, 2), batch=100), {"torch": 0.85, "numpy": 2.0}),
    Row(MLP((64, 128, 10), batch=64), {"torch": 0.85, "numpy": 2.0}),
    Row(MLP((784, 256, 128, 10), batch=128), {"torch": 1.0, "numpy": 2.0}),
    Row(LARGE_MLP, {"torch": 1.0, "numpy": 2.0}),
    Row(DigitsEpoch()),
    Row(MoonsEpoch()),
    Row(RNN()),
    Row(Elementwise(100), {"torch": 0.6}),
    Row(Elementwise(10_000), {"numpy": 1.3}),
    Row(Elementwise(1_000_000), {"numpy": 1.3}),
    Row(LogSumExp()),
    Row(HVP()),
    Row(Chain(leaves=False), {"micrograd": 1.0}),
    Row(Chain(leaves=True), {"micrograd": 1.0}),
    Row(MoonsScalar(), {"micrograd": 0.5}),
    Row(Import()),
    Row(PeakMemory(LARGE_MLP)),
    Row(ScalarMemory(ScalarGraph())),
]


def row_named(name: str) -> Row:
    """The row of that name."""
    return next(row for row in ROWS if row.name == name)
