"""Dead code: what no output needs."""

from __future__ import annotations

from dataclasses import replace

from ..functions import Draw
from ..program import Program, Ref, refs


def without_dead_code(program: Program, draws: bool = True) -> Program:
    """Only the calls that lead to an output, and draws of random numbers.

    A draw that nobody needs still changes what the next one gives; `draws=False` leaves it out.
    """
    wanted: set[Ref] = set(refs(program.outputs))
    kept = []
    for call in reversed(program.calls):
        if call.result in wanted or (draws and isinstance(call.function, Draw)):
            kept.append(call)
            wanted.update(call.inputs)
    return replace(program, calls=kept[::-1])
