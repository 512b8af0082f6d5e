"""Scalars, compiled."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

from ...job import Timed
from ...work import Chain


def chain(row: Chain) -> Timed:
    """The chain as one straight program or, over operands with gradients, a scan."""
    jax.config.update("jax_enable_x64", True)  # type: ignore[no-untyped-call]
    x = jnp.asarray(row.start)
    factors = jnp.full(row.pairs, row.factor)
    terms = jnp.full(row.pairs, row.term)

    def number_chain(x: Any) -> Any:
        y = x
        for _ in range(row.pairs):
            y = y * row.factor
            y = y + row.term
        return y

    def leaf_chain(x: Any, factors: Any, terms: Any) -> Any:
        return jax.lax.scan(lambda y, ab: (y * ab[0] + ab[1], None), x, (factors, terms))[0]

    if not row.leaves:
        numbers = jax.jit(jax.value_and_grad(number_chain))
        return Timed(
            lambda: numbers(x)[0].block_until_ready(), lambda: [float(v) for v in numbers(x)]
        )

    leaves = jax.jit(jax.value_and_grad(leaf_chain, argnums=(0, 1, 2)))

    def check() -> list[float]:
        y, (g, g_factors, g_terms) = leaves(x, factors, terms)
        return [float(y), float(g), float(g), *g_factors.tolist(), *g_terms.tolist()]

    return Timed(lambda: leaves(x, factors, terms)[0].block_until_ready(), check)
