"""Bridges to other libraries: SciPy's optimizers, and arrays of others by DLPack."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .nest import flatten
from .transforms import hvp, value_and_grad
from .value import Value


def from_dlpack(x: Any) -> Value:
    """A Value of the array of another library (PyTorch, JAX, CuPy on the host, ...).

    The data are copied, as by `Value`. The other way, `torch.from_dlpack(value)` and the like take
    a Value that requires no gradient, and share its memory.

    >>> import numpy as np
    >>> import tinygrad_nn as tg
    >>> tg.interop.from_dlpack(np.ones(2))
    Value([1., 1.], dtype=float64)
    """
    return Value(np.from_dlpack(x))


class scipy_objective:  # noqa: N801 (used as a function)
    """A function of any parameters as an objective of `scipy.optimize.minimize`.

    `f(params, *args)` returns one number; `params`, like `x0`, is an array or a nest of arrays.
    The objective takes one vector and returns the value and the exact gradient, for `jac=True`;
    `hessp` gives products with the exact Hessian. `x0` is the start as a vector, and
    `unflatten(vector)` a vector as parameters.

    >>> import numpy as np
    >>> import tinygrad_nn as tg
    >>> objective = tg.interop.scipy_objective(lambda p: (p["a"] - 3) ** 2 + p["b"] ** 2,
    ...                                        {"a": 0.0, "b": 1.0})
    >>> value, gradient = objective(objective.x0)
    >>> float(value), gradient
    (10.0, array([-6.,  2.]))
    >>> objective.hessp(objective.x0, np.array([1.0, 1.0]))
    array([2., 2.])

    With SciPy: `minimize(objective, objective.x0, jac=True, hessp=objective.hessp,
    method="trust-ncg")`.
    """

    def __init__(self, f: Callable[..., Any], x0: Any) -> None:
        self._f = f
        leaves, self._build = flatten(x0, "x0")
        arrays = []
        for path, leaf in leaves:
            array = np.asarray(leaf.data if isinstance(leaf, Value) else leaf)
            if array.dtype.kind not in "fiu":
                raise TypeError(f"scipy_objective: {path} is {array.dtype}, not real numbers")
            arrays.append(array.astype(np.float64))
        self._shapes = [array.shape for array in arrays]
        self._ends = np.cumsum([array.size for array in arrays])
        self.x0 = np.concatenate([array.ravel() for array in arrays])

    def unflatten(self, x: Any) -> Any:
        """A vector, as the parameters that the function takes."""
        parts = np.split(x, self._ends[:-1])
        pairs = zip(parts, self._shapes, strict=True)
        return self._build([np.reshape(part, shape)[()] for part, shape in pairs])

    def __call__(self, x: Any, *args: Any) -> tuple[float, Any]:
        value, gradient = value_and_grad(self._of_vector)(np.array(x, np.float64), *args)
        return float(value), gradient

    def hessp(self, x: Any, direction: Any, *args: Any) -> Any:
        """The product of the Hessian at `x` with a vector."""
        x, direction = np.array(x, np.float64), np.asarray(direction, np.float64)
        return hvp(lambda x: self._of_vector(x, *args), (x,), (direction,))[0]

    def _of_vector(self, x: Any, *args: Any) -> Any:
        return self._f(self.unflatten(x), *args)
