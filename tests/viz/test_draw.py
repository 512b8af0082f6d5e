"""draw: what is in the drawing of a Value, a model, a function, a report."""

from html import unescape

import numpy as np
import pytest
from pygraphviz import AGraph

import tinygrad_nn as tg
from tinygrad_nn import Value, nn
from tinygrad_nn.testing import GradientMismatch, gradcheck


def neuron():
    """micrograd's neuron, with numbers that come out round: o = tanh(n), do/dn = 1/2."""
    x1, x2, w1, w2 = Value(2.0), Value(0.0), Value(-3.0), Value(1.0)
    b = Value(6.8813735870195432)
    with tg.record():
        s = x1 * w1 + x2 * w2
        n = s + b
        o = tg.tanh(n)
    o.backward()
    return tg.draw(o)


class Structure:
    """The nodes, edges and boxes of a DOT source, by what is written on them."""

    def __init__(self, source):
        self.graph = AGraph(string=source)
        self.rows = {name: rows(name.attr["label"]) for name in self.graph.nodes()}
        self.edges = {(self.title(a), self.title(b)) for a, b in self.graph.edges()}
        self.boxes = self._boxes(self.graph)

    def title(self, name):
        return self.rows[name][0]

    def titles(self):
        return sorted(found[0] for found in self.rows.values())

    def node(self, title):
        """The attributes of the node with a title."""
        (name,) = [name for name, found in self.rows.items() if found[0] == title]
        return self.graph.get_node(name).attr

    def _boxes(self, graph):
        """The labels of the boxes, each with those inside."""
        return {
            box.graph_attr["label"]: self._boxes(box)
            for box in graph.subgraphs()
            if box.name.startswith("cluster")
        }


def rows(label):
    """The lines of text in an HTML-like label."""
    for tag in ("<B>", "</B>", '<FONT POINT-SIZE="9">', "</FONT>", "<", ">"):
        label = label.replace("<BR/>", "\n").replace(tag, "")
    return unescape(label).replace("\u00a0", " ").split("\n")


# ---- Values


def test_neuron_has_every_operation_with_data_and_gradient():
    found = Structure(neuron().source)
    assert sorted(found.rows.values()) == sorted(
        [
            ["x1", "data 2", "grad −1.5"],
            ["x2", "data 0", "grad 0.5"],
            ["w1", "data −3", "grad 1"],
            ["w2", "data 1", "grad 0"],
            ["b", "data 6.881", "grad 0.5"],
            ["×", "data −6", "grad 0.5"],
            ["×", "data 0", "grad 0.5"],
            ["+  s", "data −6", "grad 0.5"],
            ["+  n", "data 0.8814", "grad 0.5"],
            ["tanh  o", "data 0.7071", "grad 1"],
        ]
    )
    assert found.edges == {
        ("x1", "×"),
        ("w1", "×"),
        ("x2", "×"),
        ("w2", "×"),
        ("×", "+  s"),
        ("+  s", "+  n"),
        ("b", "+  n"),
        ("+  n", "tanh  o"),
    }


def test_roles_have_different_shapes_and_colours():
    a = Value(1.0)
    model = nn.Linear(1, 1)
    found = Structure(tg.draw(lambda x: 3 * model(x) + a, np.ones((1, 1))).source)
    looks = {
        title: (node["shape"], node["style"], node["fillcolor"], node["peripheries"])
        for title in ("x", "weight", "3", "linear", "+")
        for node in [found.node(title)]
    }
    assert len(set(looks.values())) == 5


def test_value_used_twice_is_one_node():
    x = Value(3.0)
    with tg.record():
        y = x * x
    found = Structure(tg.draw(y).source)
    assert found.titles() == ["x", "×  y"]
    assert len(found.graph.edges()) == 2
    assert "multiply(n0, n0)" in str(tg.draw(y))
    assert tg.draw(y).mermaid.count("n0 --> n1") == 2


def test_several_values_are_drawn_together():
    x = Value([1.0, 2.0])
    with tg.record():
        low, high = x.min(), x.max()
    found = Structure(tg.draw([low, high]).source)
    assert found.titles() == ["max  high", "min  low", "x"]
    assert {found.node(t)["peripheries"] for t in ("max  high", "min  low")} == {"2"}


def test_statistics_of_arrays():
    x = Value(np.array([[1.0, 2.0], [3.0, -2.0]]))
    with tg.record():
        y = (2 * x).sum()
    y.backward()
    lines = Structure(tg.draw(y).source)
    assert lines.rows["n0"] == ["2"]
    (of_x,) = [found for found in lines.rows.values() if found[0] == "x"]
    # mean 1, variance (0 + 1 + 4 + 9) / 4, gradient 2 four times
    assert of_x == ["x", "2 × 2 float64", "mean 1 ± 1.871", "from −2 to 3", "‖grad‖ 4"]


def test_options_and_arrays_without_a_derivative_are_shown():
    x = Value(np.ones((2, 3)))
    rows_taken = np.array([1, 0])
    with tg.record():
        y = x[rows_taken].sum(axis=1)
    found = Structure(tg.draw(y).source)
    assert ("rows_taken", "□[i]") in found.edges
    assert any("axis=1" in lines for lines in found.rows.values())
    with tg.record():
        y = x.astype(np.float32).sum(axis=(0, 1))
    found = Structure(tg.draw(y).source)
    assert len(found.rows) == 3
    assert ["Σ  y", "float32", "axis=(0, 1)", "data 6"] in found.rows.values()


def test_options_are_short():
    many = np.arange(12) % 3
    with tg.record():
        y = Value(np.ones((9, 3)))[1:8:2, None, ..., -1][np.array([0, 2])]
        z = Value(np.ones(3))[many]
    found = Structure(tg.draw([y, z]).source)
    assert any("index=(1:8:2, None, ..., -1)" in lines for lines in found.rows.values())
    assert ["many", "12 int64", "from 0 to 2"] in found.rows.values()
    spec = "abcdefgh,abcdefgh,abcdefgh->"
    with tg.record():
        y = tg.einsum(spec, *[Value(np.ones((1,) * 8)) for _ in range(3)])
    (lines,) = [each for each in Structure(tg.draw(y).source).rows.values() if "einsum  y" in each]
    assert lines[1] == "subscripts='abcdefgh,abcdefgh,ab..."


def test_array_used_twice_is_one_constant():
    once = np.array([1.0, 2.0])
    found = Structure(tg.draw(lambda x: (x + once) * once, 3.0).source)
    assert found.titles() == sorted(["+", "×", "x", "once"])


def test_graph_made_outside_of_record_is_drawn_with_a_note():
    x = Value(2.0)
    y = (x * 3).exp()
    drawing = tg.draw(y)
    assert "outside of `with tg.record():`" in str(drawing)
    found = Structure(drawing.source)
    assert ("x", "×") in found.edges
    assert ["exp  y", "data 403.4"] in found.rows.values()
    assert ["×"] in found.rows.values()


def test_leaf_alone_is_a_drawing():
    x = Value(2.0)
    assert str(tg.draw(x)) == "n0 = x  data 2"


def test_names_are_those_of_the_callers_variables():
    def inner():
        first = Value(1.0)
        with tg.record():
            second = first.exp()
        return tg.draw(second)

    assert {"first", "exp  second"} == set(Structure(inner().source).titles())


def test_markup_in_names_is_text():
    name = '<b>&"c\\n'
    drawing = tg.draw(lambda x: x[name].exp(), {name: 1.0})
    found = Structure(drawing.source)
    assert any(lines[0] == f"x[{name!r}]" for lines in found.rows.values())


# ---- Models and functions


def mlp():
    tg.manual_seed(0)
    return nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 2))


def test_model_is_nested_boxes_with_parameter_counts():
    found = Structure(tg.draw(mlp(), np.ones((3, 4))).source)
    assert found.boxes == {
        "Sequential, 58 parameters": {
            "0: Linear, 40 parameters": {},
            "2: Linear, 18 parameters": {},
        }
    }
    assert found.titles() == sorted(
        ["x", "weight", "bias", "linear"] * 1 + ["weight", "bias", "linear", "tanh"]
    )
    assert ("linear", "tanh") in found.edges


def test_model_called_inside_of_a_function_has_its_boxes_too():
    model = mlp()
    x, y = np.ones((3, 4)), np.array([0, 1, 0])
    found = Structure(tg.draw(lambda x, y: nn.functional.cross_entropy(model(x), y), x, y).source)
    assert [*found.boxes] == ["Sequential, 58 parameters"]
    assert ("y", "label_cross_entropy") in found.edges


def test_gradients_are_those_of_the_sum_and_nothing_is_accumulated():
    model = nn.Linear(2, 2)
    drawing = tg.draw(model, np.array([[1.0, 2.0]]))
    item = next(item for item in drawing.picture.items if item.name == "weight")
    np.testing.assert_array_equal(item.gradient, [[1, 2], [1, 2]])
    assert model.weight.grad is None
    assert "gradients are those of the sum of the outputs" in str(drawing)


def test_inputs_that_are_values_keep_their_gradients_to_themselves():
    x = Value(2.0)
    drawing = tg.draw(lambda x: x * x, x)
    assert drawing.picture.items[0].gradient == 4
    assert x.grad is None


def test_inputs_are_named_by_parameters_and_paths():
    def f(scale, batch):
        return scale * batch["x"] + batch["y"][0]

    found = Structure(tg.draw(f, 2.0, {"x": np.ones(2), "y": (np.ones(2),)}).source)
    assert {"scale", "batch['x']", "batch['y'][0]"} <= set(found.titles())


def test_parameter_that_nothing_reaches_is_marked():
    class Net(nn.Module):
        def __init__(self):
            self.used, self.unused = nn.Linear(2, 1), nn.Linear(2, 1)

        def forward(self, x):
            return self.used(x)

    found = Structure(tg.draw(Net(), np.ones((1, 2))).source)
    marked = [lines[0] for lines in found.rows.values() if "no gradient reaches it" in lines]
    assert sorted(marked) == ["unused.bias", "unused.weight"]


class Shift(nn.Module):
    """x + 1/2, with a parameter or without."""

    def __init__(self, weight=None):
        self.half = np.array([0.5, 0.5])
        self.weight = weight

    def forward(self, x):
        return x + self.half if self.weight is None else (x + self.half) * self.weight


def test_constants_are_in_the_module_that_uses_them():
    found = Structure(tg.draw(nn.Sequential(Shift(Value(2.0))), np.ones(2)).source)
    outermost = next(iter(found.boxes))
    (box,) = [g for g in found.graph.subgraphs() if g.graph_attr["label"] == outermost]
    (inner,) = box.subgraphs()
    assert sorted(found.title(name) for name in inner.nodes()) == ["+", "constant", "weight", "×"]


def test_parameter_of_two_modules_is_in_the_one_around_both():
    shared = Value(2.0)
    model = nn.Sequential(nn.Sequential(Shift(shared), Shift(shared)), nn.Tanh())
    found = Structure(tg.draw(model, np.ones(2)).source)
    (outermost,) = found.graph.subgraphs()
    both, *_ = outermost.subgraphs()
    (first,) = [g for g in both.subgraphs() if g.graph_attr["label"].startswith("0: Shift")]
    titles = {found.title(name) for name in both.nodes()}
    assert "0.weight" in titles
    assert "0.weight" not in {found.title(name) for name in first.nodes()}


def test_value_from_outside_of_a_function_is_a_parameter():
    w = Value(2.0)
    found = Structure(tg.draw(lambda x: x * w, 3.0).source)
    assert (found.node("w")["shape"], found.node("x")["shape"]) == ("folder", "box")


def test_module_called_twice_has_two_boxes_and_shares_its_parameters_outside():
    cell = nn.Linear(2, 2)
    found = Structure(tg.draw(lambda x: cell(cell(x)), np.ones((1, 2))).source)
    assert found.titles() == ["bias", "linear", "linear", "weight", "x"]
    assert len(found.graph.subgraphs()) == 2


def test_draw_changes_no_random_numbers():
    model = nn.Sequential(nn.Dropout(0.5), nn.Linear(8, 8))
    tg.manual_seed(7)
    expected = model(np.ones((4, 8))).data
    tg.manual_seed(7)
    tg.draw(model, np.ones((4, 8)))
    np.testing.assert_array_equal(model(np.ones((4, 8))).data, expected)


def test_inputs_are_outside_of_the_modules_that_take_them():
    class Embed(nn.Module):
        def __init__(self):
            self.table = Value(np.ones((5, 2)))

        def forward(self, tokens):
            return self.table[tokens]

    tokens = np.array([1, 3])
    for drawing in (tg.draw(Embed(), tokens), tg.draw(lambda: Embed()(tokens))):
        found = Structure(drawing.source)
        (box,) = found.graph.subgraphs()
        assert "tokens" not in {found.title(name) for name in box.nodes()}
        assert "tokens" in found.titles()
    found = Structure(tg.draw(Embed(), tokens).source)
    assert found.node("tokens")["style"] == "filled,rounded"


def test_numbers_are_not_named_after_equal_inputs():
    found = Structure(tg.draw(lambda x, n: x * 2, 3.0, 2).source)
    assert found.titles() == ["2", "x", "×"]


GLOBAL = Value(3.0)


def test_globals_of_the_caller_and_parameters_of_its_modules_have_names():
    net = nn.Linear(1, 1)
    y = net(np.ones((1, 1))) * GLOBAL
    found = Structure(tg.draw(y).source)
    assert found.titles() == ["GLOBAL", "linear", "net.bias", "net.weight", "×  y"]
    assert found.rows["n0"][-1].startswith("data")
    assert found.node("net.weight")["shape"] == "folder"
    assert found.node("GLOBAL")["shape"] == "box"


def test_closed_module_says_what_it_gives_and_whether_it_is_the_output():
    model = nn.Sequential(nn.Sequential(nn.Linear(2, 3)), nn.Sequential(nn.Linear(3, 1)))
    found = Structure(tg.draw(model, np.ones((4, 2)), depth=1).source)
    first = found.node("0: Sequential, 9 parameters")
    last = found.node("1: Sequential, 4 parameters")
    assert "→ 4 × 3 float64" in first["label"]
    assert "→ 4 × 1 float64" in last["label"]
    assert first["color"] != last["color"]


@pytest.mark.parametrize(
    "name", ["a\x1b", "a\0", "a\uffff", "a\\", "a\\\\", '"', "a\n", "<b>", "\ud800"]
)
def test_any_name_is_drawn(name):
    class Odd(nn.Module):
        def __init__(self):
            self.held = {name: nn.Linear(1, 1)}

        def forward(self, x):
            return self.held[name](x)

    drawing = tg.draw(Odd(), np.ones((1, 1)))
    assert drawing._repr_mimebundle_()["image/svg+xml"].startswith("<?xml")
    assert drawing.mermaid.isprintable() or "\n" in drawing.mermaid


def test_a_short_vector_is_written_out():
    for n, expected in ((2, "data 0.5, −1"), (4, "data 0.5, −1, 2, 1.2e7"), (5, "mean")):
        x = Value(np.array([0.5, -1.0, 2.0, 1.2e7, 0.0])[:n])
        (rows,) = Structure(tg.draw(x).source).rows.values()
        assert rows[2].startswith(expected)


# ---- Trouble


def test_statistics_say_how_many_numbers_are_finite():
    x = Value(np.array([1.0, np.nan, np.inf, 3.0]))
    (rows,) = Structure(tg.draw(x).source).rows.values()
    assert rows == ["x", "4 float64", "finite 2 of 4", "mean 2 ± 1", "from 1 to 3", "NaN"]
    y = Value(np.array([np.inf, np.inf]))
    (rows,) = Structure(tg.draw(y).source).rows.values()
    assert rows == ["y", "2 float64", "finite 0 of 2", "inf"]


def test_nan_made_of_inf_is_the_first():
    def f(x):
        return (x / 0 - x / 0) * 2

    with np.errstate(all="ignore"):
        found = Structure(tg.draw(f, 1.0).source)
    texts = {lines[0]: lines[-1] for lines in found.rows.values()}
    assert texts["÷"].startswith("first inf, made at ")
    assert texts["−"].startswith("first NaN, made at ")
    assert texts["×"] == "NaN"


def test_first_gradient_that_is_not_finite_names_the_rule():
    def f(x):
        return tg.sqrt(x * 0) * 0

    with np.errstate(all="ignore"):
        found = Structure(tg.draw(f, 1.0).source)
    texts = {lines[0]: lines[-1] for lines in found.rows.values() if "gradient" in lines[-1]}
    line = f.__code__.co_firstlineno + 1
    assert texts["×"].startswith("first gradient NaN, from sqrt at ")
    assert texts["×"].endswith(f"test_draw.py:{line}")
    assert texts["x"] == "gradient NaN"


def test_closed_module_tells_how_many_parameters_no_gradient_reaches():
    class Net(nn.Module):
        def __init__(self):
            self.used, self.unused = nn.Linear(2, 1), nn.Linear(2, 1)

        def forward(self, x):
            return self.used(x)

    assert "no gradient reaches 2 of 4" in str(tg.draw(Net(), np.ones((1, 2)), depth=0))


def test_first_nan_is_marked_with_the_line_that_made_it():
    def f(x):
        return (x - 2).log() * 3

    with np.errstate(invalid="ignore"):
        found = Structure(tg.draw(f, np.array([1.0, 3.0])).source)
    line = f.__code__.co_firstlineno + 1
    (log,) = [lines for lines in found.rows.values() if lines[0] == "ln"]
    assert log[-1].startswith("first NaN, made at ")
    assert log[-1].endswith(f"test_draw.py:{line}")
    assert found.node("×")["color"] == found.node("ln")["color"]
    assert found.node("×")["fillcolor"] != found.node("ln")["fillcolor"]


def test_inf_is_told_from_nan():
    with np.errstate(over="ignore"):
        text = str(Structure(tg.draw(lambda x: (x * 1e4).exp(), 1.0).source).rows)
    assert "first inf" in text
    assert "NaN" not in text.replace("gradient NaN", "")


def test_gradients_shade_by_their_size_with_a_legend():
    def f(x):
        return 1e-6 * tg.tanh(x) + 0 * x

    found = Structure(tg.draw(f, 0.5, color="grad").source)
    assert found.node("tanh")["fillcolor"] != found.node("+")["fillcolor"]
    assert "‖gradient‖" in found.graph.get_node("legend").attr["label"]


def test_culprit_of_a_failed_gradcheck_is_marked():
    @tg.primitive(x=lambda g, x: 3 * g * x)
    def wrong_square(x):
        return x * x

    with pytest.raises(GradientMismatch) as failure:
        gradcheck(lambda x: wrong_square(x.sin()).sum(), np.array([0.5, 1.0]))
    found = Structure(tg.draw(failure.value.report).source)
    (culprit,) = [lines for lines in found.rows.values() if lines[0] == "wrong_square"]
    assert "the rule for x is off by a factor 3/2" in culprit
    assert Structure(tg.draw(failure.value).source).rows == found.rows
    assert not any("the rule" in line for line in found.rows["n0"])


# ---- Errors


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: tg.draw(np.ones(3)), TypeError, "takes a Value, several in a list, a model"),
        (lambda: tg.draw("x"), TypeError, "not str"),
        (lambda: tg.draw(nn.Linear), TypeError, r"tg.draw\(Linear\(...\), x\)"),
        (lambda: tg.draw(nn.Linear(1, 1)), TypeError, r"calls Linear\(x.*missing .*'x'"),
        (lambda: tg.draw([]), ValueError, "no graph led to this"),
        (lambda: tg.draw(Value(1.0), depth=True), ValueError, "depth must be"),
        (lambda: tg.draw([Value(1.0), 2.0]), TypeError, "float in a list"),
        (lambda: tg.draw(Value(np.array([1, 2]))), ValueError, "from nothing that requires"),
        (lambda: tg.draw(lambda x: x.data, 1.0), ValueError, "nothing that was computed"),
        (lambda: tg.draw(Value(1.0), direction="up"), ValueError, "'LR' or 'TB'"),
        (lambda: tg.draw(Value(1.0), color="red"), ValueError, "'role' or 'grad'"),
        (lambda: tg.draw(Value(1.0), depth=-1), ValueError, "depth must be"),
        (lambda: tg.draw(Value(1.0), max_nodes=0), ValueError, "max_nodes must be"),
    ],
)
def test_wrong_calls_are_told(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_what_the_function_raises_is_passed_on_and_recording_ends():
    def fails(x):
        raise RuntimeError("mine")

    with pytest.raises(RuntimeError, match="mine"):
        tg.draw(fails, 1.0)
    y = Value(2.0) * 2
    assert not hasattr(y._node, "trace")
