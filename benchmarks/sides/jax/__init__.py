"""JAX, the whole step compiled by jit as one program, and waited for."""

import jax

from .functions import elementwise, hvp, logsumexp
from .networks import digits_epoch, mlp, moons_epoch, rnn
from .scalars import chain

__all__ = [
    "chain",
    "digits_epoch",
    "elementwise",
    "hvp",
    "logsumexp",
    "mlp",
    "moons_epoch",
    "rnn",
]

version = jax.__version__
imports = "import jax, jax.numpy"
