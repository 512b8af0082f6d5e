"""What a compiled function is given, as a list of arrays, numbers and objects."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..nest import flatten

Build = Callable[[list[Any]], tuple[tuple[Any, ...], dict[str, Any]]]


class Arguments(NamedTuple):
    """The leaves of the arguments, their structure, and how they are put together again."""

    leaves: Sequence[Any]
    structure: tuple[str, ...]
    build: Build


def arguments(args: tuple[Any, ...], keywords: dict[str, Any]) -> Arguments:
    """The arguments of a call, as leaves; lists of numbers have a leaf for each."""
    if not keywords and all(type(x) is np.ndarray for x in args):
        return Arguments(args, (), _in_order)  # the common case
    found, build = flatten((args, keywords))
    leaves: list[Any] = []
    structure: list[str] = []
    for path, leaf in found:
        _add(path, leaf, leaves, structure)

    def rebuilt(new: list[Any]) -> Any:
        parts = iter(new)
        return build([_rebuilt(leaf, parts) for _, leaf in found])

    return Arguments(leaves, tuple(structure), rebuilt)


def _in_order(leaves: list[Any]) -> Any:
    return tuple(leaves), {}


def _add(path: str, leaf: Any, leaves: list[Any], structure: list[str]) -> None:
    if isinstance(leaf, list):
        for at, part in enumerate(leaf):
            _add(f"{path}[{at}]", part, leaves, structure)
        structure.append(f"{path}: {len(leaf)}")
    else:
        leaves.append(leaf)
        structure.append(path)


def _rebuilt(leaf: Any, new: Iterator[Any]) -> Any:
    return [_rebuilt(part, new) for part in leaf] if isinstance(leaf, list) else next(new)
