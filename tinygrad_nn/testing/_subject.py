"""What a check is of: a function and its derivative, as maps between flat vectors.

The inputs that are varied are a list of float64 arrays, the outputs one vector, whatever
containers, dtypes and shapes the function itself has.
"""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import engine, modes
from ..dispatch import gathered
from ..engine import Node
from ..errors import ShapeError
from ..nest import flatten
from ..random import generator_state, random_numbers_from
from ..value import Value, make_value
from ._slopes import Array

Leaves = Sequence[tuple[str, Any]]

_FLOAT64 = np.dtype(np.float64)


class BackwardError(Exception):
    """A rule raised an exception; the message says which and where."""


class Subject:
    """A function of named leaves, of which those at `varied` are its inputs.

    `call` takes the leaves, with new ones in the varied places, and returns outputs. It is given
    float64 instead of float32, if it allows and `wide` is not False. `eps` and `tiny` are the
    rounding and the smallest full number of what each output is computed with, as far as one can
    see, `rounding` is the largest `eps`.
    """

    takes_arrays = False  # whether the function is one of plain arrays, too

    def __init__(
        self,
        name: str,
        leaves: Leaves,
        varied: Sequence[int],
        call: Callable[[list[Any]], Any],
        wide: bool = True,
    ) -> None:
        self.name = name
        self.source = "backward()"
        self.leaf_names = [name for name, _ in leaves]
        self.leaves = [_own(leaf) for _, leaf in leaves]
        self.constants = {at: _own(leaf) for at, (_, leaf) in enumerate(leaves) if at not in varied}
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
        except Exception as error:
            if self.dtypes == self.cast:
                error.add_note(self._what_was_called())
                raise
            self.cast = self.dtypes
            outputs = self.outputs_at(self.inputs)
        self.output_names = [name for name, _ in outputs]
        self.output_shapes = [np.shape(_data(output)) for _, output in outputs]
        self._set_dtypes([_data(output).dtype for _, output in outputs])
        self.origin = _vector(outputs)

    def _set_dtypes(self, dtypes: Sequence[np.dtype[Any]]) -> None:
        """Set the roundings of the outputs from the coarsest dtypes that each was seen to pass."""
        limits = [np.finfo(_coarsest([*self.cast, dtype])) for dtype in dtypes]
        sizes = [math.prod(shape) for shape in self.output_shapes]
        self.eps = np.repeat([float(limit.eps) for limit in limits], sizes)
        self.tiny = np.repeat([float(limit.tiny) for limit in limits], sizes)
        self.rounding = float(np.max(self.eps, initial=np.finfo(float).eps))

    @property
    def largest(self) -> Array:
        """For each number in the outputs, the size of the largest in the same output."""
        sizes = [math.prod(shape) for shape in self.output_shapes]
        parts = np.split(self.origin, np.cumsum(sizes)[:-1])
        return np.repeat([_magnitude(part) for part in parts], sizes)

    @property
    def magnitude(self) -> float:
        """The size of the largest number that it is seen to compute with."""
        return _magnitude(self.origin)

    def _what_was_called(self) -> str:
        what = "Values" if isinstance(self.wrap(0.0), Value) else "arrays"
        return f"gradcheck called {self.name} with {what} for {', '.join(self.names)} (see wrt=)"

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
        with modes.like_arrays(copies=self.takes_arrays):
            result = self.call(leaves)
        named = [(name, gathered(output)) for name, output in flatten(result)[0]]
        outputs = [
            (name, output if isinstance(output, Value) else np.asarray(output))
            for name, output in named
        ]
        found = [(name, out) for name, out in outputs if out.dtype.kind == "f"]
        if any(out.dtype.kind == "c" for _, out in outputs):
            raise TypeError(f"{self.name} returned complex numbers, which gradcheck does not take")
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
        for at in self.constants:
            leaves[at] = _own(self.constants[at])
        before = [_state(leaf) for leaf in leaves]
        values = _vector(self._run(leaves))
        changed = [
            name
            for name, leaf, state in zip(self.leaf_names, leaves, before, strict=True)
            if _is_changed(leaf, state)
        ]
        return values, changed

    def moved(self, inputs: Sequence[Array]) -> Subject:
        """The same at another point, and with other roundings on the way back."""
        raise NotImplementedError

    def vjp(self, cotangent: Array) -> list[Array | None]:
        """The claimed gradient of cotangent . f by each input; None where there is no path."""
        raise NotImplementedError

    def is_reached(self, at: int) -> bool:
        """Whether some derivative by input `at` has been found at all."""
        raise NotImplementedError

    def unreached(self, at: int) -> str:
        """A sentence about an input on which the function depends, but has no derivative by."""
        raise NotImplementedError

    def gradient(self, cotangent: Array) -> list[Array]:
        """As `vjp`, with zeros for None."""
        pairs = zip(self.inputs, self.vjp(cotangent), strict=True)
        return [np.zeros(x.shape) if g is None else g for x, g in pairs]

    def jacobian(self) -> list[Array]:
        """The claimed derivatives by each input: (outputs, elements of the input)."""
        rows = np.zeros((len(self.origin), sum(x.size for x in self.inputs)))
        one_hot = np.zeros(len(self.origin))
        for at, row in enumerate(rows):
            one_hot[at] = 1
            row[:] = np.concatenate([g.reshape(-1) for g in self.gradient(one_hot)])
            one_hot[at] = 0
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

    `variables` and `outputs` are the ends of that graph, made under `modes.record()`. Where it
    is to be found out whether the function takes arrays as well (None), `plain` is what it returns
    for them. `plain` of a gradient is what it is where no graph of it is recorded.
    """

    is_gradient = False

    def __init__(
        self,
        name: str,
        leaves: Leaves,
        varied: Sequence[int],
        call: Callable[[list[Any]], Any],
        wide: bool = True,
        takes_arrays: bool | None = False,
    ) -> None:
        random_state = generator_state()
        super().__init__(name, leaves, varied, call, wide)
        self.plain: Array | None = None
        if takes_arrays is None:
            with random_numbers_from(random_state):
                self.plain = self._run_with_arrays()
        self.takes_arrays = bool(takes_arrays) or self.plain is not None
        self.variables = [Value(array) for array in self.as_given(self.inputs)]
        self._nodes = [_node(variable) for variable in self.variables]
        with modes.record():
            outputs = [output for _, output in self.run(self.variables)]
        self.outputs = [out if isinstance(out, Value) else make_value(out, None) for out in outputs]
        shapes = [out.shape for out in self.outputs]
        if shapes != self.output_shapes:
            raise ShapeError(f"{name} returns shapes {self.output_shapes}, then {shapes}")
        self.graph = _ancestors(self.outputs)
        self._set_dtypes(self._coarsest_dtypes())
        self._reached: set[Node] = set()
        self._shaken: np.random.Generator | None = None

    def _coarsest_dtypes(self) -> list[np.dtype[Any]]:
        """For each output, the coarsest dtype on the way to it."""
        coarsest: dict[Node, np.dtype[Any]] = {}
        for node in reversed(self.graph):
            before = [coarsest[edge[0]] for edge in node.edges if edge[0] in coarsest]
            coarsest[node] = _coarsest([*before, node.describe()[1]])
        return [
            coarsest.get(out._node, out.dtype) if out._node else out.dtype for out in self.outputs
        ]

    @property
    def magnitude(self) -> float:
        results = [node.trace.value for node in self.graph if node.trace.value is not None]
        values = results + [v.data for v in self.variables]
        return max([_magnitude(value) for value in values], default=0.0)

    def wrap(self, array: Any) -> Any:
        return Value(array)

    def moved(self, inputs: Sequence[Array]) -> Subject:
        leaves, arrays = self._leaves_at(inputs), self.takes_arrays
        moved = ValueSubject(self.name, leaves, self.varied, self.call, takes_arrays=arrays)
        moved._shaken = np.random.default_rng(0)
        return moved

    def _run_with_arrays(self) -> Array | None:
        """The outputs at the point with arrays for all Values; None if it returns no such then."""
        leaves = self._with(self.as_given(self.inputs))
        for at, constant in self.constants.items():
            leaves[at] = _own(_data(constant))
        try:
            with warnings.catch_warnings(action="ignore"):
                outputs = self._run(leaves)
        except Exception:
            return None
        if {name for name, _ in outputs} == set(self.output_names):  # dicts may be in another order
            outputs.sort(key=lambda output: self.output_names.index(output[0]))
        values = None if any(isinstance(out, Value) for _, out in outputs) else _vector(outputs)
        return values if values is not None and values.shape == self.origin.shape else None

    def in_own_dtypes(self) -> ValueSubject | None:
        """The same with the inputs as they were given, if it was checked in wider ones."""
        if self.cast == self.dtypes:
            return None
        leaves = list(zip(self.leaf_names, self.leaves, strict=True))
        return ValueSubject(
            self.name, leaves, self.varied, self.call, wide=False, takes_arrays=self.takes_arrays
        )

    def vjp(self, cotangent: Array) -> list[Array | None]:
        roots, seeds = self.seeds(cotangent)
        try:
            if self._shaken is None:
                found = engine.backpropagate(roots, seeds, onto=self._nodes)
            else:
                found = self._backpropagate_shaken(roots, seeds, self._shaken)
        except Exception as error:
            notes = "".join(f", {note}" for note in getattr(error, "__notes__", ()))
            raise BackwardError(f"{type(error).__name__}: {error}{notes}") from error
        self._reached |= found.keys()
        return [
            np.asarray(found[node], np.float64) if node in found else None for node in self._nodes
        ]

    def _backpropagate_shaken(
        self, roots: Sequence[Node], seeds: Sequence[Any], rng: np.random.Generator
    ) -> dict[Node, Any]:
        """As the engine, but each rule's result is rounded otherwise."""
        arrived: dict[Node, Any] = {}
        for root, seed in zip(roots, seeds, strict=True):
            arrived[root] = arrived[root] + seed if root in arrived else seed
        for node in self.graph:
            if node in arrived:
                for parent, rule, needs, slot in node.edges:
                    gradient = engine._conform(rule(arrived[node], *needs), parent, node, slot)
                    eps = 2 * np.finfo(gradient.dtype).eps
                    gradient = gradient * (1 + eps * rng.choice([-1.0, 0.0, 1.0], gradient.shape))
                    arrived[parent] = arrived[parent] + gradient if parent in arrived else gradient
        return arrived

    def is_reached(self, at: int) -> bool:
        return self._nodes[at] in self._reached

    def unreached(self, at: int) -> str:
        return (
            f"none reaches {self.names[at]} (its grad would be None), though {self.name} depends "
            "on it: does something leave the graph, through .data, float(), math or detach()?"
        )

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
        g = next(g for g in ("g", "h", "k", "l") if g not in self.names)
        names = [g if len(cotangents) == 1 else f"{g}{name}" for name in self.output_names]
        given = self.as_given(self.inputs)
        leaves = [*zip(self.names, given, strict=True), *zip(names, cotangents, strict=True)]

        def gradients(new: list[Any]) -> list[Any]:
            variables = new[:count]
            nodes = [_node(variable) for variable in variables]
            with modes.enable_grad():
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
        subject = ValueSubject(
            name, leaves, range(len(leaves)), gradients, takes_arrays=self.takes_arrays
        )
        subject.output_names = [f"{self.names[at]}.grad" for at in chosen]
        subject.is_gradient = True
        found = self.gradient(np.concatenate([g.reshape(-1) for g in cotangents]))
        subject.plain = np.concatenate([found[at].reshape(-1) for at in chosen])
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


def _own(leaf: Any) -> Any:
    """A copy of what a function could change in place; a Value that is no constant is itself."""
    if isinstance(leaf, Value) and not leaf.requires_grad:
        return Value(leaf.data, dtype=leaf.dtype, requires_grad=False)
    return leaf.copy() if isinstance(leaf, np.ndarray) else leaf


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
