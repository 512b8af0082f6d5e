"""Teach a network to read handwritten digits, and look at what it learned.

The data are the 1,797 pictures of 8 x 8 pixels from the UCI repository's optical recognition
of handwritten digits, which scikit-learn ships. Run with --help for the settings.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import tinygrad_nn as tg
from tinygrad_nn import nn, optim
from tinygrad_nn.data import DataLoader, TensorDataset
from tinygrad_nn.testing import gradcheck_module
from tinygrad_nn.viz import plots

try:
    from sklearn.datasets import load_digits
    from tqdm import tqdm
except ImportError as error:
    raise SystemExit(
        f'{error.name} is missing; the examples\' libraries come with: pip install -e ".[examples]"'
    ) from None

Array = NDArray[np.float64 | np.float32 | np.int64]


def network(hidden: list[int], dropout: float) -> nn.Sequential:
    """64 pixels through layers of rectified units to the logits of 10 digits."""
    model = nn.Sequential()
    n_in = 64
    for n_out in hidden:
        model.extend([nn.Linear(n_in, n_out), nn.ReLU(), nn.Dropout(dropout)])
        n_in = n_out
    model.append(nn.Linear(n_in, 10))
    return model


def load(rng: np.random.Generator, test_share: float) -> tuple[TensorDataset, TensorDataset]:
    """Pictures (n, 64) with pixels from 0 to 1 and labels (n,), split at random."""
    pictures, labels = load_digits(return_X_y=True)
    pictures = (pictures / 16).astype(np.float32)
    order = rng.permutation(len(labels))
    test, train = np.split(order, [round(test_share * len(order))])
    return TensorDataset(pictures[train], labels[train]), TensorDataset(
        pictures[test], labels[test]
    )


def accuracy(model: nn.Module, data: TensorDataset) -> tuple[float, Array]:
    """The share of pictures read rightly, and what was read."""
    pictures, labels = data.arrays
    model.eval()
    with tg.no_grad():
        read = model(pictures).data.argmax(axis=1)
    model.train()
    return float(np.mean(read == labels)), read


def train(model: nn.Module, data: TensorDataset, arguments: argparse.Namespace) -> list[float]:
    """Minimise the cross-entropy by stochastic gradient descent, with a falling learning rate.

    Returns the loss of every batch.
    """
    optimizer = optim.SGD(
        model.parameters(), lr=arguments.lr, momentum=0.9, weight_decay=1e-4, nesterov=True
    )
    loader = DataLoader(data, batch_size=arguments.batch_size, shuffle=True)
    steps = arguments.epochs * len(loader)
    rates = iter(np.linspace(arguments.lr, 0, steps, endpoint=False))
    # None: no bar where the output is not a terminal.
    losses: list[float] = []
    with tqdm(total=steps, unit="batch", disable=arguments.quiet or None) as bar:
        for _ in range(arguments.epochs):
            for pictures, labels in loader:
                optimizer.param_groups[0]["lr"] = next(rates)
                loss = nn.functional.cross_entropy(model(pictures), labels)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                losses.append(float(loss))
                if not np.isfinite(losses[-1]):
                    raise SystemExit(f"the loss became {losses[-1]}: try a smaller --lr")
                bar.update()
            share, _ = accuracy(model, data)
            loss_of_epoch = np.mean(losses[-len(loader) :])
            bar.set_postfix(loss=f"{loss_of_epoch:.4f}", accuracy=f"{share:.1%}")
    print(f"training: loss {loss_of_epoch:.4f}, accuracy {share:.2%}")
    return losses


def confusion_matrix(labels: Array, read: Array) -> str:
    """How often each digit (row) was read as each digit (column)."""
    counts = np.zeros((10, 10), int)
    np.add.at(counts, (labels, read), 1)
    lines = ["      " + " ".join(f"{digit:3}" for digit in range(10)) + "   <- read as"]
    for digit, row in enumerate(counts):
        lines.append(f"  {digit} | " + " ".join(f"{n:3}" if n else "  ." for n in row))
    return "\n".join(lines)


def side_by_side(pictures: Array, captions: list[str]) -> str:
    """Pictures as text, one character for two columns' brightness, with their captions below."""
    shades = " .:-=+*#%@"
    blocks = []
    for picture, caption in zip(pictures, captions, strict=True):
        rows = np.minimum(picture.reshape(8, 8) * len(shades), len(shades) - 1).astype(int)
        blocks.append(["".join(shades[pixel] * 2 for pixel in row) for row in rows] + [caption])
    return "\n".join(
        "   ".join(f"{line:16}" for line in lines).rstrip() for lines in zip(*blocks, strict=True)
    )


def gradients_are_right(model: nn.Module, pictures: Array, labels: Array) -> bool:
    """Whether the gradients of the loss by all parameters agree with numerical ones."""

    def loss(logits: tg.Value) -> tg.Value:
        return nn.functional.cross_entropy(logits, labels)

    return bool(gradcheck_module(model, pictures, loss=loss, mode="directional"))


def save_pictures(model: nn.Module, losses: list[float], data: TensorDataset, path: Path) -> None:
    """Save the graph of the network with its loss, and the course of the loss, beside `path`."""

    def loss(pictures: tg.Value, labels: Array) -> tg.Value:
        return nn.functional.cross_entropy(model(pictures), labels)

    tg.draw(loss, *data[:64]).save(path.with_name(f"{path.stem}-graph.svg"))
    axes = plots.loss_curve(losses, smooth=0.9, log=True)
    axes.figure.savefig(path.with_name(f"{path.stem}-loss.svg"))


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0], formatter_class=argparse.ArgumentDefaultsHelpFormatter
    )
    parser.add_argument("--seed", type=int, default=0, help="of everything random")
    parser.add_argument("--epochs", type=int, default=60, help="passes through the training data")
    parser.add_argument("--batch-size", type=int, default=32, help="pictures in one step")
    parser.add_argument("--lr", type=float, default=0.1, help="learning rate at the start")
    parser.add_argument(
        "--hidden", type=int, nargs="*", default=[256], help="units of each hidden layer"
    )
    parser.add_argument("--dropout", type=float, default=0.5, help="share of hidden units dropped")
    parser.add_argument("--test-share", type=float, default=0.2, help="pictures kept for the test")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    parser.add_argument(
        "--weights",
        type=Path,
        default=Path(__file__).parent / "output" / "digits.npz",
        help="where to save the trained weights",
    )
    arguments = parser.parse_args()
    for right, message in [
        (arguments.seed >= 0, "--seed must not be negative"),
        (arguments.epochs >= 1, "--epochs must be at least 1"),
        (arguments.batch_size >= 1, "--batch-size must be at least 1"),
        (0 < arguments.lr < np.inf, "--lr must be a positive number"),
        (all(n >= 1 for n in arguments.hidden), "--hidden must list positive numbers"),
        (0 <= arguments.dropout < 1, "--dropout must be from 0 to below 1"),
        (0.01 <= arguments.test_share <= 0.9, "--test-share must be from 0.01 to 0.9"),
        (not arguments.weights.is_dir(), f"--weights: {arguments.weights} is a directory"),
    ]:
        if not right:
            parser.error(message)
    try:  # before the training, not after it
        arguments.weights.parent.mkdir(parents=True, exist_ok=True)
        arguments.weights.open("ab").close()
    except OSError as error:
        parser.error(f"--weights: {error}")
    return arguments


def main() -> None:
    """Train, test, look, check, save."""
    arguments = parse_arguments()
    tg.manual_seed(arguments.seed)
    rng = np.random.default_rng(arguments.seed)
    training, test = load(rng, arguments.test_share)
    model = network(arguments.hidden, arguments.dropout)
    print(f"{len(training)} pictures to learn from, {len(test)} to be tested on")
    print(model)

    losses = train(model, training, arguments)

    share, read = accuracy(model, test)
    pictures, labels = test.arrays
    print(f"test: accuracy {share:.2%}\n\n{confusion_matrix(labels, read)}\n")
    misread = np.flatnonzero(read != labels)[:4]
    if len(misread):
        captions = [f"{labels[i]} read as {read[i]}" for i in misread]
        print(f"{side_by_side(pictures[misread], captions)}\n")
    right = gradients_are_right(model.eval(), pictures[:64], labels[:64])
    print(f"gradients against numerical ones: {'right' if right else 'not proven'}")

    with arguments.weights.open("wb") as file:
        np.savez(file, **model.state_dict())
    save_pictures(model, losses, test, arguments.weights)
    print(f"weights, graph and loss curve saved in {arguments.weights.parent}")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        raise SystemExit("interrupted") from None
