"""The recorded graph under suspicion: which rule is wrong, and what should not have changed."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from .. import engine
from ..engine import Node
from ..errors import ShapeError
from ._slopes import Array
from ._subject import ValueSubject
from .report import Finding


def local_subject(node: Node, slots: Sequence[int]) -> ValueSubject:
    """The operation of `node` alone, as a function of its inputs in `slots`."""
    operation = node.primitive
    assert operation is not None
    given = operation.arguments(node.trace.inputs)
    leaves = [(operation.input_name(at), x) for at, (_, x) in enumerate(given)]
    parameters = [parameter for parameter, _ in given]

    def call(new: list[Any]) -> Any:
        return parts_of(_call(operation.function, zip(parameters, new, strict=True)))

    return ValueSubject(operation.name, leaves, slots, call)


def parts_of(x: Any) -> Any:
    """x, or the real and the imaginary part of complex numbers: numerical derivatives are real."""
    return np.stack([np.real(x), np.imag(x)]) if x.dtype.kind == "c" else x


def _call(function: Callable[..., Any], given: Iterable[tuple[inspect.Parameter, Any]]) -> Any:
    pairs = list(given)
    positional = [x for parameter, x in pairs if parameter.kind is not parameter.KEYWORD_ONLY]
    keywords = {
        parameter.name: x for parameter, x in pairs if parameter.kind is parameter.KEYWORD_ONLY
    }
    return function(*positional, **keywords)


def inspect_graph(subject: ValueSubject, cotangent: Array) -> list[Finding]:
    """Look for arrays that changed after their use, and for rules that misbehave."""
    return [*_changed_values(subject), *_misbehaving_rules(subject, cotangent)]


def _changed_values(subject: ValueSubject) -> Iterator[Finding]:
    """Operations whose recorded inputs no longer give their recorded result."""
    for node in reversed(subject.graph):
        if node.is_call:
            continue
        assert node.primitive is not None
        with np.errstate(all="ignore"):
            given = node.primitive.arguments(node.trace.inputs)
            again = np.asarray(_call(node.primitive.forward, given))
        if not np.array_equal(again, np.asarray(node.trace.value), equal_nan=True):
            yield Finding(
                "saved value changed",
                f"{node.primitive.name} at {node.trace.place} does not give the same result when "
                "it is computed again: an array it took or made was changed in place, or it is "
                "random",
            )
            return


def _misbehaving_rules(subject: ValueSubject, cotangent: Array) -> Iterator[Finding]:
    """Go back through the graph once, as the engine does, and look at what each rule does."""
    arrived: dict[Node, Any] = {}
    for node, seed in zip(*subject.seeds(cotangent), strict=True):
        arrived[node] = arrived[node] + seed if node in arrived else seed
    for node in subject.graph:
        if node not in arrived:
            continue
        g = arrived[node]
        for parent, rule, needs, slot in node.edges:
            given = (g, *needs)
            before = [np.array(x) if isinstance(x, np.ndarray) else None for x in given]
            try:
                found = rule(*given)
                gradient = engine._conform(found, parent, node, slot)
            except Exception as error:
                kind = "shape" if isinstance(error, ShapeError) else "error"
                hint = ": does it forget to multiply by g?" if _ignores_g(rule, given) else ""
                text = f"raised {type(error).__name__}: {error}{hint}"
                yield Finding(kind, _rule(node, slot, text))
                return
            arrived[parent] = arrived[parent] + gradient if parent in arrived else gradient
            if node.is_call:
                continue
            for at, (x, copy) in enumerate(zip(given, before, strict=True)):
                if copy is not None and not np.array_equal(x, copy, equal_nan=True):
                    what = "g, the gradient it is given" if at == 0 else "a value it is given"
                    text = _rule(node, slot, f"changes {what}, in place")
                    yield Finding("saved value changed", text)
                    return
            dtype, wanted = _dtype(found), parent.describe()[1]
            if dtype.kind not in "fc" or dtype.itemsize < min(wanted.itemsize, g.dtype.itemsize):
                text = _rule(node, slot, f"returned {dtype} for a {wanted} input")
                yield Finding("dtype", text)


def _ignores_g(rule: Callable[..., Any], given: tuple[Any, ...]) -> bool:
    """Whether a rule gives the same for another g."""
    g, *needs = given
    try:
        return bool(np.array_equal(rule(g, *needs), rule(-2 * g, *needs), equal_nan=True))
    except Exception:
        return False


def _dtype(x: Any) -> np.dtype[Any]:
    if isinstance(x, (float, int)):
        return np.dtype(type(x))
    return x.dtype if hasattr(x, "dtype") else np.asarray(x).dtype


def _rule(node: Node, slot: int, what: str) -> str:
    """A sentence about a derivative rule."""
    assert node.primitive is not None
    name = node.primitive.input_name(slot)
    return f"the rule of {node.primitive.name} for {name} {what} (called at {node.trace.place})"
