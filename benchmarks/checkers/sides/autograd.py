"""HIPS autograd: a primitive with its vjp, checked by autograd.test_util.check_grads."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version as installed_version
from typing import Any

import numpy as np
from autograd.extend import defvjp, primitive
from autograd.test_util import check_grads

from ..case import Case

version = installed_version("autograd")


def checker(case: Case) -> Callable[[], str]:
    """Reverse mode only: the primitive has no other."""
    operation = primitive(lambda *inputs: case.f(np, *inputs))
    gradients = case.vjp(np, case.f(np, *case.copies()), *case.copies())
    defvjp(
        operation,
        *[None if v is None else _vjp_maker(case, at) for at, v in enumerate(gradients)],
    )
    arguments = tuple(range(len(case.inputs)))

    def check() -> str:
        np.random.seed(0)  # noqa: NPY002  # where check_grads draws its direction from
        check_grads(operation, arguments, modes=["rev"], order=1)(*case.copies())
        return "pass"

    return check


def _vjp_maker(case: Case, at: int) -> Callable[..., Any]:
    return lambda ans, *inputs: lambda g: case.vjp(np, g, *inputs)[at]
