"""Write docs/numpy_functions.md: what each function of NumPy does with Values.

Run it from anywhere: python3 docs/numpy_functions.py
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from tinygrad_nn.numpy_protocol import differentiable, plain

PAGE = Path(__file__).with_suffix(".md")

INTRODUCTION = """\
# NumPy's functions on Values

Every function of NumPy that takes part in its protocols (`__array_ufunc__`, `__array_function__`),
and what it does with a `Value`. Ufuncs take `out=`, `where=` and `dtype=`, and have their methods
(`np.add.reduce`, `.accumulate`, `.reduceat`, `.outer`, `.at`). Operators, indexing and the methods
of arrays (`x.sum(axis=0)`) go the same ways.

- **differentiable**: the result is a Value; derivatives of every order are right.
- **no derivative**: the result does not change but by jumps, or is about shapes, indices and types;
  it is an array, computed from the data. (`zeros_like` and its like give Values inside a function
  that is being differentiated, so that Values can be assigned to them.)
- **error**: there are no rules; a TypeError says so. (With Values that require no gradient it is
  computed on their data.)

Vectors of `eig`, `eigh` and `svd` have derivatives where eigenvalues or singular values are
distinct; elsewhere these are NaN or inf.

Functions that are not listed, such as `np.zeros`, do not look at Values; `np.array([a, b])` of
Values is an array of objects inside a function that is being differentiated, and elsewhere an
error. Operations with another Value turn it into one Value; functions of it alone see objects, and
many of them refuse: `np.stack([a, b])`, and `np.block` for a matrix, make a Value at once. This
page is written by docs/numpy_functions.py.
"""


def functions(module: ModuleType) -> Iterator[tuple[str, Any]]:
    """The public functions of a module that look at Values."""
    for name in sorted(set(dir(module)), key=str.lower):
        function = getattr(module, name)
        if name.startswith("_") or isinstance(function, (type, ModuleType)):
            continue
        if isinstance(function, np.ufunc) or hasattr(function, "_implementation"):
            yield name, function


def status(function: Any) -> str:
    """What it does with Values."""
    if function in differentiable:
        return "differentiable"
    return "no derivative" if function in plain else "error"


def page() -> str:
    """The text of the page."""
    parts = [INTRODUCTION]
    for module, prefix in ((np, "np"), (np.linalg, "np.linalg"), (np.fft, "np.fft")):
        found = list(functions(module))
        parts.append(f"\n## {prefix}\n")
        for kind in ("differentiable", "no derivative", "error"):
            names = [f"`{name}`" for name, function in found if status(function) == kind]
            if names:
                parts.append(f"\n**{kind}** ({len(names)}): {', '.join(names)}\n")
    return "".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
