"""PyTorch, eager, with its own modules and optimizers and its default number of threads."""

import torch

from .functions import elementwise, hvp, logsumexp
from .networks import digits_epoch, mlp, moons_epoch, rnn
from .scalars import chain, scalar_graph

__all__ = [
    "chain",
    "digits_epoch",
    "elementwise",
    "hvp",
    "logsumexp",
    "mlp",
    "moons_epoch",
    "rnn",
    "scalar_graph",
]

version = torch.__version__
imports = "import torch"
