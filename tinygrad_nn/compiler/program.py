"""The program that a function is: a list of NumPy calls, each with a new result.

Nothing in it is written to: a call that changes an array, as `x[i] = v`, gives a new one. So every
pass is a function from program to program, and how a program is run is not its concern.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np


class Ref(int):
    """A value in the program, by number: an input, or the result of a call."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"%{int(self)}"


@dataclass(eq=False, slots=True)
class Call:
    """`result = function(*args, **keywords)`, in whose arguments Refs stand for values.

    `shape` and `dtype` are those of the result; a number that came from Python alone, such as a
    learning rate, has no dtype: it takes that of what it is combined with.
    """

    result: Ref
    function: Callable[..., Any]
    args: tuple[Any, ...]
    keywords: dict[str, Any]
    shape: tuple[int, ...]
    dtype: np.dtype[Any] | None
    place: str = ""  # the line that made it
    layout: tuple[int, ...] = ()  # the axes, from the one that is apart the farthest in memory
    source: Ref | None = None  # the value whose memory the result is in, being a view
    has_gaps: bool = False  # in memory
    inputs: tuple[Ref, ...] = field(init=False)  # the values it takes, as often as it takes them

    def __post_init__(self) -> None:
        found = list(refs(self.args))
        if self.keywords:
            found += refs(tuple(self.keywords.values()))
        self.inputs = tuple(found)

    def __str__(self) -> str:
        parts = [_text(arg) for arg in self.args]
        parts += [f"{name}={_text(arg)}" for name, arg in self.keywords.items()]
        call = f"{self.result} = {function_name(self.function)}({', '.join(parts)})"
        inner = getattr(self.function, "program", None)
        lines = [] if inner is None else [f"    {line}" for line in str(inner).splitlines()]
        return "\n".join([f"{call:<60}  # {_kind(self.shape, self.dtype)}", *lines])


@dataclass(eq=False, slots=True)
class Input:
    """A value that is given to the program in each call, and where it is taken from."""

    ref: Ref
    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any] | None
    is_argument: bool = False
    layout: tuple[int, ...] = ()  # as that of a call
    is_dense: bool = True  # without gaps in memory

    def __str__(self) -> str:
        return f"{self.ref} = {self.name}  # {_kind(self.shape, self.dtype)}"


@dataclass(eq=False, slots=True)
class Program:
    """Inputs, calls in an order in which they can be made, and what is wanted in the end.

    The first outputs are put into the places of `targets`, as the new values of parameters; the
    others are returned. `donated` has those, by position, that may take the memory of an input.
    """

    inputs: list[Input] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)
    outputs: list[Any] = field(default_factory=list)
    donated: dict[int, Ref] = field(default_factory=dict)
    targets: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        outputs = [_text(output) for output in self.outputs]
        written = [f"{name} = {x}" for name, x in zip(self.targets, outputs, strict=False)]
        returned = outputs[len(written) :]
        last = [f"return {', '.join(returned)}"] if returned or not written else []
        return "\n".join([*map(str, self.inputs), *map(str, self.calls), *written, *last])


_WHOLE_VIEWS = (np.reshape, np.transpose, np.matrix_transpose, np.swapaxes)


def same_dtype(dtype: np.dtype[Any] | None, other: np.dtype[Any] | None) -> bool:
    """Whether two dtypes are one. (None, that of Python numbers, is equal to float64 in NumPy.)"""
    return (dtype is None) == (other is None) and dtype == other


def layout_of(array: Any) -> tuple[int, ...]:
    """The axes of an array in their order in memory."""
    if not isinstance(array, np.ndarray):
        return ()
    strides = getattr(array, "strides", ())
    return tuple(sorted(range(len(strides)), key=lambda axis: -abs(strides[axis])))


def evaluated(program: Program, inputs: Sequence[Any]) -> list[Any]:
    """The outputs, by making one call after another: what a program means, however it is run."""
    known = {given.ref: x for given, x in zip(program.inputs, inputs, strict=True)}
    for call in program.calls:
        args = replaced(call.args, known.__getitem__)
        keywords = {name: replaced(x, known.__getitem__) for name, x in call.keywords.items()}
        known[call.result] = call.function(*args, **keywords)
    return [replaced(output, known.__getitem__) for output in program.outputs]


def strides_of(
    shape: tuple[int, ...], dtype: np.dtype[Any], layout: tuple[int, ...]
) -> tuple[int, ...]:
    """The strides of an array without gaps whose axes are in that order in memory."""
    strides = [0] * len(shape)
    step = dtype.itemsize
    for axis in reversed(layout):
        strides[axis] = step
        step *= max(1, shape[axis])
    return tuple(strides)


def dense_values(program: Program) -> set[Ref]:
    """The values that are without gaps in memory."""
    dense = {x.ref for x in program.inputs if x.is_dense}
    for call in program.calls:
        if is_dense(call, dense):
            dense.add(call.result)
    return dense


def is_dense(call: Call, dense: Collection[Ref]) -> bool:
    """Whether the result of a call has no gaps in memory, given the values that have none."""
    if call.source is None:
        return True
    if call.function is operator.getitem:
        return not call.has_gaps
    return call.function in _WHOLE_VIEWS and call.source in dense


def refs(tree: Any) -> Iterator[Ref]:
    """The Refs in nested tuples, lists and slices."""
    if type(tree) is Ref:
        yield tree
    elif isinstance(tree, (tuple, list)):
        for part in tree:
            if type(part) is Ref:
                yield part
            elif isinstance(part, (tuple, list, slice)):
                yield from refs(part)
    elif isinstance(tree, slice):
        yield from refs((tree.start, tree.stop, tree.step))


def replaced(tree: Any, new: Callable[[Ref], Any]) -> Any:
    """The tree with new(ref) in the place of each Ref."""
    if type(tree) is Ref:
        return new(tree)
    if isinstance(tree, (tuple, list)):
        parts = [
            new(part)
            if type(part) is Ref
            else replaced(part, new)
            if isinstance(part, (tuple, list, slice))
            else part
            for part in tree
        ]
        return tuple(parts) if isinstance(tree, tuple) else parts
    if isinstance(tree, slice):
        return slice(*(replaced(part, new) for part in (tree.start, tree.stop, tree.step)))
    return tree


def function_name(function: Callable[..., Any]) -> str:
    """How a program's text names a function: np.add, np.add.reduce."""
    owner = getattr(function, "__self__", None)
    name = getattr(function, "__name__", repr(function))
    if isinstance(owner, np.ufunc):
        return f"np.{owner.__name__}.{name}"
    module = getattr(function, "__module__", None) or "numpy"
    if module.partition(".")[0] == "numpy":
        return f"{module.replace('numpy', 'np', 1)}.{name}"
    return name


def _text(arg: Any) -> str:
    if isinstance(arg, np.ndarray):
        return f"<{_kind(arg.shape, arg.dtype)}>"
    if isinstance(arg, tuple):
        return f"({', '.join(map(_text, arg))}{',' if len(arg) == 1 else ''})"
    if isinstance(arg, list):
        return f"[{', '.join(map(_text, arg))}]"
    if isinstance(arg, np.generic):
        return f"{arg.dtype}({arg})"
    return repr(arg)


def _kind(shape: tuple[int, ...], dtype: np.dtype[Any] | None) -> str:
    return f"{dtype or 'number'} {' x '.join(map(str, shape))}".rstrip()
