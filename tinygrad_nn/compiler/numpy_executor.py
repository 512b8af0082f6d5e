"""Runs a program with NumPy: one flat Python function of calls that write into arrays of its own.

Those arrays lie in one block of memory, the arena, which is planned when the function is made;
views of them are made then, too. What the function returns is never written to again: outputs are
arrays of their own, or take the memory of an input that nobody else refers to.
"""

from __future__ import annotations

import math
import operator
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from .arena import ALIGNMENT, Lifetime, plan
from .functions import VIEWS, Fused, body, gives_new, positions
from .program import Call, Program, Ref, dense_values, refs, replaced, strides_of

Run = Callable[[list[Any]], list[Any]]


def executor(program: Program) -> Run:
    """A function from the inputs of `program` to its outputs, each as often as it is called.

    Inputs and outputs are arrays and numbers, in the order of `program.inputs` and
    `program.outputs`. An array that is donated (`program.donated`) may be overwritten, if besides
    the list of inputs only one variable and one other place refer to it. The function is for one
    thread at a time.
    """
    from .numpy_calls import write  # which writes for the writer that is defined here

    return Writer(program, write).function()


class Name(str):
    """A name in the source, in the place of a value."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


class Memory:
    """A part of the arena, from the first to the last moment that it is needed."""

    __slots__ = ("first", "last", "size")

    def __init__(self, size: int, now: int) -> None:
        self.size = size
        self.first = self.last = now


class _Array(NamedTuple):
    """An array in the arena."""

    name: Name
    memory: Memory
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    layout: tuple[int, ...]


class Writer:
    """The source of the function, and what its names stand for.

    `names` has what values are called in the source. `memory` has where in the arena those values
    are that are no views, and `standing` which values are the same array in each call.
    """

    def __init__(self, program: Program, write: Callable[[Writer, Call], None]) -> None:
        self.program = program
        self._write = write
        self.lines: list[str] = []
        self.given: dict[str, Any] = {}
        self.names: dict[Ref, Name] = {}
        self.memory: dict[Ref, Memory] = {}
        self.standing: dict[Ref, Any] = {}  # an array of the same shape and strides as each
        self.now = 0  # the moment at which what is being written will run
        self.position = 0  # of the call that is being written
        self._arrays: list[_Array] = []
        self._views: list[tuple[Name, Name, Callable[[Any], Any]]] = []
        self._known: dict[Any, Name] = {}
        self.calls = {call.result: call for call in program.calls}
        self.kinds = {x.ref: (x.shape, x.dtype) for x in program.inputs}
        self.kinds |= {call.result: (call.shape, call.dtype) for call in program.calls}
        self.dense = dense_values(program)
        self.wholes = _wholes(program)
        self.last = _last_reads(program, self.wholes)
        self.leaving = self._leaving()
        self._returned: set[Ref] = set()

    def function(self) -> Run:
        """The function."""
        for given in self.program.inputs:
            self.names[given.ref] = Name(f"v{int(given.ref)}")
        if self.names:
            self.line(f"{', '.join(self.names.values())}, = inputs")
        ending: dict[int, list[Ref]] = {}
        for ref, position in self.last.items():
            ending.setdefault(position, []).append(ref)
        for position, call in enumerate(self.program.calls):
            self.position = position
            self.now += 1
            self._write(self, call)
            for ref in (call.result, *ending.get(position, ())):
                self._end(ref)
        self.now += 1
        for ref in ending.get(len(self.program.calls), ()):
            self._end(ref)
        outputs = ", ".join(map(self._output, self.program.outputs))
        self.lines.append(f"return [{outputs}]")
        self._fill()
        return _function(self.lines, self.given)

    def _end(self, ref: Ref) -> None:
        if ref in self.memory:
            self.memory[ref].last = self.now

    # ---- What leaves the function

    def _leaving(self) -> dict[Ref, Ref | None]:
        """The values that leave as new arrays, and the input whose memory each may take.

        An output that is a view of all of another value, as a transpose is, leaves as such.
        """
        leaving: dict[Ref, Ref | None] = {}
        for at, output in enumerate(self.program.outputs):
            if not isinstance(output, Ref) or output not in self.calls:
                continue
            whole = self.wholes[output]
            call = self.calls.get(whole)
            if call is None or not call.shape or call.dtype is None or whole in leaving:
                continue
            if self.kinds[output][1] == call.dtype and math.prod(
                self.kinds[output][0]
            ) == math.prod(call.shape):
                donor = self.program.donated.get(at) if whole == output else None
                leaving[whole] = self._donor(call, donor)
        return leaving

    def _donor(self, call: Call, donor: Ref | None) -> Ref | None:
        """The input in whose memory the result can be, if it is not read after that.

        Nor may a call that can fail come after that: then what is given is as it was.
        """
        if donor is None or self.kinds[donor] != (call.shape, call.dtype):
            return None
        maker = self.maker(call)
        position = self.program.calls.index(maker)
        if any(can_fail(later) for later in self.program.calls[position + 1 :]):
            return None
        last = self.last.get(donor, -1)
        if last == position:
            if isinstance(maker.function, Fused):
                output = body(maker).outputs[self.results(maker).index(call)]
                alone = [ref for ref in maker.inputs if self.wholes[ref] == donor] == [donor]
                return donor if alone and writes_after_reads(maker, donor, output) else None
            return donor if is_elementwise(maker.function) else None
        return donor if last < position else None

    def maker(self, call: Call) -> Call:
        """The call that computes: of several results, not the one that takes one of them."""
        if call.function is operator.getitem and isinstance(call.args[0], Ref):
            source = self.calls.get(call.args[0])
            if source and isinstance(source.function, Fused) and source.dtype is None:
                return source
        return call

    def results(self, call: Call) -> list[Call]:
        """The results of a fused call, in order."""
        if call.dtype is not None:
            return [call]
        return [other for other in self.program.calls if self.maker(other) is call is not other]

    def _output(self, output: Any) -> str:
        """What is returned: no array that the next call writes to, and none twice."""
        text = self.text(output)
        if isinstance(output, Ref) and self.kinds[output][0]:
            if self.wholes[output] in self._returned:
                return f"{text}.copy('K')"
            self._returned.add(self.wholes[output])
        if isinstance(output, np.ndarray):
            return f"{text}.copy('K')"
        if not isinstance(output, Ref) or self.kinds[output][1] is None:
            return text
        whole = self.wholes[output]
        if not self.kinds[output][0]:
            return f"{text}[()]"
        if whole in self.leaving or (whole in self.calls and whole not in self.memory):
            return text
        return f"{text}.copy('K')"

    # ---- Source

    def line(self, text: str) -> None:
        """Add a line."""
        self.lines.append(text)

    def text(self, arg: Any) -> str:
        """An argument as it is written: names, numbers, and what is given to the function."""
        return repr(replaced(self._named(arg), self.names.__getitem__))

    def texts(self, args: Any) -> str:
        """Arguments as they are written, each with a comma after it."""
        return "".join(f"{self.text(arg)}, " for arg in args)

    def give(self, x: Any, prefix: str = "c") -> Name:
        """A name for an object."""
        key = (prefix, id(x))
        if key not in self._known:
            self._known[key] = self.reserve(prefix)
            self.given[self._known[key]] = x
        return self._known[key]

    def reserve(self, prefix: str) -> Name:
        """A name for an object that is yet to be made."""
        name = Name(f"{prefix}{len(self.given)}")
        self.given[name] = None
        return name

    def assign(self, call: Call, text: str) -> None:
        """Let a variable be the result of a call."""
        self.names[call.result] = Name(f"v{int(call.result)}")
        self.line(f"{self.names[call.result]} = {text}")

    def _named(self, arg: Any) -> Any:
        if isinstance(arg, float) and not math.isfinite(arg):
            return self.give(arg)
        if type(arg) is slice:
            return slice(*map(self._named, (arg.start, arg.stop, arg.step)))
        if type(arg) is tuple:
            return tuple(map(self._named, arg))
        if type(arg) is list:
            return list(map(self._named, arg))
        if type(arg) in (Ref, Name, bool, int, float, str) or arg is None or arg is Ellipsis:
            return arg
        return self.give(arg)

    # ---- Arrays

    def out(self, call: Call, new: bool = False) -> Name:
        """An array for the result of a call to be written to, which may be that of an operand."""
        if call.result in self.leaving:
            return self._new(call)
        if not new and is_elementwise(call.function):
            for ref in call.inputs:
                if self.fits(ref, call, call):
                    return self.take_over(ref, call)
        assert call.dtype is not None
        memory = Memory(call.dtype.itemsize * math.prod(call.shape), self.now)
        self.memory[call.result] = memory
        name = self.array(memory, call.shape, call.dtype, call.layout)
        self.names[call.result] = name
        self.standing[call.result] = prototype(call.shape, call.dtype, call.layout)
        return name

    def array(
        self, memory: Memory, shape: tuple[int, ...], dtype: Any, layout: tuple[int, ...]
    ) -> Name:
        """An array in the arena."""
        name = self.reserve("b")
        self._arrays.append(_Array(name, memory, shape, np.dtype(dtype), layout))
        return name

    def scratch(self, shape: tuple[int, ...], dtype: Any, layout: tuple[int, ...] = ()) -> Name:
        """An array in the arena that is needed at this moment only."""
        memory = Memory(np.dtype(dtype).itemsize * math.prod(shape), self.now)
        return self.array(memory, shape, dtype, layout or tuple(range(len(shape))))

    def number(self, x: Any, dtype: np.dtype[Any]) -> Name:
        """A Python number, by value or name, as an array without axes."""
        key = (str(self.names[x]) if isinstance(x, Ref) else (type(x), repr(x)), dtype)
        if key not in self._known:
            array = np.empty((), dtype)
            self._known[key] = self.give(array, "n")
            if isinstance(x, Ref):
                self.line(f"{self._known[key]}[()] = {self.names[x]}")
            else:
                array[()] = x
        return self._known[key]

    def view(self, name: Name, make: Callable[[Any], Any], prefix: str = "b") -> Name:
        """A view of an array in the arena, or several in a list."""
        view = self.reserve(prefix)
        self._views.append((view, name, make))
        return view

    def is_dying(self, ref: Ref) -> bool:
        """Whether the call that is being written is the last to read this memory."""
        whole = self.wholes[ref]
        return whole in self.memory and self.last.get(whole) == self.position

    def take_over(self, ref: Ref, call: Call) -> Name:
        """Let the result of a call have the array of an operand."""
        self.memory[call.result] = self.memory.pop(self.wholes[ref])
        self.standing[call.result] = self.standing[ref]
        self.names[call.result] = self.names[ref]
        return self.names[ref]

    def fits(self, ref: Ref, call: Call, result: Call) -> bool:
        """Whether nobody else needs the array of an operand, and a result of the call fits in."""
        others = {other for other in call.inputs if self.wholes[other] == self.wholes[ref]}
        return (
            others == {ref}
            and self.is_dying(ref)
            and ref in self.standing
            and self.kinds[ref] == (result.shape, result.dtype)
            and self.standing[ref].strides
            == strides_of(result.shape, self.standing[ref].dtype, result.layout)
            and self.memory[self.wholes[ref]].size == self.standing[ref].nbytes
        )

    def _new(self, call: Call) -> Name:
        """An array that leaves the function: new, or that of an input."""
        assert call.dtype is not None
        strides = strides_of(call.shape, call.dtype, call.layout)
        dtype = self.give(call.dtype, "d")
        text = f"{self.give(np.ndarray, 'f')}({call.shape}, {dtype}, None, 0, {strides})"
        donor = self.leaving[call.result]
        if donor is not None:
            old = self.names[donor]
            text = (
                f"{old} if {self.give(sys.getrefcount, 'f')}({old}) == {_SOLE} and {old}.base is "
                f"None and {old}.strides == {strides} and {old}.flags.writeable else {text}"
            )
        self.assign(call, text)
        return self.names[call.result]

    def _fill(self) -> None:
        """Plan and allocate the arena, and make the arrays and views in it."""
        memories = list({id(each.memory): each.memory for each in self._arrays}.values())
        offsets, total = plan([Lifetime(m.size, m.first, m.last) for m in memories])
        block = np.empty(total + ALIGNMENT, np.uint8)
        start = -block.ctypes.data % ALIGNMENT
        where = {id(m): start + offset for m, offset in zip(memories, offsets, strict=True)}
        for name, memory, shape, dtype, layout in self._arrays:
            strides = strides_of(shape, dtype, layout)
            self.given[name] = np.ndarray(shape, dtype, block, where[id(memory)], strides)
        for name, source, make in self._views:
            self.given[name] = make(self.given[source])


def prototype(shape: tuple[int, ...], dtype: Any, layout: tuple[int, ...]) -> Any:
    """An array that has its shape and strides from its kind, and nothing in it."""
    return np.ndarray(shape, dtype, None, 0, strides_of(shape, np.dtype(dtype), layout))


def is_elementwise(function: Any) -> bool:
    """Whether it is a ufunc of one result, whose elements depend on those in the same place."""
    return isinstance(function, np.ufunc) and function.signature is None and function.nout == 1


def can_fail(call: Call) -> bool:
    """Whether a call may raise for some values of what it takes, as one of indices may."""
    if call.function is operator.getitem:
        return bool(list(refs(call.args[1:])))
    if call.dtype is None or isinstance(call.function, np.ufunc):  # numbers, and elements
        return False
    known = gives_new(call.function) and call.function is not positions
    return not (known or call.function in VIEWS)


def writes_after_reads(call: Call, operand: Ref, output: Ref) -> bool:
    """Whether a fused call no longer reads an operand when it writes an output."""
    program = body(call)
    inner = {
        given.ref
        for given, arg in zip(program.inputs, call.args, strict=True)
        if arg == operand and isinstance(arg, Ref)
    }
    reads = [at for at, each in enumerate(program.calls) if inner & set(each.inputs)]
    write = next(at for at, each in enumerate(program.calls) if each.result == output)
    if not reads or reads[-1] < write:
        return True
    return reads[-1] == write and is_elementwise(program.calls[write].function)


def _wholes(program: Program) -> dict[Ref, Ref]:
    """For each value, what it is a view of, or may be; else itself."""
    wholes = {given.ref: given.ref for given in program.inputs}
    for call in program.calls:
        source = None if gives_new(call.function) else call.source
        wholes[call.result] = call.result if source is None else wholes[source]
    return wholes


def _last_reads(program: Program, wholes: dict[Ref, Ref]) -> dict[Ref, int]:
    """For each value, the position of the last call that reads it, or a view of it."""
    last = {}
    for at, call in enumerate(program.calls):
        for ref in call.inputs:
            last[wholes[ref]] = at
    for output in refs(program.outputs):
        last[wholes[output]] = len(program.calls)
    return last


def _function(lines: list[str], given: dict[str, Any]) -> Run:
    """A function of these lines, in which what is given is known by its name."""
    body = "\n        ".join(lines)
    source = (
        f"def make({', '.join(given)}):\n    def run(inputs):\n        {body}\n    return run\n"
    )
    made: dict[str, Any] = {}
    exec(compile(source, "<program>", "exec"), made)
    run: Run = made.pop("make")(**given)  # so that no cycle is left
    return run


def _references() -> int:
    """How many references there are to an input that only one other place refers to."""
    holder = [np.zeros(1)]
    count = _function(
        ["v0, = inputs", "return [getrefcount(v0)]"], {"getrefcount": sys.getrefcount}
    )

    def call() -> int:
        x0 = holder[0]
        return int(count([x0])[0])

    return call()


_SOLE = _references()
