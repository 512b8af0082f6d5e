"""The package's random number generator."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

_generator = np.random.default_rng()


def manual_seed(seed: int) -> None:
    """Start the package's generator anew from `seed`: the same random numbers follow.

    It is the one that everything random uses where no `rng=` is given.

    >>> import tinygrad_nn as tg
    >>> tg.manual_seed(0)
    >>> a = tg.nn.Linear(2, 2)
    >>> tg.manual_seed(0)
    >>> bool((tg.nn.Linear(2, 2).weight == a.weight).all())
    True
    """
    global _generator
    _generator = np.random.default_rng(seed)


@contextmanager
def same_random_numbers() -> Iterator[None]:
    """A context after which the package's generator goes on as if nothing had been drawn in it."""
    state = _generator.bit_generator.state
    try:
        yield
    finally:
        _generator.bit_generator.state = state


def generator(rng: np.random.Generator | None = None) -> np.random.Generator:
    """`rng` if one is given, else the package's generator."""
    if rng is None:
        return _generator
    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"rng must be a numpy.random.Generator, not {type(rng).__name__}")
    return rng
