"""Layers and losses as functions: what the modules of `nn` call, with no parameters within."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..ops import (
    elu,
    gelu,
    leaky_relu,
    linear,
    log_softmax,
    relu,
    sigmoid,
    silu,
    softmax,
    softplus,
    tanh,
)
from ..random import generator
from ._class_losses import cross_entropy, nll_loss
from ._elementwise_losses import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    half_mse_loss,
    hinge_loss,
    huber_loss,
    l1_loss,
    mse_loss,
)
from ._reduction import as_float
from ._stochastic import (
    poisson_relu,
    poisson_relu_log_prob,
    score_function,
    stochastic_binary,
    stochastic_binary_log_prob,
)

__all__ = [
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "cross_entropy",
    "dropout",
    "elu",
    "gelu",
    "half_mse_loss",
    "hinge_loss",
    "huber_loss",
    "l1_loss",
    "leaky_relu",
    "linear",
    "log_softmax",
    "mse_loss",
    "nll_loss",
    "poisson_relu",
    "poisson_relu_log_prob",
    "relu",
    "score_function",
    "sigmoid",
    "silu",
    "softmax",
    "softplus",
    "stochastic_binary",
    "stochastic_binary_log_prob",
    "tanh",
]


def check_probability(p: float) -> None:
    """Raise ValueError unless `p` is a probability."""
    if not 0 <= p <= 1:
        raise ValueError(f"dropout probability {p} is not between 0 and 1")


def dropout(
    x: Any, p: float = 0.5, training: bool = True, *, rng: np.random.Generator | None = None
) -> Any:
    """In training, x with each element 0 with probability `p` and divided by 1 - p otherwise.

    So the expected value stays (Srivastava et al., 2014). `rng` is drawn from; without one, the
    package's generator.

    >>> import numpy as np
    >>> from tinygrad_nn import nn
    >>> set(nn.functional.dropout(np.ones(100), 0.5).tolist()) == {0.0, 2.0}
    True
    """
    check_probability(p)
    if not training or p == 0:
        return x
    x = as_float(x)
    kept = generator(rng).random(x.shape) >= p
    return x * (kept * x.dtype.type(0 if p == 1 else 1 / (1 - p)))
