"""What the tests of the gradient checker share."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_nn.primitive import Primitive
from tinygrad_nn.testing import GradientMismatch, InconclusiveWarning, Report, gradcheck


def check(
    f: Callable[..., Any], *inputs: Any, by: Callable[..., Report] = gradcheck, **options: Any
) -> Report:
    """The report of a check, whatever its verdict."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", InconclusiveWarning)
        try:
            return by(f, *inputs, **options)
        except GradientMismatch as mismatch:
            return mismatch.report


def verdict(f: Callable[..., Any], *inputs: Any, **options: Any) -> str:
    """The verdict of a check."""
    return check(f, *inputs, **options).verdict


def kinds(report: Report) -> set[str]:
    """The kinds of the report's findings."""
    return {finding.kind for finding in report.findings}


def operation(forward: Callable[..., Any], **rules: Callable[..., Any]) -> Callable[..., Any]:
    """A primitive like those of `tg.primitive`, but left out of the registry."""
    return Primitive(forward, rules).function


def square(x: Any) -> Any:
    """The forward function of most primitives with a wrong rule."""
    return x * x


X = np.array([0.5, 1.5, 2.0])
