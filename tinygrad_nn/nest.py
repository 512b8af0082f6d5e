"""Nested containers of numbers and arrays: tuples, named tuples, lists, dicts, dataclasses."""

from __future__ import annotations

import copy
import dataclasses
import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np


def flatten(tree: Any, path: str = "") -> tuple[list[tuple[str, Any]], Callable[..., Any]]:
    """The leaves of `tree`, each with its path, and the function that builds such a tree anew.

    A list of numbers, or of lists of them, is one leaf: an array. Dicts keep their order.

    >>> leaves, build = flatten({"w": [1.0, 2.0], "layers": (3.0, 4.0)}, "p")
    >>> leaves
    [("p['w']", [1.0, 2.0]), ("p['layers'][0]", 3.0), ("p['layers'][1]", 4.0)]
    >>> build([leaf for _, leaf in leaves])
    {'w': [1.0, 2.0], 'layers': (3.0, 4.0)}
    """
    if isinstance(tree, (np.ndarray, float)) or hasattr(tree, "requires_grad"):
        return [(path, tree)], _only  # the common case
    leaves: list[tuple[str, Any]] = []
    build = _flatten(tree, path, leaves)

    def rebuild(new: Sequence[Any]) -> Any:
        if len(new) != len(leaves):
            raise ValueError(f"{len(new)} leaves for a tree of {len(leaves)}")
        return build(iter(new))

    return leaves, rebuild


def _flatten(tree: Any, path: str, leaves: list[tuple[str, Any]]) -> Callable[..., Any]:
    if isinstance(tree, dict):
        keys = list(tree)
        parts = [_flatten(tree[key], f"{path}[{key!r}]", leaves) for key in keys]
        return lambda new: _dict_like(tree, zip(keys, [part(new) for part in parts], strict=True))
    if isinstance(tree, tuple) or (isinstance(tree, list) and not _is_array_like(tree)):
        fields = getattr(tree, "_fields", None)  # of a named tuple
        if fields is None:
            names = [f"{path}[{i}]" for i in range(len(tree))]
        else:
            names = [f"{path}.{field}" for field in fields]
        parts = [_flatten(part, name, leaves) for part, name in zip(tree, names, strict=True)]
        kind: Any = type(tree)
        make = kind if isinstance(tree, list) else functools.partial(tuple.__new__, kind)
        return lambda new: make([part(new) for part in parts])
    if dataclasses.is_dataclass(tree) and not isinstance(tree, type):
        names = [field.name for field in dataclasses.fields(tree)]
        parts = [_flatten(getattr(tree, name), f"{path}.{name}", leaves) for name in names]
        return lambda new: _instance_like(
            tree, zip(names, [part(new) for part in parts], strict=True)
        )
    leaves.append((path, tree))
    return _next


def _only(new: Sequence[Any]) -> Any:
    (leaf,) = new
    return leaf


def _dict_like(tree: Any, items: Any) -> Any:
    new = copy.copy(tree)  # a dict of whatever class, with its settings
    dict.update(new, items)
    return new


def _instance_like(tree: Any, fields: Any) -> Any:
    new = copy.copy(tree)  # also where some fields are no parameters, or all are frozen
    for name, part in fields:
        object.__setattr__(new, name, part)
    return new


def _next(new: Iterator[Any]) -> Any:
    return next(new)


def _is_array_like(tree: list[Any]) -> bool:
    return all(
        _is_array_like(part)
        if isinstance(part, list)
        else issubclass(type(part), (int, float, np.number))
        for part in tree
    )
