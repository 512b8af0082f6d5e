"""What a case is, and ways to make a right derivative wrong."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

VJP = Callable[..., Any]


class Function(NamedTuple):
    """A function and its vector-Jacobian product, over the array namespace `xp`.

    `f(xp, *inputs)` returns an array, or a tuple of arrays; `vjp(xp, g, *inputs)` returns the
    gradient of each input, in a tuple, for the gradient `g` of what f returned.
    """

    f: Callable[..., Any]
    vjp: VJP


def elementwise(f: Callable[[Any, Any], Any], derivative: Callable[[Any, Any], Any]) -> Function:
    """The Function of an elementwise `f(xp, x)` with `derivative(xp, x)`."""
    return Function(f, lambda xp, g, x: (g * derivative(xp, x),))


@dataclass(frozen=True)
class Case:
    """A function with a derivative that is "right" or "wrong", and where to check it.

    `not_in` says, for the sides that cannot express the case, why.
    """

    name: str
    truth: str
    f: Callable[..., Any]
    vjp: VJP
    inputs: tuple[np.ndarray, ...]
    not_in: Mapping[str, str] = field(default_factory=dict)
    group: str = ""

    @property
    def parameters(self) -> list[str]:
        """What f calls its inputs."""
        return list(inspect.signature(self.f).parameters)[1:]

    def copies(self) -> list[np.ndarray]:
        """The inputs, for one check: some functions change them."""
        return [x.copy() for x in self.inputs]


def right(name: str, function: Function, *inputs: Any, **more: Any) -> Case:
    """A case with the right derivative."""
    return Case(name, "right", *function, tuple(map(np.asarray, inputs)), **more)


def wrong(name: str, function: Function, vjp: VJP, *inputs: Any, **more: Any) -> Case:
    """A case of the same function with the wrong derivative `vjp`."""
    return Case(name, "wrong", function.f, vjp, tuple(map(np.asarray, inputs)), **more)


def times(factor: Any, function: Function) -> VJP:
    """The derivative multiplied by `factor`, a number or an array that fits each input."""
    return lambda xp, g, *inputs: tuple(factor * v for v in function.vjp(xp, g, *inputs))


def one_entry_times(factor: float, at: int, function: Function) -> VJP:
    """The derivative of a function of one vector, with entry `at` multiplied by `factor`."""

    def vjp(xp: Any, g: Any, x: Any) -> Any:
        return (function.vjp(xp, g, x)[0] * xp.where(xp.arange(x.size) == at, factor, 1.0),)

    return vjp


def ignoring_g(function: Function) -> VJP:
    """The derivative for a `g` of ones, whatever it is."""
    return lambda xp, g, *inputs: function.vjp(xp, xp.ones_like(g), *inputs)
