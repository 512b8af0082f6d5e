"""Runs a program with NumPy: one flat Python function of calls that write into arrays of its own."""

from __future__ import annotations

import math
import operator
import sys
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from .functions import as_type, with_item
from .program import Call, Program, Ref, empty, refs, replaced

Run = Callable[[list[Any]], list[Any]]


def executor(program: Program) -> Run:
    """A function from the inputs of `program` to its outputs."""
    return _Writer(program).function()


class _Name(str):
    """A name in the source, in the place of a value."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


class _Writer:
    """The source of the function, and what its names stand for."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.lines: list[str] = []
        self.names: dict[Ref, _Name] = {}
        self.given: dict[str, Any] = {}
        self.calls = {call.result: call for call in program.calls}
        self.wholes = _wholes(program)
        self.last = _last_reads(program, self.wholes)
        self.arena = _Arena()
        # Arrays that leave the function, which are new in each call or are those of an input.
        self.leaving: dict[Ref, Ref | None] = {}
        for at, output in enumerate(program.outputs):
            call = self.calls.get(output) if isinstance(output, Ref) else None
            if call and call.shape and call.dtype and output not in self.leaving:
                if self.wholes[output] == output:
                    self.leaving[output] = self._donated(call, program.donated.get(at))

    def _donated(self, call: Call, given: Ref | None) -> Ref | None:
        """The input in whose memory the result can be, if it is not read after that."""
        if given is None:
            return None
        shapes = {x.ref: (x.shape, x.dtype) for x in self.program.inputs}
        position = self.program.calls.index(call)
        last = self.last.get(given, -1)
        elementwise = _is_elementwise(call.function)
        fits = shapes[given] == (call.shape, call.dtype)
        return given if fits and (last < position or (last == position and elementwise)) else None

    def function(self) -> Run:
        for at, given in enumerate(self.program.inputs):
            self.names[given.ref] = _Name(f"v{int(given.ref)}")
            self.lines.append(f"v{int(given.ref)} = inputs[{at}]")
        for output in refs(self.program.outputs):
            if output not in self.leaving:
                self.last[self.wholes[output]] = len(self.program.calls)
        ending: dict[int, list[Ref]] = {}
        for ref, position in self.last.items():
            ending.setdefault(position, []).append(ref)
        for position, call in enumerate(self.program.calls):
            self.position = position
            self._write(call)
            for ref in ending.get(position, ()):
                self.arena.release(ref)
        outputs = ", ".join(map(self._output, self.program.outputs))
        self.lines.append(f"return [{outputs}]")
        body = "\n        ".join(self.lines)
        source = (
            f"def make({', '.join(self.given)}):\n"
            f"    def run(inputs):\n        {body}\n    return run\n"
        )
        made: dict[str, Any] = {}
        exec(compile(source, "<program>", "exec"), made)
        run: Run = made["make"](**self.given)
        return run

    def _output(self, output: Any) -> str:
        """What is returned: no array that the next call writes to."""
        text = repr(self._expression(output))
        if not isinstance(output, Ref) or output in self.leaving:
            return text
        call = self.calls.get(output)
        if call is None:
            arrays = {x.ref for x in self.program.inputs if x.shape}
            return f"{text}.copy()" if output in arrays else text
        if call.dtype is None:
            return text
        return f"{text}[()]" if not call.shape else f"{text}.copy()"

    def _write(self, call: Call) -> None:
        write = _WRITERS.get(call.function, _as_ufunc if _is_ufunc(call.function) else _plainly)
        write(self, call)

    def _expression(self, arg: Any) -> Any:
        """An argument as it is written: names, numbers, and what is given to the function."""
        return replaced(_with_names(arg, self), lambda ref: self.names[ref])

    def give(self, x: Any, prefix: str) -> _Name:
        """A name for something that the source cannot spell."""
        name = _Name(f"{prefix}{len(self.given)}")
        self.given[name] = x
        return name

    def result(self, call: Call) -> _Name:
        """A variable for the result of a call."""
        name = _Name(f"v{int(call.result)}")
        self.names[call.result] = name
        return name

    def dying(self, call: Call) -> _Name | None:
        """The array of an operand that nobody reads after an elementwise call: for its result."""
        if call.result in self.leaving:
            return None
        if call.function is with_item:
            operands: Iterable[Any] = call.args[:1]
        elif _is_elementwise(call.function):
            operands = call.inputs
        else:
            return None
        for ref in operands:
            if ref in self.arena.used and self.last.get(ref) == self.position:
                other = self.calls[ref]
                if (other.shape, other.dtype, other.layout) == (
                    call.shape,
                    call.dtype,
                    call.layout,
                ):
                    self.arena.pass_on(ref, call.result)
                    self.names[call.result] = self.names[ref]
                    return self.names[ref]
        return None

    def buffer(self, call: Call) -> _Name:
        """An array for the result of a call."""
        assert call.dtype is not None
        if call.result not in self.leaving:
            name = self.give(self.arena.array(call), "b")
            self.names[call.result] = name
            return name
        name = self.result(call)
        new = f"{self.give(empty, 'f')}({call.shape}, {self.give(call.dtype, 'd')}, {call.layout})"
        donated = self.leaving[call.result]
        if donated is not None:
            old = self.names[donated]
            new = f"{old} if {self.give(sys.getrefcount, 'f')}({old}) == {_SOLE} else {new}"
        self.lines.append(f"{name} = {new}")
        return name


class _Arena:
    """The memory of results, given to others when nothing reads them any more."""

    def __init__(self) -> None:
        self.used: dict[Ref, Any] = {}
        self.free: list[Any] = []

    def array(self, call: Call) -> Any:
        """An array for a result, in memory that is free, or new."""
        assert call.dtype is not None
        nbytes = max(1, math.prod(call.shape) * call.dtype.itemsize)
        fitting = [block for block in self.free if nbytes <= block.nbytes <= 4 * nbytes]
        block = min(fitting, key=len) if fitting else np.empty(nbytes, np.uint8)
        if fitting:
            self.free = [other for other in self.free if other is not block]
        self.used[call.result] = block
        return empty(call.shape, call.dtype, call.layout, block)

    def release(self, ref: Ref) -> None:
        """Let others have the memory of a result."""
        if ref in self.used:
            self.free.append(self.used.pop(ref))

    def pass_on(self, old: Ref, new: Ref) -> None:
        """Let a result have the memory of one that it is computed from, in place."""
        self.used[new] = self.used.pop(old)


def _wholes(program: Program) -> dict[Ref, Ref]:
    """For each value, what it is a view of, or may be; else itself."""
    wholes = {given.ref: given.ref for given in program.inputs}
    for call in program.calls:
        wholes[call.result] = call.result if call.source is None else wholes[call.source]
    return wholes


def _last_reads(program: Program, wholes: dict[Ref, Ref]) -> dict[Ref, int]:
    """For each value, the position of the last call that reads it, or a view of it."""
    last = {}
    for at, call in enumerate(program.calls):
        for ref in call.inputs:
            last[wholes[ref]] = at
    for output in refs(program.outputs):
        if wholes[output] != output:
            last[wholes[output]] = len(program.calls)
    return last


def _measured() -> int:
    """How many references there are to an input that only one other place refers to."""
    made: dict[str, Any] = {"getrefcount": sys.getrefcount}
    exec("def run(inputs):\n    v0 = inputs[0]\n    return getrefcount(v0)", made)
    holder = [np.zeros(1)]

    def call() -> int:
        x0 = holder[0]
        return int(made["run"]([x0]))

    return call()


_SOLE = _measured()


def _with_names(arg: Any, writer: _Writer) -> Any:
    if isinstance(arg, (np.ndarray, np.generic, np.dtype)) or callable(arg):
        return writer.give(arg, "c")
    if isinstance(arg, float) and not math.isfinite(arg):
        return writer.give(arg, "c")
    if type(arg) is slice:
        return slice(*(_with_names(part, writer) for part in (arg.start, arg.stop, arg.step)))
    if type(arg) is tuple:
        return tuple([_with_names(part, writer) for part in arg])
    if type(arg) is list:
        return [_with_names(part, writer) for part in arg]
    return arg


def _is_elementwise(function: Any) -> bool:
    return isinstance(function, np.ufunc) and function.signature is None and function.nout == 1


def _is_ufunc(function: Any) -> bool:
    return isinstance(function, np.ufunc) or isinstance(
        getattr(function, "__self__", None), np.ufunc
    )


def _text(writer: _Writer, call: Call, *more: str) -> str:
    parts = [repr(writer._expression(arg)) for arg in call.args]
    parts += [f"{name}={writer._expression(arg)!r}" for name, arg in call.keywords.items()]
    return ", ".join([*parts, *more])


def _plainly(writer: _Writer, call: Call) -> None:
    """A new array in each call."""
    if (
        getattr(call.function, "__name__", "") == "random"
        and call.dtype == np.float64
        and call.shape
    ):
        writer.lines.append(f"{writer.give(call.function, 'f')}(out={writer.buffer(call)})")
        return
    text = _text(writer, call)
    function = writer.give(call.function, "f")
    writer.lines.append(f"{writer.result(call)} = {function}({text})")


def _as_ufunc(writer: _Writer, call: Call) -> None:
    if call.dtype is None or (isinstance(call.function, np.ufunc) and call.function.nout > 1):
        _plainly(writer, call)
        return
    text = _text(writer, call)
    function = writer.give(call.function, "f")
    out = writer.dying(call) or writer.buffer(call)
    writer.lines.append(f"{function}({text}, out={out})")


def _item(writer: _Writer, call: Call) -> None:
    x, index = call.args
    text = f"{writer._expression(x)!r}[{_index(writer, index)}]"
    writer.lines.append(f"{writer.result(call)} = {text}")


def _index(writer: _Writer, index: Any) -> str:
    return repr(writer._expression(index))


def _with_item(writer: _Writer, call: Call) -> None:
    x, index, value = (writer._expression(arg) for arg in call.args)
    buffer = writer.dying(call)
    if buffer is None:
        buffer = writer.buffer(call)
        writer.lines.append(f"{writer.give(np.copyto, 'f')}({buffer}, {x!r})")
    writer.lines.append(f"{buffer}[{index!r}] = {value!r}")


def _copy(writer: _Writer, call: Call) -> None:
    x = writer._expression(call.args[0])
    copyto = writer.give(np.copyto, "f")
    writer.lines.append(f"{copyto}({writer.buffer(call)}, {x!r}, casting='unsafe')")


def _operator(symbol: str) -> Callable[[_Writer, Call], None]:
    def write(writer: _Writer, call: Call) -> None:
        a, b = (writer._expression(arg) for arg in call.args)
        writer.lines.append(f"{writer.result(call)} = {a!r} {symbol} {b!r}")

    return write


def _method(name: str) -> Callable[[_Writer, Call], None]:
    def write(writer: _Writer, call: Call) -> None:
        x, *rest = (writer._expression(arg) for arg in call.args)
        if call.keywords:
            _plainly(writer, call)
            return
        writer.lines.append(f"{writer.result(call)} = {x!r}.{name}({', '.join(map(repr, rest))})")

    return write


_WRITERS: dict[Any, Callable[[_Writer, Call], None]] = {
    operator.getitem: _item,
    with_item: _with_item,
    as_type: _copy,
    np.copy: _copy,
    np.transpose: _method("transpose"),
    np.reshape: _method("reshape"),
    **{
        function: _operator(symbol)
        for function, symbol in (
            (operator.add, "+"),
            (operator.sub, "-"),
            (operator.mul, "*"),
            (operator.truediv, "/"),
            (operator.pow, "**"),
        )
    },
}
