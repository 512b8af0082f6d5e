"""What passes have in common that replace calls one by one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from ..program import Call, Program, Ref, is_dense, layout_of, replaced

Kind = tuple[tuple[int, ...], "np.dtype[Any] | None"]


class Rewriting:
    """The calls made so far, and which values are others in the new program."""

    def __init__(self, program: Program) -> None:
        self.made: dict[Ref, Call] = {}
        self.kinds: dict[Ref, Kind] = {x.ref: (x.shape, x.dtype) for x in program.inputs}
        self._layouts = {x.ref: x.layout for x in program.inputs}
        self.dense = {x.ref for x in program.inputs if x.is_dense}
        self.same: dict[Ref, Any] = {}
        self._next = 0
        self._program = program

    def add(self, call: Call) -> Ref:
        """Make a call."""
        self.made[call.result] = call
        self.kinds[call.result] = call.shape, call.dtype
        self._layouts[call.result] = call.layout
        if is_dense(call, self.dense):
            self.dense.add(call.result)
        return call.result

    def new(self, like: Call, function: Any, *args: Any, **changes: Any) -> Ref:
        """Make a new call, whose result is of the kind of that of `like` but for the changes."""
        if not self._next:
            program = self._program
            known = [x.ref for x in program.inputs] + [call.result for call in program.calls]
            self._next = 1 + max(known, default=-1)
        ref = Ref(self._next)
        self._next += 1
        changes = {"keywords": {}, "source": None} | changes
        return self.add(replace(like, result=ref, function=function, args=args, **changes))

    def call(self, x: Any, function: Any = None) -> Call | None:
        """The call whose result `x` is, if there is one, and it is of that function."""
        made = self.made.get(x) if isinstance(x, Ref) else None
        return made if made and function in (None, made.function) else None

    def kind(self, x: Any) -> Kind:
        """The shape and the dtype of an argument; a Python number has none."""
        if isinstance(x, Ref):
            return self.kinds[x]
        return np.shape(x), getattr(x, "dtype", None)

    def layout(self, x: Any) -> tuple[int, ...]:
        """The axes of an argument in their order in memory."""
        return self._layouts[x] if isinstance(x, Ref) else layout_of(x)

    def renamed(self, call: Call) -> Call:
        """The call with other values in the place of those that are the same."""
        same = self.same
        if not same or not any(ref in same for ref in call.inputs):
            return call

        def new(ref: Ref) -> Any:
            return same.get(ref, ref)

        source = None if call.source is None else new(call.source)
        return replace(
            call,
            args=replaced(call.args, new),
            keywords={name: replaced(x, new) for name, x in call.keywords.items()},
            source=source if isinstance(source, Ref) else None,
        )

    def program(self) -> Program:
        """The new program."""
        outputs = replaced(self._program.outputs, lambda ref: self.same.get(ref, ref))
        return replace(self._program, calls=list(self.made.values()), outputs=outputs)


Rule = Callable[[Rewriting, Call], Any]
"""A call to what its result is instead: a value made before, or None, to keep the call."""


def rewritten(program: Program, rules: Mapping[Any, Rule]) -> Program:
    """The program after each call has met the rule for its function."""
    rewriting = Rewriting(program)
    for call in program.calls:
        call = rewriting.renamed(call)
        rule = rules.get(call.function)
        instead = None if rule is None else rule(rewriting, call)
        if instead is None:
            rewriting.add(call)
        else:
            rewriting.same[call.result] = instead
    return rewriting.program()
