"""This package, eager, as its users write it."""

import tinygrad_nn as tg

from .functions import elementwise, hvp, logsumexp
from .networks import digits_epoch, mlp, moons_epoch, rnn
from .scalars import chain, moons_scalar, scalar_graph

__all__ = [
    "chain",
    "digits_epoch",
    "elementwise",
    "hvp",
    "logsumexp",
    "mlp",
    "moons_epoch",
    "moons_scalar",
    "rnn",
    "scalar_graph",
]

version = tg.__version__
imports = "import tinygrad_nn"
