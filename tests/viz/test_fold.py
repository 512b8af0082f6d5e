"""Folding: depth, collapse and expand, equal blocks, and a bound on the number of nodes."""

import numpy as np
import pytest

import tinygrad_nn as tg
from tinygrad_nn import Value, nn
from tinygrad_nn.viz.fold import Group


class Block(nn.Module):
    def __init__(self, size=4):
        self.a, self.b = nn.Linear(size, size), nn.Linear(size, size)

    def forward(self, x):
        return x + self.b(tg.tanh(self.a(x)))


def blocks(count):
    return nn.Sequential(*[Block() for _ in range(count)])


X = np.ones((2, 4))


def shown(drawing):
    return list(drawing.view.root.everything())


def closed(drawing):
    """The paths of the modules that are drawn as one node."""
    return [each.closed.path for each in shown(drawing) if isinstance(each, Group) and each.closed]


def edges(drawing):
    return len(drawing.view.edges)


# ---- Depth, collapse, expand


def test_depth_closes_what_is_deeper():
    model = nn.Sequential(Block(), nn.Tanh())
    assert closed(tg.draw(model, X)) == []
    assert sorted(closed(tg.draw(model, X, depth=2))) == ["0.a", "0.b"]
    assert closed(tg.draw(model, X, depth=1)) == ["0"]  # tanh alone is as short as its box
    assert closed(tg.draw(model, X, depth=0)) == [""]


def test_closed_module_is_one_node_between_its_neighbours():
    drawing = tg.draw(nn.Sequential(Block()), X, depth=0)
    assert len(shown(drawing)) == 2  # the input and the model
    assert edges(drawing) == 1
    assert "Sequential, 40 parameters" in str(drawing)


@pytest.mark.parametrize(
    ("choice", "paths"),
    [
        ("0.a", ["0.a"]),
        (["0.a", "1"], ["0.a", "1"]),
        ("Linear", ["0.a", "0.b", "1.a", "1.b"]),
        (lambda path, kind: kind == "Linear" and path.startswith("1"), ["1.a", "1.b"]),
    ],
)
def test_collapse_takes_paths_classes_and_predicates(choice, paths):
    assert sorted(closed(tg.draw(blocks(2), X, collapse=choice))) == paths


def test_classes_choose_as_their_names_do():
    drawing = tg.draw(blocks(2), X, collapse=nn.Linear, expand=["1.a"])
    assert sorted(closed(drawing)) == ["0.a", "0.b", "1.b"]


def test_a_class_chooses_its_subclasses_too():
    model = nn.Sequential(nn.Layer(4, 4), nn.Linear(4, 4))
    assert sorted(closed(tg.draw(model, X, collapse=nn.Linear))) == ["0", "1"]
    assert closed(tg.draw(model, X, collapse="Linear")) == ["1"]


def test_expand_opens_what_is_around_too():
    assert "1.a" not in closed(tg.draw(blocks(2), X, depth=0, expand="1.a"))
    assert sorted(closed(tg.draw(blocks(2), X, depth=0, expand="1.a"))) == ["0", "1.b"]


def test_expanded_blocks_are_no_row():
    assert len(shown(tg.draw(blocks(12), X, expand=Block))) == 1 + 12 * 8


@pytest.mark.parametrize("option", ["collapse", "expand"])
def test_names_of_no_module_are_an_error(option):
    with pytest.raises(ValueError, match=f"{option}: .*'0.c'; did you mean '0.[ab]'"):
        tg.draw(blocks(2), X, **{option: "0.c"})
    with pytest.raises(ValueError, match=f"{option}: .*'zz'; there are 0, 0.a"):
        tg.draw(blocks(2), X, **{option: "zz"})


def test_expand_has_the_last_word():
    drawing = tg.draw(blocks(2), X, collapse="Linear", expand="1.b")
    assert sorted(closed(drawing)) == ["0.a", "0.b", "1.a"]
    drawing = tg.draw(blocks(2), X, depth=1, expand=["1"])
    assert sorted(closed(drawing)) == ["0", "1.a", "1.b"]


# ---- Equal blocks in a row


def test_twelve_equal_blocks_are_drawn_once():
    one, twelve = tg.draw(blocks(1), X), tg.draw(blocks(12), X)
    assert len(shown(twelve)) == len(shown(one))
    assert edges(twelve) == edges(one)
    assert "0: Block × 12, 40 parameters" in str(twelve)
    assert "× 12" in twelve.source
    assert "× 12" in twelve.mermaid
    assert "values" not in twelve.source


class Sum(nn.Module):
    """x + a sum of it over an axis, with as many numbers in each row."""

    def __init__(self, axis=0, dtype=None, of=0):
        self.axis, self.dtype, self.of = axis, dtype, of

    def forward(self, x):
        y = x + 1.0
        total = (x, y)[self.of].sum(axis=self.axis, keepdims=True)
        return y + (total if self.dtype is None else total.astype(self.dtype)).mean()


@pytest.mark.parametrize(
    "other", [Sum(axis=1), Sum(dtype=np.float32), Sum(of=1)], ids=["options", "dtype", "inputs"]
)
def test_blocks_that_differ_inside_are_no_row(other):
    text = str(tg.draw(nn.Sequential(Sum(), Sum(), Sum(), other, Sum(), Sum(), Sum()), X))
    assert "0: Sum × 3" in text
    assert "3: Sum\n" in text
    assert "4: Sum × 3" in text


class Turn(nn.Module):
    def forward(self, x):
        return x.T + 1.0


def test_blocks_of_different_shapes_are_no_row():
    model = nn.Sequential(Turn(), Turn(), Turn())
    assert "0: Turn × 3" in str(tg.draw(model, np.ones((2, 2))))
    assert "0: Turn\n" in str(tg.draw(model, np.ones((2, 4))))


def test_two_equal_blocks_are_drawn_as_they_are():
    assert len(shown(tg.draw(blocks(2), X))) == 1 + 2 * 8


def test_block_that_differs_ends_the_row():
    model = nn.Sequential(*[Block() for _ in range(3)], nn.Tanh(), *[Block() for _ in range(4)])
    text = str(tg.draw(model, X))
    assert "0: Block × 3" in text
    assert "4: Block × 4" in text


def test_block_that_is_kept_open_is_drawn_apart():
    drawing = tg.draw(blocks(7), X, depth=1, expand="3")
    assert "0: Block × 3" in str(drawing)
    assert "4: Block × 3" in str(drawing)
    assert "3: Block, " in str(drawing)


def test_rows_in_rows():
    inner = [nn.Sequential(Block(), Block(), Block()) for _ in range(4)]
    text = str(tg.draw(nn.Sequential(*inner), X))
    assert "0: Sequential × 4, 120 parameters" in text
    assert "0: Block × 3, 40 parameters" in text


def test_closed_blocks_of_a_row_are_one_node():
    drawing = tg.draw(blocks(5), X, depth=1)
    assert closed(drawing) == ["0"]
    assert "× 5" in str(drawing)


def test_closed_module_of_a_row_counts_its_own_nodes():
    assert tg.draw(blocks(5), X, collapse="Linear").source.count(">3 nodes<") == 2


class Scale(nn.Module):
    def __init__(self, factor):
        self.factor = Value(factor)

    def forward(self, x):
        return tg.sqrt(x) * self.factor


def test_trouble_ends_a_row_so_that_it_is_seen_where_it_began():
    model = nn.Sequential(*[Scale(-1.0 if at == 4 else 1.0) for at in range(9)])
    with np.errstate(invalid="ignore"):
        drawing = tg.draw(model, X)
    text = str(drawing)
    assert "0: Scale × 5" in text
    assert "5: Scale, " in text  # its square root makes the first NaN
    assert "6: Scale × 3" in text
    assert text.count("first NaN, made at") == drawing.source.count("first NaN, made at") == 1


class Stack(nn.Module):
    """Layers that `wire` connects."""

    def __init__(self, wire, count=3):
        self.h, self.wire = [nn.Linear(4, 4) for _ in range(count)], wire

    def forward(self, x):
        return self.wire(self.h, x)


def _chain_with_tanh(h, x):
    for layer in h:
        x = tg.tanh(layer(x))
    return x


def _residual(h, x):
    for layer in h:
        x = x + layer(x)
    return x


def _all_results(h, x):
    results = [x := layer(x) for layer in h]
    return results[0] + results[1] + results[2]


@pytest.mark.parametrize(
    "wire",
    [
        _chain_with_tanh,
        _residual,
        _all_results,
        lambda h, x: h[2](h[0](x)) + h[1](x),
        lambda h, x: tg.concatenate([layer(x) for layer in h]),
        lambda h, x: [h[0](x), h[1](x), h[2](x)],
    ],
)
def test_equal_modules_that_are_not_in_a_chain_are_drawn_apart(wire):
    drawing = tg.draw(Stack(wire), X)
    items = drawing.picture.items
    assert set(shown(drawing)) == set(items)
    assert set(drawing.view.edges) == {(p, item) for item in items for p, _ in item.parents}


def test_chain_of_equal_modules_is_a_row_whatever_else_all_of_them_take():
    mask = np.eye(4)

    def wire(h, x):
        first = x
        for layer in h:
            x = layer(x)
        return x * mask + first

    assert "× 5" in str(tg.draw(Stack(wire, 5), X[:1] * np.ones((4, 1))))

    class Masked(nn.Module):
        def __init__(self):
            self.layer = nn.Linear(4, 4)

        def forward(self, x):
            return self.layer(x[0]) * x[1], x[1]

    model = nn.Sequential(*[Masked() for _ in range(4)])
    drawing = tg.draw(lambda x, m: model((x, m))[0], np.ones((4, 4)), Value(mask))
    assert "0: Masked × 4" in str(drawing)


class Careless(nn.Module):
    def __init__(self, forgets):
        self.weight, self.spare = Value(2.0), Value(3.0)
        self.forgets = forgets

    def forward(self, x):
        return x * self.weight if self.forgets else x * self.weight + self.spare


def test_parameter_without_gradient_is_in_its_module_and_ends_a_row():
    text = str(tg.draw(nn.Sequential(*[Careless(at > 3) for at in range(7)]), X))
    assert "0: Careless × 4" in text
    assert "4: Careless × 3" in text
    assert "\n    n23 = spare  data 3  no gradient reaches it\n" in text


def test_blocks_are_drawn_one_by_one_where_colours_tell_them_apart():
    assert len(shown(tg.draw(blocks(12), X, color="grad"))) == 1 + 12 * 8


# ---- A bound


def scalar_chain(count):
    x = Value(1.0)
    with tg.record():
        y = x
        for _ in range(count):
            y = y * 1.5
            y = tg.tanh(y)
    return y


def test_operations_of_one_line_are_drawn_as_one_where_there_are_too_many():
    drawing = tg.draw(scalar_chain(200), max_nodes=50)
    sizes = sorted(len(each.items) for each in shown(drawing) if isinstance(each, Group))
    assert sizes == [199, 200, 200]  # tanh but for the result, the products, the constants
    assert len(shown(drawing)) == 5
    assert "5 nodes instead of 601" in str(drawing)
    assert "5 nodes instead of 601" in drawing.source


def test_lines_are_drawn_apart():
    def f(x):
        for _ in range(60):
            x = x * 1.5
            x = x * 0.5
        return x

    drawing = tg.draw(f, 1.0, max_nodes=20)
    sizes = sorted(
        len(g.items) for g in shown(drawing) if isinstance(g, Group) and g.items[0].operation
    )
    assert sizes == [59, 60]


def test_loop_of_operations_is_seen_as_a_loop():
    drawing = tg.draw(scalar_chain(200), max_nodes=50)
    groups = {each.items[0].operation: each for each in shown(drawing) if isinstance(each, Group)}
    assert (groups["multiply"], groups["tanh"]) in drawing.view.edges
    assert (groups["tanh"], groups["multiply"]) in drawing.view.edges


@pytest.mark.parametrize("bound", [1, 3, 10, 40, 200])
def test_bound_is_kept(bound):
    model = nn.Sequential(*[nn.Linear(4, 4 + i % 2 * 0) for i in range(20)], nn.Tanh(), *blocks(9))
    drawing = tg.draw(lambda x: (model(x) ** 2).sum(), X, max_nodes=bound)
    assert len(shown(drawing)) <= max(bound, 5)  # inputs, parameters, ..., the output at least


def test_notes_name_what_was_folded():
    note = str(tg.draw(blocks(2), X, max_nodes=1)).splitlines()[-1]
    assert note == "modules folded: 2 nodes instead of 17 (max_nodes=1)"
    both = tg.draw(lambda x: sum((blocks(2)(x) * k for k in range(9)), x), X, max_nodes=12)
    assert "modules and operations of one kind and line folded: " in str(both)


def test_deeply_nested_modules_are_drawn():
    model = nn.Tanh()
    for _ in range(150):
        model = nn.Sequential(model)
    drawing = tg.draw(model, X, depth=100)
    assert len(shown(drawing)) == 2


def test_modules_are_closed_before_lines_are_merged():
    drawing = tg.draw(blocks(2), X, max_nodes=9)
    assert sorted(closed(drawing)) == ["0.a", "0.b", "1.a", "1.b"]
    assert "modules folded: 9 nodes instead of 17" in str(drawing)


def test_what_is_expanded_stays_open_for_long():
    drawing = tg.draw(blocks(2), X, max_nodes=12, expand="1.b")
    assert sorted(closed(drawing)) == ["0.a", "0.b", "1.a"]


def test_nothing_is_said_where_nothing_was_folded():
    assert "folded" not in str(tg.draw(blocks(1), X))


def test_hundred_thousand_nodes_are_a_small_drawing():
    drawing = tg.draw(scalar_chain(33_400))
    assert len(drawing.picture.items) > 100_000
    assert len(shown(drawing)) < 10
    assert "tanh × 33,399" in drawing.source
