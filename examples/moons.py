"""Two moons: a classifier after micrograd (A. Karpathy, 2020), and where it draws its line.

A network of two hidden layers gives each point a score. The hinge loss is 0 for the points whose
score is on the right side of 0 by 1 or more: only the others, near the boundary, move it. A small
multiple of the squared weights is added, and the learning rate falls from step to step.
"""

from __future__ import annotations

import numpy as np
from showing import check, picture_folder, save
from sklearn.datasets import make_moons

import tinygrad_nn as tg
from tinygrad_nn import nn, optim
from tinygrad_nn.viz import plots

STEPS = 100


def main() -> None:
    folder = picture_folder(__doc__)
    x, label = make_moons(n_samples=100, noise=0.1, random_state=2)
    sign = np.where(label == 1, 1.0, -1.0)

    rng = np.random.default_rng(0)
    model = nn.MLP(2, [16, 16, 1], "relu", init="kaiming_normal", dtype=np.float64, rng=rng)
    print(model)
    optimizer = optim.SGD(model.parameters(), lr=1.0)
    losses = []
    for step in range(STEPS):
        optimizer.param_groups[0]["lr"] = 1 - 0.9 * step / STEPS
        scores = model(x)[:, 0]
        hinge = nn.functional.hinge_loss(scores, sign)
        loss = hinge + 1e-4 * sum((p**2).sum() for p in model.parameters())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss))
        if step % 10 == 0:
            accuracy = np.mean((scores.data > 0) == label)
            print(f"step {step:2}: loss {losses[-1]:.4f}, accuracy {accuracy:.0%}")

    with tg.no_grad():
        accuracy = np.mean((model(x).data[:, 0] > 0) == label)
    print(f"after {STEPS} steps: accuracy {accuracy:.0%}")
    ax = plots.decision_boundary(model, x, label)
    ax.set_title(f"two moons: {accuracy:.0%} of the points on their side")
    save(ax, folder / "moons.png")
    check("all points on their side", bool(accuracy == 1 and losses[-1] < 0.1 * losses[0]))


if __name__ == "__main__":
    main()
