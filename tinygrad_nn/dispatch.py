"""The function that runs and records a primitive.

What it does could be written once, as a loop over the inputs of any primitive. Written out for
each primitive, as here, it takes half the time, and it is all that Python adds to NumPy's work:
so the source of the function is put together from the templates below and compiled, once, when
the primitive is first called. `dispatcher` is the place to start reading. Tracebacks show the
result.
"""

from __future__ import annotations

import inspect
import linecache
import re
import textwrap
from types import FunctionType
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from .engine import Node, node_numbers, trace
from .errors import ShapeError
from .modes import COPIES, EVERYTHING, kept, mode
from .traced import is_traced, kind_of

if TYPE_CHECKING:
    from .primitive import Primitive

T = TypeVar("T")

# Names in the templates that begin with an underscore are variables or globals of the function;
# the others are the primitive's parameters. `Value` is the class that `wraps_results` declares.

_INPUT = """
if type({x}) is Value:
    _{x}_node = {x}._node
    {x} = {x}._data{check}
else:
    _{x}_node = False
    if type({x}) not in _PLAIN{or_none}:
        {x} = _as_operand({x}, "{name}", "{x}")
"""

_CHECK = """
    if {x}.dtype.kind == "c":
        _reject_complex({x}, "{name}")"""

_VARIADIC_INPUT = """
_{x}_node = [a._node if type(a) is Value else False for a in {x}]
{x} = [
    a._data if type(a) is Value else a if type(a) in _PLAIN else _as_operand(a, "{name}", "{x}")
    for a in {x}
]
"""

_CONSTANT = """
if type({x}) is Value:
    {x} = _without_rule({x}, "{name}", "{x}")
"""

_RUN = """
try:
    _out = _forward({arguments})
except Exception as error:
    raise _explain(error, "{name}", {inputs}) from None
_kind = type(_out)
if _kind in _SCALARS:
    _differentiable = True
else:
    if _kind is not _ndarray or not _out.ndim:
        if _kind is Value and _have_objects({inputs}):
            return _function({again})
        _out = _as_result(_out, "{name}")
        _kind = _kind_of(_out)
    _differentiable = _out.dtype.kind {kinds}
    if not _differentiable and _out.dtype.kind == "O":
        return _function({again})
"""

_RECORD = """
if ({any_node}) and (_differentiable or _reject_complex(_out, "{name}")):
    _level = _mode.level
    if _level:
        _value = _new(Value)
        _value._data = _out
        _value._node = _node = _Node()
        _node.number = next(_numbers)
        _node.primitive = _primitive
        _node.grad = None
        _node.keeps_grad = False
        _node.kind = _kind
        if _kind is _ndarray:
            _node.shape = _out.shape
            _node.dtype = _out.dtype
        {keep}{edges}
        _node.edges = _edges
        if _level >= {everything}:
            _trace(_node, _out, {all})
        return _value
if {any_value}:
    _value = _new(Value)
    _value._data = _out
    _value._node = None
    return _value
return _out
"""

# ---- What the function calls

_NUMBERS = (bool, int, float, complex, np.generic)
_REAL = np.typecodes["AllInteger"] + np.typecodes["Float"]
_PLAIN = frozenset(
    [np.ndarray, float, int, bool, complex, np.bool_, *(np.dtype(c).type for c in _REAL)]
)
_SCALARS = frozenset(np.dtype(c).type for c in np.typecodes["Float"])


def _as_operand(x: Any, operation: str, name: str) -> Any:
    """`x` as a number or array that NumPy computes with, or a TypeError."""
    if is_traced(x):
        return x
    what = type(x).__name__
    if isinstance(x, np.ma.MaskedArray):
        what = "a masked array"  # NumPy would drop the mask
    elif isinstance(x, (list, tuple, *_NUMBERS)) or hasattr(type(x), "__array__"):
        array = np.asarray(x)
        if array.dtype.kind in "biufc":
            return array
        what = f"{array.dtype} data"
    raise TypeError(f"{operation}: {name} must be a number, an array or a Value, not {what}")


def _as_result(out: Any, operation: str) -> Any:
    """What the forward function returned, as NumPy returns it."""
    if is_traced(out):
        return out
    if not isinstance(out, (np.ndarray, *_NUMBERS)):
        raise TypeError(f"{operation} must return one array or number, not {type(out).__name__}")
    return np.asarray(out)[()]


def _without_rule(value: Any, operation: str, name: str) -> Any:
    if value.requires_grad:
        raise TypeError(
            f"{operation} has no derivative rule for {name}: pass an array, or Value.detach()"
        )
    return value.data


def _explain(error: Exception, operation: str, inputs: dict[str, Any]) -> Exception:
    """`error`, raised by the forward function, with the operation's name and its inputs."""
    if isinstance(error, ShapeError):
        return error
    shapes = ", ".join(f"{name} {np.shape(x)}" for name, x in inputs.items())
    if type(error) is ValueError and re.search(
        "shape|size|dimension|broadcast|axes|subscript", str(error)
    ):
        return ShapeError(f"{operation}: {error} [{shapes}]")
    error.add_note(f"in {operation} [{shapes}]")
    return error


def _again(x: Any, node: Any, operation: str) -> Any:
    """An argument as it was given, but as a Value where it is an array of Values."""
    if node is not False:
        value: Any = object.__new__(_scope["Value"])
        value._data, value._node = x, node
        return value
    value = gathered(x)
    if value is x and isinstance(x, np.ndarray) and x.dtype.kind == "O":
        raise TypeError(f"{operation}: an array of objects that are no numbers")
    return value


def _have_objects(inputs: dict[str, Any]) -> bool:
    """Whether an array of Values, or of other objects, is among the inputs."""
    return any(isinstance(x, np.ndarray) and x.dtype.kind == "O" for x in inputs.values())


def gathered(x: Any) -> Any:
    """`x`, or if it is an array whose elements are Values, one Value of them."""
    if isinstance(x, np.ndarray) and x.dtype.kind == "O":
        elements = list(x.flat)
        if any(isinstance(each, _scope["Value"]) for each in elements):
            return np.reshape(np.stack(elements), x.shape)
    return x


def fillable(array: Any) -> Any:
    """In a function of arrays, `array` as a Value without gradient: Values can be assigned to it.

    Elsewhere, and if it is not of floating point, the array.
    """
    if not mode.like_arrays or not np.ndim(array) or array.dtype.kind not in "fc":
        return array
    value: Any = object.__new__(_scope["Value"])
    value._data, value._node = array, None
    return value


def stacked(x: Any) -> Any:
    """A list, a list of lists or an array, as one Value if there are Values in it."""
    if isinstance(x, (list, tuple)):
        parts = [stacked(part) for part in x]
        return np.stack(parts) if any(type(part) is _scope["Value"] for part in parts) else x
    return gathered(x)


def _reject_complex(x: Any, operation: str) -> bool:
    """Whether `x`, which is of no dtype that the rules are for, carries gradients: no."""
    if x.dtype.kind == "c":
        raise TypeError(f"{operation}: its derivative rules are not for complex numbers")
    return False


_scope: dict[str, Any] = {
    "__name__": __name__,
    "_new": object.__new__,
    "_ndarray": np.ndarray,
    "_shape": np.shape,
    "_PLAIN": _PLAIN,
    "_SCALARS": _SCALARS,
    "_Node": Node,
    "_mode": mode,
    "_numbers": node_numbers,
    "_trace": trace,
    "_kept": kept,
    "_kind_of": kind_of,
    "_as_operand": _as_operand,
    "_as_result": _as_result,
    "_without_rule": _without_rule,
    "_explain": _explain,
    "_reject_complex": _reject_complex,
    "_again": _again,
    "_have_objects": _have_objects,
}


def wraps_results(cls: type[T]) -> type[T]:
    """Declare `cls`, the class Value, to be what primitives take and return."""
    _scope["Value"] = cls
    return cls


# ---- Putting the function together


def dispatcher(operation: Primitive) -> Any:
    """A function with the parameters of `operation` that runs it, and records it for Values.

    Its globals are its own. Its code is that of `_first_call` until then, for a program calls
    few of all the primitives that it imports.
    """
    scope = {
        "__name__": __name__,
        "_compile": _compile,
        "_primitive": operation,
        "_forward": operation.forward,
        **{f"_{x}_rule": operation.rules[x] for x in operation.inputs},
    }
    function = FunctionType(_first_call.__code__, scope, operation.forward.__name__)
    scope["_function"] = function
    given = [p for p in operation.parameters if p.default is not p.empty]
    by_name = {p.name: p.default for p in given if p.kind is p.KEYWORD_ONLY}
    function.__defaults__ = tuple([p.default for p in given if p.name not in by_name])
    function.__kwdefaults__ = by_name
    return function


def _first_call(*args: Any, **keywords: Any) -> Any:
    # Runs with the globals of the primitive's function.
    _compile(_function, _primitive)  # type: ignore[name-defined]  # noqa: F821
    return _function(*args, **keywords)  # type: ignore[name-defined]  # noqa: F821


def _compile(function: FunctionType, operation: Primitive) -> None:
    """Give the function of `operation` its code, and what this calls."""
    source = _source(operation)
    filename = f"<primitive {operation.name}>"
    linecache.cache[filename] = (len(source), None, source.splitlines(True), filename)
    function.__globals__.update(_scope)
    made: dict[str, Any] = {}
    exec(compile(source, filename, "exec"), made)
    function.__code__ = made.pop(function.__name__).__code__  # so that no cycle is left


def _source(operation: Primitive) -> str:
    name = operation.forward.__name__
    body = []
    for p in operation.parameters:
        if p.name in operation.inputs:
            template = _VARIADIC_INPUT if p.name == operation.variadic else _INPUT
        elif p.default is p.empty:
            template = _CONSTANT
        else:
            continue
        or_none = f" and {p.name} is not None" if p.default is None else ""
        check = "" if operation.complex else _CHECK.format(x=p.name, name=operation.name)
        body.append(template.format(x=p.name, name=operation.name, or_none=or_none, check=check))
    nodes = {x: f"_{x}_node" for x in operation.inputs}
    any_node = [f"any({nodes[x]})" if x == operation.variadic else nodes[x] for x in nodes]
    # A Value without a node is None there; what is not a Value, False.
    none = [
        f"None in {nodes[x]}" if x == operation.variadic else f"{nodes[x]} is None" for x in nodes
    ]
    body.append(
        _RUN.format(
            name=operation.name,
            arguments=", ".join(_argument(p) for p in operation.parameters),
            inputs=_inputs_by_name(operation),
            kinds='in "fc"' if operation.complex else '== "f"',
            again=_arguments_again(operation),
        )
    )
    body.append(
        _RECORD.format(
            name=operation.name,
            any_node=" or ".join(any_node),
            any_value=" or ".join(none + any_node),
            everything=EVERYTHING,
            keep=_keep(operation).replace("\n", "\n        "),
            edges=_edges(operation).replace("\n", "\n        "),
            all="(" + "".join(f"{p.name}, " for p in operation.parameters) + ")",
        )
    )
    signature = ", ".join(_parameters(operation))
    return f"def {name}({signature}):\n{textwrap.indent(''.join(body), ' ' * 4)}"


def _parameters(operation: Primitive) -> list[str]:
    """The parameters, without their defaults."""
    parts = []
    for p in operation.parameters:
        if p.kind is p.KEYWORD_ONLY and operation.variadic is None and "*" not in parts:
            parts.append("*")
        star = "*" if p.kind is p.VAR_POSITIONAL else ""
        parts.append(f"{star}{p.name}")
    return parts


def _argument(p: inspect.Parameter) -> str:
    if p.kind is p.VAR_POSITIONAL:
        return f"*{p.name}"
    return f"{p.name}={p.name}" if p.kind is p.KEYWORD_ONLY else p.name


def _arguments_again(operation: Primitive) -> str:
    """The arguments of the call, with Values for arrays of Values."""
    parts = []
    for p in operation.parameters:
        x = p.name
        if x == operation.variadic and x in operation.inputs:
            parts.append(f"*[_again(a, n, '{operation.name}') for a, n in zip({x}, _{x}_node)]")
        elif x in operation.inputs:
            again = f"_again({x}, _{x}_node, '{operation.name}')"
            parts.append(f"{x}={again}" if p.kind is p.KEYWORD_ONLY else again)
        else:
            parts.append(_argument(p))
    return ", ".join(parts)


def _inputs_by_name(operation: Primitive) -> str:
    parts = [
        f"**{{f'{x}[{{at}}]': a for at, a in enumerate({x})}}"
        if x == operation.variadic
        else f"'{x}': {x}"
        for x in operation.inputs
    ]
    return "{" + ", ".join(parts) + "}"


def _keep(operation: Primitive) -> str:
    """Statements by which the rules get copies of the plain arrays they need."""
    lines = []
    for p in operation.parameters:
        x = p.name
        others = [name for name in operation.inputs if name != x or name == operation.variadic]
        if not any(x in operation.needs[name] for name in others):
            continue  # nor does the rule of what has a node need what has none
        if x not in operation.inputs:
            lines.append(f"{x} = _kept({x})")
        elif x == operation.variadic:
            pairs = f"zip({x}, _{x}_node)"
            lines.append(f"{x} = [_kept(a) if n is False else a for a, n in {pairs}]")
        else:
            lines.append(f"if _{x}_node is False:\n    {x} = _kept({x})")
    body = textwrap.indent("\n".join(lines), "    ")
    return f"if _level & {COPIES}:\n{body}\n" if lines else ""


def _edges(operation: Primitive) -> str:
    """Statements that make `_edges`, the tuple of an edge for each input with a node."""
    lines: list[str] = []
    several = operation.variadic
    if f"{several}_shape" in operation.needs.get(several or "", ()):
        lines.append(f"_shapes = [_shape(a) for a in {several}]")
    first = len(lines)
    for x in operation.inputs:
        node, slot = f"_{x}_node", operation.positions[x]
        needs = "(" + "".join(f"{_need(operation, need)}, " for need in operation.needs[x]) + ")"
        if x == operation.variadic:
            edge = f"({node}[index], _{x}_rule, {needs}, {slot} + index)"
            edges = f"tuple([{edge} for index in range(len({x})) if {node}[index]])"
        elif len(operation.inputs) == 1:
            edges = f"(({node}, _{x}_rule, {needs}, {slot}),)"
        else:
            edges = f"(({node}, _{x}_rule, {needs}, {slot}),) if {node} else ()"
        lines.append(f"_edges = {edges}" if len(lines) == first else f"_edges += {edges}")
    return "\n".join(lines)


def _need(operation: Primitive, need: str) -> str:
    """What a rule names `need`, as an expression in the function."""
    if need == "out":
        return "_out"
    if need in operation.positions or need == "index":
        return need
    x = need.removesuffix("_shape")
    return "_shapes" if x == operation.variadic else f"_shape({x})"
