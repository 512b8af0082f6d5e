"""Primitives: differentiable operations, each a NumPy function with its derivative rules.

A rule is a vector-Jacobian product. Its first parameter is `g`, the gradient of the output;
the names of the others say what it needs: the forward function's own parameters, `out` for
its result, `x_shape` for the shape of a parameter `x` whose numbers are not needed and, where
the parameter is variadic, `index` for the position of the input in question. Only what
the rules of the inputs that require a gradient name is kept until the backward pass.

The same rules run on NumPy arrays (a backward pass) and on Values (a differentiable backward
pass); they are written with operators and `np.` functions, which understand both.
"""

from __future__ import annotations

import functools
import inspect
import linecache
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, ParamSpec, TypeVar

import numpy as np

from .engine import Node, mode, node_numbers, trace
from .errors import ShapeError

P = ParamSpec("P")
T = TypeVar("T")

Rule = Callable[..., Any]

_registry: dict[str, Primitive] = {}
primitives: Mapping[str, Primitive] = MappingProxyType(_registry)
"""Every primitive defined so far, by name."""


class Primitive:
    """A named operation: its forward function, and a derivative rule for each input.

    `inputs` are the parameters that have a rule, `needs` what each of these rules names
    besides `g`. Made by the decorator `primitive`.
    """

    OUT = -1

    def __init__(self, forward: Callable[..., Any], rules: dict[str, Rule]) -> None:
        self.name = forward.__name__.lstrip("_")
        self.forward = forward
        self.rules = rules
        self.parameters = tuple(inspect.signature(forward).parameters.values())
        self.positions = {p.name: at for at, p in enumerate(self.parameters)}
        self.variadic = next((p.name for p in self.parameters if p.kind is p.VAR_POSITIONAL), None)
        self.inputs = tuple(p.name for p in self.parameters if p.name in rules)
        self.needs = {name: self._needs(name) for name in self.inputs}
        for name in rules:
            if name not in self.positions:
                raise TypeError(f"primitive {self.name}: a rule for {name!r}, no such parameter")

    def __repr__(self) -> str:
        return f"<primitive {self.name}({', '.join(self.positions)})>"

    def _needs(self, name: str) -> tuple[str, ...]:
        g, *needs = inspect.signature(self.rules[name]).parameters
        allowed = {"out", *self.positions, *(f"{p}_shape" for p in self.positions)}
        if self.variadic == name:
            allowed.add("index")
        if g != "g" or not allowed.issuperset(needs):
            raise TypeError(
                f"primitive {self.name}: the rule for {name!r} takes ({', '.join([g, *needs])}); "
                f"it takes g first, then any of {', '.join(sorted(allowed))}"
            )
        return tuple(needs)

    def input_name(self, slot: int) -> str:
        """How to call the input in `slot`: `x`, or `arrays[2]`."""
        if self.variadic is not None and slot >= self.positions[self.variadic]:
            return f"{self.variadic}[{slot - self.positions[self.variadic]}]"
        return self.parameters[slot].name

    def sources(self, slot: int, needs: tuple[Any, ...]) -> list[int | tuple[int, ...] | None]:
        """For each thing the rule of the input in `slot` was given: the slot it came from."""
        name = self.input_name(slot).partition("[")[0]
        found: list[int | tuple[int, ...] | None] = []
        for need, given in zip(self.needs[name], needs, strict=True):
            if need == "out":
                found.append(self.OUT)
            elif need == self.variadic:
                start = self.positions[need]
                found.append(tuple(range(start, start + len(given))))
            else:
                found.append(self.positions[need] if need in self.rules else None)
        return found


def primitive(**rules: Rule) -> Callable[[Callable[P, Any]], Callable[P, Any]]:
    """Make a NumPy function a differentiable operation.

    Keyword arguments give, for each differentiable parameter of the function, its derivative
    rule (see the module's text). The result takes numbers, arrays and Values: with
    a Value among its inputs it returns a Value that remembers where it came from, and without
    one it returns what the function returns. Raises TypeError if a rule names a thing that the
    operation does not have, and ValueError if the name is taken by another primitive.

    >>> import numpy as np
    >>> import tinygrad_nn as tg
    >>> @tg.primitive(x=lambda g, x, out: g * out * (1 + np.log(x)))
    ... def self_power(x):
    ...     return x ** x
    >>> x = tg.Value(2.0)
    >>> y = self_power(x)
    >>> y.backward()
    >>> print(f"{y:.1f} {x.grad:.4f}")  # 4 (1 + ln 2)
    4.0 6.7726
    >>> print(f"{tg.grad(tg.grad(self_power))(2.0):.4f}")  # 4 (1 + ln 2)^2 + 2
    13.4670
    """

    def decorate(forward: Callable[P, Any]) -> Callable[P, Any]:
        operation = Primitive(forward, rules)
        known = _registry.get(operation.name)
        if known is not None and known.forward.__module__ != forward.__module__:
            raise ValueError(
                f"the name {operation.name!r} is taken by a primitive "
                f"of {known.forward.__module__}; choose another"
            )
        function = functools.update_wrapper(_compile(operation), forward)
        function.primitive = operation  # type: ignore[attr-defined]
        _registry[operation.name] = operation
        return function

    return decorate


def wraps_results(cls: type[T]) -> type[T]:
    """Declare `cls`, the class Value, to be what primitives take and return."""
    _scope["Value"] = cls
    return cls


# ---- What the generated functions call, besides each other

_NUMBERS = (bool, int, float, np.generic)
_PLAIN = frozenset(
    [np.ndarray, float, int, bool, np.bool_]
    + [np.dtype(code).type for code in np.typecodes["AllInteger"] + np.typecodes["Float"]]
)


def as_operand(x: Any, operation: str, name: str) -> Any:
    """`x` as a number or array that NumPy computes with, or a TypeError."""
    if isinstance(x, (list, tuple, *_NUMBERS)) or hasattr(type(x), "__array__"):
        array = x if isinstance(x, _NUMBERS) else np.asarray(x)
        if np.asarray(array).dtype.kind in "biuf":
            return array
        what = f"{np.asarray(array).dtype} data"
    else:
        what = type(x).__name__
    raise TypeError(f"{operation}: {name} must be a real number, an array or a Value, not {what}")


def _constant(value: Any, operation: str, name: str) -> Any:
    if value.requires_grad:
        raise TypeError(
            f"{operation} has no derivative rule for {name}: pass an array, or Value.detach()"
        )
    return value.data


def _explain(error: Exception, operation: str, inputs: dict[str, Any]) -> Exception:
    """`error`, raised by the forward function, with the operation's name and its inputs."""
    shapes = ", ".join(f"{name} {np.shape(x)}" for name, x in inputs.items())
    if type(error) is ValueError:
        return ShapeError(f"{operation}: {error} [{shapes}]")
    error.add_note(f"in {operation} [{shapes}]")
    return error


def _reject_complex(out: Any, operation: Primitive) -> bool:
    """Whether `out`, which is not of a real floating dtype, carries gradients: it does not."""
    if out.dtype.kind == "c":
        raise TypeError(f"{operation.name}: a complex result, whose derivative is not defined here")
    return False


_scope: dict[str, Any] = {
    "_new": object.__new__,
    "_ndarray": np.ndarray,
    "_PLAIN": _PLAIN,
    "_SCALARS": frozenset(np.dtype(code).type for code in np.typecodes["Float"]),
    "_Node": Node,
    "_mode": mode,
    "_numbers": node_numbers,
    "_trace": trace,
    "_shape": np.shape,
    "_asarray": np.asarray,
    "_as_operand": as_operand,
    "_constant": _constant,
    "_explain": _explain,
    "_reject_complex": _reject_complex,
}


# ---- The generated function of a primitive


def _compile(operation: Primitive) -> Any:
    """A Python function that runs `operation` and records it.

    What this function does could be written once for all primitives, as a loop over their
    inputs; written out for each, it takes half the time, and it is all that Python adds to
    NumPy's work.
    """
    source = _source(operation)
    filename = f"<primitive {operation.name}>"
    linecache.cache[filename] = (len(source), None, source.splitlines(True), filename)
    made: dict[str, Any] = {}
    exec(compile(source, filename, "exec"), _scope, made)
    rules = [operation.rules[name] for name in operation.inputs]
    defaults = [p.default for p in operation.parameters if p.default is not p.empty]
    return made["_make"](operation, operation.forward, *rules, *defaults)


def _source(operation: Primitive) -> str:
    parameters = operation.parameters
    inputs = operation.inputs
    name = operation.name
    optional = [p.name for p in parameters if p.default is not p.empty]
    captured = ["_primitive", "_forward"]
    captured += [f"_{x}_rule" for x in inputs] + [f"_{p}_default" for p in optional]
    lines = [f"def _make({', '.join(captured)}):", f" def {name}({_signature(parameters)}):"]
    write = lines.append
    for p in parameters:
        x = p.name
        if x == operation.variadic and x in inputs:
            write(f"  _{x}_node = [a._node if type(a) is Value else False for a in {x}]")
            write(f"  {x} = [a._data if type(a) is Value else a if type(a) in _PLAIN")
            write(f"      else _as_operand(a, {name!r}, {x!r}) for a in {x}]")
        elif x in inputs:
            write(f"  if type({x}) is Value:")
            write(f"   _{x}_node = {x}._node")
            write(f"   {x} = {x}._data")
            write("  else:")
            write(f"   _{x}_node = False")
            write(f"   if type({x}) not in _PLAIN:")
            write(f"    {x} = _as_operand({x}, {name!r}, {x!r})")
        elif x not in optional:
            write(f"  if type({x}) is Value:")
            write(f"   {x} = _constant({x}, {name!r}, {x!r})")
    write("  try:")
    write(f"   _out = _forward({_arguments(parameters)})")
    write("  except Exception as error:")
    write(f"   raise _explain(error, {name!r}, {_inputs_by_name(operation)}) from None")
    write("  _kind = type(_out)")
    write("  if _kind is _ndarray:")
    write("   _size = _out.shape")
    write("   if not _size:")
    write("    _out = _out[()]")
    write("    _kind = type(_out)")
    write("  elif _kind not in _SCALARS:")
    write("   _out = _asarray(_out)[()]")
    write("   _kind = type(_out)")
    nodes = [f"any(_{x}_node)" if x == operation.variadic else f"_{x}_node" for x in inputs]
    write(f"  if ({' or '.join(nodes)}) and (_level := _mode.level):")
    write("   if _kind in _SCALARS or _out.dtype.kind == 'f' or _reject_complex(_out, _primitive):")
    write("    _value = _new(Value)")
    write("    _value._data = _out")
    write("    _value._node = _node = _Node()")
    write("    _node.number = next(_numbers)")
    write("    _node.primitive = _primitive")
    write("    _node.grad = None")
    write("    _node.keeps_grad = False")
    write("    _node.kind = _kind")
    write("    if _kind is _ndarray:")
    write("     _node.shape = _size")
    write("     _node.dtype = _out.dtype")
    for at, x in enumerate(inputs):
        position = operation.positions[x]
        if x == operation.variadic:
            needs = _needs(operation, x)
            edge = f"(_{x}_node[index], _{x}_rule, {needs}, {position} + index)"
            edges = f"tuple([{edge} for index in range(len({x})) if _{x}_node[index]])"
            write(f"    _edges = {edges if at == 0 else '_edges + ' + edges}")
        else:
            edge = f"((_{x}_node, _{x}_rule, {_needs(operation, x)}, {position}),)"
            if len(inputs) == 1:
                write(f"    _edges = {edge}")
            elif at == 0:
                write(f"    _edges = {edge} if _{x}_node else ()")
            else:
                write(f"    if _{x}_node:")
                write(f"     _edges += {edge}")
    write("    _node.edges = _edges")
    write("    if _level > 1:")
    write(f"     _trace(_node, _out, ({' '.join(f'{p.name},' for p in parameters)}))")
    write("    return _value")
    wrapped = [
        f"None in _{x}_node" if x == operation.variadic else f"_{x}_node is None" for x in inputs
    ]
    write(f"  if {' or '.join(wrapped + nodes)}:")
    write("   _value = _new(Value)")
    write("   _value._data = _out")
    write("   _value._node = None")
    write("   return _value")
    write("  return _out")
    write(f" return {name}")
    return "\n".join(lines) + "\n"


def _signature(parameters: tuple[inspect.Parameter, ...]) -> str:
    parts = []
    starred = False
    for p in parameters:
        if p.kind is p.VAR_POSITIONAL:
            parts.append(f"*{p.name}")
            starred = True
            continue
        if p.kind is p.KEYWORD_ONLY and not starred:
            parts.append("*")
            starred = True
        parts.append(p.name if p.default is p.empty else f"{p.name}=_{p.name}_default")
    return ", ".join(parts)


def _arguments(parameters: tuple[inspect.Parameter, ...]) -> str:
    return ", ".join(
        f"*{p.name}" if p.kind is p.VAR_POSITIONAL
        else f"{p.name}={p.name}" if p.kind is p.KEYWORD_ONLY
        else p.name
        for p in parameters
    )  # fmt: skip


def _inputs_by_name(operation: Primitive) -> str:
    pairs = [
        f"**{{f'{x}[{{i}}]': a for i, a in enumerate({x})}}"
        if x == operation.variadic
        else f"{x!r}: {x}"
        for x in operation.inputs
    ]
    return "{" + ", ".join(pairs) + "}"


def _needs(operation: Primitive, x: str) -> str:
    """The tuple of what the rule of input `x` names, as an expression of the function."""

    def expression(need: str) -> str:
        if need == "out":
            return "_out"
        if need in operation.positions or need == "index":
            return need
        array = need.removesuffix("_shape")
        if array == operation.variadic:
            return f"[_shape(a) for a in {array}]"
        return f"_shape({array})"

    return "(" + "".join(expression(need) + "," for need in operation.needs[x]) + ")"
