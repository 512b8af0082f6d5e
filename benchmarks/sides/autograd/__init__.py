"""HIPS autograd: value_and_grad of functions of parameters."""

from importlib.metadata import version as installed_version

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

version = installed_version("autograd")
imports = "import autograd, autograd.numpy"
