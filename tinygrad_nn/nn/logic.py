"""Logic from McCulloch-Pitts neurons: gates, and what is built of them.

Each takes its bits one by one: numbers, arrays or Values of 0 and 1, whose shapes broadcast.
"""

from __future__ import annotations

import functools
from typing import Any

from .. import ops
from .module import Module
from .neurons import McCullochPitts, as_bits


class _Gate(McCullochPitts):
    def forward(self, *bits: Any) -> Any:
        """A bit for each input -> a bit."""
        if len(bits) != self._n_in:
            raise TypeError(f"{type(self).__name__} of {self._n_in} bits, not {len(bits)}")
        terms = [
            as_bits(bit) if weight == 1 else as_bits(bit) * weight
            for bit, weight in zip(bits, self._weights(), strict=True)
        ]
        return self._fires(functools.reduce(ops.add, terms))

    def extra_repr(self) -> str:
        return ""


class And(_Gate):
    """1 if all inputs are 1: a neuron with as high a threshold.

    >>> from tinygrad_nn.nn import logic
    >>> int(logic.And()(1, 0)), int(logic.And(3)(1, 1, 1))
    (0, 1)
    """

    def __init__(self, n_in: int = 2) -> None:
        super().__init__(n_in, threshold=n_in)


class Or(_Gate):
    """1 if any input is 1: a neuron of threshold 1.

    >>> from tinygrad_nn.nn import logic
    >>> int(logic.Or()(1, 0)), int(logic.Or()(0, 0))
    (1, 0)
    """

    def __init__(self, n_in: int = 2) -> None:
        super().__init__(n_in, threshold=1)


class Not(_Gate):
    """1 if the input is 0: a neuron of threshold 0 with one inhibitory input.

    >>> from tinygrad_nn.nn import logic
    >>> int(logic.Not()(0)), int(logic.Not()(1))
    (1, 0)
    """

    def __init__(self) -> None:
        super().__init__(1, threshold=0, inhibitory=[0])


class AndNot(_Gate):
    """1 if the first input is 1 and the second, which is inhibitory, is 0."""

    def __init__(self) -> None:
        super().__init__(2, threshold=1, inhibitory=[1])


class Xor(Module):
    """1 if one of the two inputs is 1 and the other is 0: a net of two layers.

    No single neuron computes it, since no line separates (0, 1), (1, 0) from (0, 0), (1, 1).

    >>> from tinygrad_nn.nn import logic
    >>> logic.Xor()([0, 0, 1, 1], [0, 1, 0, 1])
    array([0, 1, 1, 0])
    """

    def __init__(self) -> None:
        self.only_a = AndNot()
        self.only_b = AndNot()
        self.either = Or()

    def forward(self, a: Any, b: Any) -> Any:
        """Two bits -> a bit."""
        return self.either(self.only_a(a, b), self.only_b(b, a))


class HalfAdder(Module):
    """The sum of two bits, as a pair of bits (sum, carry).

    >>> from tinygrad_nn.nn import logic
    >>> [int(bit) for bit in logic.HalfAdder()(1, 1)]
    [0, 1]
    """

    def __init__(self) -> None:
        self.sum = Xor()
        self.carry = And()

    def forward(self, a: Any, b: Any) -> tuple[Any, Any]:
        """Two bits -> (sum, carry)."""
        return self.sum(a, b), self.carry(a, b)


class FullAdder(Module):
    """The sum of three bits, as a pair of bits (sum, carry).

    >>> from tinygrad_nn.nn import logic
    >>> [int(bit) for bit in logic.FullAdder()(1, 1, 1)]
    [1, 1]
    """

    def __init__(self) -> None:
        self.first = HalfAdder()
        self.second = HalfAdder()
        self.carry = Or()

    def forward(self, a: Any, b: Any, carry: Any) -> tuple[Any, Any]:
        """Three bits -> (sum, carry)."""
        partial, first_carry = self.first(a, b)
        total, second_carry = self.second(partial, carry)
        return total, self.carry(first_carry, second_carry)
