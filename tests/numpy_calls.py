"""Calls of NumPy's functions, written as code, compared between arrays and Values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tinygrad_nn import Value
from tinygrad_nn.testing import gradcheck

Inputs = Mapping[str, Any]

_rng = np.random.default_rng(0)
ARRAYS = {
    "x": np.float64(0.75),
    "u": _rng.normal(size=3),
    "v": _rng.normal(size=4),
    "a": _rng.normal(size=(2, 3)),
    "b": _rng.normal(size=(2, 3)),
    "c": _rng.normal(size=(2, 3, 4)),
}
"""What the calls may name: a number, vectors, matrices and a stack of them."""


def evaluate(code: str, inputs: Inputs) -> Any:
    return eval(code, {"np": np, **inputs})


def inputs_of(code: str, arrays: Inputs) -> dict[str, Any]:
    """Those of the arrays that the code names."""
    names = compile(code, code, "eval").co_names
    return {name: arrays[name] for name in names if name in arrays}


def assert_same(got: Any, want: Any, rtol: float) -> None:
    """Equal structures of arrays, whose types are the same; Values count as arrays."""
    if isinstance(want, (tuple, list)):
        assert type(got) is type(want)
        assert len(got) == len(want)
        for one, other in zip(got, want, strict=True):
            assert_same(one, other, rtol)
        return
    got = got.data if isinstance(got, Value) else got
    assert (np.shape(got), np.asarray(got).dtype) == (np.shape(want), np.asarray(want).dtype)
    np.testing.assert_allclose(got, want, rtol=rtol, atol=rtol)


def check_values(code: str, arrays: Inputs, rtol: float = 0.0) -> None:
    """The call gives on Values what it gives on arrays, in float64 and in float32."""
    for dtype, coarser in [(np.float64, 1), (np.float32, 2**29)]:
        inputs = {name: np.asarray(x, dtype)[()] for name, x in inputs_of(code, arrays).items()}
        values = {name: Value(x) for name, x in inputs.items()}
        assert_same(evaluate(code, values), evaluate(code, inputs), rtol * coarser)


def check_derivatives(code: str, arrays: Inputs) -> None:
    """The derivatives of all results by all inputs are right, to second order.

    They are measured one by one for a few elements, and all at once for many.
    """
    inputs = inputs_of(code, arrays)
    mode: Any = "full" if sum(np.size(x) for x in inputs.values()) < 8 else "directional"

    def all_results(*values: Any) -> Any:
        result = evaluate(code, dict(zip(inputs, values, strict=True)))
        several = isinstance(result, (tuple, list))
        parts = [x for x in (result if several else [result]) if isinstance(x, Value)]
        return np.concatenate([np.ravel(part) for part in parts])

    assert gradcheck(all_results, *inputs.values(), order=2, mode=mode)
