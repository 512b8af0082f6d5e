"""PyTorch: an autograd.Function that calls NumPy, checked by torch.autograd.gradcheck."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from ..case import Case

version = torch.__version__.partition("+")[0]


def checker(case: Case) -> Callable[[], str]:
    """The Function shares its tensors' memory with NumPy, and copies what NumPy returns."""

    class Operation(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, *inputs: Any) -> Any:
            ctx.save_for_backward(*inputs)
            out = case.f(np, *[x.detach().numpy() for x in inputs])
            return tuple(map(_tensor, out)) if isinstance(out, tuple) else _tensor(out)

        @staticmethod
        @torch.autograd.function.once_differentiable
        def backward(ctx: Any, *g: Any) -> Any:
            arrays = tuple(part.numpy() for part in g)
            inputs = [x.detach().numpy() for x in ctx.saved_tensors]
            gradients = case.vjp(np, arrays if len(arrays) > 1 else arrays[0], *inputs)
            return tuple(None if v is None else _tensor(v) for v in gradients)

    def check() -> str:
        inputs = [torch.from_numpy(x).requires_grad_() for x in case.copies()]
        return "pass" if torch.autograd.gradcheck(Operation.apply, inputs) else "alarm"

    return check


def _tensor(array: Any) -> Any:
    return torch.from_numpy(np.array(array))
