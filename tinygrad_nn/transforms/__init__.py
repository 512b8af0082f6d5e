"""Derivatives of functions."""

from ._batching import vmap
from ._custom import checkpoint, custom_vjp, stop_gradient
from ._gradients import elementwise_grad, grad, value_and_grad
from ._matrices import hessian, jacobian
from ._products import ggnvp, hvp, jvp, linearize, vjp

__all__ = [
    "checkpoint",
    "custom_vjp",
    "elementwise_grad",
    "ggnvp",
    "grad",
    "hessian",
    "hvp",
    "jacobian",
    "jvp",
    "linearize",
    "stop_gradient",
    "value_and_grad",
    "vjp",
    "vmap",
]
