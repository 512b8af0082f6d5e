"""Fused calls, written as a loop over blocks that stay in cache."""

from __future__ import annotations

import math
from itertools import product
from typing import Any

import numpy as np

from .functions import body
from .numpy_elementwise import Kinds, lines
from .numpy_executor import Memory, Name, Writer, is_elementwise, writes_after_reads
from .program import Call, Ref

BLOCK = 16384  # elements
Index = tuple[slice, ...]


def indices(shape: tuple[int, ...], layout: tuple[int, ...], most: int = BLOCK) -> list[Index]:
    """The blocks of an array: of at most so many elements, that follow one another in memory.

    >>> indices((2, 5), (0, 1), most=3)[:2]
    [(slice(0, 1, None), slice(0, 3, None)), (slice(0, 1, None), slice(3, 5, None))]
    """
    ranges: list[list[slice]] = [[] for _ in shape]
    room = most
    for axis in reversed(layout):
        step = max(1, min(room, shape[axis]))
        ranges[axis] = [
            slice(at, min(at + step, shape[axis])) for at in range(0, shape[axis], step)
        ]
        room //= step
    ordered = product(*(ranges[axis] for axis in layout))
    inverse = np.argsort(layout)
    return [tuple([block[axis] for axis in inverse]) for block in ordered]


def broadcast(index: Index, shape: tuple[int, ...]) -> Index:
    """The part of an operand of that shape that goes with a block."""
    own = index[len(index) - len(shape) :]
    return tuple([slice(None) if n == 1 else at for at, n in zip(own, shape, strict=True)])


def write_fused(writer: Writer, call: Call) -> None:
    """Write a loop over blocks."""
    _Loop(writer, call).write()


class _Loop:
    """A loop in the making: lists of the blocks of arrays, and the lines of its body."""

    def __init__(self, writer: Writer, call: Call) -> None:
        self.writer = writer
        self.call = call
        self.program = body(call)
        self.results = writer.results(call)
        first = self.results[0]
        self.blocks = indices(first.shape, first.layout)
        self.names: dict[Ref, Name] = {}  # in the body
        self.lists: dict[Name, Name] = {}  # of blocks, by the variable that goes through them

    def write(self) -> None:
        writer = self.writer
        outs = self._outs()
        for given, arg in zip(self.program.inputs, self.call.args, strict=True):
            self.names[given.ref] = self._operand(arg)
        body = self._body(outs)
        names, lists = ", ".join(self.lists), ", ".join(self.lists.values())
        zipped = f"{writer.give(zip, 'f')}({lists})" if len(self.lists) > 1 else lists
        writer.line(f"for {names} in {zipped}:")
        for line in body:
            writer.line(f"    {line}")

    def _outs(self) -> dict[Ref, Name]:
        """The arrays of results, in the place of operands that nobody needs any more, or others."""
        writer = self.writer
        taken: set[Ref] = set()
        outs = {}
        for output, result in zip(self.program.outputs, self.results, strict=True):
            operands = () if result.result in writer.leaving else self.call.inputs
            fitting = [
                arg
                for arg in operands
                if arg not in taken
                and writer.fits(arg, self.call, result)
                and writes_after_reads(self.call, arg, output)
            ]
            if fitting:
                taken.add(fitting[0])
                outs[output] = writer.take_over(fitting[0], result)
            else:
                outs[output] = writer.out(result, new=True)
        return outs

    def _operand(self, arg: Any) -> Name:
        """The name, in the body, of the part of an operand that goes with a block."""
        writer = self.writer
        name = Name(writer.text(arg))
        shape = writer.kinds[arg][0] if isinstance(arg, Ref) else np.shape(arg)
        parts = [broadcast(index, shape) for index in self.blocks]
        if all(part == parts[0] for part in parts) or not shape:
            return name
        if isinstance(arg, Ref) and arg not in writer.standing:
            return self._through(self._blocks_of(name, shape))
        return self._through(writer.view(name, lambda array: [array[part] for part in parts], "l"))

    def _blocks_of(self, name: Name, shape: tuple[int, ...]) -> Name:
        """A list that is made in each call."""
        parts = self.writer.give([broadcast(index, shape) for index in self.blocks], "i")
        blocks = self.writer.reserve("l")
        self.writer.line(f"{blocks} = [{name}[i] for i in {parts}]")
        return blocks

    def _through(self, blocks: Name) -> Name:
        """The variable that goes through a list of blocks."""
        for variable, other in self.lists.items():
            if other == blocks:
                return variable
        variable = Name(f"x{len(self.lists)}")
        self.lists[variable] = blocks
        return variable

    def _body(self, outs: dict[Ref, Name]) -> list[str]:
        writer, program = self.writer, self.program
        kinds = {x.ref: (x.shape, x.dtype) for x in program.inputs}
        kinds |= {x.result: (x.shape, x.dtype) for x in program.calls}
        last = {ref: at for at, call in enumerate(program.calls) for ref in call.inputs}
        temporary: dict[Ref, Memory] = {}
        outer, writer.names = writer.names, self.names
        body: list[str] = []
        for at, call in enumerate(program.calls):
            writer.now += 1
            ending = [ref for ref in dict.fromkeys(call.inputs) if last[ref] == at]
            if call.result in outs:
                result = self.results[program.outputs.index(call.result)]
                out = self._part_of(outs[call.result], result)
            else:
                out = self._temporary(call, ending, temporary, kinds)
            body += lines(writer, call, out, kinds)
            self.names[call.result] = out
            for ref in ending:
                if ref in temporary:
                    temporary[ref].last = writer.now
        writer.names = outer
        return body

    def _part_of(self, name: Name, result: Call) -> Name:
        """The block of a result."""
        writer = self.writer
        if result.result in writer.leaving:
            return self._through(self._blocks_of(name, result.shape))
        parts = self.blocks
        return self._through(writer.view(name, lambda array: [array[part] for part in parts], "l"))

    def _temporary(
        self, call: Call, ending: list[Ref], temporary: dict[Ref, Memory], kinds: Kinds
    ) -> Name:
        """A block for what nobody needs outside, in the place of an operand if that can be."""
        writer = self.writer
        assert call.dtype is not None
        if is_elementwise(call.function):
            for ref in ending:
                if ref in temporary and kinds[ref][1] == call.dtype:
                    temporary[call.result] = temporary.pop(ref)
                    return self.names[ref]
        sizes = tuple(part.stop - part.start for part in self.blocks[0])
        memory = Memory(math.prod(sizes) * call.dtype.itemsize, writer.now)
        temporary[call.result] = memory
        block = writer.array(memory, sizes, call.dtype, self.results[0].layout)
        parts = [_from_zero(index) for index in self.blocks]
        return self._through(writer.view(block, lambda array: [array[part] for part in parts], "l"))


def _from_zero(index: Index) -> Index:
    return tuple([slice(0, part.stop - part.start) for part in index])
