"""What a function uses beside its arguments: parameters, gradients, optimizers' state, arrays."""

from __future__ import annotations

import dataclasses
import dis
import functools
import operator
import types
from collections import ChainMap, UserDict, UserList, deque
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..nn.module import Module
from ..optim import Optimizer
from ..traced import is_traced
from ..value import Value
from .containers import Attributes, Snapshot, set_attribute
from .effects import Outside, closed_over, does
from .places import is_library, is_own, root_of

_NUMBERS = (int, float, complex, np.generic)
_ATOMS = (*_NUMBERS, str, bytes, type(None))
# What has nothing in it that a program could use.
_CLOSED = (
    *(*_ATOMS, types.ModuleType, type, np.ndarray, np.dtype, np.ufunc, np.random.Generator),
    *(types.BuiltinFunctionType, types.CodeType, np.random.RandomState, Outside),
)


# What code uses attributes by, without their names in it.
_BY_TEXT = {
    *("getattr", "hasattr", "setattr", "delattr", "vars", "__dict__", "__getattribute__"),
    *("attrgetter", "methodcaller", "deepcopy", "asdict", "locals"),
}
_GETTERS = (operator.attrgetter, operator.methodcaller)
_IMPORT = dis.opmap["IMPORT_NAME"]
_OF_OPTIMIZERS = {"param_groups", "state", "defaults"}  # which are looked at as what they are
_CONSTRUCTORS = {"__init__", "__new__", "__post_init__"}
# Special methods that are called by their names, or where text is made.
_NOT_CALLED = {
    *_CONSTRUCTORS,
    *("__repr__", "__str__", "__del__", "__getstate__", "__setstate__", "__reduce__"),
}
# Classes of Python's whose objects are looked into.
_OPEN = {types.SimpleNamespace, UserDict, UserList, ChainMap}


class Slot:
    """A place that holds an array, a number or an object, which the function may read and replace.

    It is an attribute (`.data`) or an item (`["lr"]`) of `holder`. Where the holder is an argument,
    `expression` says how it is reached in each call.
    """

    __slots__ = ("attribute", "expression", "holder", "key", "name")

    def __init__(
        self, name: str, holder: Any, key: Any, attribute: bool = False, expression: str = ""
    ) -> None:
        self.name = name
        self.holder = holder
        self.key = key
        self.attribute = attribute
        self.expression = expression

    @property
    def place(self) -> tuple[int, Any]:
        """What tells it from other slots."""
        return id(self.holder), self.key

    def read(self) -> Any:
        """What is there."""
        return getattr(self.holder, self.key) if self.attribute else self.holder[self.key]

    def write(self, x: Any) -> None:
        """Replace it; what is in a tuple is replaced with the tuple."""
        if isinstance(self.holder, tuple):
            return
        if self.attribute:
            set_attribute(self.holder, self.key, x)
        else:
            self.holder[self.key] = x


class Scope:
    """All that a function can reach by the names in it.

    `slots` hold arrays, and numbers of an optimizer; `bindings` are other names with what they
    mean, for which alone the program holds; `containers` are lists, dicts and attributes, and
    `remember` keeps them as they are.
    """

    def __init__(self) -> None:
        self.slots: list[Slot] = []
        self.bindings: list[tuple[Slot, Any]] = []
        self.generators: list[Slot] = []
        self.fixed_arrays: set[int] = set()  # ids of those in places that cannot be written
        self.fixed_generators: list[Any] = []  # in places that cannot be written
        self.values: list[tuple[Value, Slot]] = []
        self.tuples: list[tuple[Slot, tuple[Any, ...]]] = []  # whose arrays are in slots
        self.containers: list[tuple[str | None, Any]] = []  # by name; None if it may change
        self.lengths: list[Any] = []  # containers whose length is expected
        self.contents: list[Any] = []  # sets, and dicts for their keys, that must stay
        self.functions: list[types.FunctionType] = []
        self.outside: list[tuple[Slot, Any, str]] = []  # what does something besides computing
        self._before: list[Snapshot] = []
        self._waiting: list[tuple[str, Callable[[], None]]] = []  # parts, to be looked at if used
        self._used: set[str] = set()  # names in code
        self._attribute_dicts: list[dict[str, Any]] = []  # of objects that users' classes make
        self._seen: dict[int, Any] = {}  # by id; what is kept here keeps its id

    def look(self, x: Any, name: str, expression: str = "") -> None:
        """Find the slots in `x` and in what it refers to."""
        if isinstance(x, (np.random.Generator, np.random.RandomState)):
            self.fixed_generators.append(x)
        if isinstance(x, np.ndarray) and not is_traced(x):
            self.fixed_arrays.add(id(x))
        if isinstance(x, type) and not is_library(x.__module__):
            if name != "__class__":  # by which super() works
                self._used.add(x.__name__)
            self._class(x, name)
        if is_traced(x) or isinstance(x, _CLOSED) or id(x) in self._seen:
            return
        self._seen[id(x)] = x
        if isinstance(x, Value):
            self._value(x, name, expression)
        elif isinstance(x, Module):
            for path, parameter in x.named_parameters():
                self.look(parameter, f"{name}.{path}")
            self._attributes(x, name)
        elif isinstance(x, Optimizer):
            self._optimizer(x, name)
            self._attributes(x, name)
        elif isinstance(x, (list, deque)):
            self.lengths.append(x)
            self.containers.append((name, x))
            for at, part in enumerate(x):
                self._named(f"{name}[{at}]", part, Slot(f"{name}[{at}]", x, at))
        elif isinstance(x, (tuple, set, frozenset, bytearray)):
            if not isinstance(x, (tuple, frozenset)):
                self.containers.append((name, x))
            if isinstance(x, set):
                self.contents.append(x)
            for at, part in enumerate(x):
                if isinstance(x, tuple) and type(part) is np.ndarray:
                    self.slots.append(Slot(f"{name}[{at}]", x, at))
                else:
                    if isinstance(x, tuple):
                        self._watch(part, Slot(f"{name}[{at}]", x, at))
                    self.look(part, f"{name}[{at}]")
        elif isinstance(x, dict):
            self.contents.append(x)
            self.containers.append((name, x))
            for key, part in x.items():
                self._named(f"{name}[{key!r}]", part, Slot(f"{name}[{key!r}]", x, key))
        elif isinstance(x, functools.partial):
            self.look((x.func, x.args, x.keywords), name)
        elif isinstance(x, _GETTERS):
            self._used.add("getattr")
        elif isinstance(x, types.MethodType):
            self.look(x.__func__, name)
            self.look(x.__self__, name.rpartition(".")[0] or "self")
        elif isinstance(x, types.FunctionType):
            self._function(x)
        else:
            self._attributes(x, name)

    def look_at_parts(self) -> None:
        """Look at the methods and attributes that may be used: whose names are in code."""
        while True:
            waiting, self._waiting = self._waiting, []
            before = len(self._used)
            for key, look in waiting:
                if self._is_used(key):
                    look()
                else:
                    self._waiting.append((key, look))
            if len(self._waiting) == len(waiting) and len(self._used) == before:
                break
        expected = self.lengths if self._used.isdisjoint(_BY_TEXT) else self.contents
        expected += self._attribute_dicts

    def _is_used(self, key: str) -> bool:
        special = key == "forward" or (key.startswith("__") and key not in _NOT_CALLED)
        return special or key in self._used or not self._used.isdisjoint(_BY_TEXT)

    def remember(self) -> None:
        """Remember lists, dicts and objects as they are."""
        self._before = [Snapshot(name, x, x.copy()) for name, x in self.containers]

    def changed(self) -> str | None:
        """The name of a list, dict or object that is not as it was, but for its arrays."""
        return next((name for each in self._before if (name := each.change())), None)

    def restore(self) -> None:
        """Let lists, dicts and objects be as they were."""
        for each in self._before:
            each.restore()

    def _function(self, f: types.FunctionType) -> None:
        own = is_own(f.__code__, f.__globals__.get("__name__"))
        if hasattr(f, "primitive"):  # whose function may be the user's, as the rules may
            for part in (f.primitive.forward, *f.primitive.rules.values()):
                self.look(part, f.__name__)
        if not own:
            self.functions.append(f)
            defaults = Slot(f"{f.__name__}.__defaults__", f, "__defaults__", True)
            self._named(defaults.name, f.__defaults__, defaults)
            self.look(f.__kwdefaults__, f.__name__)
            self.containers.append((f.__name__, vars(f)))
            for key, part in vars(f).items():
                name = f"{f.__name__}.{key}"
                self._named(name, part, Slot(name, vars(f), key))
        for name, cell, x in closed_over(f):
            if own and not isinstance(x, np.ndarray):
                self.look(x, name)  # what it means never changes
            else:
                self._named(name, x, Slot(name, cell, "cell_contents", True))
        if own:
            return
        names = dict.fromkeys(_names_in(f.__code__))
        self._used.update(names)
        for name in names:
            if name not in f.__globals__:
                continue
            x = f.__globals__[name]
            self._named(name, x, Slot(name, f.__globals__, name))
            if isinstance(x, types.ModuleType) and not is_library(x.__name__):
                for part in names:
                    if part in vars(x):
                        self._named(f"{name}.{part}", vars(x)[part], Slot(part, vars(x), part))

    def _attributes(self, x: Any, name: str) -> None:
        """What an object holds, and the methods that its class has."""
        kind = type(x)
        own = root_of(kind.__module__) == root_of(__name__)
        if own and not isinstance(x, Module):  # such as a compiled function
            for part in getattr(x, "__dict__", {}).values():
                if isinstance(part, (types.FunctionType, types.MethodType, Value, Module)):
                    self.look(part, name)
            return
        of_library = is_library(kind.__module__)
        if of_library and not own and kind not in _OPEN:
            return
        if not of_library:
            self.bindings.append((Slot(f"{name}.__class__", x, "__class__", True), kind))
        wait = not of_library and not dataclasses.is_dataclass(x)
        for base in kind.__mro__:
            if not is_library(base.__module__):
                self._class(base, base.__name__)
            elif root_of(base.__module__) == root_of(__name__) and base is not Module:
                self._used_by(base)
            keys = getattr(base, "__slots__", ()) if not own else ()
            held = {key: getattr(x, key) for key in keys if hasattr(x, key)}
            if held:
                self.containers.append((name, Attributes(x, keys)))
            for key, part in held.items():
                self._part(f"{name}.{key}", part, Slot(f"{name}.{key}", x, key, True), wait)
        attributes = getattr(x, "__dict__", None)
        if attributes is not None:
            self.containers.append((name, attributes))
            if not own:
                self._attribute_dicts.append(attributes)
            for key, part in attributes.items():
                if not (isinstance(x, Optimizer) and key in _OF_OPTIMIZERS):
                    slot = Slot(f"{name}.{key}", attributes, key)
                    self._part(slot.name, part, slot, wait)
        if isinstance(x, Module) and "training" not in vars(x):
            self.bindings.append((Slot("training", x, "training", True), x.training))

    def _class(self, kind: type, name: str) -> None:
        """The methods of a class, and what it holds itself."""
        if id(kind) in self._seen:
            return
        self._seen[id(kind)] = kind
        held = {}
        parts = vars(kind)
        self.lengths.append(parts)
        for key, part in parts.items():
            functions = _functions(part)
            if functions:
                slot = Slot(f"{name}.{key}", parts, key)
                look = functools.partial(self._method, part, functions, slot)
                self._waiting.append((key, look))
                if key in _CONSTRUCTORS:
                    self._waiting.append((kind.__name__, look))
            elif hasattr(type(part), "__get__"):
                self.look(part, f"{name}.{key}")
            elif not key.startswith("__"):
                held[key] = part
                self._named(f"{name}.{key}", part, Slot(f"{name}.{key}", kind, key, True))
        if held:
            self.containers.append((name, Attributes(kind, held)))

    def _method(self, part: Any, functions: list[types.FunctionType], slot: Slot) -> None:
        self.bindings.append((slot, part))
        for function in functions:
            self.look(function, slot.name)

    def _used_by(self, kind: type) -> None:
        """Take the names in a class of the package as used, of which users' classes may be made."""
        for part in vars(kind).values():
            if isinstance(part, types.FunctionType):
                self._used.update({*_names_in(part.__code__)} - _BY_TEXT)

    def _part(self, name: str, x: Any, slot: Slot, wait: bool) -> None:
        """What an object holds; where it may `wait`, only if it is used."""
        look = functools.partial(self._named, name, x, slot)
        if wait:
            self._waiting.append((slot.key, look))
        else:
            look()

    def _named(self, name: str, x: Any, slot: Slot) -> None:
        if isinstance(x, (np.ndarray, np.generic)) or is_traced(x):
            self.slots.append(slot)
        elif isinstance(x, np.random.Generator):
            self.generators.append(slot)
            self.bindings.append((slot, x))
        elif not isinstance(x, types.ModuleType):
            if "." in name or "[" in name:  # and is no variable
                self._watch(x, slot)
            self.bindings.append((slot, x))
            if isinstance(x, tuple):
                self.tuples.append((slot, x))
            self.look(x, name)

    def _watch(self, x: Any, slot: Slot) -> None:
        what = does(x)
        if what is not None:
            self.outside.append((slot, x, what))

    def _value(self, x: Value, name: str, expression: str) -> None:
        slot = Slot(name, x, "_data", True, expression and f"{expression}._data")
        self.slots.append(slot)
        self.values.append((x, slot))
        if not expression:
            self.bindings.append((Slot(f"{name}._node", x, "_node", True), x._node))
        if x._node is not None and not x._node.edges:
            at = expression and f"{expression}._node.grad"
            self.slots.append(Slot(f"{name}.grad", x._node, "grad", True, at))

    def _optimizer(self, optimizer: Optimizer, name: str) -> None:
        self.bindings.append((Slot(f"{name}.state", vars(optimizer), "state"), optimizer.state))
        self.lengths += [optimizer.param_groups, optimizer.state]
        self.containers.append((None, optimizer.state))
        for number, group in enumerate(optimizer.param_groups):
            self.lengths.append(group["params"])
            for at, parameter in enumerate(group["params"]):
                self.look(parameter, f"{name}.params[{at}]")
            for setting, x in group.items():
                slot = Slot(f"{name}.{setting}[{number}]", group, setting)
                if isinstance(x, (float, np.floating)) or is_traced(x):
                    self.slots.append(slot)
                elif setting != "params":
                    self.bindings.append((slot, x))
        for number, (parameter, state) in enumerate(optimizer.state.items()):
            self.bindings.append((Slot(f"{name}.state", optimizer.state, parameter), state))
            for key in state:
                self.slots.append(Slot(f"{name}.{key}[{number}]", state, key))


def _functions(part: Any) -> list[types.FunctionType]:
    """The functions of which a method or a property of a class is made."""
    made_of = [getattr(part, "__func__", part)]
    if isinstance(part, property):
        made_of = [part.fget, part.fset, part.fdel]
    elif isinstance(part, functools.cached_property):
        made_of = [part.func]
    return [function for function in made_of if isinstance(function, types.FunctionType)]


def _names_in(code: types.CodeType) -> Iterator[str]:
    """The names that the code and the functions defined in it use; those of patterns are text."""
    yield from code.co_names
    if _IMPORT in code.co_code[::2]:
        yield "getattr"  # what is imported there may use anything
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _names_in(constant)
        elif isinstance(constant, tuple):
            yield from (part for part in constant if isinstance(part, str))
