"""What a check is of: a function and its derivative, as maps between flat vectors.

The inputs that are varied are a list of float64 arrays, the outputs one vector, whatever
containers, dtypes and shapes the function itself has.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

import numpy as np

from .. import engine
from ..engine import Node
from ..nest import flatten
from ..value import Value, make_value
from ._slopes import Array

Leaves = Sequence[tuple[str, Any]]


class Subject:
    """A function of named leaves, of which those at `varied` are its inputs.

    `call` takes the leaves, with new ones in the varied places, and returns outputs. It is given
    float64 instead of float32, if it allows and `wide` is not False.
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
        self.leaves = [leaf for _, leaf in leaves]
        self.varied = varied
        self.call = call
        self.names = [leaves[at][0] for at in varied]
        natural = [np.asarray(_data(self.leaves[at])) for at in varied]
        self.dtypes = [array.dtype for array in natural]
        self.inputs = [array.astype(np.float64) for array in natural]
        self.evaluations = 0
        self.cast = [np.dtype(np.float64)] * len(natural) if wide else self.dtypes
        try:
            outputs = self._outputs(self.inputs)
        except Exception:
            if self.dtypes == self.cast:
                raise
            self.cast = self.dtypes
            outputs = self._outputs(self.inputs)
        self.output_names = [name for name, _ in outputs]
        self.output_shapes = [np.shape(_data(output)) for _, output in outputs]
        self.eps = max(
            [float(np.finfo(np.asarray(_data(output)).dtype).eps) for _, output in outputs]
            + [float(np.finfo(dtype).eps) for dtype in self.cast]
            + [float(np.finfo(np.float64).eps)]
        )
        self.origin = self.values(self.inputs)

    def as_given(self, arrays: Sequence[Array]) -> list[Any]:
        """`arrays` as the function takes them; arrays of their own."""
        return [np.array(array, dtype)[()] for array, dtype in zip(arrays, self.cast, strict=True)]

    def _run(self, inputs: Sequence[Any]) -> list[tuple[str, Any]]:
        """The floating-point outputs, by name, with `inputs` in the varied places."""
        leaves = list(self.leaves)
        for at, new in zip(self.varied, inputs, strict=True):
            leaves[at] = new
        self.evaluations += 1
        found = [
            (name, output if isinstance(output, Value) else np.asarray(output))
            for name, output in flatten(self.call(leaves))[0]
            if np.asarray(_data(output)).dtype.kind == "f"
        ]
        if not found:
            raise TypeError(f"{self.name} returned no floating-point number, array or Value")
        return found

    def _outputs(self, arrays: Sequence[Array]) -> list[tuple[str, Any]]:
        raise NotImplementedError

    def values(self, arrays: Sequence[Array]) -> Array:
        """All outputs at `arrays`, as one float64 vector."""
        outputs = [_data(output) for _, output in self._outputs(arrays)]
        return np.concatenate([np.asarray(output, np.float64).reshape(-1) for output in outputs])

    def changed_inputs(self) -> list[str]:
        """The names of the inputs that a call changes in place."""
        raise NotImplementedError

    def vjp(self, cotangent: Array) -> list[Array | None]:
        """The claimed gradient of cotangent . f by each input; None where there is no path."""
        raise NotImplementedError

    def gradient(self, cotangent: Array) -> list[Array]:
        """As `vjp`, with zeros for None."""
        pairs = zip(self.inputs, self.vjp(cotangent), strict=True)
        return [np.zeros(x.shape) if g is None else g for x, g in pairs]

    def is_reached(self, at: int) -> bool:
        """Whether some derivative by input `at` has been found at all."""
        return True

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
    """A function of Values, whose derivatives are those of the graph it records."""

    def __init__(
        self,
        name: str,
        leaves: Leaves,
        varied: Sequence[int],
        call: Callable[[list[Any]], Any],
        wide: bool = True,
    ) -> None:
        super().__init__(name, leaves, varied, call, wide)
        self.variables, self.outputs = self.record()
        # A part computed in float32 makes all of it round as float32 does.
        dtypes = {node.describe()[1] for node in ancestors(self.outputs)}
        self.eps = max([self.eps, *(float(np.finfo(dtype).eps) for dtype in dtypes)])
        self.reached: set[Node] = set()  # the inputs that some backward pass came to

    def record(
        self, context: AbstractContextManager[Any] | None = None
    ) -> tuple[list[Value], list[Value]]:
        """Fresh Values of the inputs, and the outputs computed from them."""
        variables = [Value(array) for array in self.as_given(self.inputs)]
        with context or engine.enable_grad():
            outputs = [output for _, output in self._run(variables)]
        return variables, [
            out if isinstance(out, Value) else make_value(out, None) for out in outputs
        ]

    def _outputs(self, arrays: Sequence[Array]) -> list[tuple[str, Any]]:
        return self._run([Value(array) for array in self.as_given(arrays)])

    def changed_inputs(self) -> list[str]:
        variables = [Value(array) for array in self.as_given(self.inputs)]
        before = [
            (variable.data, np.array(variable.data), variable._node) for variable in variables
        ]
        self._run(variables)
        return [
            name
            for name, variable, (data, copy, node) in zip(
                self.names, variables, before, strict=True
            )
            if variable._node is not node or not np.array_equal(data, copy, equal_nan=True)
        ]

    def vjp(self, cotangent: Array) -> list[Array | None]:
        roots, seeds = self.seeds(cotangent, self.outputs)
        nodes = [_node(variable) for variable in self.variables]
        found = engine.backpropagate(roots, seeds, onto=nodes)
        self.reached |= found.keys()
        return [
            None if node not in found else np.asarray(found[node], np.float64) for node in nodes
        ]

    def in_own_dtypes(self) -> ValueSubject | None:
        """The same with the inputs as they were given, if it was checked in wider ones."""
        if self.cast == self.dtypes:
            return None
        leaves = [("", leaf) for leaf in self.leaves]
        return ValueSubject(self.name, leaves, self.varied, self.call, wide=False)

    def is_reached(self, at: int) -> bool:
        return self.variables[at]._node in self.reached

    @staticmethod
    def seeds(cotangent: Array, outputs: Sequence[Value]) -> tuple[list[Node], list[Any]]:
        """The nodes of the outputs that depend on something, and the gradients to send there."""
        ends = list(itertools.accumulate(out.size for out in outputs))
        pairs = [
            (out._node, np.array(part, out.dtype).reshape(out.shape)[()])
            for out, part in zip(outputs, np.split(cotangent, ends[:-1]), strict=True)
            if out._node is not None
        ]
        return [node for node, _ in pairs], [seed for _, seed in pairs]

    def derivative(self, rng: np.random.Generator) -> ValueSubject:
        """The function from inputs and output gradients to the gradients of the inputs."""
        count = len(self.varied)
        cotangents = [
            np.array(np.copysign(rng.uniform(0.5, 1.5, shape), rng.uniform(-1, 1, shape)))[()]
            for shape in self.output_shapes
        ]
        names = ["g" if len(cotangents) == 1 else f"g{name}" for name in self.output_names]
        leaves = [*zip(self.names, self.inputs, strict=True), *zip(names, cotangents, strict=True)]

        def gradients(new: list[Any]) -> dict[str, Any]:
            variables = new[:count]
            nodes = [_node(variable) for variable in variables]
            with engine.enable_grad():
                outputs = [output for _, output in self._run(variables)]
                pairs = [
                    (out._node, g)
                    for out, g in zip(outputs, new[count:], strict=True)
                    if isinstance(out, Value) and out._node is not None
                ]
                found = engine.backpropagate(
                    [node for node, _ in pairs],
                    [g for _, g in pairs],
                    onto=nodes,
                    wrap=make_value,
                )
            return {
                name: found[node] if node in found else np.zeros(variable.shape)
                for name, node, variable in zip(self.names, nodes, variables, strict=True)
            }

        return ValueSubject(f"the gradient of {self.name}", leaves, range(len(leaves)), gradients)


class ArraySubject(Subject):
    """A NumPy function, with a function that computes its derivatives by hand."""

    def __init__(
        self,
        name: str,
        leaves: Leaves,
        varied: Sequence[int],
        call: Callable[[list[Any]], Any],
        derivatives: Callable[[list[Any]], Any],
    ) -> None:
        super().__init__(name, leaves, varied, call)
        self.derivatives = derivatives
        self.claims: list[Array] = []

    def _outputs(self, arrays: Sequence[Array]) -> list[tuple[str, Any]]:
        return self._run(self.as_given(arrays))

    def changed_inputs(self) -> list[str]:
        arrays = self.as_given(self.inputs)
        self._run(arrays)
        return [
            name
            for name, array, x in zip(self.names, arrays, self.as_given(self.inputs), strict=True)
            if not np.array_equal(array, x, equal_nan=True)
        ]

    def claim(self) -> tuple[str, str] | None:
        """Compute the derivatives claimed; the kind and text of a problem with their form."""
        leaves = list(self.leaves)
        for at, new in zip(self.varied, self.as_given(self.inputs), strict=True):
            leaves[at] = new
        claims = [np.asarray(claim) for _, claim in flatten(self.derivatives(leaves))[0]]
        if len(claims) == len(leaves) != len(self.varied):
            claims = [claims[at] for at in self.varied]
        if len(claims) != len(self.varied):
            return "shape", f"grad returned {len(claims)} arrays for {len(self.varied)} inputs"
        for name, x, dtype, claim in zip(self.names, self.inputs, self.cast, claims, strict=True):
            if claim.shape not in (self._shape + x.shape, self._elementwise(x)):
                hint = _shape_hint(claim.shape, x.shape)
                text = f"the gradient by {name} has shape {claim.shape}, not {x.shape}{hint}"
                return "shape", text
            if claim.dtype.kind not in "iuf" or claim.dtype.itemsize < dtype.itemsize:
                return "dtype", f"the gradient by {name} is {claim.dtype}, not {dtype}"
        self.claims = [claim.astype(np.float64) for claim in claims]
        return None

    def vjp(self, cotangent: Array) -> list[Array | None]:
        g = cotangent.reshape(self._shape)
        return [
            g * claim
            if claim.shape == self._elementwise(x) != self._shape + x.shape
            else np.tensordot(g, claim, g.ndim)
            for x, claim in zip(self.inputs, self.claims, strict=True)
        ]

    @property
    def _shape(self) -> tuple[int, ...]:
        """The shape of the output; several are laid end to end."""
        return self.output_shapes[0] if len(self.output_shapes) == 1 else (len(self.origin),)

    def _elementwise(self, x: Array) -> tuple[int, ...] | None:
        """The shape of the derivative of an elementwise function, if this may be one."""
        return x.shape if x.shape == self._shape else None


def _shape_hint(found: tuple[int, ...], shape: tuple[int, ...]) -> str:
    """What may have happened to a gradient of shape `found` instead of `shape`."""
    if found == shape[::-1]:
        return ": transposed?"
    extra = len(found) - len(shape)
    if extra > 0 and found[extra:] == shape:
        axes = list(range(extra))
    elif extra == 0:
        axes = [at for at, n in enumerate(shape) if n == 1 != found[at]]
    else:
        axes = []
    return f": summed over axis {', '.join(map(str, axes))} missing?" if axes else ""


def ancestors(outputs: Sequence[Value]) -> list[Node]:
    """The nodes of operations that led to `outputs`, newest first."""
    found: dict[Node, None] = {}
    stack = [output._node for output in outputs if output._node is not None]
    while stack:
        node = stack.pop()
        if node not in found and node.edges:
            found[node] = None
            stack.extend(edge[0] for edge in node.edges)
    return sorted(found, key=lambda node: -node.number)


def index_text(at: int, shape: tuple[int, ...]) -> str:
    """The index of element `at` of an array of `shape`: `[2, 0]`, nothing for a scalar."""
    if not shape:
        return ""
    return f"[{', '.join(str(i) for i in np.unravel_index(at, shape))}]"


def _data(x: Any) -> Any:
    return x.data if isinstance(x, Value) else x


def _node(variable: Value) -> Node:
    node = variable._node
    assert node is not None
    return node
