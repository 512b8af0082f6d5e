"""Dropout: neurons that are left out at random in training, so that none relies on another.

With probability p an output is 0, and otherwise it is multiplied by 1 / (1 - p); the same mask goes
over the gradients on their way back. A network that learns digits from 200 examples soon knows
these by heart: its loss on them goes towards 0, but not that on the digits that it has not seen.
With dropout it misreads fewer of the others. (Lines are means over five draws of the examples, and
areas reach from the least to the most.)
"""

from __future__ import annotations

import itertools

import numpy as np
from showing import check, picture_folder, plt, save
from sklearn.datasets import load_digits

import tinygrad_nn as tg
from tinygrad_nn import nn, optim
from tinygrad_nn.data import DataLoader, TensorDataset
from tinygrad_nn.nn import functional
from tinygrad_nn.viz import plots

OUTPUTS = np.array([0.5, 2, 4, 0.6, 0.11, 0.43, 0.67, 0.78, 0.3, 0.8])
MASK = np.array([1, 1, 0, 0, 1, 1, 0, 0, 1, 0])
DROPPED = np.array([1, 4, 0, 0, 0.22, 0.86, 0, 0, 0.6, 0])
EXAMPLES, DRAWS = 200, 5
EPOCHS = range(1, 41)
MEASURED = EPOCHS[3::4]  # the epochs after which it is seen what the network has learned
NAMES = "no dropout", "dropout"


def mask_of(seed):
    """The ten places that dropout with p = 1/2 keeps: one seed in 1,024 gives a certain mask."""
    return functional.dropout(np.ones(10), 0.5, rng=np.random.default_rng(seed)) > 0


def measure(model, data):
    """The loss and the share of digits misread, without dropout."""
    pictures, labels = data.arrays
    model.eval()
    with tg.no_grad():
        logits = model(pictures)
        loss = functional.cross_entropy(logits, labels)
    model.train()
    return float(loss), np.mean(logits.data.argmax(axis=1) != labels)


def course(p, seed):
    """(measured epochs, 2, 2): on the examples and on all others, the loss and share misread."""
    tg.manual_seed(seed)
    pictures, labels = load_digits(return_X_y=True)
    order = np.random.default_rng(seed).permutation(len(labels))
    pictures, labels = pictures[order].astype(np.float32), labels[order]
    seen = TensorDataset(pictures[:EXAMPLES], labels[:EXAMPLES])
    unseen = TensorDataset(pictures[EXAMPLES:], labels[EXAMPLES:])
    # On pixels from 0 to 16, with weights that start this large, a network overfits readily.
    hidden, output = (nn.Linear(*n, init="kaiming_normal") for n in ((64, 256), (256, 10)))
    model = nn.Sequential(hidden, nn.ReLU(), nn.Dropout(p), output)
    optimizer = optim.SGD(model.parameters(), lr=0.003)
    measured = []
    for epoch in EPOCHS:
        for x, y in DataLoader(seen, batch_size=20, shuffle=True):
            optimizer.zero_grad()
            functional.cross_entropy(model(x), y).backward()
            optimizer.step()
        if epoch in MEASURED:
            measured.append([measure(model, seen), measure(model, unseen)])
    return measured


def draw(courses, ax, log):
    """The mean of each course (draws, epochs), and the area that the draws fill."""
    means = {name: (MEASURED, of.mean(axis=0)) for name, of in courses.items()}
    plots.loss_curve(means, ax=ax, log=log)
    for line, of in zip(list(ax.lines), courses.values(), strict=True):
        area = of.min(axis=0), of.max(axis=0)
        ax.fill_between(MEASURED, *area, color=line.get_color(), alpha=0.2, linewidth=0)


def main() -> None:
    folder = picture_folder(__doc__)
    seed = next(seed for seed in itertools.count() if (mask_of(seed) == MASK).all())
    outputs = tg.Value(OUTPUTS)
    dropped = nn.Dropout(0.5, rng=np.random.default_rng(seed))(outputs)
    dropped.backward(np.ones(10))
    rows = {"outputs": OUTPUTS, "mask": MASK, "dropped": dropped.data, "gradients": outputs.grad}
    for name, row in rows.items():
        print(f"{name:9}", *(f"{x:5.4g}" for x in row))

    # (2, draws, measured epochs, 2, 2): without and with dropout
    courses = np.array([[course(p, seed) for seed in range(DRAWS)] for p in (0.0, 0.5)])
    for name, (loss, misread) in zip(NAMES, courses[:, :, -1, 1].mean(axis=1), strict=True):
        print(f"unseen digits, {name}: loss {loss:.3f}, {misread:.1%} misread")
    gains = courses[0, :, -1, 1] - courses[1, :, -1, 1]
    gain, spread = gains.mean(axis=0), gains.std(axis=0, ddof=1)
    print(f"the difference, with its standard deviation among {DRAWS} draws of the examples:")
    print(f"loss {gain[0]:.3f} ± {spread[0]:.3f}, misread {gain[1]:.1%} ± {spread[1]:.1%}")

    _, (above, below) = plt.subplots(2, 1, figsize=(6, 6), sharex=True, layout="constrained")
    shown = {
        f"{kind} digits, {name}": courses[p, :, :, at]
        for at, kind in ((1, "unseen"), (0, "learned"))
        for p, name in enumerate(NAMES)
    }
    draw({name: measured[..., 0] for name, measured in shown.items()}, above, log=True)
    draw({name: measured[..., 1] for name, measured in shown.items()}, below, log=False)
    above.set(title=f"learning to read digits from {EXAMPLES} examples", xlabel="")
    above.get_legend().remove()
    below.set(ylabel="share of digits misread", ylim=(0, None), xlabel="epoch")
    save(above, folder / "dropout.png")

    seen, unseen = courses[0, :, -1, :, 0].mean(axis=0)
    right = [
        np.allclose(dropped.data, DROPPED),
        np.allclose(outputs.grad, 2 * MASK),
        seen < 0.2 * unseen,
        gain[0] > spread[0] and gain[1] > 2 * spread[1],
    ]
    check("the printed vector and its gradients; dropout helps with unseen digits", all(right))


if __name__ == "__main__":
    main()
