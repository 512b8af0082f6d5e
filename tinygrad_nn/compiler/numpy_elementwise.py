"""How elementwise calls are written for NumPy."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from .functions import as_type
from .numpy_executor import Name, Writer, is_elementwise
from .program import Call, Ref

Kinds = Mapping[Ref, tuple[tuple[int, ...], "np.dtype[Any] | None"]]

# Python numbers that these take may be made arrays of the others' type beforehand.
_OF_ONE_TYPE = {
    *(np.add, np.subtract, np.multiply, np.divide, np.maximum, np.minimum),
    *(np.greater, np.greater_equal, np.less, np.less_equal, np.equal, np.not_equal),
}


def can_write(writer: Writer, call: Call, kinds: Kinds) -> bool:
    """Whether `lines` are for this call."""
    if call.function is np.where:
        condition = call.args[0]
        of_truths = isinstance(condition, Ref) and kinds[condition][1] == np.bool_
        return of_truths and len(call.args) == 3 and not call.keywords
    if call.function is as_type:
        return True
    return is_elementwise(call.function) and "where" not in call.keywords


def lines(writer: Writer, call: Call, out: Name, kinds: Kinds) -> list[str]:
    """What writes the result of an elementwise call into the array `out`."""
    if call.function is as_type:
        return [f"{writer.give(np.copyto, 'f')}({out}, {writer.text(call.args[0])}, 'unsafe')"]
    if call.function is np.where:
        copyto = writer.give(np.copyto, "f")
        condition, x, y = map(writer.text, call.args)
        return [f"{copyto}({out}, {y}, 'unsafe')", f"{copyto}({out}, {x}, 'unsafe', {condition})"]
    args = "".join(f"{arg}, " for arg in _operands(writer, call, kinds))
    keywords = "".join(f", {name}={writer.text(x)}" for name, x in call.keywords.items())
    # NumPy deprecates the shorter form for these two.
    target = f"out={out}" if call.function in (np.maximum, np.minimum) else out
    return [f"{writer.give(call.function, 'f')}({args}{target}{keywords})"]


def _operands(writer: Writer, call: Call, kinds: Kinds) -> list[str]:
    """The operands as they are written: numbers as arrays, which NumPy would make each time."""
    dtypes = set()
    for arg in call.args:
        if isinstance(arg, Ref):
            dtypes.add(kinds[arg][1])
        elif not isinstance(arg, (int, float)) or isinstance(arg, np.generic):
            dtypes.add(getattr(arg, "dtype", None))
    dtypes.discard(None)
    if call.function in _OF_ONE_TYPE and len(dtypes) == 1 and not call.keywords:
        (dtype,) = dtypes
        if dtype in (np.float32, np.float64):
            return [_as_array(writer, arg, dtype, kinds) for arg in call.args]
    return [writer.text(arg) for arg in call.args]


def _as_array(writer: Writer, arg: Any, dtype: Any, kinds: Kinds) -> str:
    if isinstance(arg, Ref):
        return writer.text(arg) if kinds[arg][1] else writer.number(arg, dtype)
    if type(arg) in (int, float) and abs(arg) <= np.finfo(np.float32).max:
        return writer.number(arg, dtype)
    return writer.text(arg)
