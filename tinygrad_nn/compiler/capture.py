"""Capture: one call of a function, traced into a program."""

from __future__ import annotations

import functools
import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from .. import engine
from ..engine import Node
from ..errors import CaptureError
from ..modes import mode
from ..nest import flatten
from ..transforms._custom import sources_of
from ..value import Value
from .arguments import Arguments, arguments
from .calling import Caller
from .effects import Effects, Randomness, changing_line, not_again
from .functions import Draw
from .numpy_executor import executor
from .passes import optimized, without_dead_code
from .program import Program, Ref, refs
from .results import Differentiable, Results, split
from .state import Scope, Slot
from .traced_arrays import Traced
from .tracing import Tape

_VARYING = (np.ndarray, np.generic, float, complex)


class Entry(NamedTuple):
    """A program, and the function that is it for one kind of arguments."""

    structure: tuple[Any, ...]
    call: Callable[[Sequence[Any]], Any]
    captured: Program
    program: Program
    backward: Program | None  # of the derivatives, where the results can be differentiated
    repeatable: bool  # not where it made the state that it writes


class GradientUsedError(Exception):
    """A gradient that there was none of before the call is asked for in it."""


class Capture:
    """A call that is being traced. After it everything is as it was before.

    Numbers among the arguments vary unless `constants`; others do if their place is in `varying`.

    Most steps forget the gradients of the step before, so whether there are any makes no
    difference. To find out, the capture takes zeros for gradients that there are none of, unless
    `gradients_matter`.
    """

    def __init__(
        self,
        f: Callable[..., Any],
        given: Arguments,
        varying: set[Any],
        *,
        constants: bool,
        gradients_matter: bool,
    ) -> None:
        self.f = f
        self.name = getattr(f, "__name__", type(f).__name__)
        self.given = given
        self.names = given.names(f)
        self.varying = varying
        self.constants = constants
        self.gradients_matter = gradients_matter
        self.tape = Tape()
        self.caller = Caller(len(given.leaves))
        self.scope = Scope()
        self.originals: list[tuple[Slot, Any]] = []
        self.inputs: dict[Any, Traced] = {}  # by the place of the slot
        self.first: dict[int, Ref] = {}  # by id of what is traced, what it was at first
        self.arrays: dict[int, tuple[Traced, str, Any]] = {}  # by id, with variable and array
        self.variables: dict[int, str] = {}  # by id of what is traced, of arrays
        self.gradients: list[tuple[Slot, Any, Traced]] = []  # that there were before the call
        self.values: dict[str, Value] = {}  # among the arguments, by variable
        self.made: list[tuple[Slot, Any]] = []  # by the call itself
        self.numbers: dict[Any, Any] = {}  # by place, those that are constants
        self.has_numbers = False  # whether others vary

    def entry(self) -> Entry:
        """Call the function, and make the program of it."""
        given = self._arguments()
        self._look()
        self.tape.fixed = self.scope.fixed_arrays
        call = functools.partial(self._call, given)
        randomness = Randomness(self.scope.fixed_generators)
        generators = [(slot, slot.read()) for slot in self.scope.generators]
        start = next(engine.node_numbers)
        mode.tape = self.tape
        try:
            for slot, _ in self.originals:
                if slot.place in self.inputs:
                    slot.write(self.inputs[slot.place])
            for slot, x in self.scope.tuples:
                slot.write(self._with_traced(x))
            for slot, rng in generators:
                slot.write(self.tape.generator(rng))
            self.scope.remember()
            with _collector_at_rest():
                with Effects(self.scope.functions, self.scope.outside).watched(self.tape.refuse):
                    result = call()
                if self.tape.refused is not None:  # and the function has caught it
                    raise self.tape.refused
                randomness.check(call)
                self._check_changes(call)
                return self._entry(given, result, start)
        except BaseException as error:
            self.scope.restore()
            self.made.clear()
            if isinstance(error, Exception) and self.tape.refused not in (None, error):
                raise self.tape.refused from None  # of which NumPy, say, has made another error
            raise
        finally:
            mode.tape = None
            for slot, x in [*self.originals, *generators, *self.scope.tuples, *self.made]:
                slot.write(x)
            self.tape.rewind()

    def _with_traced(self, x: tuple[Any, ...]) -> tuple[Any, ...]:
        """A tuple with what is traced in the place of its arrays; itself if it has none."""
        parts = [
            self._with_traced(part)
            if isinstance(part, tuple)
            else self.inputs.get((id(x), at), part)
            for at, part in enumerate(x)
        ]
        same = all(new is old for new, old in zip(parts, x, strict=True))
        return x if same else tuple.__new__(type(x), parts)

    def _call(self, given: list[Any]) -> Any:
        args, keywords = self.given.build(given)
        result = self.f(*args, **keywords)
        now = arguments(args, keywords).leaves
        if len(now) != len(given) or any(x is not y for x, y in zip(now, given, strict=True)):
            what = f"{self.name} changes a list, a dict or an object that is an argument"
            raise not_again(what, "return what is to go into it")
        return result

    def _check_changes(self, call: Callable[[], Any]) -> None:
        """Raise CaptureError if the call changed a list, a dict or an object, but for arrays.

        The call is made once more then, line by line, to find the one that did it.
        """
        name = self.scope.changed()
        if name is None:
            return
        self.scope.restore()
        try:
            line = changing_line(call, self.scope.changed)
        finally:
            self.scope.restore()
        what = f"{line or self.name} changes {name}"
        raise not_again(what, "do it outside, with what the function returns")

    # ---- What goes in

    def _arguments(self) -> list[Any]:
        """The arguments as the function gets them: what varies is traced."""
        found: list[Any] = []
        for at, (leaf, name) in enumerate(zip(self.given.leaves, self.names, strict=True)):
            variable = f"a{at}"
            number = isinstance(leaf, _VARYING[1:]) or (type(leaf) is int and name in self.varying)
            if type(leaf) is np.ndarray or (number and not self.constants):
                self.has_numbers |= type(leaf) is not np.ndarray
                found.append(self._input(variable, leaf, name, is_argument=True))
                continue
            if isinstance(leaf, np.random.Generator):
                found.append(self.tape.generator(leaf))
                self.caller.constant(variable, leaf)
                continue
            found.append(leaf)
            if isinstance(leaf, Value):
                self.caller.value(variable, leaf, self.values)
            elif hasattr(type(leaf), "__array__") and not isinstance(leaf, np.generic):
                raise TypeError(
                    f"compile: the argument {name} is a {type(leaf).__name__}: make it an array, "
                    "np.asarray(x)"
                )
            else:
                self.caller.constant(variable, leaf)
                if type(leaf) is int:
                    self.numbers[name] = leaf
            self.scope.look(leaf, name, variable)
        return found

    def _input(self, variable: str, x: Any, name: str, is_argument: bool = False) -> Traced:
        """A varying value as an input; an array that is found twice is one."""
        if isinstance(x, np.ndarray) and id(x) in self.arrays:
            traced, other, _ = self.arrays[id(x)]
            self.caller.miss_if(f"{variable} is not {other}")
            return traced
        self.caller.varying(variable, x)
        traced = self.tape.input(x, name, is_argument)
        self.first[id(traced)] = traced.ref
        if isinstance(x, np.ndarray):
            self.arrays[id(x)] = traced, variable, x
            self.variables[id(traced)] = variable
        return traced

    def _look(self) -> None:
        """Find what the function uses by name, and expect it in each call."""
        self.scope.look(self.f, self.name)
        self.scope.look_at_methods()
        for container in self.scope.lengths:
            self.caller.length(container)
        for container in self.scope.contents:
            self.caller.contents(container)
        slots = {slot.place: slot for slot in self.scope.slots}
        for slot, x in self.scope.bindings:
            if slot.place in self.varying and type(x) in (int, float) and not self.constants:
                slots[slot.place] = slot
                self.has_numbers = True
            elif slot.place not in slots:
                self.caller.binding(slot, x)
                if type(x) in (int, float):
                    self.numbers[slot.place] = x
        for slot in slots.values():
            x = slot.read()
            self.originals.append((slot, x))
            if isinstance(slot.holder, Node) and not self.gradients_matter:
                self._gradient(slot, x)
                continue
            variable = self.caller.read(slot)
            if isinstance(x, _VARYING) or type(x) is int:
                self.inputs[slot.place] = self._input(variable, x, slot.name)
            else:
                self.caller.constant(variable, x)

    def _gradient(self, slot: Slot, x: Any) -> None:
        """A gradient from before the call, or zeros in the place of one."""
        x = x._data if isinstance(x, Value) else x
        stand_in = np.zeros(*slot.holder.describe())[()] if x is None else x
        traced = self.inputs[slot.place] = self.tape.input(stand_in, slot.name)
        self.first[id(traced)] = traced.ref
        self.gradients.append((slot, x, traced))

    def _settle_gradients(self, results: list[Any], cotangents: int) -> None:
        """Expect gradients where they are used; elsewhere their memory is all that is of use.

        Inputs are the cotangents last, and before them the gradients.
        """
        program = self.tape.program
        wanted = [*program.outputs, *results, *[ref for ref, _ in self.tape.guards]]
        live = without_dead_code(replace(program, outputs=wanted))
        used = (
            {ref for call in live.calls for ref in call.inputs} | set(refs(wanted)) | self.tape.read
        )
        inputs = {x.ref: x for x in program.inputs}
        gradients = []
        for slot, x, traced in self.gradients:
            given = inputs.pop(self.first[id(traced)])
            if given.ref not in used:
                if not given.shape:
                    continue
                self.caller.memory(self.caller.read(slot), traced.value.strides)
            elif x is None:
                raise GradientUsedError
            else:
                self.caller.varying(self.caller.read(slot), x)
            gradients.append(given)
        rest = list(inputs.values())
        at = len(rest) - cotangents
        program.inputs = [*rest[:at], *gradients, *rest[at:]]

    # ---- What comes out

    def _entry(self, arguments: list[Any], result: Any, start: int) -> Entry:
        writes = self._writes()
        tree, build = flatten(result)
        leaves = [leaf for _, leaf in tree]
        computed = [at for at, x in enumerate(leaves) if self._is_computed(x)]
        _, build = flatten(build([None for _ in leaves]))  # which refers to nothing that is traced
        results = Results(leaves, computed, build)
        outputs = [leaves[at] for at in computed]
        gradients, sources = self._gradients(outputs, writes, start)
        changed = [at for at, x in enumerate(arguments) if self._is_changed(x)]
        program = self.tape.program
        program.outputs = [_symbol(x) for _, x in writes]
        program.targets = [slot.name for slot, _ in writes]
        program.outputs += [_symbol(x) for x in outputs]
        program.outputs += [arguments[at].ref for at in changed]
        program.donated = {
            at: self.first[id(self.inputs[slot.place])]
            for at, (slot, _) in enumerate(writes)
            if slot.place in self.inputs
        }
        count = sum(map(_requires_grad, outputs)) if sources else 0
        self._settle_gradients(gradients, count)
        given = {x.ref for x in program.inputs}
        program.donated = {at: ref for at, ref in program.donated.items() if ref in given}
        self._keep_apart()
        self._guard()
        first, last = len(writes), len(writes) + len(computed)
        finish, more = self.caller.give(results, "b"), ""
        backward = None
        if sources:
            wanted = [at for at, x in enumerate(outputs) if _requires_grad(x)]
            program, backward, residuals = split(program, gradients, len(wanted))
            derivatives = Differentiable(self.name, results, wanted, outputs, executor(backward))
            finish = self.caller.give(derivatives, "b")
            nodes = ", ".join([self._node(node) for node in sources])
            kept = ", ".join(self._residuals(residuals, program))
            more = f", [{nodes}], [{kept}]"
        whole = optimized(program)
        self.caller.run(executor(whole), self.tape.quiet)
        for at, (slot, x) in enumerate(writes):
            self.caller.write(slot, at, in_place=x is self.inputs.get(slot.place))
        for argument, at in zip(changed, range(last, last + len(changed)), strict=True):
            self.caller.change(argument, at)
        repeatable = not self.made
        returned = ", ".join([self._place_of(x, at) for at, x in enumerate(outputs, first)])
        text = f"{finish}([{returned}]{more})"
        call = self.caller.function(text, tested=repeatable)
        return Entry(self.given.structure, call, program, whole, backward, repeatable)

    def _writes(self) -> list[tuple[Slot, Any]]:
        """The slots that hold something else after the call, and what they hold."""
        found = Scope()
        for at, (leaf, name) in enumerate(zip(self.given.leaves, self.names, strict=True)):
            found.look(leaf, name, f"a{at}")
        found.look(self.f, self.name)
        found.look_at_methods()
        before = {slot.place: (slot, x) for slot, x in self.originals}
        named = {slot.place for slot, _ in self.scope.bindings}
        writes = []
        for slot in {slot.place: slot for slot, _ in self.originals}.values():
            given = self.inputs.get(slot.place, before[slot.place][1])
            x = given if isinstance(slot.holder, tuple) else slot.read()
            if isinstance(x, Value) and x is not given:
                raise CaptureError(
                    f"compile: {self.name} puts a Value into {slot.name}, whose graph a program "
                    "has not: put its data there"
                )
            if x is not given or self._is_changed(x):
                writes.append((slot, x))
        for slot in {slot.place: slot for slot in found.slots}.values():
            x = slot.read()
            if slot.place in before or (slot.place in named and type(x) is not Traced):
                continue
            if type(x) is Traced:
                writes.append((slot, x))
            self.made.append((slot, x.value if type(x) is Traced else x))
        return writes

    def _keep_apart(self) -> None:
        """Expect of arrays that are changed in place that they overlap no others."""
        for traced, name, x in self.arrays.values():
            if not self._is_changed(traced):
                continue
            for other, its_name, y in self.arrays.values():
                if other is traced:
                    continue
                if np.may_share_memory(x, y):
                    raise CaptureError(
                        f"compile: {self.name} changes an array that overlaps another in memory: "
                        "give it a copy"
                    )
                self.caller.apart(name, its_name)

    def _place_of(self, x: Any, at: int) -> str:
        """Where a result is found: an array that was given comes back itself."""
        return self.variables.get(id(x), f"results[{at}]")

    def _is_changed(self, x: Any) -> bool:
        """Whether an input is another now, having been changed in place."""
        return type(x) is Traced and self.first.get(id(x), x.ref) != x.ref

    def _is_computed(self, x: Any) -> bool:
        if isinstance(x, Value):
            return all(x is not known for known, _ in self.scope.values)
        return type(x) in (Traced, np.ndarray)

    def _gradients(
        self, outputs: list[Any], writes: list[tuple[Slot, Any]], start: int
    ) -> tuple[list[Any], list[Node]]:
        """The derivatives of what is returned, and the nodes by which they are taken.

        A function that changed a Value or its gradient was a whole step: nothing is left to
        differentiate.
        """
        values = {slot.place for _, slot in self.scope.values}
        values |= {(id(x._node), "grad") for x, _ in self.scope.values}
        roots = [x for x in outputs if _requires_grad(x)]
        if not roots or any(slot.place in values for slot, _ in writes):
            return [], []
        sources = sources_of([x._node for x in roots], start)
        if not sources:
            return [], []
        cotangents = [
            self.tape.input(np.ones_like(x._data.value), f"gradient of result {at}")
            for at, x in enumerate(roots)
        ]
        nodes = [x._node for x in roots]
        found = engine.backpropagate(nodes, cotangents, onto=sources, through=False)
        return [_symbol(found.get(node)) for node in sources], sources

    def _node(self, node: Node) -> str:
        """The node of a Value that the function uses, as an expression."""
        for value, slot in self.scope.values:
            if value._node is node:
                return self.caller.node(slot)
        raise CaptureError(
            f"compile: {self.name} uses a Value that it can be given neither as an argument nor by "
            "a name: pass it as an argument"
        )

    def _residuals(self, residuals: list[Ref], program: Program) -> Iterator[str]:
        """Where the backward program finds what it needs: among results, or inputs."""
        names = self._names_of_inputs(program)
        at = len(program.outputs) - sum(ref not in names for ref in residuals)
        for ref in residuals:
            if ref in names:
                yield names[ref]
            else:
                yield f"results[{at}]"
                at += 1

    def _guard(self) -> None:
        """Let each call repeat the package's own checks of values."""
        program = self.tape.program
        names = self._names_of_inputs(program)
        of_inputs = {ref: outcome for ref, outcome in self.tape.guards if ref in names}
        for ref, outcome in of_inputs.items():
            self.caller.miss_if(f"bool({names[ref]}) is not {outcome}")
        self.caller.gather()
        guards = [(ref, outcome) for ref, outcome in self.tape.guards if ref not in names]
        if not guards:
            return
        outcomes: list[Any] = [ref for ref, _ in guards]
        inputs = program.inputs[: len(self.caller.inputs)]  # without gradients of results
        checks = without_dead_code(Program(inputs, program.calls, outcomes), draws=False)
        if any(isinstance(call.function, Draw) for call in checks.calls):
            raise CaptureError(
                f"compile: {self.name} checks a value that depends on random numbers: check it "
                "outside, on what the function returns"
            )
        run = executor(optimized(checks))
        expected = [outcome for _, outcome in guards]
        self.caller.check(lambda inputs: [bool(x) for x in run(inputs)] == expected)

    def _names_of_inputs(self, program: Program) -> dict[Ref, str]:
        """The variables that hold the inputs, but for the gradients of results."""
        return {x.ref: name for x, name in zip(program.inputs, self.caller.inputs, strict=False)}


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


def _requires_grad(x: Any) -> bool:
    return isinstance(x, Value) and x._node is not None and type(x._data) is Traced


def _data(x: Any) -> Any:
    return x._data if isinstance(x, Value) else x


def _symbol(x: Any) -> Any:
    x = _data(x)
    return x.ref if type(x) is Traced else x
