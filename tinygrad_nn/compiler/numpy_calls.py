"""How each function of a program is written for NumPy: into an array that is there, if it can."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from .blocks import write_fused
from .functions import (
    TAKING_OUT,
    VIEWS,
    Draw,
    Fused,
    items_at,
    positions,
    product,
    rows_at,
    with_at,
    with_item,
    with_items_at,
)
from .numpy_elementwise import can_write, lines
from .numpy_executor import Name, Writer
from .program import Call, Ref


def write(writer: Writer, call: Call) -> None:
    """Write the lines that make a call."""
    if _is_standing_view(writer, call):
        return
    function = call.function
    method = getattr(function, "__name__", "")
    if writer.maker(call) is not call:
        return
    if isinstance(function, Fused):
        write_fused(writer, call)
    elif isinstance(function, Draw):
        _draw(writer, call)
    elif call.dtype is None:
        _OPERATORS.get(function, _plainly)(writer, call)
    elif isinstance(getattr(function, "__self__", None), np.ufunc):
        _REDUCTIONS.get(method, _plainly)(writer, call)
    elif can_write(writer, call, writer.kinds):
        _elementwise(writer, call)
    elif function is np.matmul:
        _matmul(writer, call)
    elif function in TAKING_OUT:
        _taking_out(writer, call)
    else:
        _WRITERS.get(function, _plainly)(writer, call)


def _plainly(writer: Writer, call: Call) -> None:
    """A new array in each call."""
    writer.assign(call, f"{writer.give(call.function, 'f')}({_arguments(writer, call)})")


def _arguments(writer: Writer, call: Call) -> str:
    keywords = "".join(f"{name}={writer.text(x)}, " for name, x in call.keywords.items())
    return f"{writer.texts(call.args)}{keywords}"[:-2]


# ---- Views


def _is_standing_view(writer: Writer, call: Call) -> bool:
    """Make a view when the function is made, if it is one of an array in the arena."""
    source = call.source
    if call.function not in VIEWS or source not in writer.standing or call.inputs != (source,):
        return False
    function, args, keywords = call.function, call.args[1:], call.keywords
    if function is operator.getitem:
        index = args[0] if isinstance(args[0], tuple) else (args[0],)
        args = (index if Ellipsis in index else (*index, Ellipsis),)

    def make(array: Any) -> Any:
        return function(array, *args, **keywords)

    like = make(writer.standing[source])
    if not isinstance(like, np.ndarray) or not np.may_share_memory(like, writer.standing[source]):
        return False
    writer.names[call.result] = writer.view(writer.names[source], make)
    writer.standing[call.result] = like
    return True


def _transpose(writer: Writer, call: Call) -> None:
    x, *axes = call.args
    whole = not axes and not call.keywords
    text = f"{writer.text(x)}.T" if whole else f"{writer.text(x)}.transpose({writer.texts(axes)})"
    _plainly(writer, call) if call.keywords else writer.assign(call, text)


def _reshape(writer: Writer, call: Call) -> None:
    x, *shape = call.args
    if call.keywords or len(shape) != 1:
        _plainly(writer, call)
    else:
        writer.assign(call, f"{writer.text(x)}.reshape({writer.text(shape[0])})")


def _item(writer: Writer, call: Call) -> None:
    x, index = call.args
    writer.assign(call, f"{writer.text(x)}[{writer.text(index)}]")


# ---- Calls that write into an array


def _elementwise(writer: Writer, call: Call) -> None:
    for line in lines(writer, call, writer.out(call), writer.kinds):
        writer.line(line)


def _matmul(writer: Writer, call: Call) -> None:
    if call.keywords:
        _taking_out(writer, call)
    else:
        first, second = map(writer.text, call.args)
        _write_product(writer, call, call.args, first, second)


def _product(writer: Writer, call: Call) -> None:
    a, b, transpose_a, transpose_b, *transpose_product = call.args
    first, second = _matrix(writer, a, transpose_a), _matrix(writer, b, transpose_b)
    _write_product(writer, call, (a, b), first, second, bool(transpose_product))


def _write_product(
    writer: Writer,
    call: Call,
    operands: tuple[Any, ...],
    first: str,
    second: str,
    transposed: bool = False,
) -> None:
    """A product by `dot` where it can be: the same call of BLAS, for a microsecond less.

    Of operands with gaps, `matmul` computes some without BLAS.
    """
    kinds = [writer.kinds[x] if type(x) is Ref and x in writer.dense else None for x in operands]
    matrices = all(kind and len(kind[0]) == 2 and kind[1] == call.dtype for kind in kinds)
    writer.out(call)
    out = _matrix(writer, call.result, transposed)
    axes = [axis for axis in call.layout if call.shape[axis] != 1]
    row_by_row = axes == sorted(axes, reverse=transposed)
    if matrices and call.dtype in (np.float32, np.float64) and row_by_row:
        writer.line(f"{first}.dot({second}, {out})")
    else:
        writer.line(f"{writer.give(np.matmul, 'f')}({first}, {second}, {out})")


def _matrix(writer: Writer, x: Any, transpose: bool) -> str:
    if not transpose:
        return writer.text(x)
    if x in writer.standing:
        return writer.view(writer.names[x], lambda array: array.T)
    return f"{writer.text(x)}.T"


def _taking_out(writer: Writer, call: Call) -> None:
    arguments = _arguments(writer, call)
    function = writer.give(call.function, "f")
    writer.line(f"{function}({arguments}, out={writer.out(call)})")


def _reduce(writer: Writer, call: Call) -> None:
    x, *rest = call.args
    keywords = dict(call.keywords)
    if rest or not keywords.keys() <= {"axis", "dtype", "keepdims"}:
        _taking_out(writer, call)
        return
    options = [keywords.get("axis", 0), keywords.get("dtype")]
    last = f", {writer.text(keywords['keepdims'])}" if keywords.get("keepdims") else ""
    function, x = writer.give(call.function, "f"), writer.text(x)
    writer.line(f"{function}({x}, {writer.texts(options)}{writer.out(call)}{last})")


_REDUCTIONS = {"reduce": _reduce, "accumulate": _taking_out}


def _copy(writer: Writer, call: Call) -> None:
    """The first argument, in the type and the layout of the result."""
    x = writer.text(call.args[0])
    copyto = writer.give(np.copyto, "f")
    writer.line(f"{copyto}({writer.out(call)}, {x}, 'unsafe')")


def _draw(writer: Writer, call: Call) -> None:
    """Random numbers into an array that is there, if the method can do that."""
    draw = call.function
    method = draw.__name__
    plain = not call.keywords.keys() - {"size", "dtype"} and len(call.args) <= 1
    if method in ("random", "standard_normal") and call.shape and plain:
        dtype = f"dtype={writer.give(call.dtype, 'd')}, "
        writer.line(f"{writer.give(draw, 'f')}({dtype}out={writer.out(call)})")
    else:
        _plainly(writer, call)


# ---- Indices


def _with_item(writer: Writer, call: Call) -> None:
    x, index, value = call.args
    out = _changed(writer, call, x)
    writer.line(f"{out}[{writer.text(index)}] = {writer.text(value)}")


def _with_at(writer: Writer, call: Call) -> None:
    ufunc, x, *rest = call.args
    out = _changed(writer, call, x)
    rest_text = writer.texts(rest)[:-2]
    writer.line(f"{writer.give(ufunc.at, 'f')}({out}, {rest_text})")


def _changed(writer: Writer, call: Call, x: Any) -> Name:
    """The array x, or a copy of it, as the result of a call."""
    if isinstance(x, Ref) and call.result not in writer.leaving and writer.fits(x, call, call):
        return writer.take_over(x, call)
    text = writer.text(x)
    out = writer.out(call)
    writer.line(f"{writer.give(np.copyto, 'f')}({out}, {text})")
    return out


def _positions(writer: Writer, call: Call) -> None:
    """Positions, in arrays that are there; what is negative or out of bounds is left to NumPy."""
    index, shape = call.args
    if not call.inputs:
        places = positions(index, shape)
        writer.names[call.result] = writer.give(places)
        return
    out = writer.out(call)
    constant: Any = 0
    tests: list[str] = []
    sums: list[str] = []
    for axis, (each, size) in enumerate(zip(index, shape, strict=True)):
        step = math.prod(shape[axis + 1 :])
        if not isinstance(each, Ref):
            constant = constant + positions((each,), (size,)) * step
            continue
        name = writer.text(each)
        tests.append(_is_outside(writer, each, size))
        if step == 1 and not sums:
            sums.append(name)
            continue
        multiply = writer.give(np.multiply, "f")
        scratch = writer.scratch(call.shape, np.intp, call.layout) if sums else out
        sums.append(f"{multiply}({name}, {step}, {scratch})")
    add = writer.give(np.add, "f")
    total, *more = [*sums, *([writer.text(constant)] if isinstance(constant, np.ndarray) else [])]
    writer.line(f"if {' or '.join(tests)}:")
    slow = f"{writer.give(positions, 'f')}({writer.text(index)}, {writer.text(shape)})"
    writer.line(f"    {out}[...] = {slow}")
    writer.line("else:")
    if not more:
        writer.line(f"    {writer.give(np.copyto, 'f')}({out}, {total})")
    for term in more:
        writer.line(f"    {add}({total}, {term}, {out})")
        total = str(out)


def _is_outside(writer: Writer, index: Ref, size: int) -> str:
    """A test for an index below 0, or not below `size`: as one without sign it is large."""
    dtype = writer.kinds[index][1]
    assert dtype is not None
    unsigned = np.dtype(f"u{dtype.itemsize}")
    largest = writer.scratch((), unsigned)
    name = writer.text(index)
    if unsigned != dtype:
        name = f"{name}.view({writer.give(unsigned, 'd')})"
    return f"{writer.give(np.maximum.reduce, 'f')}({name}, None, None, {largest}) >= {size}"


def _flat(writer: Writer, x: Any, layout: tuple[int, ...]) -> str | None:
    """The elements of an array in their order in memory, if there are no gaps between them."""
    if x not in writer.standing:
        return None
    like = writer.standing[x]
    if not like.transpose(layout).flags.c_contiguous:
        return None
    return writer.view(writer.names[x], lambda array: array.transpose(layout).reshape(-1))


def _items_at(writer: Writer, call: Call) -> None:
    x, places, layout = call.args
    flat = _flat(writer, x, layout)
    if flat is None:
        _plainly(writer, call)
        return
    name = writer.text(places)
    writer.line(f"{flat}.take({name}, None, {writer.out(call)}, 'clip')")


def _rows_at(writer: Writer, call: Call) -> None:
    x, places = map(writer.text, call.args)
    writer.line(f"{x}.take({places}, 0, {writer.out(call)}, 'clip')")


def _with_items_at(writer: Writer, call: Call) -> None:
    x, places, layout, value = call.args
    out = _changed(writer, call, x)
    flat = _flat(writer, call.result, layout)
    text = f"{out}.transpose({layout}).reshape(-1)" if flat is None else flat
    writer.line(f"{text}[{writer.text(places)}] = {writer.text(value)}")


# ---- Numbers


def _operator(symbol: str) -> Callable[[Writer, Call], None]:
    def write(writer: Writer, call: Call) -> None:
        a, b = map(writer.text, call.args)
        writer.assign(call, f"({a}) {symbol} ({b})")

    return write


_OPERATORS: dict[Any, Callable[[Writer, Call], None]] = {
    operator.getitem: _item,
    operator.add: _operator("+"),
    operator.sub: _operator("-"),
    operator.mul: _operator("*"),
    operator.truediv: _operator("/"),
    operator.pow: _operator("**"),
}


def _scalar_power(writer: Writer, call: Call) -> None:
    """A power of NumPy's numbers, which is not always that of its arrays, to the last bit."""
    parts = [
        f"{writer.text(arg)}[()]"
        if type(arg) is Ref and arg in writer.standing
        else writer.text(arg)
        for arg in call.args
    ]
    writer.assign(call, " ** ".join(f"({part})" for part in parts))


_WRITERS: dict[Any, Callable[[Writer, Call], None]] = {
    operator.getitem: _item,
    operator.pow: _scalar_power,
    with_item: _with_item,
    with_at: _with_at,
    np.copy: _copy,
    np.transpose: _transpose,
    np.reshape: _reshape,
    product: _product,
    positions: _positions,
    rows_at: _rows_at,
    items_at: _items_at,
    with_items_at: _with_items_at,
}
