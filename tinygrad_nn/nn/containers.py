"""Modules made of modules."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from .module import Module


class ModuleList(Module):
    """A list of modules, which are named by their numbers.

    >>> from tinygrad_nn import nn
    >>> layers = nn.ModuleList(nn.Linear(n, n) for n in (2, 3))
    >>> [name for name, parameter in layers.named_parameters()]
    ['0.weight', '0.bias', '1.weight', '1.bias']
    """

    _items: list[Module]

    def __init__(self, modules: Iterable[Module] = ()) -> None:
        self._items = [_checked(module) for module in modules]

    def _attributes(self) -> Mapping[str, Any]:
        own = {name: part for name, part in vars(self).items() if name != "_items"}
        return own | {str(at): module for at, module in enumerate(self._items)}

    def append(self, module: Module) -> None:
        """Add `module` at the end."""
        self._items.append(_checked(module))

    def extend(self, modules: Iterable[Module]) -> None:
        """Add `modules` at the end."""
        self._items.extend([_checked(module) for module in modules])

    def insert(self, at: int, module: Module) -> None:
        """Put `module` before the one numbered `at`."""
        self._items.insert(at, _checked(module))

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[Module]:
        return iter(self._items)

    def __getitem__(self, at: int) -> Module:
        return self._items[at]

    def __setitem__(self, at: int, module: Module) -> None:
        self._items[at] = _checked(module)

    def __delitem__(self, at: int) -> None:
        del self._items[at]


class Sequential(ModuleList):
    """Modules one after another: each is called with the result of the one before.

    >>> from tinygrad_nn import nn
    >>> nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))
    Sequential()  13 parameters
      (0): Linear(2, 3)  weight (3, 2), bias (3,)  9 parameters
      (1): Tanh()
      (2): Linear(3, 1)  weight (1, 3), bias (1,)  4 parameters
    """

    def __init__(self, *modules: Module) -> None:
        super().__init__(modules)

    def forward(self, x: Any) -> Any:
        """x through all modules, first to last."""
        for at, module in enumerate(self._items):
            try:
                x = module(x)
            except Exception as error:
                error.add_note(f"in ({at}) of Sequential: {type(module).__name__}")
                raise
        return x


class ModuleDict(Module):
    """Modules by name.

    >>> from tinygrad_nn import nn
    >>> heads = nn.ModuleDict({"digit": nn.Linear(4, 10), "parity": nn.Linear(4, 2)})
    >>> heads["parity"].weight.shape
    (2, 4)
    """

    _items: dict[str, Module]

    def __init__(self, modules: Mapping[str, Module] | None = None) -> None:
        self._items = {name: _checked(module) for name, module in (modules or {}).items()}

    def _attributes(self) -> Mapping[str, Any]:
        own = {name: part for name, part in vars(self).items() if name != "_items"}
        return own | self._items

    def __len__(self) -> int:
        return len(self._items)

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __contains__(self, name: object) -> bool:
        return name in self._items

    def __getitem__(self, name: str) -> Module:
        return self._items[name]

    def __setitem__(self, name: str, module: Module) -> None:
        self._items[name] = _checked(module)

    def __delitem__(self, name: str) -> None:
        del self._items[name]

    def keys(self) -> Iterable[str]:
        """The names."""
        return self._items.keys()

    def values(self) -> Iterable[Module]:
        """The modules."""
        return self._items.values()

    def items(self) -> Iterable[tuple[str, Module]]:
        """Names and modules."""
        return self._items.items()


def _checked(module: Any) -> Module:
    if not isinstance(module, Module):
        hint = ""
        if isinstance(module, type):
            hint = f"; did you mean {module.__name__}()?"
        elif isinstance(module, (list, tuple)):
            hint = "; give the modules one by one, or unpack with *"
        elif callable(module):
            hint = "; for an activation function there is a module, such as nn.ReLU()"
        raise TypeError(f"expected a Module, not {module!r}{hint}")
    return module
