"""tinygrad_nn: reverse-mode differentiation of NumPy code, and neural networks on top of it.

>>> import tinygrad_nn as tg
>>> x = tg.Value([1.0, 2.0])
>>> y = (x * x).sum()
>>> y.backward()
>>> x.grad
array([2., 4.])

`Value` records what is computed; `grad` and `value_and_grad` differentiate functions; `compile`
makes programs of them; `primitive` defines new operations; `nn`, `optim` and `data` are for
networks; `testing` proves derivatives, and `draw` shows what was computed.
Operations have NumPy's names.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from . import allocation, data, interop, learning, nn, ops, optim, transforms
from .errors import CaptureError, ShapeError
from .modes import enable_grad, is_grad_enabled, no_grad, record
from .ops import *  # noqa: F403
from .primitive import primitive, primitives
from .random import manual_seed
from .transforms import *  # noqa: F403
from .value import Value, backward

__version__ = "0.1.0"

allocation.keep_freed_memory()

if TYPE_CHECKING:
    from . import testing, viz
    from .compiler import compile as compile
    from .viz import draw
else:

    def __getattr__(name):
        """Import what is no part of a program that runs when it is first asked for."""
        if name in ("testing", "viz"):
            return import_module(f"{__name__}.{name}")
        if name == "draw":
            return import_module(f"{__name__}.viz").draw
        if name == "compile":
            return import_module(f"{__name__}.compiler").compile
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")

    def __dir__():
        return [*globals(), "compile", "draw", "testing", "viz"]


__all__ = [
    "CaptureError",
    "ShapeError",
    "Value",
    "backward",
    "data",
    "draw",
    "enable_grad",
    "interop",
    "learning",
    "is_grad_enabled",
    "manual_seed",
    "nn",
    "no_grad",
    "optim",
    "primitive",
    "primitives",
    "record",
    "testing",
    "viz",
    *transforms.__all__,
    # `from tinygrad_nn import *` leaves Python's own functions alone.
    *(name for name in ops.__all__ if name not in ("abs", "max", "min", "sum")),
]
