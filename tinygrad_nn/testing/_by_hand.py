"""Derivatives that were written by hand, of a NumPy function that knows nothing of Values."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..nest import flatten
from ..value import Value
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
                return "shape", self._miscounted(returned)
            if found[name] is None:
                self.claims.append(None)
                continue
            claim = _plain(found[name])
            problem = self._malformed(name, x, claim, dtype)
            if problem is not None:
                return problem
            if not np.array_equal(claim, _plain(again[name]), equal_nan=claim.dtype.kind == "f"):
                return "not deterministic", f"grad returns something else for {name} each time"
            self.claims.append(claim.astype(np.float64))
        return None

    def _miscounted(self, returned: Any) -> str:
        """A sentence about gradients that cannot be told to be of which input."""
        several = isinstance(returned, (tuple, list))
        what = f"{len(returned)} gradients" if several else "one gradient"
        if isinstance(returned, dict):
            what = f"gradients of {', '.join(map(str, returned))}"
        return (
            f"grad returned {what}, but the inputs are {', '.join(self.names)}: wrt= says which of "
            "them to check"
        )

    def _by_name(self, returned: Any) -> dict[str, Any]:
        """The leaves of what grad returned, by the names of the inputs they are for."""
        everything, varied = self.arguments
        parts: dict[str, Any] = {}
        if isinstance(returned, dict) and {*returned} in ({*varied}, {*everything}):
            return dict(leaf for name, part in returned.items() for leaf in flatten(part, name)[0])
        several = returned if isinstance(returned, (tuple, list)) else (returned,)
        if len(varied) == 1:
            parts = {varied[0]: returned}
        elif len(varied) == len(several):
            parts = dict(zip(varied, several, strict=True))
        if type(returned) is tuple and 1 < len(everything) == len(several):
            parts = dict(zip(everything, several, strict=True))
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
            of = f", as {self.name} returns shape {self._shape}" if self._shape else ""
            text = f"the gradient by {name} has shape {claim.shape}, not {expected}{of}{hint}"
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

    def unreached(self, at: int) -> str:
        return f"grad returned None for {self.names[at]}, though {self.name} depends on it"

    @property
    def _shape(self) -> tuple[int, ...]:
        """The shape of the output; several are laid end to end."""
        return self.output_shapes[0] if len(self.output_shapes) == 1 else (len(self.origin),)

    def _elementwise(self, x: Array) -> tuple[int, ...] | None:
        """The shape of the derivative of an elementwise function, if this may be one."""
        return x.shape if x.shape == self._shape else None


def _plain(claim: Any) -> Array:
    return np.asarray(claim.data if isinstance(claim, Value) else claim)


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
    return f": is the sum over axis {', '.join(map(str, axes))} missing?" if axes else ""
