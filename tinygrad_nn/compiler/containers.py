"""Lists, dicts and objects as they were before a call, to find out whether it changed them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from ..traced import is_traced


def set_attribute(holder: Any, key: str, x: Any) -> None:
    """Set an attribute as the class of what holds it does not see, which may forbid it."""
    write = type.__setattr__ if isinstance(holder, type) else object.__setattr__
    write(holder, key, x)


class Attributes:
    """Attributes that are in no dict, as those of `__slots__` and of classes, as if they were."""

    def __init__(self, holder: Any, keys: Iterable[str]) -> None:
        self.holder = holder
        self.names = list(keys)

    def copy(self) -> dict[str, Any]:
        """The attributes that there are."""
        held = {key: getattr(self.holder, key, _ABSENT) for key in self.names}
        return {key: x for key, x in held.items() if x is not _ABSENT}

    def update(self, held: dict[str, Any]) -> None:
        """Set attributes."""
        for key, x in held.items():
            set_attribute(self.holder, key, x)


_ABSENT = object()


class Snapshot(NamedTuple):
    """A container, and a copy of it; without a `name`, it may change."""

    name: str | None
    container: Any
    before: Any

    def change(self) -> str | None:
        """The name of what is not as it was, other than arrays."""
        if self.name is None:
            return None
        now, before = _items(self.container), _items(self.before)
        if any(not _varies(now[key]) for key in now.keys() - before.keys()):
            return self.name
        counted = isinstance(self.container, (list, deque, set, bytearray))
        if counted and len(self.container) != len(self.before):
            return self.name
        for key, x in before.items():
            if key not in now:
                return self.name
            if now[key] is not x and not _varies(now[key]) and not _varies(x):
                in_order = isinstance(self.container, list)
                return f"{self.name}[{key!r}]" if in_order else f"{self.name}.{key}"
        return None

    def restore(self) -> None:
        """Let the container be as it was."""
        container, before = self.container, self.before
        if isinstance(container, (list, bytearray)):
            container[:] = before
        elif isinstance(container, deque):
            container.clear()
            container.extend(before)
        elif isinstance(container, Attributes):
            container.update(before)
        else:
            container.clear()
            container.update(before)


def _items(container: Any) -> dict[Any, Any]:
    if isinstance(container, (list, deque)):
        return dict(enumerate(container))
    if isinstance(container, (set, frozenset, bytearray)):
        return {x if isinstance(x, int) else id(x): x for x in container}
    return container.copy() if isinstance(container, Attributes) else container


def _varies(x: Any) -> bool:
    return isinstance(x, (np.ndarray, np.generic, np.random.Generator)) or is_traced(x)
