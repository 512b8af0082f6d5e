"""Capture: one call of a function, traced into a program."""

from __future__ import annotations

import functools
import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from .. import engine
from ..modes import mode
from .arguments import arguments
from .effects import Randomness, changing_line, not_again
from .inputs import Inputs
from .outputs import Entry, Outputs
from .watching import Watch


def capture(inputs: Inputs) -> Entry:
    """Call the function with what is traced, and make the program of it.

    After it everything is as it was before.
    """
    given = inputs.arguments()
    inputs.look()
    tape, scope = inputs.tape, inputs.scope
    tape.fixed = scope.fixed_arrays
    call = functools.partial(_call, inputs, given)
    randomness = Randomness(scope.fixed_generators)
    watch = Watch(scope.functions)
    generators = [(slot, slot.read()) for slot in scope.generators]
    outputs = Outputs(inputs, next(engine.node_numbers))
    mode.tape = tape
    try:
        inputs.put_in_place()
        for slot, rng in generators:
            slot.write(tape.generator(rng))
        scope.remember()
        with _collector_at_rest():
            with watch.watching(tape.refuse):
                result = call()
            if tape.refused is not None:  # and the function has caught it
                raise tape.refused
            randomness.check(call)
            _check_changes(inputs, call)
            return outputs.entry(given, result)
    except BaseException as error:
        scope.restore()
        outputs.made.clear()
        if isinstance(error, Exception) and tape.refused not in (None, error):
            raise tape.refused from None  # of which NumPy, say, has made another error
        raise
    finally:
        mode.tape = None
        inputs.take_back()
        for slot, x in [*generators, *outputs.made]:
            slot.write(x)
        tape.rewind()


def _call(inputs: Inputs, given: list[Any]) -> Any:
    args, keywords = inputs.given.build(given)
    result = inputs.f(*args, **keywords)
    now = arguments(args, keywords).leaves
    if len(now) != len(given) or any(x is not y for x, y in zip(now, given, strict=True)):
        raise not_again(
            f"{inputs.function} changes a list, a dict or an object that is an argument",
            "return what is to go into it",
        )
    return result


def _check_changes(inputs: Inputs, call: Callable[[], Any]) -> None:
    """Raise CaptureError if the call changed a list, a dict or an object, but for arrays.

    The call is made once more then, line by line, to find the one that did it.
    """
    scope = inputs.scope
    name = scope.changed()
    if name is None:
        return
    scope.restore()
    try:
        line = changing_line(call, scope.changed)
    finally:
        scope.restore()
    what = f"{line or inputs.function} changes {name}"
    raise not_again(what, "do it outside, with what the function returns")


@contextmanager
def _collector_at_rest() -> Iterator[None]:
    """A context without garbage collection: all that is made in a capture is in use."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
