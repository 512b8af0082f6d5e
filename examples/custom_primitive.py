"""An operation of one's own, with a bug in its derivative, which gradcheck finds.

Run it from anywhere: python3 examples/custom_primitive.py
"""

from __future__ import annotations

import numpy as np

import tinygrad_nn as tg
from tinygrad_nn import nn
from tinygrad_nn.testing import GradientMismatch, gradcheck, gradcheck_module


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


# Swish, x sigmoid(beta x), with a steepness that is learned. Its derivative by x is
# s + x beta s (1 - s) for s = sigmoid(beta x); this rule forgets the inner derivative, beta.
@tg.primitive(
    x=lambda g, x, beta: g * (1 + x * (1 - sigmoid(beta * x))) * sigmoid(beta * x),
    beta=lambda g, x, beta: g * x * x * sigmoid(beta * x) * (1 - sigmoid(beta * x)),
)
def careless_swish(x, beta):
    return x * sigmoid(beta * x)


@tg.primitive(
    x=lambda g, x, beta: g * (1 + beta * x * (1 - sigmoid(beta * x))) * sigmoid(beta * x),
    beta=lambda g, x, beta: g * x * x * sigmoid(beta * x) * (1 - sigmoid(beta * x)),
)
def swish(x, beta):
    return x * sigmoid(beta * x)


class Swish(nn.Module):
    """The activation as a part of networks, with `beta` as its parameter."""

    def __init__(self, function, beta=1.5):
        self.function = function
        self.beta = tg.Value(beta)

    def forward(self, x):
        return self.function(x, self.beta)


def network(function):
    """A small network with the activation between its layers."""
    return nn.Sequential(
        nn.Linear(3, 4, dtype=np.float64),
        Swish(function),
        nn.Linear(4, 2, dtype=np.float64),
    )


def check(function):
    """Whether the derivatives of a network with the activation are right; prints the report."""
    tg.manual_seed(0)
    x = np.random.default_rng(0).normal(size=(5, 3))
    try:
        report = gradcheck_module(network(function), x, loss=lambda out: (out**2).mean())
    except GradientMismatch as mismatch:
        report = mismatch.report
    print(report, end="\n\n")
    return report


def main():
    print("A network with the careless operation:\n")
    careless = check(careless_swish)
    print("The same network with beta in its place:\n")
    mended = check(swish)
    print("And the operation alone, with its second derivatives:\n")
    alone = gradcheck(swish, np.array([-2.0, 0.5, 1.0]), 1.5, order=2)
    print(alone, end="\n\n")

    culprits = [(culprit.primitive, culprit.input) for culprit in careless.culprits]
    print(f"check: culprit {culprits}, mended: {mended.verdict}, to second order: {alone.verdict}")


if __name__ == "__main__":
    main()
