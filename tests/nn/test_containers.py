"""ModuleList, ModuleDict and Sequential."""

import numpy as np
import pytest

import tinygrad_nn as tg
from tinygrad_nn import Value, nn


def doubling():
    layer = nn.Linear(1, 1, bias=False)
    layer.weight.data = [[2.0]]
    return layer


def shift(by):
    class Shift(nn.Module):
        def forward(self, x):
            return x + by

    return Shift()


def test_sequential_calls_its_modules_first_to_last():
    x = np.float32([[5.0]])
    assert float(nn.Sequential(doubling(), shift(1.0))(x)[0, 0]) == 11.0
    assert float(nn.Sequential(shift(1.0), doubling())(x)[0, 0]) == 12.0


def test_an_empty_sequential_is_the_identity():
    x = np.ones(3)
    assert nn.Sequential()(x) is x


def test_sequential_names_its_parameters_by_number():
    model = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))
    names = [name for name, _ in model.named_parameters()]
    assert names == ["0.weight", "0.bias", "2.weight", "2.bias"]


def test_module_list_behaves_as_a_list_that_registers():
    a, b, c, d = (nn.Linear(n, 1, bias=False) for n in (1, 2, 3, 4))
    modules = nn.ModuleList([a])
    modules.append(c)
    modules.insert(1, b)
    modules.extend([d])
    assert [*modules] == [a, b, c, d]
    assert len(modules) == 4
    assert modules[-1] is d
    del modules[0]
    modules[0] = a
    assert [*modules] == [a, c, d]
    names = {name: p.shape for name, p in modules.named_parameters()}
    assert names == {"0.weight": (1, 1), "1.weight": (1, 3), "2.weight": (1, 4)}


def test_module_dict_behaves_as_a_dict_that_registers():
    a, b = nn.Linear(1, 1, bias=False), nn.Linear(2, 1, bias=False)
    modules = nn.ModuleDict({"a": a})
    modules["b"] = b
    assert [*modules] == [*modules.keys()] == ["a", "b"]
    assert [*modules.values()] == [a, b]
    assert [*modules.items()] == [("a", a), ("b", b)]
    assert "b" in modules
    assert "c" not in modules
    assert len(modules) == 2
    assert [name for name, _ in modules.named_parameters()] == ["a.weight", "b.weight"]
    del modules["a"]
    assert [name for name, _ in modules.named_parameters()] == ["b.weight"]


def test_containers_register_attributes_beside_their_items():
    class Scaled(nn.Sequential):
        def __init__(self, *modules):
            super().__init__(*modules)
            self.scale = Value(2.0)

    names = {name for name, _ in Scaled(nn.Linear(1, 1, bias=False)).named_parameters()}
    assert names == {"scale", "0.weight"}


def replaced(modules, at):
    modules[at] = nn.ReLU


@pytest.mark.parametrize(
    "make",
    [
        lambda: nn.Sequential(nn.ReLU),
        lambda: nn.ModuleList([nn.ReLU]),
        lambda: nn.ModuleDict({"a": nn.ReLU}),
        lambda: nn.ModuleList().append(nn.ReLU),
        lambda: nn.ModuleList().extend([nn.ReLU]),
        lambda: nn.ModuleList().insert(0, nn.ReLU),
        lambda: replaced(nn.ModuleList([nn.Tanh()]), 0),
        lambda: replaced(nn.ModuleDict(), "a"),
    ],
)
def test_a_class_in_place_of_a_module_is_met_at_once_with_advice(make):
    with pytest.raises(TypeError, match=r"ReLU\(\)"):
        make()


@pytest.mark.parametrize("part", [np.tanh, None, 3, [nn.Tanh()]])
def test_what_is_no_module_is_refused(part):
    with pytest.raises(TypeError, match="expected a Module"):
        nn.Sequential(part)


def test_an_error_in_a_sequence_says_in_which_module():
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(7, 2))
    with pytest.raises(tg.ShapeError, match="7 features") as caught:
        model(np.ones((3, 4)))
    assert caught.value.__notes__ == ["in (2) of Sequential: Linear"]
