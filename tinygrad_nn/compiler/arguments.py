"""What a compiled function is given, as a list of arrays, numbers and objects."""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..nest import flatten

Build = Callable[[list[Any]], tuple[tuple[Any, ...], dict[str, Any]]]


class Arguments(NamedTuple):
    """The leaves of the arguments, where they were, and how they are put together again.

    Arguments of one `structure` have the same paths, and lists of the same lengths.
    """

    leaves: Sequence[Any]
    structure: tuple[Any, ...]
    build: Build

    def names(self, f: Callable[..., Any]) -> list[str]:
        """What `f` calls the leaves."""
        if self.structure:
            paths = list(self.structure[0])
        else:
            paths = [f"[0][{at}]" for at in range(len(self.leaves))]
        parameters = _positional(f)

        def name(path: str) -> str:
            by_position = re.match(r"\[0\]\[(\d+)\](.*)", path, re.DOTALL)
            if by_position is None:
                return re.sub(r"^\[1\]\['(\w+)'\]", r"\1", path)
            at, rest = int(by_position[1]), by_position[2]
            return (parameters[at] if at < len(parameters) else f"argument {at}") + rest

        return list(map(name, paths))


def _positional(f: Callable[..., Any]) -> list[str]:
    """The names of the positional parameters, if they are known."""
    try:
        parameters = inspect.signature(f).parameters.values()
    except (TypeError, ValueError):
        return []
    kinds = inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD
    return [p.name for p in parameters if p.kind in kinds]


def arguments(args: tuple[Any, ...], keywords: dict[str, Any]) -> Arguments:
    """The arguments of a call, as leaves; lists of numbers have a leaf for each."""
    if not keywords and all(type(x) is np.ndarray for x in args):
        return Arguments(args, (), _in_order)  # the common case
    found, build = flatten((args, keywords))
    leaves: list[Any] = []
    paths: list[str] = []
    lengths: list[int] = []
    for path, leaf in found:
        _add(path, leaf, leaves, paths, lengths)

    def rebuilt(new: list[Any]) -> Any:
        parts = iter(new)
        return build([_rebuilt(leaf, parts) for _, leaf in found])

    structure = tuple(paths), tuple(lengths), _types((args, keywords))
    return Arguments(leaves, structure, rebuilt)


def _in_order(leaves: list[Any]) -> Any:
    return tuple(leaves), {}


def _types(tree: Any) -> Any:
    """What kinds of containers there are."""
    if isinstance(tree, dict):
        return type(tree), [_types(part) for part in tree.values()]
    if isinstance(tree, (tuple, list)):
        return type(tree), [_types(part) for part in tree]
    if dataclasses.is_dataclass(tree) and not isinstance(tree, type):
        return type(tree), [
            _types(part) for part in (getattr(tree, f.name) for f in dataclasses.fields(tree))
        ]
    return None


def _add(path: str, leaf: Any, leaves: list[Any], paths: list[str], lengths: list[int]) -> None:
    if isinstance(leaf, list):
        for at, part in enumerate(leaf):
            _add(f"{path}[{at}]", part, leaves, paths, lengths)
        lengths.append(len(leaf))
    else:
        leaves.append(leaf)
        paths.append(path)


def _rebuilt(leaf: Any, new: Iterator[Any]) -> Any:
    return [_rebuilt(part, new) for part in leaf] if isinstance(leaf, list) else next(new)
