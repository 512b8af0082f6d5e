"""Domains: where a primitive is differentiable, declared beside its derivative rules.

A domain draws the arguments of one call, at which numerical and analytic derivatives can be
compared: `{"x": array, "axis": 0}`. It is a function of `draw`, whose methods draw from the
strategies in `testing.strategies`, as `draw.arrays(shape, positive)` or `draw.axes(ndim)`, or
from Hypothesis's own, as `draw.booleans()`. Most domains are one expression of the words here:

    @primitive(x=lambda g, x: g / x, domain=elementwise(x=positive))

In what is drawn, floating-point arrays for inputs with a rule are differentiated by; numbers,
None and all else are constants. Of a variadic parameter, a list is drawn.
"""

from __future__ import annotations

import math
from functools import cached_property
from typing import Any

from .primitive import Domain


class Reals:
    """Evenly spaced numbers from `low` to `high`, but none near the points `away_from`.

    Numbers less than `margin` from such a point are left out: a function may have a kink, a jump
    or a pole there. `step` is the spacing; by default it is a power of 2 that makes about 32
    steps, so that the numbers are short to write.

    >>> from tinygrad_nn.domains import Reals
    >>> Reals(0, 2, away_from=(1,), step=0.5).grid
    (0.0, 2.0, 0.5, 1.5)
    """

    def __init__(
        self,
        low: float = -2.0,
        high: float = 2.0,
        away_from: tuple[float, ...] = (),
        margin: float = 0.25,
        step: float | None = None,
    ) -> None:
        if not -math.inf < low < high < math.inf:
            raise ValueError(f"Reals: low {low} must be less than high {high}, and both finite")
        if step is not None and not step > 0:
            raise ValueError(f"Reals: step must be positive, not {step}")
        self.low = low
        self.high = high
        self.away_from = away_from
        self.margin = margin
        self.step = step or 2.0 ** math.ceil(math.log2((high - low) / 32))

    def __repr__(self) -> str:
        return (
            f"Reals({self.low}, {self.high}, away_from={self.away_from}, margin={self.margin}, "
            f"step={self.step})"
        )

    @cached_property
    def grid(self) -> tuple[float, ...]:
        """The numbers, the simplest first: whole ones, then halves, quarters …, small to large.

        Raises ValueError if none is left.
        """
        count = math.floor((self.high - self.low) / self.step) + 1
        numbers = [float(self.low + self.step * k) for k in range(count)]
        left = [x for x in numbers if all(abs(x - a) >= self.margin for a in self.away_from)]
        if not left:
            raise ValueError(f"{self} has no numbers")
        return tuple(sorted(left, key=_complexity))


def _complexity(x: float) -> tuple[int, float, bool]:
    return x.as_integer_ratio()[1], abs(x), x < 0


real = Reals()
nonzero = Reals(away_from=(0,))
positive = Reals(0.25, 3)


def elementwise(**arguments: Reals | tuple[Any, ...]) -> Domain:
    """Arrays of mutually broadcastable shapes, each from a set of numbers.

    A constant is given as a tuple of the values it may have:
    `elementwise(x=nonzero, alpha=(1.0, 0.5))`.
    """
    sets = {name: numbers for name, numbers in arguments.items() if isinstance(numbers, Reals)}
    constants = {name: options for name, options in arguments.items() if name not in sets}

    def domain(draw: Any) -> dict[str, Any]:
        drawn = {name: draw.sampled_from(options) for name, options in constants.items()}
        shapes = draw.broadcastable_shapes(len(sets))
        for (name, numbers), shape in zip(sets.items(), shapes, strict=True):
            drawn[name] = draw.arrays(shape, numbers)
        return drawn

    return domain


def untied(*names: str) -> Domain:
    """Arrays of mutually broadcastable shapes; no elements of two are less than 1/8 apart."""
    count = len(names)
    sets = [Reals(-2 + k / 8, 2, step=count / 8) for k in range(count)]
    return elementwise(**dict(zip(names, sets, strict=True)))


def reduction(x: Reals, unique: bool = False) -> Domain:
    """An array `x`, `axis` as NumPy's reductions take it, and `keepdims`.

    The elements of x are from the set of numbers given, and `unique` if none may be equal.
    """

    def domain(draw: Any) -> dict[str, Any]:
        keepdims = draw.booleans()
        array, axis = draw.arrays_with_axis(x, unique)
        return {"x": array, "axis": axis, "keepdims": keepdims}

    return domain
