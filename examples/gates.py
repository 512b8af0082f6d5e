"""Logic from neurons: gates after McCulloch and Pitts (1943), and an adder built of them.

A neuron that counts its inputs and compares with a threshold is an AND, an OR or, with an
inhibitory input, a NOT; and of these every logical proposition can be built. XOR takes two layers,
the sum of three bits nine neurons.
"""

from __future__ import annotations

import itertools

import numpy as np
from showing import check, picture_folder, save

import tinygrad_nn as tg
from tinygrad_nn import nn
from tinygrad_nn.nn import logic


def main() -> None:
    folder = picture_folder(__doc__)
    a, b = np.array(list(itertools.product([0, 1], repeat=2))).T
    no, both, either, one = logic.Not(), logic.And(), logic.Or(), logic.Xor()
    print(f"{nn.McCullochPitts(2, threshold=2)} is AND, {nn.McCullochPitts(2, threshold=1)} is OR")
    print("a b | NOT a  a AND b  a OR b  a XOR b")
    for row in zip(a, b, no(a), both(a, b), either(a, b), one(a, b), strict=True):
        print("{} {} |   {}       {}       {}        {}".format(*row))

    adder = logic.FullAdder()
    print(adder)
    x, y, carry = np.array(list(itertools.product([0, 1], repeat=3))).T
    total, carried = adder(x, y, carry)
    for row in zip(x, y, carry, carried, total, strict=True):
        print("{} + {} + {} = {}{} in binary".format(*row))
    drawing = tg.draw(adder, 1.0, 0.0, 1.0, collapse=nn.McCullochPitts)  # 1 + 0 + 1 = 10
    save(drawing, folder / "gates.svg")

    right = [
        (no(a) == 1 - a).all(),
        (both(a, b) == (a & b)).all(),
        (either(a, b) == (a | b)).all(),
        (one(a, b) == (a ^ b)).all(),
        (2 * carried + total == x + y + carry).all(),
    ]
    check("the gates' tables and all sums of three bits", all(right))


if __name__ == "__main__":
    main()
