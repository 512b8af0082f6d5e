"""The smallest network, one neuron after another, and its derivatives by hand.

z0 = x w0, a0 = sigmoid(z0), z1 = a0 w1, a1 = sigmoid(z1), and the error is E = 1/2 (a1 - y)^2. By
the chain rule, the derivative of E by each number follows from that by the number after it, from
the error back to the weights. That is what backward() does; its results stand here beside those
of the formulas written by hand, and in the picture below each number's value.
"""

from __future__ import annotations

import numpy as np
from showing import check, picture_folder, save

import tinygrad_nn as tg
from tinygrad_nn.testing import gradcheck

X, W0, W1, Y = 1.5, 0.8, -0.6, 0.9


def network(x, w0, w1, y):
    z0 = x * w0
    a0 = tg.sigmoid(z0)
    z1 = a0 * w1
    a1 = tg.sigmoid(z1)
    return z0, a0, z1, a1, 0.5 * (a1 - y) ** 2


def derivatives_by_hand(x, w0, w1, y):
    """The formula and the value of dE by each number."""
    a0 = 1 / (1 + np.exp(-x * w0))
    a1 = 1 / (1 + np.exp(-a0 * w1))
    return {
        "a1": ("(a1 - y)", (a1 - y)),
        "z1": ("(a1 - y) a1 (1 - a1)", (a1 - y) * a1 * (1 - a1)),
        "w1": ("(a1 - y) a1 (1 - a1) a0", (a1 - y) * a1 * (1 - a1) * a0),
        "a0": ("(a1 - y) a1 (1 - a1) w1", (a1 - y) * a1 * (1 - a1) * w1),
        "z0": (
            "(a1 - y) a1 (1 - a1) w1 a0 (1 - a0)",
            (a1 - y) * a1 * (1 - a1) * w1 * a0 * (1 - a0),
        ),
        "w0": (
            "(a1 - y) a1 (1 - a1) w1 a0 (1 - a0) x",
            (a1 - y) * a1 * (1 - a1) * w1 * a0 * (1 - a0) * x,
        ),
    }


def main() -> None:
    folder = picture_folder(__doc__)
    x, y = (tg.Value(number, requires_grad=False) for number in (X, Y))
    w0, w1 = tg.Value(W0), tg.Value(W1)
    with tg.record():
        z0, a0, z1, a1, error = network(x, w0, w1, y)
    error.backward()

    values = {"w0": w0, "z0": z0, "a0": a0, "w1": w1, "z1": z1, "a1": a1}
    close = []
    print(f"x = {X}, w0 = {W0}, w1 = {W1}, y = {Y}, E = {float(error):.6f}")
    print("derivative by hand                                            by backward()")
    for name, (formula, by_hand) in derivatives_by_hand(X, W0, W1, Y).items():
        found = float(values[name].grad)
        close.append(np.isclose(found, by_hand, rtol=1e-15, atol=0))
        print(f"dE/d{name} = {formula:37} = {by_hand:20.17f} {found:20.17f}")
    save(tg.draw(error), folder / "smallest_network.svg")

    def error_by_weights(w0, w1):
        return network(X, w0, w1, Y)[-1]

    report = gradcheck(error_by_weights, W0, W1)
    print(report)
    check(
        "by hand, by backward() and numerically the same", all(close) and report.verdict == "pass"
    )


if __name__ == "__main__":
    main()
