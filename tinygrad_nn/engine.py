"""The graph of a computation and the backward pass through it.

A `Node` stands for one recorded operation, or for a leaf. It points to the nodes it was
computed from and never to what was computed from it, so a graph lives exactly as long as
the last Value that ends it. Nodes are numbered as they are made, and a node is always newer
than its parents: to go through a graph from the newest node to the oldest is to go through
it in reverse topological order.
"""

from __future__ import annotations

import copy
import functools
import itertools
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .errors import ShapeError
from .modes import like_arrays, mode
from .ownership import IN_TABLE, is_sole, is_view_of_sole
from .traced import as_array, is_traced, kind_of, one_call

if TYPE_CHECKING:
    from .primitive import Primitive


class Scope:
    """A call of a module, which a recorded operation was made in."""

    __slots__ = ("module", "outer")

    def __init__(self, module: Any, outer: Scope | None) -> None:
        self.module = module
        self.outer = outer


node_numbers = itertools.count(1)


def short_path(filename: str) -> str:
    """`filename` from the current directory, if it is below it."""
    return _path_from(os.getcwd(), filename)


@functools.lru_cache
def _path_from(folder: str, filename: str) -> str:
    relative = os.path.relpath(filename, folder) if os.path.isabs(filename) else filename
    return filename if relative.startswith(os.pardir) else relative


class Trace(NamedTuple):
    """What `record()` keeps of an operation besides its derivative."""

    value: Any
    inputs: tuple[Any, ...]
    filename: str
    line: int
    scope: Scope | None

    @property
    def place(self) -> str:
        """The line that called the operation, as `model.py:7`."""
        return f"{short_path(self.filename)}:{self.line}"


class Node:
    """A recorded operation, or a leaf (which has no primitive and no edges).

    The primitives fill in the slots themselves: a constructor would cost as much as
    everything else they do for a scalar.
    """

    __slots__ = (
        "__weakref__",
        "dtype",  # of the value; set where `kind` is ndarray
        "edges",
        "grad",
        "keeps_grad",  # whether a backward pass leaves the gradient in `grad`
        "kind",  # the value's type: ndarray, or a NumPy scalar type
        "number",
        "primitive",
        "shape",  # as dtype
        "trace",  # set under record()
    )

    number: int
    primitive: Primitive | None
    # What leads back to each input that requires a gradient: its node, its derivative rule, what
    # the rule takes after the gradient, and which input of the primitive it is, from 0.
    edges: tuple[tuple[Node, Callable[..., Any], tuple[Any, ...], int], ...]
    kind: type
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    grad: Any
    keeps_grad: bool
    trace: Trace

    def describe(self) -> tuple[tuple[int, ...], np.dtype[Any]]:
        """The shape and dtype of the node's value, which its gradient must have."""
        if self.kind is np.ndarray:
            return self.shape, self.dtype
        return (), np.dtype(self.kind if issubclass(self.kind, np.generic) else float)

    @property
    def is_call(self) -> bool:
        """Whether it stands for a call with a backward function of its own, or a result of one."""
        return self.kind is Cotangents or any(edge[0].kind is Cotangents for edge in self.edges)


def leaf_node(data: Any) -> Node:
    """A node for `data` (an array or NumPy scalar) that no operation made."""
    node = Node()
    node.number = next(node_numbers)
    node.primitive = None
    node.edges = ()
    node.grad = None
    node.keeps_grad = True
    node.kind = kind_of(data)
    if node.kind is np.ndarray:
        node.shape = data.shape
        node.dtype = data.dtype
    return node


@contextmanager
def call_of(module: Any) -> Iterator[None]:
    """A context in which recorded operations are those of one call of `module`."""
    outer = mode.scope
    mode.scope = Scope(module, outer)
    try:
        yield
    finally:
        mode.scope = outer


_PACKAGE = __name__.partition(".")[0]


def trace(node: Node, value: Any, inputs: tuple[Any, ...]) -> None:
    """Keep with `node` what was computed, from what, and at which line outside the package."""
    frame = sys._getframe(1)
    while frame.f_back and frame.f_globals.get("__name__", "").partition(".")[0] == _PACKAGE:
        frame = frame.f_back
    node.trace = Trace(value, inputs, frame.f_code.co_filename, frame.f_lineno, mode.scope)
    node.keeps_grad = True


class Cotangents:
    """The gradients that have arrived at some of the results of one call.

    It is the gradient of a node that stands for a call with several results, or with a backward
    function of its own: `pulled` are the gradients of its inputs, when they have been computed.
    """

    __slots__ = ("parts", "pulled")

    def __init__(self, parts: dict[int, Any]) -> None:
        self.parts = parts
        self.pulled: Sequence[Any] | None = None

    def __add__(self, other: Cotangents) -> Cotangents:
        parts = dict(self.parts)
        for at, g in other.parts.items():
            parts[at] = parts[at] + g if at in parts else g
        return Cotangents(parts)


class Part:
    """A gradient of `shape` that is 0 but at `index`, where a rule would return a large array.

    Where other gradients have arrived already, it is added to them there, at the cost of its own
    size; so a loop over the elements of an array takes time in proportion to their number.
    """

    __slots__ = ("dtype", "g", "index", "shape", "unique")

    def __init__(self, g: Any, index: Any, shape: tuple[int, ...], unique: bool) -> None:
        self.g = g
        self.index = index
        self.shape = shape
        self.dtype = g.dtype
        self.unique = unique  # whether the index names no element twice

    def whole(self) -> Any:
        """It as an array."""
        return _scattered(self.g, self.index, self.shape, self.unique)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        return self.whole().astype(dtype or self.dtype, copy=False)

    def add_to(self, gradient: Any) -> None:
        """Add it to an array, in place."""
        if self.unique:
            gradient[self.index] += self.g
        else:
            np.add.at(gradient, self.index, self.g)


@one_call
def _scattered(g: Any, index: Any, shape: tuple[int, ...], unique: bool) -> Any:
    array = np.zeros(shape, g.dtype)
    Part(g, index, shape, unique).add_to(array)
    return array


def backpropagate(
    roots: Sequence[Node],
    gradients: Sequence[Any],
    *,
    onto: Iterable[Node] | None = None,
    through: bool = True,
    wrap: Callable[[Any, Node], Any] | None = None,
) -> dict[Node, Any]:
    """Send `gradients` from `roots` back through the graph.

    Returns the gradient of each leaf reached or, with `onto`, of each of those nodes that was
    reached; paths that cannot lead to one of them are not followed, and none of them is gone
    through unless `through` says so. Without `onto`, nodes that
    keep their gradients receive them here. With `wrap`, which makes a Value of an array and its
    node, the rules run on Values and so record a graph themselves.
    """
    arrived: dict[Node, Any] = {}
    # Newest first: all that was computed from a node comes before it.
    queue: list[tuple[int, Node]] = []
    targets = None if onto is None else set(onto)
    oldest = 0 if targets is None else min((node.number for node in targets), default=0)
    for root, gradient in zip(roots, gradients, strict=True):
        if root in arrived:
            arrived[root] = arrived[root] + gradient
        else:
            arrived[root] = gradient
            if root.edges:
                heappush(queue, (-root.number, root))
    if wrap is None:
        return _backpropagate(arrived, queue, targets, through, oldest, None)
    with like_arrays(tracing=True):
        return _backpropagate(arrived, queue, targets, through, oldest, wrap)


def _backpropagate(
    arrived: dict[Node, Any],
    queue: list[tuple[int, Node]],
    targets: set[Node] | None,
    through: bool,
    oldest: int,
    wrap: Callable[[Any, Node], Any] | None,
) -> dict[Node, Any]:
    found: dict[Node, Any] = {}
    ndarray = np.ndarray
    while queue:
        node = heappop(queue)[1]
        g = arrived.pop(node)
        if node.keeps_grad if targets is None else node in targets:
            found[node] = g
            if not through:
                continue
        for parent, rule, needs, slot in node.edges:
            if parent.number < oldest:
                continue
            if wrap is not None:
                needs = _as_values(node, slot, needs, wrap)
            try:
                if not needs:
                    gradient = rule(g)
                elif len(needs) == 1:
                    gradient = rule(g, needs[0])
                else:
                    gradient = rule(g, *needs)
            except Exception as error:
                error.add_note(f"in {_rule_name(node, slot)}")
                raise
            kind = type(gradient)
            if kind is not parent.kind or (
                kind is ndarray
                and (gradient.shape != parent.shape or gradient.dtype is not parent.dtype)
            ):
                if kind is Part and (before := arrived.get(parent)) is not None:
                    arrived[parent] = _added(before, gradient)
                    continue
                gradient = _conform(gradient, parent, node, slot)
            before = arrived.get(parent)
            if before is not None:
                arrived[parent] = _sum(before, gradient) if kind is ndarray else before + gradient
            else:
                arrived[parent] = gradient
                if parent.edges:
                    heappush(queue, (-parent.number, parent))
    # What is left has no edges: the leaves.
    for node, g in arrived.items():
        if node.keeps_grad if targets is None else node in targets:
            found[node] = g
    return found


def _sum(before: Any, gradient: Any) -> Any:
    """`before + gradient`: in place, if only the table of gradients has `before`."""
    if (
        type(gradient) is np.ndarray
        and is_sole(before, IN_TABLE)
        and before.strides == gradient.strides  # or the sum would lie in memory in another order
    ):
        before += gradient
        return before
    return before + gradient


@one_call
def _plus(before: Any, g: Any, index: Any, unique: bool) -> Any:
    array = np.array(before)
    Part(g, index, array.shape, unique).add_to(array)
    return array


def _added(before: Any, part: Part) -> Any:
    """`before` with a part added: in place, if only the table of gradients has it."""
    if is_traced(part.g) and not is_traced(before):
        return _plus(before, part.g, part.index, part.unique)
    if not is_sole(before, IN_TABLE):
        before = before.copy("K") if is_traced(before) else np.array(before)
    part.add_to(before)
    return before if before.ndim else before[()]


def accumulate(found: dict[Node, Any], lent: Sequence[Any]) -> None:
    """Add each gradient to its node's `grad`, sharing no memory with what the caller has `lent`."""
    own = unshared(list(found.values()), lent)
    for node, gradient in zip(found, own, strict=True):
        node.grad = gradient if node.grad is None else node.grad + gradient


def unshared(gradients: list[Any], lent: Sequence[Any] = ()) -> list[Any]:
    """The gradients, copied where one of them may be a view, or stands for two, or is in `lent`.

    Rules may pass an array on or return a view of one, so two nodes can arrive at the same
    memory. A change made to one gradient must not be seen in another.
    """
    taken = {id(array) for array in lent}
    own = []
    for gradient in gradients:
        if type(gradient) is np.ndarray:
            is_shared = gradient.base is not None and not is_view_of_sole(gradient)
            if is_shared or id(gradient) in taken:
                gradient = np.array(gradient)
            taken.add(id(gradient))
        elif is_traced(gradient):
            gradient = gradient.copy("K") if gradient.ndim else gradient
        elif not isinstance(gradient, np.generic):  # a Value
            gradient = copy.copy(gradient)
            gradient._data = gradient._data.copy("K")
        own.append(gradient)
    return own


def _rule_name(node: Node, slot: int) -> str:
    assert node.primitive is not None
    return f"the derivative rule of {node.primitive.name} for {node.primitive.input_name(slot)}"


def _as_values(
    node: Node, slot: int, needs: tuple[Any, ...], wrap: Callable[[Any, Node], Any]
) -> tuple[Any, ...]:
    """The rule's arguments with inputs and output as Values in the graph they came from."""
    assert node.primitive is not None
    parents = {edge[3]: edge[0] for edge in node.edges}
    parents[node.primitive.OUT] = node
    sources = node.primitive.sources(slot, needs)
    return tuple(
        [
            _as_value(need, source, parents, wrap)
            for need, source in zip(needs, sources, strict=True)
        ]
    )


def _as_value(
    data: Any, source: Any, parents: dict[int, Node], wrap: Callable[[Any, Node], Any]
) -> Any:
    if isinstance(source, tuple):
        pairs = zip(data, source, strict=True)
        return [_as_value(part, at, parents, wrap) for part, at in pairs]
    return wrap(data, parents[source]) if source in parents else data


def _conform(gradient: Any, parent: Node, node: Node, slot: int) -> Any:
    """`gradient` summed down to the shape of `parent`'s value, in its dtype.

    Broadcasting repeats an input; the sum over the repeated axes is its derivative.
    """
    if type(gradient) is Cotangents:
        return gradient
    if type(gradient) is Part:
        gradient = gradient.whole()
    if (
        type(gradient) is np.ndarray is parent.kind
        and gradient.shape[1:] == parent.shape
        and gradient.dtype is parent.dtype
        and gradient.dtype.char != "e"
    ):
        return np.add.reduce(gradient)  # the common case, a sum over a batch
    shape, dtype = parent.describe()
    if isinstance(gradient, (np.ndarray, int, float)):
        gradient = as_array(gradient)  # a plain one, of whatever class
    if getattr(getattr(gradient, "dtype", None), "kind", "-") not in "biufc":
        what = getattr(gradient, "dtype", type(gradient).__name__)
        raise TypeError(f"{_rule_name(node, slot)} returned {what}, not numbers")
    if "c" in (dtype.kind, gradient.dtype.kind):
        assert node.primitive is not None
        if not node.primitive.complex:
            raise TypeError(
                f"{_rule_name(node, slot)} returned {gradient.dtype} for {dtype}, "
                "without being for complex numbers (complex=True)"
            )
        if dtype.kind != "c":  # of x in x + 0i
            gradient = gradient.real
    if gradient.dtype == np.float16:
        gradient = gradient.astype(np.float32)  # float16 has too few digits for long sums
    if gradient.shape != shape:
        extra = gradient.ndim - len(shape)
        kept = gradient.shape[max(extra, 0) :]
        if extra < 0 or any(n != m != 1 for n, m in zip(kept, shape, strict=True)):
            raise ShapeError(
                f"{_rule_name(node, slot)} returned shape {gradient.shape}, "
                f"which does not sum down to the input's {shape}"
            )
        repeated = [axis for axis, n in enumerate(kept, extra) if n != shape[axis - extra]]
        axes = (*range(extra), *repeated)
        if type(gradient) is np.ndarray:
            gradient = np.add.reduce(gradient, axis=axes)
        else:
            gradient = gradient.sum(axis=axes)
        if repeated:
            gradient = gradient.reshape(shape)
    if gradient.dtype != dtype:
        gradient = gradient.astype(dtype)
    return gradient[()] if not shape and type(gradient) is np.ndarray else gradient
