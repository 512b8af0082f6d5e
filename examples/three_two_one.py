"""A multi-layer perceptron of three inputs, two hidden sigmoid neurons and one linear output.

Backpropagation of errors trains it on one example, the inputs (0.1, 0.2, 0.1) and the target 0.3.
The sigmoid in the hidden layer matters: without it, two layers in a row are a single neuron, whose
weights are the product of both layers' weights.
"""

from __future__ import annotations

import numpy as np
from showing import check, picture_folder, save

import tinygrad_nn as tg
from tinygrad_nn import learning, nn
from tinygrad_nn.viz import plots

INPUTS, TARGET = np.array([0.1, 0.2, 0.1]), 0.3
ERROR = "5.2e-06"  # squared, at the end: what is below 5.25e-06


def three_two_one(activation):
    """Without biases, with weights from [-0.1, 0.1)."""
    rng = np.random.default_rng(0)
    network = nn.MLP(3, [2, 1], activation, bias=False, dtype=np.float64)
    for weight in network.parameters():
        nn.init.uniform_(weight, -0.1, 0.1, rng=rng)
    return network


def main() -> None:
    folder = picture_folder(__doc__)
    network = three_two_one("sigmoid")
    history = learning.fit(
        network,
        (INPUTS[np.newaxis], [[TARGET]]),
        learning.Backpropagation(lr=0.01),
        loss=nn.functional.half_mse_loss,  # its derivative is prediction - target
        rounds=10_000,
        goal=5.25e-6 / 2,
    )
    squared = 2 * history.errors
    error, prediction = f"{squared[-1]:.1e}", f"{network(INPUTS).data[0]:.4f}"
    print(f"after {len(history) - 1} rounds the squared error is {error}, from {squared[0]:.4f}")
    print(f"the prediction is {prediction}, the target {TARGET}")

    ax = plots.loss_curve(squared, log=True)
    ax.set(title="3-2-1 perceptron, one example", xlabel="round", ylabel="squared error")
    save(ax, folder / "three_two_one_error.png")
    save(tg.draw(network, INPUTS, direction="TB"), folder / "three_two_one.svg")

    linear = three_two_one("linear")
    first, second = (weight.data for weight in linear.parameters())
    single = nn.Neuron(3, "linear", bias=False, dtype=np.float64)
    single.weight.data = (second @ first)[0]
    x = np.random.default_rng(1).normal(size=(1000, 3))
    difference = np.abs(linear(x).data[:, 0] - single(x).data).max()
    print(f"without the sigmoid it is one neuron of weights {single.weight.data}:")
    print(f"on {len(x)} random inputs the outputs differ by at most {difference:.0e}")

    check(
        f"an error of {ERROR}, a prediction of 0.2977, and the collapse without an activation",
        bool(error == ERROR and prediction == "0.2977" and difference < 1e-15),
    )


if __name__ == "__main__":
    main()
