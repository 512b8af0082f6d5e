"""Why squared error stalls where a logistic neuron is wrong, and cross-entropy does not.

The target is 1 and the output 0.0000001, as wrong as can be. The slope of half the squared error,
-x y (1 - y) (t - y), has the factor y (1 - y) of the flat end of the logistic function, and is
almost 0. In the slope of the cross-entropy, x (y - t), that factor cancels: it is almost -1. So
from the same start, at the same learning rate of 1, one neuron stays where it is, for some 1 / y =
ten million steps, while the other adds 1 to its weight in each step until it is nearly right.
"""

from __future__ import annotations

import numpy as np
from showing import check, picture_folder, plt, save

import tinygrad_nn as tg
from tinygrad_nn import learning, nn
from tinygrad_nn.nn import functional
from tinygrad_nn.viz import plots

X, T, Y = 1.0, 1.0, 0.0000001  # input, target, output at the start
W = np.log(Y / (1 - Y)) / X  # the weight that gives this output
LOSSES = {
    "squared error": functional.half_mse_loss,
    "cross-entropy": functional.binary_cross_entropy,
}


def slopes():
    """By the weight: names, closed forms, and what the package computes."""
    by_weight = [
        tg.grad(lambda w, loss=loss: loss(functional.sigmoid(w * X), T))(W)
        for loss in LOSSES.values()
    ]
    # The softmax of the logits z and 0 has the outputs y and 1 - y; the first one is to be 1.
    by_logits = tg.grad(lambda z: functional.cross_entropy(z, np.array([0])))(np.array([[W, 0.0]]))
    names = [*LOSSES, "cross-entropy of a softmax"]
    closed = [-X * Y * (1 - Y) * (T - Y), X * (Y - T), Y - T]
    return names, closed, [*by_weight, by_logits[0, 0]]


def train(loss, rounds):
    """The history of one logistic neuron that starts with the wrong weight."""
    neuron = nn.Neuron(1, "sigmoid", bias=False, dtype=np.float64)
    neuron.weight.data = [W]
    method = learning.Backpropagation(lr=1.0)
    return learning.fit(neuron, ([[X]], [T]), method, loss=loss, rounds=rounds)


def main() -> None:
    folder = picture_folder(__doc__)
    print(f"t = {T:g}, y = {Y:.7f}")
    names, closed, computed = slopes()
    print(f"{'slope of the':26}  closed form    by the package")
    for row in zip(names, closed, computed, strict=True):
        print("{:26}  {:<13.9g}  {:.9g}".format(*row))

    histories = {name: train(loss, rounds=40) for name, loss in LOSSES.items()}
    outputs = {name: 1 / (1 + np.exp(-h.weights[:, 0] * X)) for name, h in histories.items()}
    for name, history in histories.items():
        start, end = history.errors[[0, -1]]
        print(f"{name}: {start:.4f} -> {end:.4f} in 40 steps, y = {outputs[name][-1]:.7f}")

    _, (above, below) = plt.subplots(2, 1, figsize=(6, 5), sharex=True, layout="constrained")
    plots.loss_curve({name: h.errors for name, h in histories.items()}, ax=above)
    plots.loss_curve(outputs, ax=below)
    above.set(title="one logistic neuron, target 1, from y = 0.0000001", ylabel="error", xlabel="")
    below.set(ylabel="output y")
    below.get_legend().remove()
    save(above, folder / "stalling.png")

    stays, falls = (histories[name].errors for name in LOSSES)
    right = [
        np.allclose(computed, closed, rtol=1e-9, atol=0),
        stays[-1] > 0.99999 * stays[0],
        np.allclose(falls[:6] - falls[0], -np.arange(6), atol=0.01),  # by 1 in each step
        outputs["cross-entropy"][-1] > 0.9,
    ]
    check("slopes as in closed form; squared error stays, cross-entropy falls at once", all(right))


if __name__ == "__main__":
    main()
