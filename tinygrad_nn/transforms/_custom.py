"""Functions with a backward pass of their own: custom rules, recomputation, no gradient."""

from __future__ import annotations

import contextlib
import copy
import functools
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from .. import engine, modes
from ..dispatch import gathered
from ..engine import Cotangents, Node
from ..errors import ShapeError
from ..nest import flatten
from ..primitive import Primitive
from ..random import generator_state, random_numbers_from
from ..traced import as_array, kind_of
from ..value import Value, make_value


def stop_gradient(tree: Any) -> Any:
    """The same, without the graph that led to it: a constant to all derivatives.

    Takes a Value, or a nest of them, in which anything else stays as it is.

    >>> import tinygrad_nn as tg
    >>> float(tg.grad(lambda x: x * tg.stop_gradient(x))(3.0))
    3.0
    """
    leaves, build = flatten(tree)
    gathered_leaves = [gathered(leaf) for _, leaf in leaves]
    return build([leaf.detach() if isinstance(leaf, Value) else leaf for leaf in gathered_leaves])


def checkpoint(f: Callable[..., Any]) -> Callable[..., Any]:
    """`f`, which keeps nothing for the backward pass but its inputs, and is called again there.

    Saves memory for time. `f` must give the same when it is called again, and change nothing; the
    package's random numbers are the same then. Derivatives of any order are those of `f`.

    >>> import numpy as np
    >>> import tinygrad_nn as tg
    >>> step = tg.checkpoint(lambda x: np.sin(np.sin(x)))
    >>> bool(tg.grad(step)(1.0) == tg.grad(lambda x: np.sin(np.sin(x)))(1.0))
    True
    """

    @functools.wraps(f)
    def checkpointed(*args: Any, **keywords: Any) -> Any:
        if not modes.is_grad_enabled() or modes.mode.tape is not None:  # a program keeps all
            return f(*args, **keywords)
        state = generator_state()
        parts, rebuild = flatten((args, keywords))
        inputs = [_as_it_is(leaf) for _, leaf in parts]
        like_arrays = modes.like_arrays if modes.mode.like_arrays else contextlib.nullcontext
        start = next(engine.node_numbers)
        leaves, build = flatten(f(*args, **keywords))
        outputs = [leaf for _, leaf in leaves]
        shapes = [np.shape(x) for x in outputs]
        sources = sources_of([x._node for x in outputs if isinstance(x, Value) and x._node], start)

        def pull(cotangents: Mapping[int, Any], graph: bool) -> Sequence[Any]:
            args, keywords = rebuild([_as_it_is(leaf) for leaf in inputs])
            with like_arrays(), modes.enable_grad(), random_numbers_from(state):
                again = [leaf for _, leaf in flatten(f(*args, **keywords))[0]]
                if [np.shape(x) for x in again] != shapes:
                    raise RuntimeError(
                        "checkpoint: the function gave something else when it was called again for "
                        "the backward pass; it must depend on nothing but its arguments"
                    )
                found = engine.backpropagate(
                    [again[at]._node for at in cotangents],
                    list(cotangents.values()),
                    onto=sources,
                    through=False,
                    wrap=make_value if graph else None,
                )
            return [found.get(node) for node in sources]

        return build(attached(getattr(f, "__name__", "checkpoint"), outputs, sources, pull))

    return checkpointed


def sources_of(roots: Sequence[Node], start: int) -> list[Node]:
    """The nodes older than `start` that lead straight to newer ones before `roots`."""
    found: dict[Node, None] = {}
    seen = set(roots)
    stack = list(roots)
    while stack:
        node = stack.pop()
        if node.number < start:
            found[node] = None
            continue
        for edge in node.edges:
            if edge[0] not in seen:
                seen.add(edge[0])
                stack.append(edge[0])
    return list(found)


class custom_vjp:  # noqa: N801 (used as a decorator)
    """A function whose derivative is given, as a forward and a backward function.

    `defvjp(forward, backward)` gives them: forward(*args) returns the value and what the backward
    pass needs of it; backward(that, g) takes the gradient of the value and returns a tuple with
    the gradient by each argument, or None for 0. Both are written in NumPy's functions, so that
    they are differentiated themselves where higher derivatives are asked for. Values and gradients
    may be nested. Keyword arguments go to the function and to `forward`, and have no gradient.

    >>> import numpy as np
    >>> import tinygrad_nn as tg
    >>> @tg.custom_vjp
    ... def clipped(x):  # the identity, with a gradient of at most 1
    ...     return x
    >>> clipped.defvjp(lambda x: (x, None), lambda _, g: (np.clip(g, -1, 1),))
    >>> tg.grad(lambda x: (5 * clipped(x)).sum())(np.ones(2))
    array([1., 1.])
    """

    def __init__(self, f: Callable[..., Any]) -> None:
        functools.update_wrapper(self, f)
        self._f = f
        self._forward: Callable[..., Any] | None = None
        self._backward: Callable[..., Any] | None = None

    def defvjp(self, forward: Callable[..., Any], backward: Callable[..., Any]) -> None:
        """Set the forward and the backward function."""
        self._forward, self._backward = forward, backward

    def __call__(self, *args: Any, **keywords: Any) -> Any:
        if self._forward is None or self._backward is None:
            raise TypeError(f"{self._name}: give its derivative with defvjp(forward, backward)")
        parts = [flatten(x) for x in args]
        given = [_as_it_is(leaf) for leaves, _ in parts for _, leaf in leaves]
        sources = [x._node for x in given if isinstance(x, Value) and x._node is not None]
        if not sources or not modes.is_grad_enabled():
            return self._without_others(self._f(*args, **keywords))
        backward = self._backward
        options, with_options = flatten(keywords)
        options = [(path, _as_it_is(leaf)) for path, leaf in options]

        def run(wrapped: bool) -> tuple[Any, Any]:
            # Where it is to be differentiated again, on Values, else on arrays.
            new = iter([_as_it_is(x) if wrapped else _read_only(x) for x in given])
            again = [build([next(new) for _ in leaves]) for leaves, build in parts]
            keywords = with_options([leaf for _, leaf in options])
            result = self._forward(*again, **keywords)  # type: ignore[misc]
            if not isinstance(result, tuple) or len(result) != 2:
                raise TypeError(f"{self._name}: forward returns (value, what backward needs)")
            return result

        value, residuals = run(wrapped=False)
        parts_kept, rebuild = flatten(residuals)
        kept = rebuild([_as_it_is(leaf) for _, leaf in parts_kept])
        self._without_others(value)
        leaves, build = flatten(value)
        outputs = [leaf for _, leaf in leaves]

        def pull(cotangents: Mapping[int, Any], graph: bool) -> Sequence[Any]:
            with modes.enable_grad():
                residuals = run(wrapped=True)[1] if graph else kept
                zeros = [np.zeros(np.shape(x)) for x in outputs]
                g = build([cotangents.get(at, zero) for at, zero in enumerate(zeros)])
                gradients = backward(residuals, g)
            return self._leaves(gradients, args, given)

        return build(attached(self._name, [as_array(x)[()] for x in outputs], sources, pull))

    @property
    def _name(self) -> str:
        return getattr(self._f, "__name__", "custom_vjp")

    def _without_others(self, value: Any) -> Any:
        """The value, if it depends on no Value that `backward` could not give a gradient."""
        if any(isinstance(x, Value) and x.requires_grad for _, x in flatten(value)[0]):
            raise TypeError(
                f"{self._name} computes with a Value that requires a gradient and is not one of "
                "its arguments, to which backward gives gradients: make it one"
            )
        return value

    def _leaves(self, gradients: Any, args: Sequence[Any], given: Sequence[Any]) -> list[Any]:
        """The gradients of the leaves that require one, from what backward returned."""
        if not isinstance(gradients, (tuple, list)) or len(gradients) != len(args):
            raise TypeError(f"{self._name}: backward returns a tuple of {len(args)} gradients")
        found: list[Any] = []
        for x, gradient in zip(args, gradients, strict=True):
            count = len(flatten(x)[0])
            leaves = [None] * count if gradient is None else [g for _, g in flatten(gradient)[0]]
            if len(leaves) != count:
                raise TypeError(f"{self._name}: backward returned {len(leaves)} parts for {count}")
            found += leaves
        pairs = zip(given, found, strict=True)
        return [g for x, g in pairs if isinstance(x, Value) and x._node is not None]


def _as_it_is(x: Any) -> Any:
    """What an argument is now, though it may be changed in place later."""
    if isinstance(x, Value):
        return copy.copy(x)
    return modes.kept(x) if modes.mode.like_arrays else x


def _read_only(x: Any) -> Any:
    """The data of an argument, which the function must not change."""
    if isinstance(x, Value) and type(x.data) is np.ndarray:
        array = x.data.view()
        array.flags.writeable = False
        return array
    return _data(x)


# ---- Outputs that share one backward function


Pull = Callable[[Mapping[int, Any], bool], Sequence[Any]]


def attached(name: str, outputs: Sequence[Any], sources: Sequence[Node], pull: Pull) -> list[Any]:
    """The outputs as Values computed from `sources`, whose gradients `pull` gives.

    All of them lead to one node, which waits for the gradients of all, and pulls once.
    """
    differentiable = [
        as_array(_data(x)).dtype.kind in "fc" and (not isinstance(x, Value) or x._node is not None)
        for x in outputs
    ]
    if not sources or not any(differentiable):
        return list(outputs)
    hub = _node(_operation(name), Cotangents)

    def rule_of(slot: int) -> Callable[..., Any]:
        def rule(g: Cotangents, index: int) -> Any:
            if g.pulled is None:
                graph = any(isinstance(part, Value) for part in g.parts.values())
                g.pulled = pull(g.parts, graph)
            gradient = g.pulled[slot]
            shape, dtype = sources[slot].describe()
            if gradient is None:
                return np.zeros(shape, dtype)
            if np.shape(gradient) != shape:
                raise ShapeError(f"{name}: gradient {np.shape(gradient)} for an input {shape}")
            return gradient

        return rule

    hub.edges = tuple(
        [(source, rule_of(slot), (slot,), slot) for slot, source in enumerate(sources)]
    )
    attached = []
    for at, (output, wanted) in enumerate(zip(outputs, differentiable, strict=True)):
        if not wanted:
            attached.append(output)
            continue
        data = _data(output)
        node = _node(_output, kind_of(data))
        if kind_of(data) is np.ndarray:
            node.shape, node.dtype = data.shape, data.dtype
        node.edges = ((hub, lambda g, at=at: Cotangents({at: g}), (), 0),)
        if modes.mode.level >= modes.EVERYTHING:
            engine.trace(node, data, (None,))
        attached.append(make_value(data, node))
    if modes.mode.level >= modes.EVERYTHING:
        engine.trace(hub, None, (tuple([None] * len(sources)),))
        hub.keeps_grad = False
    return attached


def _data(x: Any) -> Any:
    return x.data if isinstance(x, Value) else x


def _node(operation: Primitive, kind: type) -> Node:
    node = Node()
    node.number = next(engine.node_numbers)
    node.primitive = operation
    node.grad = None
    node.keeps_grad = False
    node.kind = kind
    return node


@functools.lru_cache
def _operation(name: str) -> Primitive:
    """An operation for the names of nodes, which is never called."""

    def call(*inputs: Any) -> Any:
        return inputs

    call.__name__ = name if name.isidentifier() else "function"
    return Primitive(call, {"inputs": lambda g, index: g}, complex=True)


def _select(result: Any) -> Any:
    return result


_output = Primitive(_select, {"result": lambda g: g}, complex=True)
