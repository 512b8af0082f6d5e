"""A sine under noise: a small network learns the curve, though it has only seen noisy points.

Each point is off by noise of standard deviation 0.2. The mean squared error falls to about that of
the noise, 0.2^2 = 0.04, and there it stays, since a network so small cannot follow every point. It
finds what they have in common, and so comes nearer to the true sine than the points are.
"""

from __future__ import annotations

import numpy as np
from showing import check, picture_folder, plt, save

import tinygrad_nn as tg
from tinygrad_nn import nn, optim
from tinygrad_nn.data import DataLoader, TensorDataset

NOISE, EPOCHS = 0.2, 200


def main() -> None:
    folder = picture_folder(__doc__)
    tg.manual_seed(0)
    rng = np.random.default_rng(0)
    x = rng.uniform(-np.pi, np.pi, (200, 1)).astype(np.float32)
    y = (np.sin(x) + rng.normal(0, NOISE, x.shape)).astype(np.float32)

    model = nn.MLP(1, [8, 8, 1], "tanh")
    optimizer = optim.Adam(model.parameters(), lr=0.01)
    for epoch in range(EPOCHS):
        optimizer.param_groups[0]["lr"] = 0.01 * (1 - epoch / EPOCHS)
        losses = []
        for inputs, targets in DataLoader(TensorDataset(x, y), batch_size=20, shuffle=True):
            loss = nn.functional.mse_loss(model(inputs), targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(float(loss))
        if epoch % 40 == 39:
            print(f"epoch {epoch + 1}: mean squared error {np.mean(losses):.4f}")

    grid = np.linspace(-np.pi, np.pi, 300, dtype=np.float32)[:, None]
    with tg.no_grad():
        prediction = model(grid).data
    off = np.sqrt(np.mean((prediction - np.sin(grid)) ** 2))
    print(f"from the true sine: the points {NOISE}, the prediction {off:.3f} (root mean square)")
    _, ax = plt.subplots(figsize=(6, 4), layout="constrained")
    ax.plot(x, y, ".", color="gray", markersize=4, label="noisy points")
    ax.plot(grid, np.sin(grid), "--", color="black", label="true sine")
    ax.plot(grid, prediction, linewidth=2, label="prediction")
    ax.set(xlabel="x", ylabel="y", title="a sine, learned from noisy points")
    ax.legend(loc="upper left")
    save(ax, folder / "noisy_sine.png")
    check("the prediction is 3 times nearer to the sine than the points", bool(3 * off < NOISE))


if __name__ == "__main__":
    main()
