"""Module: a part of a network, which finds its parameters and parts among its attributes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Self

import numpy as np

from ..engine import call_of
from ..modes import EVERYTHING, mode
from ..value import Value


class Module:
    """Base class of everything that has parameters.

    Assign Values and other Modules to attributes, or lists, tuples and dicts of them, and define
    `forward`; calling the module calls it. No declaration is needed, nor `super().__init__()`.

    >>> from tinygrad_nn import Value, nn
    >>> class Scale(nn.Module):
    ...     def __init__(self):
    ...         self.factor = Value(2.0)
    ...     def forward(self, x):
    ...         return self.factor * x
    >>> scale = Scale()
    >>> float(scale(3.0))
    6.0
    >>> [name for name, parameter in scale.named_parameters()]
    ['factor']
    """

    training = True

    def __setattr__(self, name: str, attribute: Any) -> None:
        if name != "training" and hasattr(Module, name):
            raise AttributeError(f"{name!r} is a method of every Module; choose another name")
        if _is_member(attribute):
            attribute._is_parameter = True
        elif attribute is not None and _is_member(vars(self).get(name)):
            what = "a result" if isinstance(attribute, Value) else type(attribute).__name__
            raise TypeError(
                f"{name!r} is a parameter, which {what} cannot replace: assign {name}.data, change "
                "it in place under no_grad(), or make a new Value"
            )
        super().__setattr__(name, attribute)

    def forward(self, *args: Any, **keywords: Any) -> Any:
        """What the module computes; each kind of module defines its own."""
        raise NotImplementedError(f"{type(self).__name__} does not define forward()")

    def __call__(self, *args: Any, **keywords: Any) -> Any:
        if mode.level >= EVERYTHING:
            with call_of(self):
                return self.forward(*args, **keywords)
        return self.forward(*args, **keywords)

    # ---- Parts

    def _attributes(self) -> Mapping[str, Any]:
        """Where to look for parameters and parts, by name."""
        return vars(self)

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The modules directly below this one, with their names."""
        for name, member in _members(self._attributes().items()):
            if isinstance(member, Module):
                yield name, member

    def children(self) -> Iterator[Module]:
        """The modules directly below this one."""
        for _, child in self.named_children():
            yield child

    def named_modules(self) -> Iterator[tuple[str, Module]]:
        """This module and all below it, each once, with paths such as `layers.0` ("" for this)."""
        yield from self._named_modules("", set())

    def _named_modules(self, path: str, seen: set[int]) -> Iterator[tuple[str, Module]]:
        if id(self) in seen:
            return
        seen.add(id(self))
        yield path, self
        for name, child in self.named_children():
            yield from child._named_modules(f"{path}.{name}" if path else name, seen)

    def modules(self) -> Iterator[Module]:
        """This module and all below it, each once."""
        for _, module in self.named_modules():
            yield module

    def named_parameters(self) -> Iterator[tuple[str, Value]]:
        """The parameters of this module and all below it, each once, with paths."""
        seen = set()
        for path, module in self.named_modules():
            for name, member in _members(module._attributes().items()):
                if isinstance(member, Value) and id(member) not in seen:
                    seen.add(id(member))
                    member._is_parameter = True
                    yield f"{path}.{name}" if path else name, member

    def _named_values(self) -> Iterator[tuple[str, Value]]:
        """The parameters with paths; those that are shared, as often as they have a name."""
        return _named_values(self, "", ())

    def parameters(self) -> Iterator[Value]:
        """The parameters of this module and all below it, each once."""
        for _, parameter in self.named_parameters():
            yield parameter

    # ---- State

    def state_dict(self) -> dict[str, Any]:
        """A copy of every parameter's data, by path: plain arrays, ready for `np.savez`."""
        state: dict[str, Any] = {}
        for path, value in self._named_values():
            if path in state:
                raise ValueError(f"two parameters have the name {path!r}")
            state[path] = np.array(value.data, order="C")
        return state

    def load_state_dict(self, state: Mapping[str, Any], strict: bool = True) -> None:
        """Set the parameters from `state`, as `state_dict` or PyTorch's gave it.

        Raises StateError, a KeyError, that lists what is missing or unexpected (unless not
        `strict`) and what has another shape; nothing is changed then.
        """
        if not isinstance(state, Mapping):
            raise TypeError(
                f"load_state_dict takes a dict of arrays, or np.load of a .npz file, "
                f"not {type(state).__name__}"
            )
        values = dict(self._named_values())
        problems = []
        if strict:
            problems += [f"missing: {path}" for path in values if path not in state]
            problems += [f"unexpected: {path}" for path in state if path not in values]
        arrays = {path: np.asarray(state[path]) for path in values if path in state}
        problems += [
            f"type: {path} holds {array.dtype} in the state"
            for path, array in arrays.items()
            if array.dtype.kind not in "biuf"
        ]
        problems += [
            f"shape: {path} is {array.shape} in the state and {values[path].shape} here"
            for path, array in arrays.items()
            if array.shape != values[path].shape
        ]
        if problems:
            raise StateError(type(self).__name__, problems)
        for path, array in arrays.items():
            values[path].data = array

    # ---- Modes

    def train(self, mode: bool = True) -> Self:
        """Set training mode (dropout drops), here and below."""
        for module in self.modules():
            module.training = mode
        return self

    def eval(self) -> Self:
        """Set evaluation mode, here and below."""
        return self.train(False)

    def zero_grad(self) -> None:
        """Forget the gradients of all parameters."""
        for parameter in self.parameters():
            parameter.zero_grad()

    def apply(self, function: Callable[[Module], Any]) -> Self:
        """Call `function` on every module below, and last on this one."""
        _apply(self, function, set())
        return self

    # ---- Looks

    def extra_repr(self) -> str:
        """What stands between the parentheses of this module's line in `repr`."""
        return ""

    def __repr__(self) -> str:
        return "\n".join(_tree("", self))


class StateError(KeyError):
    """A state that does not fit a module; the message lists every name in which it does not."""

    def __init__(self, module: str, problems: list[str]) -> None:
        super().__init__(module, problems)
        self.problems = problems

    def __str__(self) -> str:
        module, problems = self.args
        return "\n  ".join([f"load_state_dict into {module}:", *problems])


def _is_member(attribute: Any) -> bool:
    """Whether `attribute` is a Value to train or save, and not the result of an operation."""
    return (
        isinstance(attribute, Value) and attribute.is_leaf and hasattr(attribute, "_is_parameter")
    )


def _members(attributes: Iterable[tuple[str, Any]]) -> Iterator[tuple[str, Value | Module]]:
    """The parameters and modules among `attributes`, and in lists, tuples and dicts there."""
    for name, attribute in attributes:
        if isinstance(attribute, Module) or _is_member(attribute):
            yield name, attribute
        elif isinstance(attribute, (list, tuple)):
            yield from _members((f"{name}.{at}", part) for at, part in enumerate(attribute))
        elif isinstance(attribute, dict):
            yield from _members((f"{name}.{key}", part) for key, part in attribute.items())


def _apply(module: Module, function: Callable[[Module], Any], seen: set[int]) -> None:
    seen.add(id(module))
    for child in module.children():
        if id(child) not in seen:
            _apply(child, function, seen)
    function(module)


def _named_values(
    module: Module, path: str, above: tuple[Module, ...]
) -> Iterator[tuple[str, Value]]:
    above = (*above, module)
    for name, member in _members(module._attributes().items()):
        at = f"{path}.{name}" if path else name
        if isinstance(member, Value):
            yield at, member
        elif member not in above:  # a part may know what it is a part of
            yield from _named_values(member, at, above)


def _tree(name: str, module: Module, above: tuple[Module, ...] = ()) -> Iterator[str]:
    own = [
        f"{path} {value.shape}"
        for path, value in _members(module._attributes().items())
        if isinstance(value, Value)
    ]
    count = sum(parameter.size for parameter in module.parameters())
    label = f"({name}): " if name else ""
    line = f"{label}{type(module).__name__}({module.extra_repr()})"
    if own:
        line += "  " + ", ".join(own)
    if count:
        line += f"  {count:,} parameter{'s' if count > 1 else ''}"
    yield line
    above = (*above, module)
    for child_name, child in module.named_children():
        if child not in above:
            for below in _tree(child_name, child, above):
                yield "  " + below
