"""MyGrad, with its own fused loss, and without memory guarding, as it advises for speed."""

# mypy: disable-error-code="attr-defined,no-untyped-call"
import mygrad as mg

from .functions import elementwise, logsumexp
from .networks import digits_epoch, mlp, moons_epoch, rnn
from .scalars import chain, scalar_graph

__all__ = [
    "chain",
    "digits_epoch",
    "elementwise",
    "logsumexp",
    "mlp",
    "moons_epoch",
    "rnn",
    "scalar_graph",
]

version = mg.__version__
imports = "import mygrad"
mg.turn_memory_guarding_off()
