"""Programs of compiled functions, drawn before and after optimisation."""

from typing import Any

import numpy as np
import pytest

import tinygrad_nn as tg
from tinygrad_nn import nn, optim


def compiled_step() -> Any:
    layer = nn.Linear(3, 2, rng=np.random.default_rng(0))
    optimizer = optim.SGD(layer.parameters(), lr=0.1)

    @tg.compile
    def step(x: Any) -> Any:
        loss = (layer(x) ** 2).sum() * 1.0
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss

    step(np.ones((4, 3), np.float32))
    return step


def test_both_programs_are_drawn_with_what_they_take_and_write() -> None:
    picture = tg.draw(compiled_step()).picture
    assert [box.path for box in picture.boxes] == ["captured", "optimized"]
    before, after = (list(box.everything()) for box in picture.boxes)
    for items in (before, after):
        roles = {item.name: item.role for item in items if item.name}
        assert roles["x"] == "input"
        assert roles["layer.weight"] in ("parameter", "output")
        written = {item.name for item in items if item.role == "output"}
        assert {"layer.weight", "layer.weight.grad", "layer.bias"} <= written
    assert sum(item.operation == "multiply" for item in before) > sum(
        item.operation == "multiply" for item in after
    )


def test_fused_calls_are_a_box_of_their_own() -> None:
    f = tg.compile(lambda x: (np.tanh(x) * 2, np.exp(np.tanh(x)).sum()))
    f(np.ones(1 << 17))
    _, after = tg.draw(f).picture.boxes
    (fused,) = after.inner
    assert fused.kind == "fused, 3 calls"
    assert {item.operation for item in fused.items} == {"tanh", "multiply", "exp"}
    (total,) = [item for item in after.items if item.operation == "add.reduce"]
    assert total.parents[0][0].operation == "exp"
    assert "fused, 3 calls" in tg.draw(f).source


def test_constants_are_written_as_options() -> None:
    f = tg.compile(lambda x: np.maximum(x, 0.5).sum(axis=1))
    f(np.ones((2, 3)))
    text = str(tg.draw(f))
    assert "captured: 2 calls" in text
    assert "maximum(n0)  2 × 3 float64  0.5" in text
    assert "axis=1" in text


def test_with_inputs_the_function_itself_is_drawn() -> None:
    f = tg.compile(lambda x: np.tanh(x).sum())
    assert "optimized" not in str(tg.draw(f, np.ones(3)))


def test_before_the_first_call_there_is_nothing_to_draw() -> None:
    with pytest.raises(RuntimeError, match="no program before the first call"):
        tg.draw(tg.compile(np.tanh))


def test_large_programs_are_folded_and_stay_open() -> None:
    weights = [tg.Value(float(at)) for at in range(300)]

    @tg.compile
    def total(x: float) -> Any:
        return sum((w * x).tanh() for w in weights)

    total(0.1)
    graph = tg.draw(total)
    assert "tanh × 300" in str(graph)
    assert "levels[" in str(graph)
    assert [frame.box.path for frame in graph.view.root.inner if frame.box] == [
        "captured",
        "optimized",
    ]
