"""What there is to draw: the recorded operations, what they take, and the modules they are in."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from ..engine import Node, Scope
from ..value import Value

NO_GRADIENT = "no gradient reaches it"

Role = Literal["input", "parameter", "constant", "operation", "output"]


@dataclass(eq=False, repr=False, slots=True)
class Box:
    """One call of a module; `path` is where it is found in the outermost one."""

    path: str
    kind: str
    module_class: type
    parameters: int
    outer: Box | None
    inner: list[Box] = field(default_factory=list)
    items: list[Item] = field(default_factory=list)
    depth: int = field(init=False)  # how many boxes it is in, itself included

    def __post_init__(self) -> None:
        self.depth = self.outer.depth + 1 if self.outer else 1

    @property
    def is_single(self) -> bool:
        """Whether there is nothing in it but one operation."""
        return len(self.items) == 1 and not self.inner and not self.parameters

    def upwards(self) -> Iterator[Box]:
        """The box, the one around it, and so on."""
        box: Box | None = self
        while box is not None:
            yield box
            box = box.outer

    def downwards(self) -> Iterator[Box]:
        """The box, those inside, and so on."""
        yield self
        for box in self.inner:
            yield from box.downwards()

    def everything(self) -> Iterator[Item]:
        """The items in here, and those in the boxes inside."""
        for box in self.downwards():
            yield from box.items


@dataclass(eq=False, repr=False, slots=True)
class Item:
    """An operation, or something that one takes.

    `parents` are what it was computed from, each with the name of the primitive's input; `value`
    and `gradient` are None where they are not known.
    """

    role: Role
    operation: str  # the primitive's name
    name: str  # of the variable or parameter
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    value: Any = None
    gradient: Any = None
    options: str = ""  # arguments that have no derivative, as `axis=0`
    place: str = ""  # the source line that made it
    box: Box | None = None
    parents: list[tuple[Item, str]] = field(default_factory=list)
    number: int = 0
    problems: list[str] = field(default_factory=list)  # what is wrong with it, in words


@dataclass(repr=False)
class Picture:
    """All items, each after its parents; the outermost boxes; and what to say about them."""

    items: list[Item]
    boxes: list[Box]
    notes: list[str]


class Known:
    """What is known of nodes and arrays from outside of a graph, by their ids."""

    def __init__(self) -> None:
        self.names: dict[int, str] = {}
        self.roles: dict[int, Role] = {}
        self.values: dict[int, Any] = {}  # of nodes

    def add(self, name: str, x: Any, role: Role | None = None) -> None:
        """Note the name of a Value or an array; a role makes it the one to go by."""
        array, node = (x.data, x._node) if isinstance(x, Value) else (x, None)
        name = printable(name)
        for key in [id(array)] if node is None else [id(array), id(node)]:
            if role or key not in self.names:
                self.names[key] = name
            if role:
                self.roles[key] = role
        if node is not None:
            self.values[id(node)] = array


class Capture:
    """Makes a picture of a graph.

    Leaves whose role is not known are drawn as `leaves`. `gradients` takes the place of those that
    the nodes hold.
    """

    def __init__(
        self,
        known: Known,
        leaves: Literal["input", "parameter"] = "input",
        gradients: Mapping[Node, Any] | None = None,
    ) -> None:
        self.known = known
        self.leaves: Role = leaves
        self.gradients = gradients
        self.picture = Picture([], [], [])
        self.nodes: dict[Node, Item] = {}
        self.arrays: dict[int, Item] = {}
        self.boxes: dict[Scope, Box] = {}
        self.paths: dict[int, str] = {}  # of modules, by id, from the outermost
        self.owned: dict[Node, Value] = {}  # the modules' parameters

    def run(self, outputs: Sequence[Value]) -> Picture:
        """The picture of the graph that ends in `outputs`."""
        nodes = [output._node for output in outputs if output._node is not None]
        unrecorded = False
        for node in ancestors(nodes):
            if hasattr(node, "trace"):
                self._recorded(node)
            elif node.primitive is not None:
                unrecorded = True
                self._unrecorded(node)
        for output in outputs:
            if output._node is not None:
                item = self._source(output._node, output.data)
                item.role = "output" if item.operation else item.role
                item.value = output.data
        self._place_leaves()
        self._add_unreached()
        for item in self.picture.items:
            if item.box is not None:
                item.box.items.append(item)
        if unrecorded:
            self.picture.notes.append(
                "computed outside of `with tg.record():`, which keeps values, gradients, modules "
                "and source lines"
            )
        return self.picture

    # ---- Items

    def _add(self, item: Item) -> Item:
        item.number = len(self.picture.items)
        self.picture.items.append(item)
        return item

    def _item(self, node: Node, role: Role, value: Any) -> Item:
        shape, dtype = node.describe()
        operation = node.primitive.name if node.primitive else ""
        item = Item(role, operation, self.known.names.get(id(node), ""), shape, dtype, value)
        gradient = node.grad if self.gradients is None else self.gradients.get(node)
        item.gradient = gradient if hasattr(gradient, "dtype") else None
        self.nodes[node] = item
        return item

    def _recorded(self, node: Node) -> None:
        assert node.primitive is not None
        trace = node.trace
        box = self._box(trace.scope)
        options, parents = [], []
        edges = {edge[3]: edge[0] for edge in node.edges}
        arguments = node.primitive.arguments(trace.inputs)
        for slot, (parameter, x) in enumerate(arguments):
            if slot in edges:
                parents.append((self._source(edges[slot], x), node.primitive.input_name(slot)))
            elif x is not None and (parameter.name in node.primitive.rules or _is_array(x)):
                parents.append((self._constant(x), node.primitive.input_name(slot)))
            elif not _is_default(parameter, x):
                options.append(f"{parameter.name}={short(x)}")
        item = self._item(node, "operation", trace.value)
        item.options, item.parents = ", ".join(options), parents
        item.place, item.box = printable(trace.place), box
        self._add(item)

    def _unrecorded(self, node: Node) -> None:
        assert node.primitive is not None
        parents = [
            (self._source(parent, None), node.primitive.input_name(slot))
            for parent, _, _, slot in node.edges
        ]
        item = self._item(node, "operation", None)
        item.parents = parents
        self._add(item)

    def _source(self, node: Node, x: Any) -> Item:
        """The item of a node: known already, or a leaf with the value `x`."""
        if node in self.nodes:
            return self.nodes[node]
        role = "parameter" if node in self.owned else self.known.roles.get(id(node), self.leaves)
        value = self.known.values.get(id(node)) if x is None else x
        return self._add(self._item(node, role, value))

    def _constant(self, x: Any) -> Item:
        if isinstance(x, np.ndarray) and id(x) in self.arrays:
            return self.arrays[id(x)]
        array = np.asarray(x)
        whole = array if array.base is None or array.base.size != array.size else array.base
        key = id(x) if id(x) in self.known.names else id(whole)
        name, role = self.known.names.get(key, ""), self.known.roles.get(key, "constant")
        item = self._add(Item(role, "", name, array.shape, array.dtype, x))
        if isinstance(x, np.ndarray):
            self.arrays[id(x)] = item
        return item

    def _place_leaves(self) -> None:
        """Put parameters, and constants without name, into the innermost box with all uses."""
        places: dict[Item, Box | None] = {}
        for item in self.picture.items:
            for parent, _ in item.parents:
                if parent.role == "parameter" or (parent.role == "constant" and not parent.name):
                    first = parent not in places
                    places[parent] = item.box if first else _common(places[parent], item.box)
        for item, box in places.items():
            item.box = box

    def _add_unreached(self) -> None:
        """Add the modules' parameters that the outputs do not depend on."""
        unreached = {node for node in self.owned if node not in self.nodes}
        homes: dict[Node, Box] = {}
        innermost = sorted(self.boxes.items(), key=lambda each: -each[1].depth)
        for scope, box in innermost if unreached else []:
            for parameter in scope.module.parameters():
                homes.setdefault(parameter._node, box)
        for node in self.owned:
            if node in unreached:
                item = self._source(node, self.owned[node].data)
                item.problems.append(NO_GRADIENT)
                item.box = homes.get(node)

    # ---- Boxes

    def _box(self, scope: Scope | None) -> Box | None:
        if scope is None:
            return None
        if scope not in self.boxes:
            outer = self._box(scope.outer)
            module = scope.module
            if outer is None:
                self._learn_names(module)
            box = Box(
                printable(self.paths.get(id(module), "")),
                printable(type(module).__name__),
                type(module),
                sum(parameter.size for parameter in module.parameters()),
                outer,
            )
            (self.picture.boxes if outer is None else outer.inner).append(box)
            self.boxes[scope] = box
        return self.boxes[scope]

    def _learn_names(self, module: Any) -> None:
        """Note the paths of all parts and parameters of an outermost module."""
        self.paths |= {id(part): path for path, part in module.named_modules()}
        for path, parameter in module.named_parameters():
            if parameter._node is not None:
                self.owned[parameter._node] = parameter
            self.known.add(path, parameter, "parameter")


def printable(text: str) -> str:
    """The text with escapes in the place of characters that cannot be shown."""
    return "".join([c if c.isprintable() else ascii(c)[1:-1] for c in text])


def ancestors(nodes: Sequence[Node]) -> list[Node]:
    """`nodes` and all they were computed from, in the order of the computation."""
    found = set(nodes)
    stack = list(found)
    while stack:
        for edge in stack.pop().edges:
            if edge[0] not in found:
                found.add(edge[0])
                stack.append(edge[0])
    return sorted(found, key=lambda node: node.number)


def _common(one: Box | None, other: Box | None) -> Box | None:
    """The innermost box around both."""
    around = set(one.upwards()) if one else set()
    return next((box for box in other.upwards() if box in around), None) if other else None


def _is_array(x: Any) -> bool:
    return isinstance(x, np.ndarray) and x.ndim > 0


def _is_default(parameter: inspect.Parameter, x: Any) -> bool:
    default = parameter.default
    return x is default or (type(x) is type(default) and not hasattr(x, "shape") and x == default)


def short(x: Any) -> str:
    """An argument as text that fits into a node."""
    if isinstance(x, np.ndarray) and x.size > 4:
        return f"{x.dtype}{x.shape}"
    if isinstance(x, slice):
        parts = (x.start, x.stop) if x.step is None else (x.start, x.stop, x.step)
        return ":".join("" if part is None else str(part) for part in parts)
    if x is Ellipsis:
        return "..."
    if isinstance(x, tuple):
        return f"({', '.join(short(part) for part in x)}{',' if len(x) == 1 else ''})"
    text = printable(str(x) if isinstance(x, (np.ndarray, np.generic, np.dtype)) else repr(x))
    return text if len(text) <= 24 else f"{text[:21]}..."
