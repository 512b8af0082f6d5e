"""The error of one linear neuron over its two weights: batch and online learning walk down it.

The examples (1, -1) -> 0 and (0, 1) -> 1 are each met on a line of weights, and both of them where
the lines cross, at w = (1, 1). The batch rule goes down the bowl between the lines. The online rule
goes towards one line and then the other, at right angles to it: it zig-zags.
"""

from __future__ import annotations

import numpy as np
from showing import check, picture_folder, save

from tinygrad_nn import learning, nn
from tinygrad_nn.viz import plots

X = np.array([[1.0, -1.0], [0.0, 1.0]])
T = np.array([0.0, 1.0])
START = np.array([-1.5, 1.0])


def error(w):
    """Half the squared error of both examples: E(w) = 1/2 (w.x1 - t1)^2 + 1/2 (w.x2 - t2)^2."""
    return 0.5 * np.sum((X @ w - T) ** 2)


def batch_path(lr, rounds):
    neuron = nn.Neuron(2, "linear", bias=False, dtype=np.float64)
    neuron.weight.data = START
    return learning.fit(neuron, (X, T), learning.DeltaRule(lr, batch=True), rounds=rounds).weights


def online_path(lr, rounds):
    """The weights after each example."""
    neuron = nn.Neuron(2, "linear", bias=False, dtype=np.float64)
    neuron.weight.data = START
    path = [START]
    for at in range(2 * rounds):
        example = X[[at % 2]], T[[at % 2]]
        path.append(learning.fit(neuron, example, learning.DeltaRule(lr), rounds=1).weights[-1])
    return np.array(path)


def main() -> None:
    folder = picture_folder(__doc__)
    batch, online = batch_path(lr=0.2, rounds=150), online_path(lr=0.5, rounds=30)
    for name, path in (("batch", batch), ("online", online)):
        ax = plots.error_surface(error, (-2, 2), (-0.5, 3), path=path)
        grid = np.array([-2.0, 2.0])
        ax.plot(grid, grid, "--", color="white", linewidth=0.8)  # where x1 is met: w1 = w2
        ax.axhline(1.0, linestyle="--", color="white", linewidth=0.8)  # where x2 is met: w2 = 1
        ax.set_title(f"{name} learning")
        save(ax, folder / f"error_surface_{name}.png")
        print(f"{name}: from E = {error(path[0]):.4f} to {error(path[-1]):.1e} at {path[-1]}")

    # A step online is along the input of its example, which is at right angles to its line.
    steps = np.diff(online, axis=0)[:4]
    along = [abs(step @ X[at % 2]) / np.linalg.norm(step) for at, step in enumerate(steps)]
    at_right_angles = np.allclose(along, np.linalg.norm(X, axis=1)[[0, 1, 0, 1]])
    # A step of the batch rule is against the gradient X^T (X w - t).
    gradients = (batch[:-1] @ X.T - T) @ X
    downhill = np.allclose(np.diff(batch, axis=0), -0.2 * gradients)
    both = np.allclose([batch[-1], online[-1]], [1, 1], atol=1e-3)
    check(
        "both end at (1, 1), online at right angles to the lines",
        bool(at_right_angles and downhill and both),
    )


if __name__ == "__main__":
    main()
