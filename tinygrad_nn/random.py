"""The package's random number generator."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from .modes import mode

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


def generator_state() -> Any:
    """The state of the package's generator, for `random_numbers_from`."""
    return _generator.bit_generator.state


@contextmanager
def random_numbers_from(state: Any) -> Iterator[None]:
    """A context in which the package's generator starts from `state`.

    After it, it goes on as if nothing had been drawn.
    """
    before = generator_state()
    _generator.bit_generator.state = state
    try:
        yield
    finally:
        _generator.bit_generator.state = before


def generator(rng: np.random.Generator | None = None) -> np.random.Generator:
    """`rng` if one is given, else the package's generator."""
    if mode.tape is not None:
        return mode.tape.generator(rng)  # type: ignore[no-any-return]
    return plain_generator(rng)


def plain_generator(rng: np.random.Generator | None) -> np.random.Generator:
    """As `generator`, also where a program is being made, in which draws are noted."""
    if rng is None:
        return _generator
    if not isinstance(rng, np.random.Generator):
        raise TypeError(f"rng must be a numpy.random.Generator, not {type(rng).__name__}")
    return rng
