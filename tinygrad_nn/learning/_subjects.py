"""What is fitted: a model with examples, or an error as a function of weights."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import modes
from ..data import TensorDataset
from ..nn import functional
from ..nn.module import Module
from ..transforms import value_and_grad
from ..value import Value

PASSES = 3  # what a pass forward and backward costs, in passes forward


class Subject(ABC):
    """Weights with an error, which counts how often it was asked for.

    `evaluations` counts passes of all examples through the model.
    """

    parameters: list[Value]

    def __init__(self, data: Sequence[Any]) -> None:
        if any(isinstance(part, Value) and part.requires_grad for part in data):
            raise TypeError("fit: the data carry a gradient, which is lost in it: detach() them")
        self.data = [np.asarray(part) for part in data]
        self.evaluations = 0

    @property
    def weights(self) -> Any:
        """All weights as one row, a copy."""
        return np.concatenate([np.ravel(p.data) for p in self.parameters])

    @weights.setter
    def weights(self, new: Any) -> None:
        start = 0
        for p in self.parameters:
            p.data = np.reshape(new[start : start + p.size], p.shape)
            start += p.size

    def error(self, weights: Any = None) -> Any:
        """The error of the weights there are or, if given, of new ones, which stay."""
        if weights is not None:
            self.weights = weights
        self.evaluations += 1
        return self.measured()

    def measured(self) -> Any:
        """The error, for the record: not counted."""
        with modes.no_grad():
            error = self._error(self.data)
        error = np.asarray(error.data if isinstance(error, Value) else error)
        if error.dtype.kind not in "fiu":
            raise TypeError(f"the error must be a real number, not {error.dtype}")
        if error.size != 1:
            raise ValueError(f"the error must be one number, not of shape {error.shape}")
        return error.reshape(())[()]

    def first_error(self) -> Any:
        """The error of the weights at the start, to which others are going to be compared."""
        error = self.error()
        if not np.isnan(error) and error != self.measured():
            raise ValueError(
                "the error is random: of the same weights it was another the second time. Put a "
                "model into evaluation mode, eval(), or take Backpropagation"
            )
        return error

    def backward(self, rows: Any = None) -> float:
        """Set the gradients of the parameters; the error, of all examples or of some rows."""
        data = self.data if rows is None else [part[rows] for part in self.data]
        return self._backward(data)

    @abstractmethod
    def _error(self, data: Sequence[Any]) -> Any: ...

    @abstractmethod
    def _backward(self, data: Sequence[Any]) -> float: ...


class ModelOnData(Subject):
    """The loss of a model's predictions, by its parameters."""

    def __init__(self, model: Module, data: Any, loss: Callable[[Any, Any], Any] | None) -> None:
        parts = _parts(data)
        if len(parts) != 2:
            raise TypeError("fit: the data of a model are a pair of arrays (inputs, targets)")
        super().__init__(parts)
        if self.data[0].shape[:1] != self.data[1].shape[:1] or not self.data[0].size:
            shapes = " and ".join(str(part.shape) for part in self.data)
            raise ValueError(
                f"fit: as many inputs (examples, n_in) as targets are needed, not {shapes}"
            )
        self.model = model
        self.loss = loss or functional.mse_loss
        self.parameters = [p for p in model.parameters() if p.requires_grad]
        if not self.parameters:
            raise ValueError(f"fit: {type(model).__name__} has no parameters to change")

    def _error(self, data: Sequence[Any]) -> Any:
        inputs, targets = data
        return self.loss(self.model(inputs), targets)

    def _backward(self, data: Sequence[Any]) -> float:
        for p in self.parameters:
            p.zero_grad()
        error = self._error(data)
        if not isinstance(error, Value) or not error.requires_grad:
            raise TypeError("fit: the error does not depend on the parameters by anything recorded")
        error.backward()
        return float(error.data)


class ErrorOfWeights(Subject):
    """A function error(weights, *data)."""

    def __init__(self, error: Callable[..., Any], data: Any, start: Any) -> None:
        super().__init__(() if data is None else _parts(data))
        if start is None:
            raise TypeError("fit: an error function needs start=, the weights to begin with")
        if isinstance(start, Value):
            raise TypeError("fit: start= is an array of weights, not a Value: give its data")
        weights = np.asarray(start)
        self.parameters = [Value(weights if weights.dtype.kind == "f" else weights.astype(float))]
        if not weights.size:
            raise ValueError("fit: start= has no weights")
        self._function = error

    def _error(self, data: Sequence[Any]) -> Any:
        weights = self.parameters[0].data
        return self._function(weights.copy() if weights.ndim else weights, *data)

    def _backward(self, data: Sequence[Any]) -> float:
        weights = self.parameters[0]
        error, weights.grad = value_and_grad(self._function)(weights.data, *data)
        return float(error)


def _parts(data: Any) -> Sequence[Any]:
    """The arrays that data consist of."""
    if isinstance(data, TensorDataset):
        return data.arrays
    if not isinstance(data, (tuple, list)):
        raise TypeError(
            f"fit: data are a tuple of arrays or a TensorDataset, not {type(data).__name__}"
        )
    return data
