"""Derivatives written by hand, in NumPy; for chains of scalars in Python's own numbers."""

import numpy as np

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

version = np.__version__
imports = "import numpy"
