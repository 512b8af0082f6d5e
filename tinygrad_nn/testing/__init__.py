"""Derivatives verified: numerical ones that know their error, and the gradient check.

`gradcheck` proves the derivatives of a function, `gradcheck_module` those of a model;
`numerical_gradient` and its like differentiate anything. `testing.strategies` (which needs
Hypothesis) draws inputs, and pytest finds a fixture `gradcheck`.
"""

from .gradcheck import gradcheck, gradcheck_module, gradgradcheck
from .numerical import (
    numerical_gradient,
    numerical_hessian,
    numerical_jacobian,
    numerical_jvp,
)
from .report import GradientMismatch, InconclusiveWarning, Report

__all__ = [
    "GradientMismatch",
    "InconclusiveWarning",
    "Report",
    "gradcheck",
    "gradcheck_module",
    "gradgradcheck",
    "numerical_gradient",
    "numerical_hessian",
    "numerical_jacobian",
    "numerical_jvp",
]
