"""draw: from a Value, a model or a function to its drawing."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterable, Sequence
from types import FrameType
from typing import Any, Literal

import numpy as np

from .. import engine, modes
from ..compiler import Compiled
from ..dispatch import gathered
from ..nest import flatten
from ..nn.module import Module
from ..random import generator_state, random_numbers_from
from ..value import Value
from .fold import Choice, fold
from .graph import Graph
from .picture import Capture, Known, Picture, ancestors
from .programs import picture_of_programs
from .style import Style
from .trouble import find_trouble


def draw(
    target: Any,
    *inputs: Any,
    direction: Literal["LR", "TB"] = "LR",
    depth: int | None = None,
    collapse: Choice = (),
    expand: Choice = (),
    color: Literal["role", "grad"] = "role",
    edge_shapes: bool = False,
    max_nodes: int = 200,
) -> Graph:
    """The graph of a computation as a drawing, which Jupyter shows and `save` writes.

    `target` is a Value, or several in a list, with the graph that led to it; or a model or
    function, which is called with `inputs` under `record()` and differentiated (the sum of its
    outputs, where they are several numbers), without changing a `grad` or the random numbers that
    follow; or the report of a gradcheck, with wrong rules marked; or a compiled function without
    inputs: then it is the program that was used last, before and after its optimisation.

    A node shows its operation, the name of the variable or parameter, shape and dtype, and the
    value and gradient: numbers, also of a vector of up to four, or mean ± standard deviation,
    smallest, largest, and the gradient's norm. A Value that was computed outside of `record()`
    knows only its own. NaN and inf are marked, with the line that made the first, and so are
    parameters that no gradient reaches.

    Modules are boxes. Those deeper than `depth` are closed, and those that `collapse` chooses, by
    path ("layers.0"), by class ("Linear", or nn.Linear with its subclasses), or by a function of
    path and class name; `expand` keeps some open.
    At least three equal ones in a row are drawn as one, with the numbers of the first, unless
    something is wrong in some of them, or `color` tells them apart. If there are still more than
    `max_nodes` nodes, further boxes are closed, and operations of one kind and source line drawn
    as one; the drawing says so.

    `direction` is "LR" or "TB" (left to right, top to bottom), `color="grad"` shades nodes by the
    norm of the gradient, `edge_shapes` writes shapes on edges. Raises TypeError for something else
    than can be drawn, ValueError for a Value that was computed from nothing.

    >>> import tinygrad_nn as tg
    >>> x, w = tg.Value(2.0), tg.Value(-0.5)
    >>> with tg.record():
    ...     y = tg.tanh(x * w)
    >>> y.backward()
    >>> print(tg.draw(y))
    n0 = x  data 2  grad −0.21
    n1 = w  data −0.5  grad 0.8399
    n2 = multiply(n0, n1)  data −1  grad 0.42
    n3 = tanh(n2)  y  data −0.7616  grad 1
    """
    _check(direction, color, depth, max_nodes)
    target = getattr(target, "report", target)  # of an error
    known = _variables(sys._getframe(1))
    if isinstance(target, (Value, tuple, list)) and not inputs:
        picture = Capture(known).run(_values(target))
    elif isinstance(target, Compiled) and not inputs:
        picture = picture_of_programs(target)
        expand = expand or tuple(box.path for box in picture.boxes)
    elif callable(target):
        picture = _of_call(target, inputs, known)
    elif hasattr(target, "culprits") and not inputs:
        for name, variable in target.variables.items():
            known.add(name, variable)
        picture = Capture(known).run(_values(target.graph))
        _mark_wrong_rules(picture, target.culprits)
    else:
        raise TypeError(
            f"draw takes a Value, several in a list, a model or a function with its inputs, "
            f"not {type(target).__name__}"
        )
    find_trouble(picture.items)
    view = fold(picture, depth, collapse, expand, max_nodes, rows=color != "grad")
    return Graph(picture, view, Style(direction, color, edge_shapes))


def _mark_wrong_rules(picture: Picture, culprits: Iterable[Any]) -> None:
    """Say on the operations that a gradcheck blames what is wrong."""
    for culprit in culprits:
        blamed = culprit.primitive, f"{culprit.filename}:{culprit.line}"
        for item in picture.items:
            if (item.operation, item.place) == blamed:
                item.problems.append(f"the rule for {culprit.input} {culprit.problem}")


def _check(direction: str, color: str, depth: int | None, max_nodes: int) -> None:
    if direction not in ("LR", "TB"):
        raise ValueError(f"direction must be 'LR' or 'TB', not {direction!r}")
    if color not in ("role", "grad"):
        raise ValueError(f"color must be 'role' or 'grad', not {color!r}")
    if depth is not None and (type(depth) is not int or depth < 0):
        raise ValueError(f"depth must be 0, 1, ..., or None, not {depth!r}")
    if type(max_nodes) is not int or max_nodes < 1:
        raise ValueError(f"max_nodes must be at least 1, not {max_nodes!r}")


def _values(target: Any) -> list[Value]:
    values = [target] if isinstance(target, Value) else list(target)
    for value in values:
        if not isinstance(value, Value):
            raise TypeError(f"draw: {type(value).__name__} in a list that should hold Values")
    if not any(value.requires_grad for value in values):
        raise ValueError(
            "draw: no graph led to this: it was made under no_grad() or by detach(), "
            "or from nothing that requires a gradient"
        )
    return values


def _variables(frame: FrameType) -> Known:
    """What the variables of a caller are called, and the parameters of its modules."""
    known = Known()
    for namespace in (frame.f_locals, frame.f_globals):
        for name, x in list(namespace.items()):
            if name.startswith("_"):
                continue
            if isinstance(x, (Value, np.ndarray)):
                known.add(name, x)
            elif isinstance(x, Module):
                for path, parameter in x.named_parameters():
                    known.add(f"{name}.{path}", parameter, "parameter")
    return known


def _of_call(f: Callable[..., Any], inputs: Sequence[Any], known: Known) -> Picture:
    """The picture of f(*inputs), with the gradients of its outputs' sum."""
    arguments = []
    for x, name in zip(inputs, _names_of_inputs(f, inputs), strict=True):
        leaves, build = flatten(x, name)
        taken = [(path, _as_input(leaf)) for path, leaf in leaves]
        for path, leaf in taken:
            if isinstance(leaf, (Value, np.ndarray)):
                known.add(path, leaf, "input")
        arguments.append(build([leaf for _, leaf in taken]))
    with modes.record(), modes.like_arrays(copies=False), random_numbers_from(generator_state()):
        result = f(*arguments)
        results = [gathered(leaf) for _, leaf in flatten(result)[0]]
    outputs = [x for x in results if isinstance(x, Value) and x._node is not None]
    if not outputs:
        name = getattr(f, "__name__", type(f).__name__)
        raise ValueError(
            f"draw: {name} returned nothing that was computed from Values; inputs become Values "
            "where they are of floating point (1.0, not 1)"
        )
    nodes = [output._node for output in outputs if output._node is not None]
    seeds = [np.ones_like(output.data)[()] for output in outputs]
    gradients = engine.backpropagate(nodes, seeds, onto=ancestors(nodes))
    picture = Capture(known, "parameter", gradients).run(outputs)
    if sum(output.size for output in outputs) > 1:
        picture.notes.append("gradients are those of the sum of the outputs")
    return picture


def _as_input(leaf: Any) -> Any:
    """Floating-point numbers and arrays as Values, so that their gradients are seen."""
    if isinstance(leaf, (Value, str, bytes)):
        return leaf
    array = np.asarray(leaf)
    return Value(array) if array.dtype.kind == "f" else leaf


def _names_of_inputs(f: Callable[..., Any], inputs: Sequence[Any]) -> list[str]:
    """What `f` calls its inputs; a TypeError if it does not take so many."""
    name = getattr(f, "__name__", type(f).__name__)
    if isinstance(f, type):
        raise TypeError(f"draw takes a model, not its class: tg.draw({name}(...), x)")
    try:
        signature = inspect.signature(f.forward if isinstance(f, Module) else f)
    except (TypeError, ValueError):
        return [f"input {at}" for at in range(len(inputs))]
    try:
        signature.bind(*inputs)
    except TypeError as error:
        raise TypeError(f"draw calls {name}{signature} with the inputs given: {error}") from None
    parameters = signature.parameters.values()
    names = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    return [*names, *(f"input {at}" for at in range(len(names), len(inputs)))][: len(inputs)]
