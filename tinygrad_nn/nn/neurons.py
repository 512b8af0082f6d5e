"""Neurons: single units, from McCulloch and Pitts's of 1943 to those that draw at random.

All of them take x of shape (..., n_in), such as (examples, inputs), and give (...).

With z = b + sum_i x_i w_i, they are

| neuron           | here                           | y                                          |
| ---------------- | ------------------------------ | ------------------------------------------ |
| McCulloch-Pitts  | `McCullochPitts(n, threshold)` | 1 if enough binary inputs are 1, else 0    |
| perceptron       | `Perceptron(n)`                | 1 if z >= 0, else -1, or else 0            |
| linear           | `Neuron(n, "linear")`          | z                                          |
| rectified linear | `Neuron(n, "relu")`            | max(0, z)                                  |
| leaky rectified  | `Neuron(n, "leaky_relu")`      | max(0.01 z, z)                             |
| logistic         | `Neuron(n, "sigmoid")`         | 1 / (1 + e^-z)                             |
| tanh             | `Neuron(n, "tanh")`            | (e^z - e^-z) / (e^z + e^-z)                |
| softmax group    | `Layer(n, m, "softmax")`       | e^z_i / sum_j e^z_j                        |
| stochastic       | `StochasticBinary(n)`          | 1 with probability 1 / (1 + e^-z), else 0  |
| spiking          | `PoissonReLU(n)`               | a number, Poisson of rate max(0, z)        |
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, Self

import numpy as np

from .. import ops
from ..errors import ShapeError
from ..ops.activation import step
from ..random import generator
from ..traced import as_array
from ..value import Value
from . import _stochastic
from ._weights import Rng, check_count, check_floating, weight_and_bias
from .activations import Activation, activation_function, activation_name
from .module import Module


class McCullochPitts(Module):
    """1 if the number of inputs that are 1 is at least `threshold`, else 0.

    Inputs are 0 or 1, and of equal weight. Those at the places `inhibitory` forbid: if one of
    them is 1, the output is 0. (W. McCulloch, W. Pitts, Bull. Math. Biophys. 5 (1943) 115.) It
    learns nothing and its derivative is 0. The gates in `nn.logic` are such neurons.

    >>> from tinygrad_nn import nn
    >>> both = nn.McCullochPitts(2, threshold=2)
    >>> both([[0, 0], [0, 1], [1, 0], [1, 1]])
    array([0, 0, 0, 1])
    >>> no = nn.McCullochPitts(1, threshold=0, inhibitory=[0])
    >>> no([[0], [1]])
    array([1, 0])
    """

    def __init__(self, n_in: int, threshold: float, inhibitory: Iterable[int] = ()) -> None:
        check_count("inputs", n_in)
        inhibitory = list(inhibitory)
        for at in inhibitory:
            if isinstance(at, (bool, np.bool_)) or at not in range(n_in):
                raise ValueError(f"inhibitory lists inputs from 0 to {n_in - 1}, not {at!r}")
        if math.isnan(threshold):
            raise ValueError("the threshold is NaN")
        self._n_in = n_in
        self._threshold = threshold
        self._inhibitory = sorted(set(inhibitory))
        # As a whole number; one more than there are, if it is never reached.
        excitatory = n_in - len(self._inhibitory)
        self._least = math.ceil(min(max(threshold, 0), excitatory + 1))
        # So negative that the others together do not reach it.
        self._veto = -max(1, excitatory - self._least + 1)

    @property
    def threshold(self) -> float:
        """How many inputs must be 1."""
        return self._threshold

    @property
    def inhibitory(self) -> list[int]:
        """The places of the inputs that forbid."""
        return list(self._inhibitory)

    def forward(self, x: Any) -> Any:
        """(..., n_in) of 0 and 1 -> (...) of 0 and 1; integers, or floats if x is of floats."""
        x = as_bits(_inputs("a McCulloch-Pitts neuron", x, self._n_in))
        return self._fires(x @ np.array(self._weights(), x.dtype))

    def _weights(self) -> list[int]:
        return [self._veto if at in self._inhibitory else 1 for at in range(self._n_in)]

    def _fires(self, z: Any) -> Any:
        return step(z - self._least)

    def extra_repr(self) -> str:
        inhibitory = f", inhibitory={self._inhibitory}" if self._inhibitory else ""
        return f"{self._n_in}, threshold={self._threshold}{inhibitory}"


class Perceptron(Module):
    """1 if z = b + sum_i x_i w_i >= 0, else -1; or else 0, with `outputs=(0, 1)`.

    The bias b is minus the threshold that the weighted sum must reach. Weights and bias start
    from 0. The derivative is 0 wherever there is one, so that gradients teach it nothing;
    `learning.PerceptronRule` does. (F. Rosenblatt, Psychological Review 65 (1958) 386.)

    >>> from tinygrad_nn import nn
    >>> elephant = nn.Perceptron.from_threshold([2, 1, 0.5], threshold=1000)
    >>> elephant([[1000, 5, 2], [200, 3, 1], [30, 2, 2]]).data
    array([ 1., -1., -1.])
    """

    def __init__(
        self,
        n_in: int,
        outputs: tuple[int, int] = (-1, 1),
        *,
        bias: bool = True,
        dtype: Any = np.float32,
    ) -> None:
        check_count("inputs", n_in)
        if tuple(outputs) not in ((-1, 1), (0, 1)):
            raise ValueError(f"outputs must be (-1, 1) or (0, 1), not {outputs}")
        check_floating(dtype)
        self.outputs = outputs
        self.weight = Value(np.zeros(n_in, dtype))
        self.bias = Value(np.zeros((), dtype)) if bias else None

    @classmethod
    def from_threshold(
        cls,
        weight: Any,
        threshold: float,
        outputs: tuple[int, int] = (-1, 1),
        *,
        dtype: Any = np.float64,
    ) -> Self:
        """The perceptron that gives 1 if sum_i x_i w_i >= threshold."""
        perceptron = cls(np.size(weight), outputs, dtype=dtype)
        assert perceptron.bias is not None
        perceptron.weight.data = weight
        perceptron.bias.data = -threshold
        return perceptron

    @property
    def threshold(self) -> float:
        """What sum_i x_i w_i must reach: minus the bias."""
        return 0.0 if self.bias is None else -float(self.bias.data)

    def bias_trick(self, x0: float = 1.0) -> Perceptron:
        """The same decisions without a bias, of one more input in front, which is always `x0`.

        Its weight there is the bias for x0 = 1, the threshold for x0 = -1 (and rounded for others).
        The inputs that it takes are those of `with_constant(x, x0)`.
        """
        trick = Perceptron(len(self.weight) + 1, self.outputs, bias=False, dtype=self.weight.dtype)
        bias = 0.0 if self.bias is None else self.bias.data
        trick.weight.data = np.append(bias / _nonzero(x0), self.weight.data)
        return trick

    def undo_bias_trick(self, x0: float = 1.0) -> Perceptron:
        """The same decisions with a bias in place of the first input, which was always `x0`."""
        if self.bias is not None:
            raise ValueError("undo_bias_trick: this perceptron has a bias")
        if len(self.weight) < 2:
            raise ValueError("undo_bias_trick: no inputs would be left")
        first, *rest = self.weight.data
        return Perceptron.from_threshold(
            rest, -first * _nonzero(x0), self.outputs, dtype=self.weight.dtype
        )

    def forward(self, x: Any) -> Any:
        """(..., n_in) -> (...) of the two outputs."""
        low, high = self.outputs
        fires = step(_weighted_sum("a perceptron", x, self.weight, self.bias))
        return fires if low == 0 else (high - low) * fires + low

    def extra_repr(self) -> str:
        return f"{len(self.weight)}, outputs={self.outputs}"


def with_constant(x: Any, x0: float = 1.0) -> Any:
    """Inputs with a constant one in front: (..., n) -> (..., n + 1), as the bias trick needs.

    >>> from tinygrad_nn.nn import neurons
    >>> neurons.with_constant([[2.0, 3.0]], -1.0)
    array([[-1.,  2.,  3.]])
    """
    x = x if isinstance(x, Value) else as_array(x)
    x = x if x.dtype.kind == "f" else x.astype(np.float64)
    return ops.concatenate([np.full((*x.shape[:-1], 1), x0, x.dtype), x], axis=-1)


class Neuron(Module):
    """y = activation(b + sum_i x_i w_i): one unit, with a `weight` (n_in,) and a scalar `bias`.

    >>> from tinygrad_nn import nn
    >>> neuron = nn.Neuron(2, activation="sigmoid")
    >>> neuron.weight.data, neuron.bias.data = [1.0, -1.0], 0.0
    >>> float(neuron([3.0, 3.0]))
    0.5
    """

    def __init__(
        self,
        n_in: int,
        activation: Activation = "tanh",
        *,
        bias: bool = True,
        init: str | None = None,
        dtype: Any = np.float32,
        rng: Rng = None,
    ) -> None:
        if activation == "softmax":
            raise ValueError("softmax is of a group of neurons: nn.Layer(n_in, n_out, 'softmax')")
        weight, offset = weight_and_bias(n_in, 1, bias, init, dtype, rng)
        self.weight = Value(weight.data[0])
        self.bias = None if offset is None else Value(offset.data[0])
        self.activation = activation_function(activation)

    def forward(self, x: Any) -> Any:
        """(..., n_in) -> (...)."""
        z = _weighted_sum("a neuron", x, self.weight, self.bias)
        return z if self.activation is None else self.activation(z)

    def extra_repr(self) -> str:
        return f"{len(self.weight)}, {activation_name(self.activation)}"


class _Stochastic(Neuron):
    """A neuron that draws its output, from `rng` or the package's generator."""

    def __init__(
        self,
        n_in: int,
        *,
        bias: bool = True,
        init: str | None = None,
        dtype: Any = np.float32,
        rng: Rng = None,
    ) -> None:
        super().__init__(n_in, None, bias=bias, init=init, dtype=dtype, rng=rng)
        generator(rng)  # refuses what is none
        self.rng = rng

    def _z(self, x: Any) -> Any:
        return _weighted_sum("a neuron", x, self.weight, self.bias)

    def extra_repr(self) -> str:
        return f"{len(self.weight)}"


class StochasticBinary(_Stochastic):
    """1 with probability p = 1 / (1 + e^-z) for z = b + sum_i x_i w_i, else 0.

    Gradients go straight through: the derivative of the output by p is taken as 1. For those of
    the expected loss, of any loss, see `nn.functional.score_function`. For a layer of them, take
    `Layer(n, m, nn.functional.stochastic_binary)`.

    >>> import numpy as np
    >>> from tinygrad_nn import nn
    >>> neuron = nn.StochasticBinary(1, rng=np.random.default_rng(0))
    >>> neuron.weight.data, neuron.bias.data = [2.0], 0.0
    >>> fires = neuron(np.full((10_000, 1), 0.5)).data
    >>> print(f"{fires.mean():.2f}")  # 1 / (1 + e^-1)
    0.73
    """

    def forward(self, x: Any) -> Any:
        """(..., n_in) -> (...) of 0 and 1."""
        return _stochastic.stochastic_binary(self._z(x), rng=self.rng)

    def log_prob(self, x: Any, sample: Any) -> Any:
        """The logarithm of the probability of `sample`: (..., n_in), (...) -> (...)."""
        return _stochastic.stochastic_binary_log_prob(self._z(x), sample)


class PoissonReLU(_Stochastic):
    """A number of spikes, drawn from the Poisson distribution of rate max(0, b + sum_i x_i w_i).

    Gradients go straight through: the derivative of the output by the rate is taken as 1. For
    those of the expected loss, of any loss, see `nn.functional.score_function`. For a layer of
    them, take `Layer(n, m, nn.functional.poisson_relu)`.
    """

    def forward(self, x: Any) -> Any:
        """(..., n_in) -> (...) of whole numbers."""
        return _stochastic.poisson_relu(self._z(x), rng=self.rng)

    def log_prob(self, x: Any, sample: Any) -> Any:
        """The logarithm of the probability of `sample`: (..., n_in), (...) -> (...)."""
        return _stochastic.poisson_relu_log_prob(self._z(x), sample)


def as_bits(x: Any) -> Any:
    """`x` as a Value or array of 0 and 1, of integers or of floats that count far."""
    x = x if isinstance(x, Value) else as_array(x)
    if not np.isin(x.data if isinstance(x, Value) else x, (0, 1)).all():
        raise ValueError("the inputs of a McCulloch-Pitts neuron are 0 or 1")
    if x.dtype.kind == "f":
        return x.astype(np.float32) if x.dtype == np.float16 else x
    return x.astype(np.int64)


def _inputs(what: str, x: Any, n_in: int) -> Any:
    """`x` as a Value or array of shape (..., n_in)."""
    if not isinstance(x, Value):
        x = as_array(x)
    if x.shape[-1:] != (n_in,):
        raise ShapeError(f"{what} of {n_in} inputs, given x of shape {x.shape}")
    return x


def _weighted_sum(what: str, x: Any, weight: Value, bias: Value | None) -> Any:
    """b + sum_i x_i w_i: (..., n_in) -> (...)."""
    z = _inputs(what, x, len(weight)) @ weight
    return z if bias is None else z + bias


def _nonzero(x0: float) -> float:
    if not x0 or not math.isfinite(x0):
        raise ValueError(f"the constant input x0 of the bias trick must not be {x0}")
    return x0
