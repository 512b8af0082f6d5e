"""What the benchmark runs on."""

from __future__ import annotations

import os
import platform
import time
from pathlib import Path
from typing import Any

import numpy as np

THREAD_SETTINGS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_THREAD_TIMEOUT",
    "OMP_WAIT_POLICY",
)


def describe() -> dict[str, Any]:
    """Processor, Python, NumPy and its BLAS, settings that bear on threads, and how busy it is."""
    return {
        "processor": processor(),
        "cores": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "numpy": np.__version__,
        "blas": blas(),
        "settings": {name: os.environ[name] for name in THREAD_SETTINGS if name in os.environ},
        "busy": busy(),
    }


def processor() -> str:
    """The model of the CPU."""
    if Path("/proc/cpuinfo").exists():
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return platform.processor() or platform.machine()


def busy(seconds: float = 0.5) -> float | None:
    """The share of the cores' time that other programs use, or None if it cannot be told."""
    if not Path("/proc/stat").exists():
        return None

    def idle_and_total() -> tuple[int, int]:
        ticks = [int(field) for field in Path("/proc/stat").read_text().split("\n")[0].split()[1:]]
        return ticks[3] + ticks[4], sum(ticks[:8])

    idle, total = idle_and_total()
    time.sleep(seconds)
    idle_after, total_after = idle_and_total()
    return 1 - (idle_after - idle) / max(1, total_after - total)


def blas() -> str:
    """Which BLAS NumPy calls, and which of its kernels if that can be told."""
    try:
        from threadpoolctl import threadpool_info
    except ImportError:
        found: Any = np.show_config(mode="dicts")
        library = found["Build Dependencies"]["blas"]
        built = library.get("openblas configuration", library.get("version"))
        return f"{library['name']}, built as {built} (install threadpoolctl to see the kernels)"
    return "; ".join(
        f"{pool['internal_api']} {pool['version']}, {pool.get('architecture', 'unknown')} kernels, "
        f"{pool['num_threads']} threads"
        for pool in threadpool_info()
        if pool["user_api"] == "blas"
    )
