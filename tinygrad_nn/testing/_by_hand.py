"""Derivatives that were written by hand, of a NumPy function that knows nothing of Values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..nest import flatten
from ._slopes import Array
from ._subject import Leaves, Subject


class ArraySubject(Subject):
    """A NumPy function with a function that returns its derivatives.

    `derivatives` takes the leaves and returns what was claimed, and `arguments` are the names of
    the function's arguments: of all, and of those that are varied.
    """

    def __init__(
        self,
        name: str,
        leaves: Leaves,
        varied: Sequence[int],
        call: Callable[[list[Any]], Any],
        derivatives: Callable[[list[Any]], Any],
        arguments: tuple[Sequence[str], Sequence[str]],
    ) -> None:
        super().__init__(name, leaves, varied, call)
        self.derivatives = derivatives
        self.arguments = arguments
        self.claims: list[Array | None] = []

    def wrap(self, array: Any) -> Any:
        return array

    def moved(self, inputs: Sequence[Array]) -> Subject:
        subject = ArraySubject(
            self.name,
            self._leaves_at(inputs),
            self.varied,
            self.call,
            self.derivatives,
            self.arguments,
        )
        subject.dtypes = self.dtypes
        subject.claim()
        return subject

    def claim(self) -> tuple[str, str] | None:
        """Compute the derivatives claimed; the kind and text of what is wrong with their form."""
        arrays = self.as_given(self.inputs)
        returned = self.derivatives(self._with(arrays))
        for name, array, x in zip(self.names, arrays, self.as_given(self.inputs), strict=True):
            if not np.array_equal(array, x):
                return "changes its input", f"{name} is not the same after grad has run"
        found = self._by_name(returned)
        again = self._by_name(self.derivatives(self._with(self.as_given(self.inputs))))
        for name, x, dtype in zip(self.names, self.inputs, self.dtypes, strict=True):
            if name not in found:
                count = len(found)
                return "shape", f"grad returned {count} arrays for {len(self.names)} inputs"
            if found[name] is None:
                self.claims.append(None)
                continue
            claim = np.asarray(found[name])
            problem = self._malformed(name, x, claim, dtype)
            if problem is not None:
                return problem
            if not np.array_equal(
                claim, np.asarray(again[name]), equal_nan=claim.dtype.kind == "f"
            ):
                return "not deterministic", f"grad returns something else for {name} each time"
            self.claims.append(claim.astype(np.float64))
        return None

    def _by_name(self, returned: Any) -> dict[str, Any]:
        """The leaves of what grad returned, by the names of the inputs they are for."""
        everything, varied = self.arguments
        parts: dict[str, Any] = {}
        several = returned if isinstance(returned, (tuple, list)) else (returned,)
        for names in (varied, everything):
            if len(names) == 1:
                parts = {names[0]: returned}
            elif len(names) == len(several):
                parts = dict(zip(names, several, strict=True))
        leaves = [leaf for name, part in parts.items() for leaf in flatten(part, name)[0]]
        if not parts:
            leaves = [(f"{at}", part) for at, part in enumerate(several)]
        elif len(leaves) == len(self.names) and not {name for name, _ in leaves} & set(self.names):
            leaves = list(zip(self.names, [leaf for _, leaf in leaves], strict=True))
        return dict(leaves)

    def _malformed(
        self, name: str, x: Array, claim: Array, dtype: np.dtype[Any]
    ) -> tuple[str, str] | None:
        expected = self._shape + x.shape
        if claim.shape not in (expected, self._elementwise(x)):
            hint = _shape_hint(claim.shape, expected)
            text = f"the gradient by {name} has shape {claim.shape}, not {expected}{hint}"
            return "shape", text
        if claim.dtype.kind not in "iuf" or claim.dtype.itemsize < dtype.itemsize:
            return "dtype", f"the gradient by {name} is {claim.dtype}, not {dtype}"
        return None

    def vjp(self, cotangent: Array) -> list[Array | None]:
        g = cotangent.reshape(self._shape)
        return [
            claim
            if claim is None
            else g * claim
            if claim.shape == self._elementwise(x) != self._shape + x.shape
            else np.asarray(np.tensordot(g, claim, g.ndim))
            for x, claim in zip(self.inputs, self.claims, strict=True)
        ]

    def is_reached(self, at: int) -> bool:
        return self.claims[at] is not None

    @property
    def _shape(self) -> tuple[int, ...]:
        """The shape of the output; several are laid end to end."""
        return self.output_shapes[0] if len(self.output_shapes) == 1 else (len(self.origin),)

    def _elementwise(self, x: Array) -> tuple[int, ...] | None:
        """The shape of the derivative of an elementwise function, if this may be one."""
        return x.shape if x.shape == self._shape else None


def _shape_hint(found: tuple[int, ...], shape: tuple[int, ...]) -> str:
    """What may have happened to a gradient of shape `found` instead of `shape`."""
    if found == shape[::-1]:
        return ": transposed?"
    extra = len(found) - len(shape)
    if extra > 0 and found[extra:] == shape:
        axes = list(range(extra))
    elif extra == 0:
        axes = [at for at, n in enumerate(shape) if n == 1 != found[at]]
    else:
        axes = []
    return f": summed over axis {', '.join(map(str, axes))} missing?" if axes else ""
