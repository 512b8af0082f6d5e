"""What programs call beside NumPy's functions: changes as new arrays, and draws."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..random import plain_generator


def with_item(x: Any, index: Any, value: Any) -> Any:
    """A copy of x in which x[index] is `value`."""
    new = np.array(x)
    new[index] = value
    return new


def with_at(ufunc: Any, x: Any, index: Any, *operands: Any) -> Any:
    """A copy of x, changed by `ufunc.at`."""
    new = np.array(x)
    ufunc.at(new, index, *operands)
    return new


def as_type(x: Any, dtype: Any) -> Any:
    """x in another type."""
    return np.asarray(x).astype(dtype)[()]


class Draw:
    """A call of a method of a random number generator, made anew in each run."""

    def __init__(self, rng: Any, method: str) -> None:
        if rng is not None and not isinstance(rng, np.random.Generator):
            raise TypeError(f"rng must be a numpy.random.Generator, not {type(rng).__name__}")
        self.rng = rng
        self.__name__ = method

    def __call__(self, *args: Any, **keywords: Any) -> Any:
        return getattr(plain_generator(self.rng), self.__name__)(*args, **keywords)
