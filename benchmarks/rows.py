"""The rows of the benchmark: which work is measured, and which ratios are aimed at."""

from __future__ import annotations

from dataclasses import dataclass, field

from .sides import COMPILED, EAGER
from .work import (
    HVP,
    MLP,
    RNN,
    Chain,
    DigitsEpoch,
    Elementwise,
    FirstSteps,
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
    """Work to be measured, and the ratios of our figures to a peer's that are aimed at, by peer."""

    work: Work
    eager: dict[str, float] = field(default_factory=dict)
    compiled: dict[str, float] = field(default_factory=dict)

    @property
    def targets(self) -> dict[tuple[str, str], float]:
        """The ratios by our side and the peer."""
        ours = ((EAGER, self.eager), (COMPILED, self.compiled))
        return {(side, peer): ratio for side, by in ours for peer, ratio in by.items()}

    @property
    def name(self) -> str:
        return self.work.name

    @property
    def title(self) -> str:
        return self.work.title

    @property
    def unit(self) -> str:
        return self.work.unit


SMALL_MLP = MLP((2, 16, 16, 2), batch=100)
MIDDLE_MLP = MLP((784, 256, 128, 10), batch=128)
LARGE_MLP = MLP((1024, 2048, 2048, 10), batch=512)

ROWS = [
    Row(SMALL_MLP, {"torch": 0.85, "numpy": 2.0}, {"numpy": 1.1}),
    Row(MLP((64, 128, 10), batch=64), {"torch": 0.85, "numpy": 2.0}, {"numpy": 1.1}),
    Row(MIDDLE_MLP, {"torch": 1.0, "numpy": 2.0}, {"numpy": 1.1}),
    Row(LARGE_MLP, {"torch": 1.0, "numpy": 2.0}, {"numpy": 1.1}),
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
    Row(MoonsScalar(), {"micrograd": 0.5}, {"micrograd": 0.008}),
    *(Row(FirstSteps(work)) for work in (SMALL_MLP, MIDDLE_MLP, LARGE_MLP, MoonsScalar())),
    Row(Import()),
    Row(PeakMemory(LARGE_MLP)),
    Row(ScalarMemory(ScalarGraph())),
]


def row_named(name: str) -> Row:
    """The row of that name."""
    return next(row for row in ROWS if row.name == name)
