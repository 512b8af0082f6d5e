"""compile: a function as a program, captured once for each kind of arguments."""

from __future__ import annotations

import functools
import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from ..modes import mode
from ..nest import flatten
from ..value import Value, make_value
from .calling import MISS, Caller
from .effects import GlobalRandomness, check_code
from .numpy_executor import executor
from .passes import optimized, without_dead_code
from .program import Program
from .state import Scope, Slot
from .tracing import CaptureError, Tape, Traced

_MOST = 16  # programs that are kept


class CacheInfo(NamedTuple):
    """How many calls found their program, how many made one, and how many there are."""

    hits: int
    misses: int
    maxsize: int
    currsize: int


class _Entry(NamedTuple):
    """A program, and the function that is it for one kind of arguments."""

    program: Program
    call: Callable[[Sequence[Any]], Any]


def compile(f: Callable[..., Any]) -> Compiled:
    """`f` as a program of NumPy calls, which is run again without Python's graph."""
    return Compiled(f)


class Compiled:
    """What `compile` returns."""

    def __init__(self, f: Callable[..., Any]) -> None:
        if not callable(f):
            raise TypeError(f"compile takes a function, not {type(f).__name__}")
        functools.update_wrapper(self, f)
        self._f = f
        self._entries: list[_Entry] = []  # the one used last comes first
        self._hits = self._misses = 0

    def __call__(self, *args: Any, **keywords: Any) -> Any:
        leaves, build = _flat(args, keywords)
        for at, entry in enumerate(self._entries):
            result = entry.call(leaves)
            if result is not MISS:
                if at:
                    self._entries.insert(0, self._entries.pop(at))
                self._hits += 1
                return result
        self._misses += 1
        with _collector_at_rest():
            captured = self._captured(leaves, build)
        entry, result, alive, restore = captured
        del captured
        if alive():
            gc.collect()  # of what refers to itself
        for leaked in alive():
            restore()
            raise CaptureError(
                f"compile: what {leaked.place} computed was put somewhere outside of the function, "
                "which a program would not do again: return it instead"
            )
        self._entries.insert(0, entry)
        del self._entries[_MOST:]
        return result

    def cache_info(self) -> CacheInfo:
        """How the calls so far have found their programs."""
        return CacheInfo(self._hits, self._misses, _MOST, len(self._entries))

    def program(self) -> str:
        """The text of the program that was used last."""
        if not self._entries:
            raise RuntimeError("compile: there is no program before the first call")
        return str(self._entries[0].program)

    def _captured(
        self, leaves: Sequence[Any], build: Any
    ) -> tuple[_Entry, Any, Callable[[], list[Traced]], Callable[[], None]]:
        """The program of this call, and its result: the call itself is what is traced."""
        tape, caller, scope = Tape(), Caller(), Scope(self._f)
        for function in scope.functions:
            check_code(function)
        arguments = []
        for at, leaf in enumerate(leaves):
            caller.expect(f"a{at}", leaf)
            arguments.append(_lifted(tape, leaf, f"argument {at}"))
        for module in scope.modules:
            caller.module(module)
        for slot, x in scope.bindings:
            caller.binding(slot, x)
        old: list[tuple[Slot, Any, Traced]] = []
        for slot in scope.slots:
            x = slot.read()
            varies = isinstance(x, (np.ndarray, float, np.floating)) or type(x) is int
            caller.slot(slot, x, varies)
            if varies:
                old.append((slot, x, tape.input(x, slot.name)))
        args, keywords = build(arguments)
        randomness = GlobalRandomness()
        generators = [(slot, slot.read()) for slot in scope.generators]
        if mode.tape is not None:
            raise CaptureError("compile: a compiled function inside of another: compile the outer")
        try:
            mode.tape = tape
            for slot, _, traced in old:
                slot.write(traced)
            for slot, rng in generators:
                slot.write(tape.generator(rng))
            result = self._f(*args, **keywords)
            randomness.check()
        except BaseException:
            for slot, x, _ in old:
                slot.write(x)
            raise
        finally:
            mode.tape = None
            for slot, rng in generators:
                slot.write(rng)
        found = Scope(self._f)
        original = {traced.ref: x for _, x, traced in old}
        places_before = {slot.place for slot in scope.slots} | found.new_states
        writes = []
        for slot in found.slots:
            x = slot.read()
            if isinstance(x, Traced) and slot.place not in places_before:
                continue  # put there by the function: it is found alive, and refused
            if isinstance(x, Traced) and x.ref in original:
                slot.write(original[x.ref])
            elif isinstance(x, Traced):
                writes.append((slot, x.ref))
                slot.write(x.value)
        outputs, build_result = flatten(result)
        results = [_data(leaf) for _, leaf in outputs]
        are_values = [isinstance(leaf, Value) for _, leaf in outputs]
        concrete = _Results(are_values, build_result)(
            [x.value if isinstance(x, Traced) else x for x in results]
        )
        _, build_result = flatten(concrete)  # which refers to nothing that was traced
        returned = [x.ref if isinstance(x, Traced) else x for x in results]
        places = {slot.name: traced.ref for slot, _, traced in old}
        donated = {
            at: places[slot.name] for at, (slot, _) in enumerate(writes) if slot.name in places
        }
        program = tape.program
        program.outputs = [ref for _, ref in writes] + returned
        program.donated = donated
        whole = optimized(program)
        guard = None
        if tape.guards:
            expected = [outcome for _, outcome in tape.guards]
            outcomes = [ref for ref, _ in tape.guards]
            tests = executor(
                without_dead_code(Program(program.inputs, program.calls, outcomes), draws=False)
            )

            def guard(inputs: Any) -> bool:
                return [bool(x) for x in tests(inputs)] == expected

        finish = _Results(are_values, build_result)
        call = caller.function(
            len(leaves), guard, executor(whole), [slot for slot, _ in writes], finish
        )
        before = [(slot, x) for slot, x, _ in old]

        def restore() -> None:
            for slot, x in before:
                slot.write(x)

        return _Entry(whole, call), concrete, tape.alive, restore


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


class _Results:
    """Puts results into the nest that the function returned, as Values where it returned them."""

    def __init__(self, are_values: list[bool], build: Callable[[list[Any]], Any]) -> None:
        self.are_values = are_values
        self.build = build

    def __call__(self, results: list[Any]) -> Any:
        pairs = zip(results, self.are_values, strict=True)
        return self.build([make_value(x, None) if wrapped else x for x, wrapped in pairs])


def _flat(args: tuple[Any, ...], keywords: dict[str, Any]) -> tuple[Sequence[Any], Any]:
    """The leaves of the arguments, and how they are put together again."""
    if not keywords and all(type(x) is np.ndarray for x in args):
        return args, _as_arguments
    leaves, build = flatten((args, keywords))
    return [leaf for _, leaf in leaves], build


def _as_arguments(leaves: list[Any]) -> Any:
    return leaves, {}


def _lifted(tape: Tape, leaf: Any, path: str) -> Any:
    """An argument as the function gets it: what varies, as a Value whose data is traced."""
    if isinstance(leaf, Value):
        raise TypeError(
            "compile: an argument is a Value: pass arrays, and let the function use Values that "
            "require gradients by their names"
        )
    if isinstance(leaf, np.ndarray):
        return make_value(tape.input(leaf, path), None)
    if isinstance(leaf, (float, np.floating)):
        return tape.input(leaf, path)
    return leaf


def _data(x: Any) -> Any:
    return x._data if isinstance(x, Value) else x
