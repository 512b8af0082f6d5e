"""What comes out of a program: results, what is put into slots, and a graph to differentiate."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from .. import engine
from ..engine import Node
from ..errors import CaptureError
from ..nest import flatten
from ..transforms._custom import sources_of
from ..value import Value
from .effects import Outside
from .functions import Draw
from .inputs import Inputs
from .numpy_executor import executor
from .passes import optimized, without_dead_code
from .passes.rewriting import Rewriting
from .program import Program, Ref, refs
from .results import Differentiable, Results, split
from .state import Scope, Slot
from .traced_arrays import Traced


class Entry(NamedTuple):
    """A program, and the function that is it for one kind of arguments."""

    structure: tuple[Any, ...]
    call: Callable[[Sequence[Any]], Any]
    captured: Program
    program: Program
    backward: Program | None  # of the derivatives, where the results can be differentiated
    repeatable: bool  # not where it made the state that it writes


class Outputs:
    """What a traced call has left behind, as the outputs of its program.

    `start` is the number of the first node that was made in the call.
    """

    def __init__(self, inputs: Inputs, start: int) -> None:
        self.inputs = inputs
        self.caller = inputs.caller
        self.tape = inputs.tape
        self.start = start
        self.made: list[tuple[Slot, Any]] = []  # slots that the call itself made

    def entry(self, arguments: list[Any], result: Any) -> Entry:
        """The program of a call that was given `arguments`, traced, and returned `result`."""
        inputs, caller = self.inputs, self.caller
        writes = self._writes()
        tree, build = flatten(result)
        leaves = [leaf for _, leaf in tree]
        for leaf in leaves:
            if type(leaf) is Outside:
                leaf.use()
        computed = [at for at, x in enumerate(leaves) if self._is_computed(x)]
        known = inputs.scope.values
        variables = {id(x): caller.whole(slot) for x, slot in known if slot.expression}
        passed = [at for at, x in enumerate(leaves) if id(x) in variables]  # arguments
        _, build = flatten(build([None for _ in leaves]))  # which refers to nothing that is traced
        results = Results(leaves, [*computed, *passed], build)
        outputs = [leaves[at] for at in computed]
        gradients, sources = self._gradients(outputs, writes)
        changed = [at for at, x in enumerate(arguments) if inputs.is_changed(x)]
        program = self.tape.program
        program.outputs = [_symbol(x) for _, x in writes]
        program.targets = [slot.name for slot, _ in writes]
        places = self._places(outputs, writes) + [variables[id(leaves[at])] for at in passed]
        program.outputs += [arguments[at].ref for at in changed]
        inputs.settle_gradients(gradients, sum(map(_requires_grad, outputs)) if sources else 0)
        inputs.keep_apart()
        program.donated = self._donated(writes)
        self._guard()
        last = len(program.outputs) - len(changed)
        finish, more = caller.give(results, "b"), ""
        backward = None
        if sources:
            wanted = [at for at, x in enumerate(outputs) if _requires_grad(x)]
            program, backward, residuals = split(program, gradients, len(wanted))
            derivatives = Differentiable(
                inputs.function, results, wanted, outputs, executor(backward)
            )
            finish = caller.give(derivatives, "b")
            nodes = ", ".join([self._node(node) for node in sources])
            kept = ", ".join(self._residuals(residuals, program))
            more = f", [{nodes}], [{kept}]"
        whole = optimized(program)
        caller.run(executor(whole), self.tape.quiet)
        for at, (slot, x) in enumerate(writes):
            caller.write(slot, at, in_place=x is inputs.in_slots.get(slot.place))
        for argument, at in zip(changed, range(last, last + len(changed)), strict=True):
            caller.change(argument, at)
        repeatable = not self.made
        call = caller.function(f"{finish}([{', '.join(places)}]{more})", tested=repeatable)
        return Entry(inputs.given.structure, call, program, whole, backward, repeatable)

    def _writes(self) -> list[tuple[Slot, Any]]:
        """The slots that hold something else after the call, and what they hold."""
        inputs, found = self.inputs, Scope()
        for at, (leaf, name) in enumerate(zip(inputs.given.leaves, inputs.names, strict=True)):
            found.look(leaf, name, f"a{at}")
        found.look(inputs.f, inputs.function)
        found.look_at_parts()
        before = {slot.place: (slot, x) for slot, x in inputs.originals}
        named = {slot.place for slot, _ in inputs.scope.bindings}
        writes = []
        for slot in {slot.place: slot for slot, _ in inputs.originals}.values():
            given = inputs.in_slots.get(slot.place, before[slot.place][1])
            x = given if isinstance(slot.holder, tuple) else slot.read()
            if isinstance(x, Value) and x is not given:
                raise CaptureError(
                    f"compile: {inputs.function} puts a Value into {slot.name}, whose graph a "
                    "program has not: put its data there"
                )
            if x is not given or inputs.is_changed(x):
                writes.append((slot, x))
        for slot in {slot.place: slot for slot in found.slots}.values():
            x = slot.read()
            if slot.place in before or (slot.place in named and type(x) is not Traced):
                continue
            if type(x) is Traced:
                writes.append((slot, x))
            self.made.append((slot, x.value if type(x) is Traced else x))
        return writes

    def _donated(self, writes: list[tuple[Slot, Any]]) -> dict[int, Ref]:
        """By output, the input whose memory it takes, since it takes its place."""
        given = {x.ref for x in self.tape.program.inputs}
        donated = {}
        for at, (slot, _) in enumerate(writes):
            traced = self.inputs.in_slots.get(slot.place)
            if traced is not None and self.inputs.first[id(traced)] in given:
                donated[at] = self.inputs.first[id(traced)]
        return donated

    def _places(self, outputs: list[Any], writes: list[tuple[Slot, Any]]) -> list[str]:
        """Where results are: what was given, or is put into a slot, comes back itself."""
        program, known = self.tape.program, self.inputs.variables
        places = {id(x): f"results[{at}]" for at, (_, x) in enumerate(writes)} | known
        for x in outputs:
            if id(x) not in places:
                places[id(x)] = f"results[{len(program.outputs)}]"
                program.outputs.append(_symbol(x))
        return [places[id(x)] for x in outputs]

    def _is_computed(self, x: Any) -> bool:
        if isinstance(x, Value):
            return all(x is not known for known, _ in self.inputs.scope.values)
        return type(x) in (Traced, np.ndarray)

    def _gradients(
        self, outputs: list[Any], writes: list[tuple[Slot, Any]]
    ) -> tuple[list[Any], list[Node]]:
        """The derivatives of what is returned, and the nodes by which they are taken.

        A function that changed a Value or its gradient was a whole step: nothing is left to
        differentiate.
        """
        known = self.inputs.scope.values
        values = {slot.place for _, slot in known} | {(id(x._node), "grad") for x, _ in known}
        roots = [x for x in outputs if _requires_grad(x)]
        if not roots or any(slot.place in values for slot, _ in writes):
            return [], []
        nodes = [x._node for x in roots]
        sources = sources_of(nodes, self.start)
        if not sources:
            return [], []
        cotangents = [
            self.tape.input(np.ones_like(x._data.value), f"gradient of result {at}")
            for at, x in enumerate(roots)
        ]
        found = engine.backpropagate(nodes, cotangents, onto=sources, through=False)
        return [_symbol(found.get(node)) for node in sources], sources

    def _node(self, node: Node) -> str:
        """The node of a Value that the function uses, as an expression."""
        for value, slot in self.inputs.scope.values:
            if value._node is node:
                return self.caller.node(slot)
        raise CaptureError(
            f"compile: {self.inputs.function} uses a Value that it can be given neither as an "
            "argument nor by a name: pass it as an argument"
        )

    def _residuals(self, residuals: list[Ref], program: Program) -> Iterator[str]:
        """Where the backward program finds what it needs: among results, or inputs."""
        names = self.inputs.names_of_refs()
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
        names = self.inputs.names_of_refs()
        for ref, outcome in {ref: x for ref, x in self.tape.guards if ref in names}.items():
            self.caller.miss_if(f"bool({names[ref]}) is not {outcome}")
        self.caller.gather()
        guards = [(ref, outcome) for ref, outcome in self.tape.guards if ref not in names]
        if not guards:
            return
        outcomes: list[Any] = [ref for ref, _ in guards]
        count = len(self.caller.inputs)  # after which come gradients of results, not there yet
        rewriting = Rewriting(Program(program.inputs[:count], [], outcomes))
        for late in program.inputs[count:]:
            rewriting.same[late.ref] = np.broadcast_to(np.zeros((), late.dtype), late.shape)
        for call in program.calls:
            rewriting.add(rewriting.renamed(call))
        checks = without_dead_code(rewriting.program(), draws=False)
        if any(isinstance(call.function, Draw) for call in checks.calls):
            raise CaptureError(
                f"compile: {self._line_of_a_check(checks)} decides by random numbers, or by the "
                "shape of what they select: draw them outside, before the call, as an argument"
            )
        run = executor(optimized(checks))
        expected = [outcome for _, outcome in guards]
        self.caller.check(lambda inputs: [bool(x) for x in run(inputs)] == expected)

    def _line_of_a_check(self, checks: Program) -> str:
        """The last line whose result is checked, or goes into what is."""
        wanted = set(refs(checks.outputs))
        for call in reversed(checks.calls):
            if call.result in wanted:
                if call.place:
                    return call.place
                wanted.update(call.inputs)
        return self.inputs.function


def _requires_grad(x: Any) -> bool:
    return isinstance(x, Value) and x._node is not None and type(x._data) is Traced


def _symbol(x: Any) -> Any:
    x = x._data if isinstance(x, Value) else x
    return x.ref if type(x) is Traced else x
