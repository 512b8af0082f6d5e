"""The sides that are compared: this package, and each peer.

To add a peer, add its module here and its name to `MODULES`: it imports the peer, gives its
`version` and the statement `imports` that its users begin with, and has a function for each kind
of work it can do, named as the kind. Nothing else imports it but processes of its own.
"""

from __future__ import annotations

import importlib
from typing import Any

from ..job import LeftOutError

MODULES = {
    "tinygrad_nn": "tinygrad_nn",
    "tinygrad_nn-compiled": "tinygrad_nn_compiled",
    "numpy": "numpy",
    "torch": "torch",
    "torch-compile": "torch_compile",
    "jax": "jax",
    "autograd": "autograd",
    "mygrad": "mygrad",
    "micrograd": "micrograd",
}
EAGER, COMPILED = OURS = ("tinygrad_nn", "tinygrad_nn-compiled")
REFERENCE = "numpy"  # whose numbers the others must agree with
PEERS = [side for side in MODULES if side not in OURS]


def found(side: str, name: str) -> Any:
    """What the side's module calls `name`. Raises LeftOutError if it cannot take part."""
    try:
        module = importlib.import_module(f"{__package__}.{MODULES[side]}")
    except ImportError as error:
        raise LeftOutError(f"not installed ({error})") from None
    if not hasattr(module, name):
        raise LeftOutError("does not do this row")
    return getattr(module, name)
