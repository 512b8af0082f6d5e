"""What is measured in fresh processes, one for each round: time to import, and memory."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from ..job import LeftOutError, Measured
from ..sides import found
from .networks import MLP
from .scalars import ScalarGraph
from .work import Work, dashed

IMPORT = """
from time import perf_counter
start = perf_counter()
{}
print(1e3 * (perf_counter() - start))
"""
MEASURE = """
import sys
from benchmarks.rows import row_named
side, row = sys.argv[1:]
print(row_named(row).work.measured(side))
"""
STATUS = Path("/proc/self/status")
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Import(Work):
    """The import of what a side's users import, without the start of Python itself.

    Not the first one, which compiles source files to byte code.
    """

    kind: ClassVar[str] = "import"
    unit: ClassVar[str] = "ms"

    @property
    def title(self) -> str:
        return "import in a fresh process"

    def job(self, side: str) -> Measured:
        statement = IMPORT.format(found(side, "imports"))
        _printed(statement)
        return Measured(lambda: _printed(statement), list)


@dataclass(frozen=True)
class PeakMemory(Work):
    """The peak of resident memory in training steps, above that before the model was made.

    Libraries, data and a first copy of the weights are there before; the model, gradients,
    buffers and whatever the side loads or compiles for its steps come on top.
    """

    kind: ClassVar[str] = "memory_step"
    unit: ClassVar[str] = "MB"
    mlp: MLP
    steps: ClassVar[int] = 3

    @property
    def title(self) -> str:
        return f"peak memory of training MLP {dashed(self.mlp.sizes)}, batch {self.mlp.batch}"

    def job(self, side: str) -> Measured:
        return _measured(self, side, self.mlp)

    def measured(self, side: str) -> float:
        found(side, self.mlp.kind), self.mlp.data, self.mlp.weights  # are there before
        Path("/proc/self/clear_refs").write_text("5")  # the peak starts here
        before = _resident("VmRSS")
        job = self.mlp.job(side)
        for _ in range(self.steps):
            job.round(1)
        return (_resident("VmHWM") - before) / 1e6


@dataclass(frozen=True)
class ScalarMemory(Work):
    """Resident memory that the graph of scalar operations holds, by the number of them."""

    kind: ClassVar[str] = "memory_node"
    unit: ClassVar[str] = "bytes"
    graph: ScalarGraph

    @property
    def title(self) -> str:
        return f"memory of an operation in {self.graph.title}"

    def job(self, side: str) -> Measured:
        return _measured(self, side, self.graph)

    def measured(self, side: str) -> float:
        build = found(side, self.graph.kind)(self.graph).step
        before = _resident("VmRSS")
        graph = build()
        held = _resident("VmRSS") - before
        del graph
        return held / self.graph.length


def _measured(work: PeakMemory | ScalarMemory, side: str, checked: Work) -> Measured:
    """`work.measured(side)`, each time in a fresh process, after the check of what it is about."""
    if not STATUS.exists():
        raise LeftOutError("memory is read from /proc, which only Linux has")
    return Measured(lambda: _printed(MEASURE, side, work.name), checked.job(side).check)


def _resident(name: str) -> int:
    """Bytes of this process that are in memory: now (VmRSS), or at most so far (VmHWM)."""
    kilobytes = re.search(rf"{name}:\s*(\d+) kB", STATUS.read_text())
    assert kilobytes is not None
    return 1024 * int(kilobytes[1])


def _printed(program: str, *arguments: str) -> float:
    """The number that a Python program prints last, in a process of its own."""
    finished = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        cwd=ROOT,
        env={k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return float(finished.stdout.split()[-1])
