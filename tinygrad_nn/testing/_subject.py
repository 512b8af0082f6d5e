"""What a check is of: a function and its derivative, as maps between flat vectors.

The inputs that are varied are a list of float64 arrays, the outputs one vector, whatever
containers, dtypes and shapes the function itself has.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import engine
from ..engine import Node
from ..nest import flatten
from ..value import Value, make_value
from ._slopes import Array

Leaves = Sequence[tuple[str, Any]]

_FLOAT64 = np.dtype(np.float64)


class Subject:
    """A function of named leaves, of which those at `varied` are its inputs.

    `call` takes the leaves, with new ones in the varied places, and returns outputs. It is given
    float64 instead of float32, if it allows and `wide` is not False. `dtype` is the coarsest that
    it computes with, as far as one can see.
    """

    def __init__(
        self,
        name: str,
        leaves: Leaves,
        varied: Sequence[int],
        call: Callable[[list[Any]], Any],
        wide: bool = True,
    ) -> None:
        self.name = name
        self.leaf_names = [name for name, _ in leaves]
        self.leaves = [leaf.copy() if isinstance(leaf, np.ndarray) else leaf for _, leaf in leaves]
        self.varied = varied
        self.call = call
        self.names = [self.leaf_names[at] for at in varied]
        given = [np.asarray(_data(self.leaves[at])) for at in varied]
        self.dtypes = [array.dtype if array.dtype.kind == "f" else _FLOAT64 for array in given]
        self.inputs = [array.astype(np.float64) for array in given]
        self.evaluations = 0
        self.cast = [_FLOAT64] * len(given) if wide else self.dtypes
        try:
            outputs = self.outputs_at(self.inputs)
        except Exception:
            if self.dtypes == self.cast:
                raise
            self.cast = self.dtypes
            outputs = self.outputs_at(self.inputs)
        self.output_names = [name for name, _ in outputs]
        self.output_shapes = [np.shape(_data(output)) for _, output in outputs]
        self.dtype = _coarsest([*self.cast, *(_data(output).dtype for _, output in outputs)])
        self.origin = _vector(outputs)

    @property
    def eps(self) -> float:
        """The rounding of what the function computes with."""
        return float(np.finfo(self.dtype).eps)

    @property
    def tiny(self) -> float:
        """The smallest number it computes with in full precision."""
        return float(np.finfo(self.dtype).tiny)

    @property
    def magnitude(self) -> float:
        """The size of the largest number that it is seen to compute with."""
        return _magnitude(self.origin)

    def as_given(self, arrays: Sequence[Array]) -> list[Any]:
        """`arrays` in the dtypes that the function is given; arrays of their own."""
        return [np.array(array, dtype)[()] for array, dtype in zip(arrays, self.cast, strict=True)]

    def wrap(self, array: Any) -> Any:
        """What the function takes for an array."""
        raise NotImplementedError

    def run(self, inputs: Sequence[Any]) -> list[tuple[str, Any]]:
        """The floating-point outputs, by name, with `inputs` in the varied places."""
        return self._run(self._with(inputs))

    def _with(self, inputs: Sequence[Any]) -> list[Any]:
        leaves = list(self.leaves)
        for at, new in zip(self.varied, inputs, strict=True):
            leaves[at] = new
        return leaves

    def _leaves_at(self, inputs: Sequence[Array]) -> Leaves:
        return list(zip(self.leaf_names, self._with(self.as_given(inputs)), strict=True))

    def _run(self, leaves: list[Any]) -> list[tuple[str, Any]]:
        self.evaluations += 1
        found = [
            (name, output if isinstance(output, Value) else np.asarray(output))
            for name, output in flatten(self.call(leaves))[0]
            if np.asarray(_data(output)).dtype.kind == "f"
        ]
        if not found:
            raise TypeError(f"{self.name} returned no floating-point number, array or Value")
        return found

    def outputs_at(self, arrays: Sequence[Array]) -> list[tuple[str, Any]]:
        """The outputs for `arrays`, by name."""
        return self.run([self.wrap(array) for array in self.as_given(arrays)])

    def values(self, arrays: Sequence[Array]) -> Array:
        """All outputs for `arrays`, as one float64 vector."""
        return _vector(self.outputs_at(arrays))

    def run_again(self) -> tuple[Array, list[str]]:
        """The outputs of one more run at the point, and the names of leaves that it changed."""
        leaves = self._with([self.wrap(array) for array in self.as_given(self.inputs)])
        before = [_state(leaf) for leaf in leaves]
        values = _vector(self._run(leaves))
        changed = [
            name
            for name, leaf, state in zip(self.leaf_names, leaves, before, strict=True)
            if _is_changed(leaf, state)
        ]
        return values, changed

    def moved(self, inputs: Sequence[Array]) -> Subject:
        """The same at another point."""
        raise NotImplementedError

    def vjp(self, cotangent: Array) -> list[Array | None]:
        """The claimed gradient of cotangent . f by each input; None where there is no path."""
        raise NotImplementedError

    def is_reached(self, at: int) -> bool:
        """Whether some derivative by input `at` has been found at all."""
        raise NotImplementedError

    def gradient(self, cotangent: Array) -> list[Array]:
        """As `vjp`, with zeros for None."""
        pairs = zip(self.inputs, self.vjp(cotangent), strict=True)
        return [np.zeros(x.shape) if g is None else g for x, g in pairs]

    def jacobian(self) -> list[Array]:
        """The claimed derivatives by each input: (outputs, elements of the input)."""
        rows = np.zeros((len(self.origin), sum(x.size for x in self.inputs)))
        for row, one_hot in zip(rows, np.eye(len(self.origin)), strict=True):
            row[:] = np.concatenate([g.reshape(-1) for g in self.gradient(one_hot)])
        ends = list(itertools.accumulate(x.size for x in self.inputs))
        return np.split(rows, ends[:-1], axis=1)

    def output_label(self, at: int) -> str:
        """How to call element `at` of the output vector."""
        for name, shape in zip(self.output_names, self.output_shapes, strict=True):
            size = int(np.prod(shape))
            if at < size:
                return name + index_text(at, shape)
            at -= size
        raise IndexError(at)


class ValueSubject(Subject):
    """A function of Values, whose derivatives are those of the graph it records.

    `variables` and `outputs` are the ends of that graph, made under `engine.record()`.
    """

    def __init__(
        self,
        name: str,
        leaves: Leaves,
        varied: Sequence[int],
        call: Callable[[list[Any]], Any],
        wide: bool = True,
    ) -> None:
        super().__init__(name, leaves, varied, call, wide)
        self.variables = [Value(array) for array in self.as_given(self.inputs)]
        self._nodes = [_node(variable) for variable in self.variables]
        with engine.record():
            outputs = [output for _, output in self.run(self.variables)]
        self.outputs = [out if isinstance(out, Value) else make_value(out, None) for out in outputs]
        self.graph = _ancestors(self.outputs)
        self.dtype = _coarsest([self.dtype, *(node.describe()[1] for node in self.graph)])
        self._reached: set[Node] = set()

    @property
    def magnitude(self) -> float:
        values = [node.trace.value for node in self.graph] + [v.data for v in self.variables]
        return max([_magnitude(value) for value in values], default=0.0)

    def wrap(self, array: Any) -> Any:
        return Value(array)

    def moved(self, inputs: Sequence[Array]) -> Subject:
        return ValueSubject(self.name, self._leaves_at(inputs), self.varied, self.call)

    def in_own_dtypes(self) -> ValueSubject | None:
        """The same with the inputs as they were given, if it was checked in wider ones."""
        if self.cast == self.dtypes:
            return None
        leaves = list(zip(self.leaf_names, self.leaves, strict=True))
        return ValueSubject(self.name, leaves, self.varied, self.call, wide=False)

    def vjp(self, cotangent: Array) -> list[Array | None]:
        roots, seeds = self.seeds(cotangent)
        found = engine.backpropagate(roots, seeds, onto=self._nodes)
        self._reached |= found.keys()
        return [
            np.asarray(found[node], np.float64) if node in found else None for node in self._nodes
        ]

    def is_reached(self, at: int) -> bool:
        return self._nodes[at] in self._reached

    def seeds(self, cotangent: Array) -> tuple[list[Node], list[Any]]:
        """The nodes of the outputs that depend on something, and the gradients to send there."""
        ends = list(itertools.accumulate(out.size for out in self.outputs))
        pairs = [
            (out._node, np.array(part, out.dtype).reshape(out.shape)[()])
            for out, part in zip(self.outputs, np.split(cotangent, ends[:-1]), strict=True)
            if out._node is not None
        ]
        return [node for node, _ in pairs], [seed for _, seed in pairs]

    def derivative(self, rng: np.random.Generator, of: Sequence[int] | None = None) -> ValueSubject:
        """The function from inputs and output gradients to the gradients of the inputs in `of`."""
        count = len(self.varied)
        chosen = range(count) if of is None else of
        cotangents = [
            np.array(np.copysign(rng.uniform(0.5, 1.5, shape), rng.uniform(-1, 1, shape)))
            for shape in self.output_shapes
        ]
        names = ["g" if len(cotangents) == 1 else f"g{name}" for name in self.output_names]
        leaves = [*zip(self.names, self.inputs, strict=True), *zip(names, cotangents, strict=True)]

        def gradients(new: list[Any]) -> list[Any]:
            variables = new[:count]
            nodes = [_node(variable) for variable in variables]
            with engine.enable_grad():
                outputs = [output for _, output in self.run(variables)]
                pairs = [
                    (out._node, g)
                    for out, g in zip(outputs, new[count:], strict=True)
                    if isinstance(out, Value) and out._node is not None
                ]
                found = engine.backpropagate(
                    [node for node, _ in pairs], [g for _, g in pairs], onto=nodes, wrap=make_value
                )
            return [
                found[nodes[at]] if nodes[at] in found else np.zeros(self.inputs[at].shape)
                for at in chosen
            ]

        name = f"the gradient of {self.name}"
        subject = ValueSubject(name, leaves, range(len(leaves)), gradients)
        subject.output_names = [f"{self.names[at]}.grad" for at in chosen]
        return subject


def index_text(at: int, shape: tuple[int, ...]) -> str:
    """The index of element `at` of an array of `shape`: `[2, 0]`, nothing for a scalar."""
    if not shape:
        return ""
    return f"[{', '.join(str(i) for i in np.unravel_index(at, shape))}]"


def _ancestors(outputs: Sequence[Value]) -> list[Node]:
    """The recorded operations that led to `outputs`, newest first."""
    found: dict[Node, None] = {}
    stack = [output._node for output in outputs if output._node is not None]
    while stack:
        node = stack.pop()
        if node not in found and hasattr(node, "trace"):
            found[node] = None
            stack.extend(edge[0] for edge in node.edges)
    return sorted(found, key=lambda node: -node.number)


def _coarsest(dtypes: Sequence[np.dtype[Any]]) -> np.dtype[Any]:
    """The floating dtype with the fewest digits, float64 at most."""
    return max([_FLOAT64, *dtypes], key=lambda dtype: float(np.finfo(dtype).eps))


def _magnitude(x: Any) -> float:
    finite = np.abs(np.ravel(x)[np.isfinite(np.ravel(x))])
    return float(np.max(finite, initial=0))


def _vector(outputs: Sequence[tuple[str, Any]]) -> Array:
    return np.concatenate([np.ravel(_data(output)).astype(np.float64) for _, output in outputs])


def _state(leaf: Any) -> Any:
    """What to compare a leaf with later: the node of a Value, and a copy of the data."""
    data = _data(leaf)
    copy = data.copy() if isinstance(data, np.ndarray) else data
    return (leaf._node if isinstance(leaf, Value) else None), copy


def _is_changed(leaf: Any, state: Any) -> bool:
    node, data = state
    if isinstance(leaf, Value) and leaf._node is not node:
        return True
    if not isinstance(data, np.ndarray) or data.dtype.kind not in "biuf":
        return False
    return not np.array_equal(_data(leaf), data, equal_nan=data.dtype.kind == "f")


def _data(x: Any) -> Any:
    return x.data if isinstance(x, Value) else x


def _node(variable: Value) -> Node:
    node = variable._node
    assert node is not None
    return node
