"""nn.Module: how parameters and parts are found, saved, loaded, switched and shown."""

import copy
import pickle

import numpy as np
import pytest

from tinygrad_nn import Value, nn


class Everything(nn.Module):
    """Values and Modules in every kind of place."""

    def __init__(self):
        self.value = Value(np.zeros(1))
        self.module = nn.Linear(1, 2)
        self.list = [Value(np.zeros(3)), nn.Linear(1, 1, bias=False)]
        self.tuple = (Value(np.zeros(4)),)
        self.dict = {"a": Value(np.zeros(5)), "b": {"c": [nn.Linear(2, 1, bias=False)]}}
        self.number = 3.0
        self.array = np.zeros(7)
        self.text = "text"
        self.nothing = None


NAMES_AND_SHAPES = {
    "value": (1,),
    "module.weight": (2, 1),
    "module.bias": (2,),
    "list.0": (3,),
    "list.1.weight": (1, 1),
    "tuple.0": (4,),
    "dict.a": (5,),
    "dict.b.c.0.weight": (1, 2),
}


class Shared(nn.Module):
    """One Linear under two names, and its weight under a third."""

    def __init__(self):
        self.first = nn.Linear(2, 2)
        self.second = self.first
        self.weight = self.first.weight


# ---- Parameters and parts


def test_values_and_modules_register_wherever_attributes_hold_them():
    found = {name: p.shape for name, p in Everything().named_parameters()}
    assert found == NAMES_AND_SHAPES


def test_parameters_are_the_named_ones_in_the_same_order():
    module = Everything()
    named = [p for _, p in module.named_parameters()]
    assert [id(p) for p in module.parameters()] == [id(p) for p in named]


def test_an_attribute_assigned_later_registers_and_one_deleted_is_gone():
    module = nn.Linear(2, 2)
    module.extra = Value(np.zeros(9))
    assert "extra" in dict(module.named_parameters())
    del module.extra
    assert "extra" not in dict(module.named_parameters())


def test_a_module_needs_no_call_of_its_base_class():
    class Scale(nn.Module):
        def __init__(self):
            self.factor = Value(2.0)

        def forward(self, x):
            return self.factor * x

    scale = Scale()
    assert float(scale(3.0)) == 6.0
    assert scale.training


def test_a_computed_value_is_no_parameter():
    module = nn.Linear(2, 2)
    module.cache = module.weight * 2
    assert [name for name, _ in module.named_parameters()] == ["weight", "bias"]


def test_shared_parameters_are_given_once():
    names = [name for name, _ in Shared().named_parameters()]
    assert names == ["weight", "first.bias"]  # a module's own come first, as in PyTorch
    assert len(list(Shared().parameters())) == 2


def test_a_module_without_forward_says_so():
    with pytest.raises(NotImplementedError, match="Everything"):
        Everything()(1.0)


def test_call_hands_positional_and_keyword_arguments_to_forward():
    class Affine(nn.Module):
        def forward(self, x, *, shift=0.0):
            return x + shift

    assert Affine()(1.0, shift=2.0) == 3.0


def test_children_are_the_modules_directly_below():
    module = nn.Sequential(nn.Sequential(nn.Linear(1, 1)), nn.ReLU())
    assert [type(child) for child in module.children()] == [nn.Sequential, nn.ReLU]
    assert [name for name, _ in module.named_children()] == ["0", "1"]
    names = [name for name, _ in Everything().named_children()]
    assert names == ["module", "list.1", "dict.b.c.0"]


def test_named_modules_are_all_below_with_paths_and_the_module_itself():
    module = nn.Sequential(nn.Sequential(nn.Linear(1, 1), nn.Tanh()), nn.ReLU())
    paths = [(path, type(part)) for path, part in module.named_modules()]
    assert paths == [
        ("", nn.Sequential),
        ("0", nn.Sequential),
        ("0.0", nn.Linear),
        ("0.1", nn.Tanh),
        ("1", nn.ReLU),
    ]
    assert [id(part) for part in module.modules()] == [id(p) for _, p in module.named_modules()]


def test_shared_modules_are_given_once():
    assert [path for path, _ in Shared().named_modules()] == ["", "first"]


# ---- State


def test_state_dict_holds_plain_arrays_under_all_names():
    module = Everything()
    state = module.state_dict()
    assert {name: array.shape for name, array in state.items()} == NAMES_AND_SHAPES
    assert all(type(array) is np.ndarray for array in state.values())
    assert all(array.flags.c_contiguous for array in nn.MLP(3, [4, 2]).state_dict().values())


def test_state_dict_is_a_copy():
    module = nn.Linear(2, 2)
    before = module.weight.data.copy()
    state = module.state_dict()
    state["weight"][...] = 7
    np.testing.assert_array_equal(module.weight.data, before)


def test_loading_copies_the_state():
    module, state = nn.Linear(2, 2), nn.Linear(2, 2).state_dict()
    module.load_state_dict(state)
    before = module.weight.data.copy()
    state["weight"][...] = 7
    np.testing.assert_array_equal(module.weight.data, before)


def test_a_loaded_module_equals_the_saved_one():
    x = np.random.default_rng(0).normal(size=(4, 3))
    saved, loaded = nn.MLP(3, [5, 2]), nn.MLP(3, [5, 2])
    assert not np.array_equal(saved(x).data, loaded(x).data)
    loaded.load_state_dict(saved.state_dict())
    np.testing.assert_array_equal(loaded(x).data, saved(x).data)


def test_loading_keeps_the_parameters_and_their_dtype():
    module = nn.Linear(1, 1)
    weight = module.weight
    module.load_state_dict({"weight": np.array([[2.0]]), "bias": [3]})
    assert module.weight is weight
    assert module.weight.dtype == module.bias.dtype == np.float32
    assert float(module(np.float32([1.0]))[0]) == 5.0


def test_state_survives_npz(tmp_path):
    module, other = Everything(), Everything()
    for p in module.parameters():
        p.data = np.random.default_rng(1).normal(size=p.shape)
    np.savez(tmp_path / "state.npz", **module.state_dict())
    with np.load(tmp_path / "state.npz") as state:
        other.load_state_dict(state)
    for (_, a), (_, b) in zip(module.named_parameters(), other.named_parameters(), strict=True):
        np.testing.assert_array_equal(a.data, b.data)


def test_shared_parameters_save_and_load_under_every_name():
    state = Shared().state_dict()
    names = {"first.weight", "first.bias", "second.weight", "second.bias", "weight"}
    assert set(state) == names
    Shared().load_state_dict(state)


def test_one_error_lists_all_that_does_not_fit_and_nothing_changes():
    module = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
    before = module.state_dict()
    state = {
        "0.weight": np.ones((3, 2)),
        "0.bias": np.ones(4),
        "1.weight": np.ones((3, 1)),
        "2.weight": np.ones(1),
    }
    with pytest.raises(nn.StateError) as caught:
        module.load_state_dict(state)
    lines = str(caught.value).splitlines()
    for words in (
        ("missing", "1.bias"),
        ("unexpected", "2.weight"),
        ("0.bias", "(4,)", "(3,)"),
        ("1.weight", "(3, 1)", "(1, 3)"),
    ):
        assert any(all(word in line for word in words) for line in lines), (words, lines)
    assert "0.weight" not in str(caught.value)
    assert isinstance(caught.value, KeyError)
    for name, array in module.state_dict().items():
        np.testing.assert_array_equal(array, before[name])


def test_loading_what_is_no_number_changes_nothing():
    neuron = nn.Neuron(2)
    before = neuron.state_dict()
    with pytest.raises((KeyError, TypeError, ValueError), match="bias"):
        neuron.load_state_dict({"weight": [5.0, 6.0], "bias": "text"})
    np.testing.assert_array_equal(neuron.weight.data, before["weight"])


def test_loading_not_strictly_takes_what_there_is():
    module = nn.Linear(2, 1)
    bias = module.bias.data.copy()
    module.load_state_dict({"weight": np.ones((1, 2)), "other": np.ones(3)}, strict=False)
    np.testing.assert_array_equal(module.weight.data, np.ones((1, 2)))
    np.testing.assert_array_equal(module.bias.data, bias)


def test_loading_not_strictly_still_refuses_wrong_shapes():
    module = nn.Linear(2, 1)
    before = module.state_dict()
    with pytest.raises(nn.StateError, match="weight"):
        module.load_state_dict({"bias": [1.0], "weight": np.ones((2, 1))}, strict=False)
    np.testing.assert_array_equal(module.bias.data, before["bias"])


@pytest.mark.parametrize(
    "duplicate", [copy.deepcopy, lambda module: pickle.loads(pickle.dumps(module))]
)
def test_copies_and_pickles_are_equal_apart_and_keep_sharing(duplicate):
    module = nn.Sequential(nn.Linear(2, 2), nn.Tanh())
    module.tied = module[0].weight
    other = duplicate(module)
    assert other.tied is other[0].weight
    np.testing.assert_array_equal(other[0].weight.data, module[0].weight.data)
    other[0].weight.data = np.zeros((2, 2))
    assert np.any(module[0].weight.data != 0)


# ---- Modes


def test_train_and_eval_reach_every_module_and_return_the_module():
    module = nn.Sequential(nn.ModuleList([nn.Dropout()]), nn.ModuleDict({"a": nn.Dropout()}))
    assert all(part.training for part in module.modules())
    assert module.eval() is module
    assert not any(part.training for part in module.modules())
    assert module.train() is module
    assert all(part.training for part in module.modules())
    assert not module.train(False).training


def test_eval_leaves_other_modules_in_training():
    one, other = nn.Dropout(), nn.Dropout()
    one.eval()
    assert other.training


def test_zero_grad_forgets_all_gradients():
    module = nn.MLP(2, [3, 1])
    module(np.ones((4, 2))).sum().backward()
    assert all(p.grad is not None for p in module.parameters())
    module.zero_grad()
    assert all(p.grad is None for p in module.parameters())


def test_apply_visits_children_before_parents_and_returns_the_module():
    module = nn.Sequential(nn.Sequential(nn.Linear(1, 1), nn.Tanh()), nn.ReLU())
    visited = []
    assert module.apply(visited.append) is module
    expected = [module[0][0], module[0][1], module[0], module[1], module]
    assert [id(part) for part in visited] == [id(part) for part in expected]


# ---- Looks


def test_repr_is_a_tree_with_shapes_and_parameter_counts():
    module = nn.Sequential(
        nn.Linear(30, 50), nn.Sequential(nn.Tanh(), nn.Linear(50, 2, bias=False))
    )
    top, first, inner, tanh, second = repr(module).splitlines()
    assert "Sequential" in top
    assert "1,650" in top  # 30 * 50 + 50 + 50 * 2
    for part in ("0", "Linear", "(50, 30)", "(50,)", "1,550"):
        assert part in first
    assert "100" in inner
    assert "Tanh" in tanh
    assert "parameter" not in tanh
    for part in ("Linear", "(2, 50)", "100", "bias=False"):
        assert part in second
    indents = [len(line) - len(line.lstrip()) for line in (top, first, inner, tanh, second)]
    assert indents[0] == 0
    assert 0 < indents[1] == indents[2] < indents[3] == indents[4]


def test_repr_counts_shared_parameters_once():
    assert "6 parameters" in repr(Shared()).splitlines()[0]


def test_repr_shows_what_extra_repr_says():
    class Named(nn.Module):
        def extra_repr(self):
            return "so and so"

    assert repr(Named()) == "Named(so and so)"
