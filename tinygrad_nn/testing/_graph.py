"""The recorded graph under suspicion: which rule is wrong, and what should not have changed."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from .. import engine
from ..engine import Node, Trace
from ..primitive import Primitive
from ..value import Value
from ._slopes import Array
from ._subject import ValueSubject, ancestors
from .report import Finding


def called_at(node: Node) -> str:
    """The primitive of `node` with the line that called it: `tanh at model.py:12`."""
    assert node.primitive is not None
    trace = node.trace
    return f"{node.primitive.name} at {short_path(trace.filename)}:{trace.line}"


def short_path(filename: str) -> str:
    """`filename` from the current directory, if it is below it."""
    relative = os.path.relpath(filename) if os.path.isabs(filename) else filename
    return filename if relative.startswith(os.pardir) else relative


def local_subject(node: Node, slots: Sequence[int]) -> ValueSubject:
    """The operation of `node` alone, as a function of its inputs in `slots`."""
    operation = node.primitive
    assert operation is not None
    given = _arguments(operation, node.trace)
    leaves = [(operation.input_name(at), x) for at, (_, x) in enumerate(given)]
    parameters = [parameter for parameter, _ in given]

    def call(new: list[Any]) -> Any:
        return _call(operation.function, zip(parameters, new, strict=True))

    return ValueSubject(operation.name, leaves, slots, call)


def _arguments(operation: Primitive, trace: Trace) -> list[tuple[inspect.Parameter, Any]]:
    """What the operation was called with; a variadic parameter comes once for each argument."""
    given: list[tuple[inspect.Parameter, Any]] = []
    for parameter, argument in zip(operation.parameters, trace.inputs, strict=True):
        several = parameter.kind is parameter.VAR_POSITIONAL
        given += [(parameter, x) for x in (argument if several else [argument])]
    return given


def _call(function: Callable[..., Any], given: Iterable[tuple[inspect.Parameter, Any]]) -> Any:
    pairs = list(given)
    positional = [x for parameter, x in pairs if parameter.kind is not parameter.KEYWORD_ONLY]
    keywords = {
        parameter.name: x for parameter, x in pairs if parameter.kind is parameter.KEYWORD_ONLY
    }
    return function(*positional, **keywords)


def inspect_graph(subject: ValueSubject, cotangent: Array) -> list[Finding]:
    """Look for arrays that changed after their use, and for rules that misbehave."""
    _, outputs = subject.record(engine.record())
    nodes = ancestors(outputs)
    return [*_changed_values(nodes), *_misbehaving_rules(subject, nodes, outputs, cotangent)]


def _changed_values(nodes: Sequence[Node]) -> Iterator[Finding]:
    """Operations whose recorded inputs no longer give their recorded result."""
    for node in reversed(nodes):
        assert node.primitive is not None
        with np.errstate(all="ignore"):
            given = _arguments(node.primitive, node.trace)
            again = np.asarray(_call(node.primitive.forward, given))
        if not np.array_equal(again, np.asarray(node.trace.value), equal_nan=True):
            yield Finding(
                "saved value changed",
                f"{called_at(node)} does not give the same result when it is computed again: "
                "an array it took or made was changed in place, or it is random",
            )
            return


def _misbehaving_rules(
    subject: ValueSubject, nodes: Sequence[Node], outputs: Sequence[Value], cotangent: Array
) -> Iterator[Finding]:
    """Go back through the graph once, as the engine does, and look at what each rule does."""
    arrived: dict[Node, Any] = {}
    for node, seed in zip(*subject.seeds(cotangent, outputs), strict=True):
        arrived[node] = arrived[node] + seed if node in arrived else seed
    for node in nodes:
        if node not in arrived:
            continue
        g = arrived[node]
        for parent, rule, needs, slot in node.edges:
            given = (g, *needs)
            before = [np.array(x) if isinstance(x, np.ndarray) else None for x in given]
            gradient = rule(*given)
            name = f"the rule of {called_at(node)} for {_input(node, slot)}"
            for at, (x, copy) in enumerate(zip(given, before, strict=True)):
                if copy is not None and not np.array_equal(x, copy, equal_nan=True):
                    what = "g, the gradient it is given" if at == 0 else "a value it is given"
                    yield Finding("saved value changed", f"{name} changes {what}, in place")
                    return
            dtype = parent.describe()[1]
            found = getattr(gradient, "dtype", dtype)
            if found.kind == "f" and found.itemsize < min(dtype.itemsize, g.dtype.itemsize):
                yield Finding("dtype", f"{name} returns {found} for a {dtype} input")
            gradient = engine._conform(gradient, parent, node, slot)
            arrived[parent] = arrived[parent] + gradient if parent in arrived else gradient


def _input(node: Node, slot: int) -> str:
    assert node.primitive is not None
    return node.primitive.input_name(slot)
