"""XOR: more than one neuron can do (M. Minsky, S. Papert, 1969), and easy for two layers.

For a threshold neuron to compute it, its bias b must be below 0 and b + w1 and b + w2 at least 0,
so that b + w1 + w2 is above 0; but that must be below 0 as well. The perceptron rule therefore
never ends, and a search through a grid of weights finds no more than 3 of the 4 examples right.
Two hidden neurons draw two lines, and between these is one of the classes. (From about a third of
all starts they get stuck on the way to that; three hidden neurons hardly ever do.)
"""

from __future__ import annotations

import numpy as np
from showing import check, picture_folder, plt, save

from tinygrad_nn import learning, nn
from tinygrad_nn.nn import functional
from tinygrad_nn.viz import plots

X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
T = np.array([0, 1, 1, 0])


WEIGHTS = np.linspace(-1, 1, 5)
BIASES = np.linspace(-2.25, 2.25, 10)  # with them no line goes through an example


def tables():
    """The different outputs for X of all threshold neurons with these weights and biases."""
    w1, w2, b = np.reshape(np.meshgrid(WEIGHTS, WEIGHTS, BIASES), (3, -1))
    outputs = X @ [w1, w2] + b >= 0
    return np.unique(outputs.T.astype(int), axis=0)


def main() -> None:
    folder = picture_folder(__doc__)
    perceptron = nn.Perceptron(2, outputs=(0, 1))
    by_rule = learning.fit(perceptron, (X, T), learning.PerceptronRule(), rounds=1000)
    print(f"perceptron rule: {by_rule}")

    search = learning.BruteForce([WEIGHTS, WEIGHTS, BIASES])
    by_search = learning.fit(perceptron, (X, T), search)
    best = round(4 * (1 - by_search.errors[-1]))  # an example that is wrong has the error 1
    print(f"brute force: {by_search}\nthe best single neuron is right for {best} of 4")
    found = tables()
    most = (found == T).sum(axis=1).max()
    missing = sorted({f"{n:04b}" for n in range(16)} - {"".join(map(str, row)) for row in found})
    print(f"of the 16 tables of two bits, these neurons compute all but {' and '.join(missing)}")

    network = nn.MLP(2, [2, 1], "tanh", dtype=np.float64, rng=np.random.default_rng(9))
    loss = functional.binary_cross_entropy_with_logits
    method = learning.Backpropagation(lr=2.0)
    by_layers = learning.fit(network, (X, T[:, None]), method, loss=loss, goal=0.01)
    print(f"two layers: {by_layers}")
    outputs = functional.sigmoid(network(X)).data[:, 0]
    for row in zip(*X.T, outputs, strict=True):
        print("{} XOR {}: {:.3f}".format(*row))

    _, (left, right) = plt.subplots(1, 2, figsize=(9, 4), layout="constrained")
    plots.decision_boundary(perceptron, X, T, ax=left, margin=0.4)
    plots.decision_boundary(network, X, T, ax=right, margin=0.4)
    left.set_title(f"the best single neuron: {best} of 4")
    right.set_title(f"two layers: {np.sum((outputs > 0.5) == T)} of 4")
    save(left, folder / "xor.png")

    facts = [
        not by_rule.converged,
        best == most == 3,
        missing == ["0110", "1001"],  # XOR and its negation
        by_layers.converged,
        np.abs(outputs - T).max() < 0.1,
    ]
    check("one neuron has at most 3 of 4 right, two layers all", all(facts))


if __name__ == "__main__":
    main()
