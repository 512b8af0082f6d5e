"""Scalar Values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tinygrad_nn import Value

from ...job import Compile, Timed, as_it_is, training
from ...work import Chain, MoonsScalar, ScalarGraph
from ...work.work import Layers


def chain(row: Chain, compiled: Compile = as_it_is) -> Timed:
    """Scalar Values."""
    x = Value(row.start)
    if not row.leaves:

        @compiled
        def step() -> Any:
            x.zero_grad()
            y = x
            for _ in range(row.pairs):
                y = y * row.factor
                y = y + row.term
            y.backward()
            return y

        return Timed(step, lambda: [float(step()), float(x.grad)])

    factors = [Value(row.factor) for _ in range(row.pairs)]
    terms = [Value(row.term) for _ in range(row.pairs)]
    leaves = [x, *factors, *terms]

    @compiled
    def step_leaves() -> Any:
        for leaf in leaves:
            leaf.zero_grad()
        y = x
        for factor, term in zip(factors, terms, strict=True):
            y = y * factor
            y = y + term
        y.backward()
        return y

    return Timed(
        step_leaves, lambda: [float(step_leaves()), float(x.grad), *(float(v.grad) for v in leaves)]
    )


class Neuron:
    """micrograd's neuron, on Values: a list of weights, the sum of products, ReLU."""

    def __init__(self, weights: list[float], bias: float, rectified: bool) -> None:
        self.weights = [Value(weight) for weight in weights]
        self.bias = Value(bias)
        self.rectified = rectified

    def __call__(self, inputs: Sequence[Any]) -> Any:
        products = (w * x for w, x in zip(self.weights, inputs, strict=True))
        potential = sum(products, self.bias)
        return potential.relu() if self.rectified else potential

    def parameters(self) -> list[Value]:
        return [*self.weights, self.bias]


class Layer:
    """Neurons with the same inputs; the output of one alone is no list."""

    def __init__(self, neurons: list[Neuron]) -> None:
        self.neurons = neurons

    def __call__(self, inputs: Sequence[Any]) -> Any:
        outputs = [neuron(inputs) for neuron in self.neurons]
        return outputs if len(outputs) > 1 else outputs[0]

    def parameters(self) -> list[Value]:
        return [p for neuron in self.neurons for p in neuron.parameters()]


class ScalarMLP:
    """micrograd's perceptron, on Values: layers one after another, the last one linear."""

    def __init__(self, layers: Layers) -> None:
        self.layers = [
            Layer(
                [
                    Neuron(column.tolist(), float(own), rectified=at < len(layers) - 1)
                    for column, own in zip(weight.T, bias, strict=True)
                ]
            )
            for at, (weight, bias) in enumerate(layers)
        ]

    def __call__(self, x: Any) -> Any:
        for layer in self.layers:
            x = layer(x)
        return x

    def parameters(self) -> list[Value]:
        return [p for layer in self.layers for p in layer.parameters()]


def moons_scalar(row: MoonsScalar, compiled: Compile = as_it_is) -> Timed:
    """micrograd's code on Values, and its demo's step; points are numbers."""
    x, signs = (array.tolist() for array in row.data)
    model = ScalarMLP(row.weights)
    parameters = model.parameters()

    def step() -> Any:
        scores = [model(point) for point in x]
        margins = [(1 - sign * score).relu() for sign, score in zip(signs, scores, strict=True)]
        data_loss = sum(margins) * (1 / len(margins))
        loss = data_loss + row.alpha * sum(p * p for p in parameters)
        for p in parameters:
            p.zero_grad()
        loss.backward()
        for p in parameters:
            p.data -= row.lr * p.grad
        return loss

    return training(compiled(step))


def scalar_graph(row: ScalarGraph) -> Timed:
    x = Value(row.start)

    def build() -> Any:
        y = x
        for _ in range(row.pairs):
            y = y * x
            y = y + x
        return y

    return Timed(build, lambda: [float(build())])
