"""A perceptron decides whether an animal is an elephant, in three equal forms.

It multiplies each feature by a weight, the importance of the feature, adds up, and compares the
sum with a threshold. Instead, minus the threshold may be added as a bias and the sum be compared
with 0. Or the bias becomes one more weight, on an input that is always 1, or the threshold one on
an input that is always -1: then a rule that finds weights finds the threshold as well.
"""

from __future__ import annotations

import numpy as np
from showing import check, picture_folder, save

import tinygrad_nn as tg
from tinygrad_nn import nn
from tinygrad_nn.nn import neurons

ANIMALS = np.array([[1000.0, 5.0, 2.0], [200.0, 3.0, 1.0], [30.0, 2.0, 2.0]])
WEIGHTS = [2.0, 1.0, 0.5]
THRESHOLD = 1000.0


def main() -> None:
    folder = picture_folder(__doc__)
    perceptron = nn.Perceptron.from_threshold(WEIGHTS, THRESHOLD, outputs=(0, 1), dtype=np.float64)
    sums = ANIMALS @ perceptron.weight.data
    decisions = {
        "threshold": np.where(sums >= perceptron.threshold, 1, 0),
        "bias": perceptron(ANIMALS).data,
    }
    for x0 in (-1.0, 1.0):
        trick = perceptron.bias_trick(x0)
        print(f"with x0 = {x0:g} before the features, the weights are {trick.weight.data.tolist()}")
        decisions[f"x0 = {x0:g}"] = trick(neurons.with_constant(ANIMALS, x0)).data

    print("weight kg  height m  fur cm    sum | elephant? " + "  ".join(decisions))
    for at, (animal, total) in enumerate(zip(ANIMALS, sums, strict=True)):
        row = [f"{decision[at]:{len(form)}g}" for form, decision in decisions.items()]
        print("{:9g}  {:8g}  {:6g}".format(*animal), f" {total:5g} |           " + "  ".join(row))
    save(tg.draw(perceptron, ANIMALS[0]), folder / "elephant.svg")

    right = [
        sums.tolist() == [2006, 403.5, 63],
        all(decision.tolist() == [1, 0, 0] for decision in decisions.values()),
    ]
    check("the sums, and that all forms find the one elephant", all(right))


if __name__ == "__main__":
    main()
