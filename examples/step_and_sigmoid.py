"""The step function of a perceptron beside the sigmoid, y = 1 / (1 + e^-z).

Far from 0 they agree. Near 0 a small change of the weight flips the perceptron, while it changes
the output of the sigmoid neuron a little. The derivatives say what that means for learning: the
step's is 0 on both sides of the jump and tells nothing; the sigmoid's, y (1 - y), tells in which
direction to change the weight, and how much will come of it.
"""

from __future__ import annotations

import numpy as np
from showing import check, picture_folder, plt, save

import tinygrad_nn as tg
from tinygrad_nn import nn
from tinygrad_nn.viz.plots.axes import COLORS

WEIGHTS = (-0.01, 0.01)  # before and after a small change


def step(z):
    return np.heaviside(z, 1.0)


def outputs(unit):
    """What a unit makes of an input 1, with the one and the other weight."""
    for weight in WEIGHTS:
        unit.weight.data = [weight]
        yield float(unit([1.0]))


def picture(changes):
    _, (far, near) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    functions = {"step": (step, COLORS[1]), "sigmoid": (tg.sigmoid, COLORS[0])}
    z, w = np.linspace(-12, 12, 2400), np.linspace(-0.03, 0.03, 2400)
    for name, (function, color) in functions.items():
        far.plot(z, function(z), color=color, label=name)
        slope = tg.elementwise_grad(function)(z)
        far.plot(z, slope, "--", color=color, label=f"derivative of the {name}")
        near.plot(w, function(w), color=color, label=name)
        near.plot(WEIGHTS, changes[name], "o", color=color)
        for weight, y in zip(WEIGHTS, changes[name], strict=True):
            near.annotate(f"{y:.4g}", (weight, y), (0, 8), textcoords="offset points", ha="center")
    far.set(title="far from 0 they agree", xlabel="z", ylabel="y")
    near.set(title="near 0 a small change of the weight flips the step")
    near.set(xlabel="weight, of an input 1", ylabel="y", ylim=(-0.1, 1.15))
    far.legend(loc="center left", fontsize="small")
    near.legend(loc="upper left")
    return far


def main() -> None:
    folder = picture_folder(__doc__)
    z = np.array([-20.0, -10.0, -4.0, -1.0, 0.5, 1.0, 4.0, 10.0, 20.0])
    y = tg.sigmoid(z)
    step_slope, slope = tg.elementwise_grad(step)(z), tg.elementwise_grad(tg.sigmoid)(z)
    print("    z  step  derivative   sigmoid  derivative   y (1 - y)")
    for row in zip(z, step(z), step_slope, y, slope, y * (1 - y), strict=True):
        print("{:5g}  {:4g}  {:10g}  {:8.6f}  {:10.3e}  {:10.3e}".format(*row))

    perceptron = nn.Perceptron(1, outputs=(0, 1), bias=False)
    neuron = nn.Neuron(1, "sigmoid", bias=False)
    changes = {"step": tuple(outputs(perceptron)), "sigmoid": tuple(outputs(neuron))}
    for name, (before, after) in changes.items():
        print(f"weight from {WEIGHTS[0]} to {WEIGHTS[1]}: {name} from {before:.4g} to {after:.4g}")
    save(picture(changes), folder / "step_and_sigmoid.png")

    by_hand = 1 / (1 + np.exp(-z))
    little = (WEIGHTS[1] - WEIGHTS[0]) / 4  # y (1 - y) = 1/4 at 0
    right = [
        np.allclose(y[abs(z) >= 10], step(z[abs(z) >= 10]), rtol=0, atol=1e-4),
        np.allclose(slope, by_hand * (1 - by_hand), rtol=1e-6, atol=0),
        not step_slope.any(),
        changes["step"] == (0, 1),
        np.allclose(changes["sigmoid"], (0.5 - little / 2, 0.5 + little / 2), rtol=0, atol=1e-6),
    ]
    check("agreement from |z| = 10 on, the derivatives, the flip and the small change", all(right))


if __name__ == "__main__":
    main()
