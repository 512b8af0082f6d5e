"""JAX: a custom_vjp, in float64 where the case is, checked by jax.test_util.check_grads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax.test_util import check_grads

from ..case import Case

version = jax.__version__
jax.config.update("jax_enable_x64", True)


def checker(case: Case) -> Callable[[], str]:
    """Reverse mode only: a custom_vjp has no other."""

    @jax.custom_vjp
    def operation(*inputs: Any) -> Any:
        return case.f(jnp, *inputs)

    operation.defvjp(
        lambda *inputs: (operation(*inputs), inputs),
        lambda inputs, g: case.vjp(jnp, g, *inputs),
    )

    def check() -> str:
        check_grads(operation, case.copies(), order=1, modes=("rev",))
        return "pass"

    return check
