"""A function of nested arrays, seen as one from a flat vector to a flat vector."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from ..errors import ShapeError
from ..nest import flatten
from ..value import Value
from ._slopes import Array, Line

_TINY = 1e-290  # smaller elements count as 0: a part of them could not be told from 0


class Layout:
    """Nested arrays, and where each of them is in one flat vector.

    `read(leaf, path)` makes an array of a leaf, or raises.
    """

    def __init__(self, tree: Any, name: str, read: Callable[[Any, str], Array]) -> None:
        leaves, self.build = flatten(tree)
        self.name = name
        self.kind = type(tree).__name__
        self.leaves = [leaf for _, leaf in leaves]
        self.arrays = {path: read(leaf, name + path) for path, leaf in leaves}
        self.shapes = {path: x.shape for path, x in self.arrays.items()}
        ends = [0, *itertools.accumulate(x.size for x in self.arrays.values())]
        self.size = ends[-1]
        self._parts = [slice(*ends) for ends in itertools.pairwise(ends)]

    def __str__(self) -> str:
        return ", ".join(f"{self.name}{path} {shape}" for path, shape in self.shapes.items())

    def flat(self, paths: Iterable[str] | None = None) -> Array:
        """The numbers of all arrays, or of those at `paths`, in a vector of their own."""
        arrays = [self.arrays[path].reshape(-1) for path in paths or self.arrays]
        return np.concatenate([np.empty(0), *arrays])

    def split(self, flat: Array) -> list[Array]:
        """Arrays of these shapes, from a vector or from rows of such."""
        rows = flat.shape[:-1]
        return [
            flat[..., part].reshape(rows + shape)
            for part, shape in zip(self._parts, self.shapes.values(), strict=True)
        ]

    def tree(self, flat: Array) -> Any:
        """The nested structure of the arrays in `flat`; those without axes become NumPy scalars."""
        return self.build([x[()] for x in self.split(flat)])


class Probe:
    """The function `f` around the point `x`: a flat vector in, a flat vector of outputs out.

    All probing is in float64. Every call of `f` gets arrays of its own, and Values for Values.
    """

    def __init__(self, f: Callable[[Any], Any], x: Any) -> None:
        self._f = f
        self.inputs = Layout(x, "x", _variable)
        self.x = self.inputs.flat()
        self.scales = np.concatenate([np.empty(0), *map(_scales, self.inputs.arrays.values())])
        self.outputs = self._call(self.x)
        self.origin = self.outputs.flat()
        floats = [x.dtype for x in self.outputs.arrays.values() if x.dtype.kind == "f"]
        self.eps = float(max(np.finfo(dtype).eps for dtype in [np.dtype(np.float64), *floats]))

    @property
    def takes_values(self) -> bool:
        """Whether something in the point is a Value."""
        return any(isinstance(leaf, Value) for leaf in self.inputs.leaves)

    def _call(self, x: Array) -> Layout:
        arrays = self.inputs.split(x.copy())
        argument = self.inputs.build([*map(_like, self.inputs.leaves, arrays)])
        return Layout(self._f(argument), "f(x)", _complex if np.iscomplexobj(x) else real)

    def __call__(self, x: Array) -> Array:
        """The outputs at `x`; NaN where `f` raises that it is not defined."""
        try:
            outputs = self._call(x)
        except (ArithmeticError, ValueError):
            if np.iscomplexobj(x):
                raise
            return np.full(self.outputs.size, np.nan)
        if outputs.shapes != self.outputs.shapes:
            raise ShapeError(f"the shapes f returns change: {outputs} near x, {self.outputs} at x")
        return outputs.flat()

    def reached(self, at: int, distance: float) -> float:
        """About `distance`, such that element `at` can be moved by just that, up and down."""
        size = np.abs(self.x[at])
        return float((size + distance) - size)

    def line(self, direction: Array) -> tuple[Line, float]:
        """The outputs at x + t * direction, as a function of t, and the scale of t.

        The distance reached is that of the element which moves the most for its size.
        """
        moving = np.flatnonzero(direction)
        most = moving[np.argmax(np.abs(direction[moving]) / self.scales[moving])]

        def line(distance: Any) -> tuple[Any, Array]:
            there = self.x + 0 * distance
            there[moving] += distance * direction[moving]
            return (there[most] - self.x[most]) / direction[most], self(there)

        return line, float(self.scales[most] / np.abs(direction[most]))


def _data(leaf: Any, path: str) -> Array:
    try:
        return np.asarray(leaf.data if isinstance(leaf, Value) else leaf)
    except ValueError as error:
        raise ShapeError(f"{path} is a list of lists of different lengths") from error


def real(leaf: Any, path: str) -> Array:
    """The real numbers in a leaf."""
    x = _data(leaf, path)
    if x.dtype.kind not in "iuf":
        raise TypeError(f"{path} is {_kind(leaf, x)}, not a real number or an array of such")
    return x


def _variable(leaf: Any, path: str) -> Array:
    """The numbers in a leaf that can be changed by small steps, in float64."""
    x = _data(leaf, path)
    given = isinstance(leaf, (np.ndarray, np.generic, Value))
    if x.dtype.kind == "b" or (given and x.dtype.kind in "iu"):
        raise TypeError(f"{path} is {x.dtype}, which has no derivative; pass floats")
    return real(leaf, path).astype(np.float64)


def _complex(leaf: Any, path: str) -> Array:
    x = _data(leaf, path)
    if x.dtype.kind != "c":
        raise TypeError(f"{path} is {_kind(leaf, x)} for a complex x")
    return x


def _kind(leaf: Any, x: Array) -> str:
    return str(x.dtype) if x.dtype.kind in "biufc" else type(leaf).__name__


def _like(leaf: Any, x: Array) -> Any:
    """`x` as what `leaf` was: a Value, an array or a number."""
    if isinstance(leaf, Value):
        return Value(x, requires_grad=leaf.requires_grad)
    return x if isinstance(leaf, (np.ndarray, list)) else x[()]


def _scales(x: Array) -> Array:
    """The size of each element; that of the others for elements that are tiny beside them."""
    sizes = np.where(np.abs(x) < _TINY, 0, np.abs(x)).reshape(-1)
    others = sizes[np.isfinite(sizes) & (sizes > 0)]
    typical = np.median(others) if others.size else 1.0
    return np.where(sizes == 0, typical, np.fmax(sizes, 0.01 * typical))
