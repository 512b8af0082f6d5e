"""The delta rule on one weight and one example, to the last digit.

The neuron predicts input times weight; delta is its prediction minus the actual value. The rule
takes alpha * delta * input from the weight. In each round delta shrinks by the same factor,
1 - alpha * input^2 = 0.84, and the squared error by the square of that: on a logarithmic axis it
falls along a straight line.
"""

from __future__ import annotations

import numpy as np
from showing import check, picture_folder, save

from tinygrad_nn import learning, nn
from tinygrad_nn.viz import plots

INPUT, WEIGHT, ACTUAL, ALPHA, ROUNDS = 0.4, 0.2, 0.7, 1.0, 20

# What the founding document prints: the errors of the rounds 1 to 4 and 20, and the end.
PRINTED = {
    1: 0.38439999999999985,
    2: 0.2712326399999999,
    3: 0.19138175078399997,
    4: 0.13503896335319035,
    20: 0.0005097957955105112,
}
PRINTED_WEIGHT, PRINTED_PREDICTION = 1.7025848182730323, 0.681033927309213


def main() -> None:
    folder = picture_folder(__doc__)
    neuron = nn.Neuron(1, "linear", bias=False, dtype=np.float64)
    neuron.weight.data = [WEIGHT]
    history = learning.fit(neuron, ([[INPUT]], [ACTUAL]), learning.DeltaRule(ALPHA), rounds=ROUNDS)
    errors = history.errors[:ROUNDS].tolist()  # those before each round's change of the weight
    for number, error in enumerate(errors, start=1):
        print(f"round {number:2d}: squared error {error!r}")
    weight, prediction = float(neuron.weight.data[0]), float(neuron([INPUT]))
    print(f"weight afterwards: {weight!r}, times {INPUT} = {prediction!r}")

    ax = plots.loss_curve((np.arange(1, ROUNDS + 1), errors), log=True)
    ax.lines[0].set_marker("o")
    ax.set(title="delta rule, one weight", xlabel="round", ylabel="squared error")
    ax.set_xticks([1, 5, 10, 15, 20])
    save(ax, folder / "delta_rule.png")

    same = all(errors[number - 1] == error for number, error in PRINTED.items())
    end = weight == PRINTED_WEIGHT and prediction == PRINTED_PREDICTION
    check("the document's errors, weight and prediction, to the last digit", same and end)


if __name__ == "__main__":
    main()
