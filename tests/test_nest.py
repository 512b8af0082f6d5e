"""tinygrad_nn.nest: nested containers taken apart and put together."""

from collections import OrderedDict, namedtuple
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_nn import Value
from tinygrad_nn.nest import flatten

Point = namedtuple("Point", "x y")

trees = st.recursive(
    st.floats(allow_nan=False) | st.text(max_size=2) | st.none(),
    lambda parts: st.one_of(
        st.lists(parts, max_size=3),
        st.tuples(parts, parts),
        st.dictionaries(st.text(max_size=2) | st.integers(), parts, max_size=3),
        st.builds(Point, parts, parts),
    ),
    max_leaves=8,
)


@given(trees)
def test_a_tree_is_built_again_from_its_leaves(tree):
    leaves, build = flatten(tree)
    again = build([leaf for _, leaf in leaves])
    assert again == tree
    assert type(again) is type(tree)


@given(trees)
def test_a_path_leads_to_its_leaf(tree):
    for path, leaf in flatten(tree, "tree")[0]:
        assert eval(path, {"tree": tree}) is leaf


@given(trees)
def test_leaves_do_not_come_apart_further(tree):
    assert all(flatten(leaf)[0] == [("", leaf)] for _, leaf in flatten(tree)[0])


@dataclass(frozen=True)
class Frozen:
    a: float
    b: list
    total: float = field(init=False, default=0.0)


def test_dataclasses_are_built_again_frozen_ones_too():
    tree = Frozen(1.0, [np.ones(2), "text"])
    leaves, build = flatten(tree, "t")
    assert [path for path, _ in leaves] == ["t.a", "t.b[0]", "t.b[1]", "t.total"]
    again = build([2.0, 3.0, 4.0, 5.0])
    assert (again.a, again.b, again.total, type(again)) == (2.0, [3.0, 4.0], 5.0, Frozen)
    assert (tree.a, tree.total) == (1.0, 0.0)
    assert flatten(Frozen, "t")[0] == [("t", Frozen)]


@pytest.mark.parametrize("leaf", [1.0, np.ones(2), Value([1.0]), None, "text", {1, 2}, [1.0, [2]]])
def test_what_is_no_container_is_one_leaf(leaf):
    leaves, build = flatten(leaf, "x")
    assert [path for path, _ in leaves] == ["x"]
    assert leaves[0][1] is leaf
    assert build([7.0]) == 7.0


@pytest.mark.parametrize("numbers", [[1, 2.0], [[1.0], [2.0]], [np.float32(1)], [], [[]]])
def test_a_list_of_numbers_is_one_leaf(numbers):
    assert flatten({"w": numbers}, "p")[0] == [("p['w']", numbers)]


@pytest.mark.parametrize("other", [[np.ones(1)], [Value(1.0)], [1.0, None], ["a", 2.0]])
def test_a_list_of_other_things_is_a_container(other):
    assert flatten(other)[0] == [(f"[{at}]", part) for at, part in enumerate(other)]


def test_dicts_keep_their_order_and_type():
    tree = OrderedDict(b=1.0, a=2.0)
    leaves, build = flatten(tree)
    assert [path for path, _ in leaves] == ["['b']", "['a']"]
    assert type(build([3.0, 4.0])) is OrderedDict
    assert list(build([3.0, 4.0]).items()) == [("b", 3.0), ("a", 4.0)]


def test_named_tuples_keep_their_names():
    leaves, build = flatten(Point(1.0, {"k": 2.0}), "p")
    assert [path for path, _ in leaves] == ["p.x", "p.y['k']"]
    assert build([3.0, 4.0]) == Point(3.0, {"k": 4.0})


def test_every_tree_that_is_built_has_containers_of_its_own():
    tree = {"a": [np.ones(1), {"b": 1.0}]}
    _, build = flatten(tree)
    one, other = build([1.0, 2.0]), build([1.0, 2.0])
    assert one["a"] is not other["a"]
    assert one["a"][1] is not tree["a"][1]


@pytest.mark.parametrize("new", [[], [1.0], [1.0, 2.0, 3.0]])
def test_another_number_of_leaves_is_refused(new):
    _, build = flatten((1.0, 2.0))
    with pytest.raises(ValueError, match=rf"{len(new)} leaves for a tree of 2"):
        build(new)


@pytest.mark.parametrize("empty", [(), {}, ({}, ())])
def test_an_empty_tree_has_no_leaves(empty):
    leaves, build = flatten(empty)
    assert leaves == []
    assert build([]) == empty
