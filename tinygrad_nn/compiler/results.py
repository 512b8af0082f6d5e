"""What a compiled function returns: its results, and the graph that leads to them."""

from __future__ import annotations

import copy
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..engine import Node, leaf_node
from ..transforms._custom import attached
from ..value import Value, make_value
from .passes import optimized, without_dead_code
from .program import Input, Program, Ref, dense_values, refs


class Results:
    """Puts results into the nest that the function returned, as Values where it returned them."""

    def __init__(self, leaves: list[Any], computed: list[int], build: Callable[..., Any]) -> None:
        self.build = build
        self.leaves = list(leaves)
        self.computed = [(at, _wrapper(leaves[at])) for at in computed]
        for at in computed:
            self.leaves[at] = None
        self.own = [at for at, x in enumerate(self.leaves) if isinstance(x, (list, set, bytearray))]

    def __call__(self, results: Sequence[Any]) -> Any:
        leaves = self.leaves.copy()
        for (at, wrap), x in zip(self.computed, results, strict=True):
            leaves[at] = x if wrap is None or type(x) is Value else wrap(x)
        for at in self.own:  # which the caller may change
            leaves[at] = copy.deepcopy(leaves[at])
        return self.build(leaves)


def _wrapper(x: Any) -> Callable[[Any], Value] | None:
    """What makes a result of an array: nothing, a Value without a graph, or a new leaf."""
    if not isinstance(x, Value):
        return None
    is_leaf = x._node is not None and not x._node.edges
    return (lambda x: make_value(x, leaf_node(x))) if is_leaf else lambda x: make_value(x, None)


class Differentiable:
    """Results that lead to a graph: one node, whose derivatives are a program too."""

    def __init__(
        self,
        name: str,
        results: Results,
        wanted: list[int],
        outputs: list[Any],
        run: Callable[[list[Any]], list[Any]],
    ) -> None:
        self.name = name
        self.results = results
        self.wanted = wanted
        self.kinds = [(outputs[at].shape, outputs[at].dtype) for at in wanted]
        self.run = run
        self.lock = threading.Lock()

    def __call__(self, results: list[Any], sources: list[Node], residuals: list[Any]) -> Any:
        def pull(cotangents: Any, graph: bool) -> Sequence[Any]:
            if graph:
                raise NotImplementedError(
                    f"compile: {self.name} is compiled and has first derivatives only: compile the "
                    "function that takes the second ones"
                )
            given = [
                cotangents[at] if at in cotangents else np.zeros(*kind)
                for at, kind in enumerate(self.kinds)
            ]
            with self.lock:
                return self.run(residuals + given)

        values = attached(self.name, [results[at] for at in self.wanted], sources, pull)
        full = list(results)
        for at, value in zip(self.wanted, values, strict=True):
            full[at] = value
        return self.results(full)


def split(program: Program, gradients: list[Any], count: int) -> tuple[Program, Program, list[Ref]]:
    """The program of the results, that of the gradients, and what goes from the one to the other.

    The last `count` inputs are the gradients by the results, with which the second one begins.
    """
    given = program.inputs[-count:]
    late = {x.ref for x in given}
    for call in program.calls:
        if not late.isdisjoint(call.inputs):
            late.add(call.result)
    made = {x.ref: x for x in program.inputs} | {call.result: call for call in program.calls}
    after = Program(
        program.inputs, [call for call in program.calls if call.result in late], gradients
    )
    after = without_dead_code(after)
    needed = dict.fromkeys(ref for call in after.calls for ref in call.inputs if ref not in late)
    residuals = [*needed, *(ref for ref in refs(gradients) if ref not in late | set(needed))]
    dense = dense_values(program)
    inputs = [
        Input(ref, "residual", x.shape, x.dtype, layout=x.layout, is_dense=ref in dense)
        for ref, x in ((ref, made[ref]) for ref in residuals)
    ]
    before = replace(
        program,
        inputs=program.inputs[:-count],
        calls=[call for call in program.calls if call.result not in late],
        outputs=program.outputs + [ref for ref in residuals if not _is_input(ref, program)],
    )
    return before, optimized(replace(after, inputs=inputs + given)), residuals


def _is_input(ref: Ref, program: Program) -> bool:
    return any(x.ref == ref for x in program.inputs)
