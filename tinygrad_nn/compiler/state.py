"""What a function uses beside its arguments: parameters, gradients, optimizers' state, arrays."""

from __future__ import annotations

import functools
import types
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from ..nn.module import Module
from ..optim import Optimizer
from ..traced import is_traced
from ..value import Value


class Slot:
    """A place that holds an array or a number, which the function may read and replace.

    It is an attribute (`.data`) or an item (`["lr"]`) of `holder`.
    """

    __slots__ = ("attribute", "holder", "key", "name")

    def __init__(self, name: str, holder: Any, key: Any, attribute: bool = False) -> None:
        self.name = name
        self.holder = holder
        self.key = key
        self.attribute = attribute

    @property
    def place(self) -> tuple[int, Any]:
        """What tells it from other slots."""
        return id(self.holder), self.key

    def read(self) -> Any:
        """What is there."""
        return getattr(self.holder, self.key) if self.attribute else self.holder[self.key]

    def write(self, x: Any) -> None:
        """Replace it."""
        if self.attribute:
            setattr(self.holder, self.key, x)
        else:
            self.holder[self.key] = x


class Scope:
    """All slots and modules that a function can reach by the names in it."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.slots: list[Slot] = []
        self.modules: list[Module] = []
        self.bindings: list[tuple[Slot, Any]] = []  # names, and the objects that they must mean
        self.generators: list[Slot] = []
        self.new_states: set[tuple[int, Any]] = set()  # which an optimizer may have made
        self.functions: list[types.FunctionType] = []
        self.seen: set[int] = set()
        self.kept: list[Any] = []  # so that no id is used twice
        self.look(function, getattr(function, "__name__", "function"))

    def look(self, x: Any, name: str) -> None:
        """Find the slots in `x` and what it refers to."""
        if id(x) in self.seen or isinstance(x, (str, bytes, int, float, complex, np.generic, type)):
            return
        self.seen.add(id(x))
        self.kept.append(x)
        if isinstance(x, Value):
            self._value(x, name)
        elif isinstance(x, Module):
            self.modules += x.modules()
            for module in x.modules():
                for key, part in vars(module).items():
                    if isinstance(part, (Value, Module)):
                        self.bindings.append((Slot(key, vars(module), key), part))
            for path, parameter in x.named_parameters():
                self.look(parameter, f"{name}.{path}")
        elif isinstance(x, Optimizer):
            self._optimizer(x, name)
        elif isinstance(x, list):
            for at, part in enumerate(x):
                self._named(f"{name}[{at}]", part, Slot(f"{name}[{at}]", x, at))
        elif isinstance(x, (tuple, set, frozenset)):
            for at, part in enumerate(x):
                self.look(part, f"{name}[{at}]")
        elif isinstance(x, dict):
            for key, part in x.items():
                self._named(f"{name}[{key!r}]", part, Slot(f"{name}[{key!r}]", x, key))
        elif isinstance(x, functools.partial):
            self.look((x.func, x.args, x.keywords), name)
        elif isinstance(x, types.MethodType):
            self.look((x.__self__, x.__func__), name)
        elif isinstance(x, types.FunctionType):
            self._function(x)

    def _function(self, f: types.FunctionType) -> None:
        if _is_own(f) and not f.__closure__:
            return
        if not _is_own(f):
            self.functions.append(f)
        self.look((f.__defaults__, f.__kwdefaults__), f.__name__)
        for name, cell in zip(f.__code__.co_freevars, f.__closure__ or (), strict=True):
            try:
                self._named(name, cell.cell_contents, Slot(name, cell, "cell_contents", True))
            except ValueError:  # empty yet
                continue
        for name in dict.fromkeys(_names_in(f.__code__)):
            if name in f.__globals__ and not _is_own(f):
                self._named(name, f.__globals__[name], Slot(name, f.__globals__, name))

    def _named(self, name: str, x: Any, slot: Slot) -> None:
        if isinstance(x, np.ndarray) or is_traced(x):
            self.slots.append(slot)
        elif isinstance(x, np.random.Generator):
            self.generators.append(slot)
        elif not isinstance(x, types.ModuleType):
            if (
                hasattr(type(x), "__dict__")
                or isinstance(x, (Value, list, dict))
                or isinstance(x, (int, float, str))
            ):
                self.bindings.append((slot, x))
            self.look(x, name)

    def _value(self, x: Value, name: str) -> None:
        self.slots.append(Slot(name, x, "_data", True))
        if x._node is not None and not x._node.edges:
            self.slots.append(Slot(f"{name}.grad", x._node, "grad", True))

    def _optimizer(self, optimizer: Optimizer, name: str) -> None:
        for number, group in enumerate(optimizer.param_groups):
            for parameter in group["params"]:
                self.look(parameter, f"{name}.parameter")
            for setting, x in group.items():
                if isinstance(x, (float, np.floating)) or is_traced(x):
                    self.slots.append(Slot(f"{name}.{setting}[{number}]", group, setting))
        for number, state in enumerate(optimizer.state.values()):
            for key in state:
                self.slots.append(Slot(f"{name}.{key}[{number}]", state, key))
                self.new_states.add(self.slots[-1].place)


def _is_own(f: types.FunctionType) -> bool:
    return (f.__module__ or "").partition(".")[0] == __name__.partition(".")[0]


def _names_in(code: types.CodeType) -> Iterator[str]:
    """The names that the code and the functions defined in it use."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _names_in(constant)
