"""Draw the graphs that the README shows: a neuron, a network, blocks, vanishing gradients, a bug.

They are written to examples/pictures. Run it from anywhere: python3 examples/draw_graphs.py
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np

import tinygrad_nn as tg
from tinygrad_nn import Value, nn
from tinygrad_nn.testing import GradientMismatch, gradcheck
from tinygrad_nn.viz import Graph


def neuron() -> Graph:
    """One neuron with numbers that can be followed by hand."""
    x1, x2 = Value(2.0), Value(0.0)
    w1, w2, b = Value(-3.0), Value(1.0), Value(6.8813735870195432)
    with tg.record():
        total = x1 * w1 + x2 * w2 + b
        out = tg.tanh(total)
    out.backward()
    return tg.draw(out)


def network() -> Graph:
    """A classifier with its loss, and the gradient at every node."""
    model = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 2))
    x = np.random.default_rng(0).normal(size=(50, 2))
    label = (x[:, 0] * x[:, 1] > 0).astype(int)

    def loss(x, label):
        return nn.functional.cross_entropy(model(x), label)

    return tg.draw(loss, x, label)


class Block(nn.Module):
    """A residual block."""

    def __init__(self, width: int) -> None:
        self.inner = nn.Linear(width, 4 * width)
        self.outer = nn.Linear(4 * width, width)

    def forward(self, x: Value) -> Value:
        return x + self.outer(tg.gelu(self.inner(x)))


def blocks() -> Graph:
    """Twelve equal blocks, drawn once; their layers closed."""
    model = nn.Sequential(*[Block(32) for _ in range(12)], nn.Linear(32, 10))
    return tg.draw(model, np.ones((8, 32)), collapse="Linear", edge_shapes=True)


def vanishing() -> Graph:
    """A deep network of sigmoids: the gradient of its first layers has all but vanished."""
    layers = [part for _ in range(4) for part in (nn.Linear(8, 8), nn.Sigmoid())]
    model = nn.Sequential(*layers)
    x = np.random.default_rng(0).normal(size=(20, 8))
    return tg.draw(lambda x: (model(x) ** 2).mean(), x, color="grad", depth=1, expand="Sequential")


@tg.primitive(x=lambda g, x: g * x)
def half_square(x):
    return x * x  # the rule is that of x * x / 2


def bug() -> Graph:
    """What a failed gradcheck blames."""
    try:
        gradcheck(lambda x: (half_square(tg.sin(x)) * x).sum(), np.array([0.5, 1.0, 2.0]))
    except GradientMismatch as mismatch:
        return tg.draw(mismatch)
    raise AssertionError("the check should have failed")


GRAPHS = {
    "neuron": neuron,
    "network": network,
    "blocks": blocks,
    "vanishing": vanishing,
    "bug": bug,
}


def draw_all(folder: Path) -> Iterator[Path]:
    """Write every picture; where it was written."""
    for name, make in GRAPHS.items():
        tg.manual_seed(0)
        path = folder / f"{name}.svg"
        make().save(path)
        yield path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--folder", type=Path, default=Path(__file__).parent / "pictures", help="where to write"
    )
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    for path in draw_all(arguments.folder):
        print(f"{path.name}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
