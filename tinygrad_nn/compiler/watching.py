"""The instructions of functions that do something besides computing: refused where they are run."""

from __future__ import annotations

import builtins
import dis
import functools
import inspect
import sys
import threading
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from ..errors import CaptureError
from .effects import closed_over, does, does_of, not_again
from .places import is_installed, line_of, root_of

_STORES = {"STORE_GLOBAL": "sets the global", "DELETE_GLOBAL": "deletes the global"}
_ASYNCHRONOUS = inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR  # which a call does not run
_UNKNOWN = types.SimpleNamespace()


class Watch:
    """Finds such instructions in the code of functions, and refuses them in a call.

    Python tells of each instruction only by a trace, under which all code takes twice the time.
    So the trace begins when the first function that has such instructions, in itself or in a
    function that it defines, is called: until then, code that begins it stands in for theirs.
    """

    def __init__(self, functions: Sequence[types.FunctionType]) -> None:
        self._found: dict[int, dict[int, str]] = {}  # by id of code, and offset
        self._functions: list[types.FunctionType] = []  # that have them
        for function in functions:
            code = function.__code__
            if not is_installed(code) and not code.co_flags & _ASYNCHRONOUS:
                cells = {name: x for name, _, x in closed_over(function)}
                if self._look(code, function.__globals__, cells):
                    self._functions.append(function)

    @contextmanager
    def watching(self, refuse: Callable[[CaptureError], CaptureError]) -> Iterator[None]:
        """A context in which such an instruction raises what `refuse` makes of the error."""
        codes = {function: function.__code__ for function in self._functions}
        thread, before = threading.get_ident(), sys.gettrace()

        def at_instruction(frame: types.FrameType, event: str, arg: Any) -> Any:
            what = self._found[id(frame.f_code)].get(frame.f_lasti)
            if event == "opcode" and what:
                raise refuse(not_again(f"{line_of(frame)} {what}"))
            return at_instruction

        def at_call(frame: types.FrameType, event: str, arg: Any) -> Any:
            if id(frame.f_code) not in self._found:
                return None
            frame.f_trace = at_instruction
            frame.f_trace_opcodes = True  # of which Python 3.13 takes note after f_trace alone
            return at_instruction

        def begin(function: types.FunctionType, /, *args: Any, **keywords: Any) -> Any:
            if threading.get_ident() != thread:
                return _with_code(function, codes[function])(*args, **keywords)
            put_back()
            sys._getframe().f_trace_opcodes = True  # without which Python 3.12 traces none
            sys.settrace(at_call)
            return function(*args, **keywords)

        def put_back() -> None:
            for function, code in codes.items():
                function.__code__ = code

        try:
            for function, code in codes.items():
                function.__code__ = _standing_in(code, functools.partial(begin, function))
            yield
        finally:
            put_back()
            sys.settrace(before)

    def _look(
        self, code: types.CodeType, namespace: dict[str, Any], cells: Mapping[str, Any]
    ) -> bool:
        """Find the instructions in code, and in the functions that it defines: are there any?"""
        found: dict[int, str] = {}
        meant: Any = _UNKNOWN  # by the instruction before
        start: int | None = None  # of an instruction that begins with parts of its argument
        for instruction in dis.get_instructions(code):
            start = instruction.offset if start is None else start
            if instruction.opname == "EXTENDED_ARG":
                continue
            what = _does_by_name(instruction, code)
            meant = _meant(instruction, meant, namespace, cells)
            what = what or does(meant)
            if what is not None:
                found |= {start: what, instruction.offset: what}
            start = None
        if found:
            self._found[id(code)] = found
        defined = [x for x in code.co_consts if isinstance(x, types.CodeType)]
        return any([bool(found), *(self._look(x, namespace, cells) for x in defined)])


def _does_by_name(instruction: dis.Instruction, code: types.CodeType) -> str | None:
    """What an instruction does, by the name in it."""
    kind, name = instruction.opname, instruction.argval
    if kind in _STORES:
        return f"{_STORES[kind]} {name!r}"
    if kind == "STORE_DEREF" and name in code.co_freevars:
        return f"sets {name!r}, a variable outside of the function"
    return does_of(root_of(name)) if kind == "IMPORT_NAME" else None


def _meant(
    instruction: dis.Instruction, before: Any, namespace: dict[str, Any], cells: Mapping[str, Any]
) -> Any:
    """What an instruction loads, as far as its name says."""
    name = instruction.argval
    match instruction.opname:
        case "LOAD_GLOBAL" | "LOAD_NAME":
            return namespace.get(name, getattr(builtins, name, _UNKNOWN))
        case "LOAD_DEREF":
            return cells.get(name, _UNKNOWN)
        case "LOAD_ATTR" | "LOAD_METHOD" if isinstance(before, types.ModuleType):
            return getattr(before, name, _UNKNOWN)
    return _UNKNOWN


def _with_code(function: types.FunctionType, code: types.CodeType) -> types.FunctionType:
    """The function, with that code."""
    return types.FunctionType(
        code, function.__globals__, function.__name__, function.__defaults__, function.__closure__
    )


def _standing_in(code: types.CodeType, call: Callable[..., Any]) -> types.CodeType:
    """Code that takes the arguments that a function's code takes, and passes them to `call`."""
    names = iter(code.co_varnames)
    positional = [next(names) for _ in range(code.co_argcount)]
    by_name = [next(names) for _ in range(code.co_kwonlyargcount)]
    more = [f"*{next(names)}"] if code.co_flags & inspect.CO_VARARGS else []
    others = [f"**{next(names)}"] if code.co_flags & inspect.CO_VARKEYWORDS else []
    takes = [*positional, *(more or ["*"] * bool(by_name)), *by_name, *others]
    if code.co_posonlyargcount:
        takes.insert(code.co_posonlyargcount, "/")
    gives = [*positional, *more, *(f"{name}={name}" for name in by_name), *others]
    new = "_".join([*code.co_varnames, "f"])  # a name that is none of them
    result = f"{new}({', '.join(gives)})"
    if code.co_flags & inspect.CO_GENERATOR:
        result = f"(yield from {result})"
    source = f"def {new}({', '.join(takes)}): {new} = 'f'; return {result}"
    made: dict[str, Any] = {}
    exec(compile(source, "<compiled>", "exec"), made)
    standing_in: types.CodeType = made[new].__code__
    constants = tuple([call if x == "f" else x for x in standing_in.co_consts])
    return standing_in.replace(
        co_name=code.co_name,
        co_qualname=code.co_qualname,
        co_freevars=code.co_freevars,
        co_consts=constants,
    )
