"""This package: a primitive with a rule for each input, checked by testing.gradcheck."""

from __future__ import annotations

import inspect
import re
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

import tinygrad_nn as tg
from tinygrad_nn import Value
from tinygrad_nn.testing import gradcheck

from ..case import Case

version = tg.__version__


def checker(case: Case) -> Callable[[], str]:
    """Inputs whose gradient is None have no rule, and are detached."""
    operation = _operation(case)

    def check() -> str:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return str(gradcheck(operation, *case.copies()).verdict)

    return check


def _operation(case: Case) -> Callable[..., Any]:
    """The case as a function of Values."""
    outputs = case.f(np, *case.copies())
    several = isinstance(outputs, tuple)
    shapes = [np.shape(out) for out in outputs] if several else []
    gradients = case.vjp(np, outputs, *case.copies())

    def forward(*inputs: Any) -> Any:
        out = case.f(np, *inputs)
        return _packed(out) if several else out

    def rule_for(at: int) -> Callable[..., Any]:
        def rule(g: Any, *inputs: Any) -> Any:
            return case.vjp(np, _unpacked(g, shapes) if several else g, *inputs)[at]

        return _named(rule, ["g", *case.parameters])

    with_rule = [at for at, gradient in enumerate(gradients) if gradient is not None]
    rules = {case.parameters[at]: rule_for(at) for at in with_rule}
    forward.__name__ = "case_" + re.sub(r"\W+", "_", case.name)
    primitive = tg.primitive(**rules)(_named(forward, case.parameters))

    def operation(*values: Value) -> Any:
        out = primitive(*[v if at in with_rule else v.detach() for at, v in enumerate(values)])
        return _unpacked(out, shapes) if several else out

    return operation


def _named(function: Callable[..., Any], parameters: list[str]) -> Callable[..., Any]:
    """`function`, which takes *arguments, with the names of its parameters."""
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    function.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [inspect.Parameter(name, kind) for name in parameters]
    )
    return function


def _packed(outputs: tuple[Any, ...]) -> Any:
    """Several outputs as the one vector that a primitive may return."""
    return np.concatenate([np.ravel(out) for out in outputs])


def _unpacked(vector: Any, shapes: list[tuple[int, ...]]) -> tuple[Any, ...]:
    ends = np.cumsum([np.prod(shape, dtype=int) for shape in shapes])
    parts = zip([0, *ends], ends, shapes, strict=False)
    return tuple(vector[start:end].reshape(shape) for start, end, shape in parts)
