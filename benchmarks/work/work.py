"""What all kinds of work have in common, and data that several share."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np
from numpy.typing import DTypeLike

from ..job import Job
from ..sides import found

SEED = 0

Layers = list[tuple[np.ndarray, np.ndarray]]


class Work:
    """Work that sides do in a function named `kind`, and that is timed unless `job` differs."""

    kind: ClassVar[str]
    unit: ClassVar[str] = "µs a step"

    @property
    def name(self) -> str:
        return self.kind.replace("_", "-")

    @property
    def title(self) -> str:
        raise NotImplementedError

    def job(self, side: str) -> Job:
        """What `side` makes of this work. Raises LeftOutError if it cannot do it."""
        job: Job = found(side, self.kind)(self)
        return job


def dashed(sizes: Sequence[int]) -> str:
    return "-".join(map(str, sizes))


def random_layers(sizes: Sequence[int], dtype: DTypeLike = np.float32) -> Layers:
    """A weight (n_in, n_out) and a bias (n_out,) for each layer, uniform up to 1 / sqrt(n_in)."""
    rng = np.random.default_rng(SEED + 1)
    layers = []
    for n_in, n_out in pairwise(sizes):
        bound = 1 / math.sqrt(n_in)
        weight = rng.uniform(-bound, bound, (n_in, n_out)).astype(dtype)
        bias = rng.uniform(-bound, bound, n_out).astype(dtype)
        layers.append((weight, bias))
    return layers


def random_examples(n: int, features: int, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Inputs (n, features) in float32, and labels (n,)."""
    rng = np.random.default_rng(SEED)
    x = rng.standard_normal((n, features), np.float32)
    return x, rng.integers(0, classes, n)


def two_moons(n: int, dtype: DTypeLike) -> tuple[np.ndarray, np.ndarray]:
    """Points (n, 2) on two half circles that reach into each other, and their signs (n,)."""
    rng = np.random.default_rng(SEED)
    angle = np.linspace(0, np.pi, n // 2)
    upper = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    points = np.concatenate([upper, [1, 0.5] - upper]) + rng.normal(0, 0.1, (n, 2))
    signs: Any = np.repeat([1, -1], n // 2)
    return points.astype(dtype), signs.astype(dtype)
