"""Layers of neurons, and networks of layers."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from .. import ops
from ..errors import ShapeError
from ..random import generator
from ._weights import Rng, weight_and_bias
from .activations import Activation, activation_function, activation_name
from .functional import check_probability, dropout
from .module import Module


class Linear(Module):
    """y = x W^T + b.

    `weight` (out_features, in_features) and `bias` (out_features,) have PyTorch's shapes, and start
    as PyTorch's do: uniform on +-1/sqrt(in_features). In memory it is W^T that lies row by row,
    which BLAS multiplies fastest by. `init` names another start for the weight, such as
    "xavier_uniform" or "orthogonal" (see `nn.init.BY_NAME`); the numbers are drawn from `rng` or,
    without one, from the package's generator.

    >>> import numpy as np
    >>> from tinygrad_nn import nn
    >>> nn.Linear(3, 2)(np.ones((5, 3), np.float32)).shape
    (5, 2)
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        *,
        init: str | None = None,
        dtype: Any = np.float32,
        rng: Rng = None,
    ) -> None:
        self.weight, self.bias = weight_and_bias(in_features, out_features, bias, init, dtype, rng)

    def forward(self, x: Any) -> Any:
        """(..., in_features) -> (..., out_features)."""
        return ops.linear(x, self.weight, self.bias)

    def extra_repr(self) -> str:
        n_out, n_in = self.weight.shape
        return f"{n_in}, {n_out}" + (", bias=False" if self.bias is None else "")


class Layer(Linear):
    """`n_out` neurons on the same `n_in` inputs: y = activation(x W^T + b)."""

    def __init__(
        self,
        n_in: int,
        n_out: int,
        activation: Activation = "tanh",
        *,
        bias: bool = True,
        init: str | None = None,
        dtype: Any = np.float32,
        rng: Rng = None,
    ) -> None:
        super().__init__(n_in, n_out, bias, init=init, dtype=dtype, rng=rng)
        self.activation = activation_function(activation)

    def forward(self, x: Any) -> Any:
        """(..., n_in) -> (..., n_out)."""
        z = ops.linear(x, self.weight, self.bias)
        return z if self.activation is None else self.activation(z)

    def extra_repr(self) -> str:
        return f"{super().extra_repr()}, {activation_name(self.activation)}"


class MLP(Module):
    """A multi-layer perceptron: layers of `sizes` neurons, the last of them linear.

    >>> from tinygrad_nn import nn
    >>> nn.MLP(2, [16, 16, 1], activation="relu")
    MLP()  337 parameters
      (layers.0): Layer(2, 16, relu)  weight (16, 2), bias (16,)  48 parameters
      (layers.1): Layer(16, 16, relu)  weight (16, 16), bias (16,)  272 parameters
      (layers.2): Layer(16, 1, linear)  weight (1, 16), bias (1,)  17 parameters
    """

    def __init__(
        self,
        n_in: int,
        sizes: Sequence[int],
        activation: Activation = "relu",
        *,
        bias: bool = True,
        init: str | None = None,
        dtype: Any = np.float32,
        rng: Rng = None,
    ) -> None:
        if isinstance(sizes, int) or not len(sizes):
            raise TypeError(f"sizes must list the neurons of each layer, as [16, 1], not {sizes!r}")
        activation_function(activation)  # refuses what is none, though one layer has no use for it
        rng = generator(rng)
        widths = [n_in, *sizes]
        last = len(sizes) - 1
        self.layers = [
            Layer(
                a,
                b,
                None if at == last else activation,
                bias=bias,
                init=init,
                dtype=dtype,
                rng=rng,
            )
            for at, (a, b) in enumerate(itertools.pairwise(widths))
        ]

    def forward(self, x: Any) -> Any:
        """(..., n_in) -> (..., sizes[-1])."""
        for layer in self.layers:
            x = layer(x)
        return x


class Dropout(Module):
    """In training, each element is 0 with probability `p`, and 1/(1-p) times itself otherwise.

    So the expected value stays, and evaluation is the identity (Srivastava et al., 2014).
    """

    def __init__(self, p: float = 0.5, *, rng: Rng = None) -> None:
        check_probability(p)
        generator(rng)  # refuses what is none
        self.p = p
        self.rng = rng

    def forward(self, x: Any) -> Any:
        """Any shape, kept."""
        return dropout(x, self.p, self.training, rng=self.rng)

    def extra_repr(self) -> str:
        return f"{self.p}"


class Flatten(Module):
    """The axes from `start_dim` to `end_dim` as one: (n, 8, 8) -> (n, 64) by default."""

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        self.start_dim = start_dim
        self.end_dim = end_dim

    def forward(self, x: Any) -> Any:
        """(..., a, b, ...) -> (..., a b, ...)."""
        shape = np.shape(x)
        start, end = (
            np.lib.array_utils.normalize_axis_index(dim, len(shape))
            for dim in (self.start_dim, self.end_dim)
        )
        if start > end:
            raise ShapeError(f"flatten: start_dim {start} comes after end_dim {end} of {shape}")
        joined = math.prod(shape[start : end + 1])
        return ops.reshape(x, (*shape[:start], joined, *shape[end + 1 :]))

    def extra_repr(self) -> str:
        return f"{self.start_dim}, {self.end_dim}"
