"""Small programs for tests of passes and executors."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tinygrad_nn.compiler.program import Program, evaluated, function_name
from tinygrad_nn.compiler.tracing import Tape


def traced(f: Callable[..., Any], *examples: Any) -> Program:
    """The calls that f makes, for inputs of the kinds of these."""
    tape = Tape()
    with np.errstate(all="ignore"):
        results = f(*(tape.input(x, f"x{at}") for at, x in enumerate(examples)))
    results = results if isinstance(results, tuple) else (results,)
    tape.program.outputs = [getattr(result, "ref", result) for result in results]
    return tape.program


def names(program: Program) -> list[str]:
    """The functions that are called, in order."""
    return [function_name(call.function) for call in program.calls]


def assert_equal(found: Sequence[Any], expected: Sequence[Any]) -> None:
    """The same arrays, to the last bit but for the sign of NaN, of the same types and shapes."""
    assert len(found) == len(expected)
    for one, other in zip(map(np.asarray, found), map(np.asarray, expected), strict=True):
        assert (one.shape, one.dtype) == (other.shape, other.dtype)
        np.testing.assert_array_equal(one, other)
        if one.dtype.kind == "f":
            known = ~np.isnan(one)
            np.testing.assert_array_equal(np.signbit(one)[known], np.signbit(other)[known])


def check(before: Program, after: Program, *inputs: Any) -> None:
    """Two programs give the same."""
    with np.errstate(all="ignore"):
        assert_equal(evaluated(after, inputs), evaluated(before, inputs))
