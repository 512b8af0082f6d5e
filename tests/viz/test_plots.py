"""Plots: what is drawn, compared with the data."""

import io
import subprocess
import sys
from xml.etree import ElementTree

import matplotlib as mpl
import numpy as np
import pytest

import tinygrad_nn as tg
from tinygrad_nn import nn
from tinygrad_nn.viz import plots

mpl.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.axes import Axes


@pytest.fixture(autouse=True)
def _matplotlib_stays_as_it_was():
    before = dict(mpl.rcParams)
    yield
    plt.close("all")
    assert dict(mpl.rcParams) == before


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def legend(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def drawn(figure):
    """The texts of a figure, as they are drawn: formulas are other than what was given."""
    with mpl.rc_context({"svg.fonttype": "none"}):
        file = io.BytesIO()
        figure.savefig(file, format="svg")
    root = ElementTree.fromstring(file.getvalue())
    return ["".join(text.itertext()) for text in root.iter("{http://www.w3.org/2000/svg}text")]


def small_model(rng):
    return nn.Sequential(
        nn.Linear(4, 3, dtype=np.float64, rng=rng),
        nn.ReLU(),
        nn.Sequential(nn.Linear(3, 3, dtype=np.float64, rng=rng), nn.Tanh()),
    )


def one_unit(weight, gradient=None):
    """A layer with nothing but these weights."""
    layer = nn.Linear(len(weight), 1, bias=False, dtype=np.float64)
    layer.weight.data = [weight]
    if gradient is not None:
        layer.weight.grad = [gradient]
    return layer


# ---- All of them


CALLS = {
    "loss_curve": lambda **k: plots.loss_curve([2.0, 1.0], **k),
    "decision_boundary": lambda **k: plots.decision_boundary(
        lambda x: x[:, 0] - 0.5, np.eye(2), [1, 0], resolution=5, **k
    ),
    "error_surface": lambda **k: plots.error_surface(
        lambda w: w @ w, (-1, 1), (-1, 1), resolution=5, **k
    ),
    "weights": lambda **k: plots.weights(np.eye(4), **k),
    "confusion_matrix": lambda **k: plots.confusion_matrix([0, 1], [0, 1], **k),
}


@pytest.mark.parametrize("name", CALLS)
def test_a_new_figure_is_made_where_no_axes_are_given(name):
    before = plt.get_fignums()
    ax = CALLS[name]()
    assert isinstance(ax, Axes)
    assert len(plt.get_fignums()) == len(before) + 1


@pytest.mark.parametrize("name", CALLS)
def test_given_axes_are_drawn_on_and_the_current_ones_stay(name):
    _, (one, other) = plt.subplots(1, 2)
    plt.sca(other)
    assert CALLS[name](ax=one) is one
    assert plt.gca() is other
    assert one.has_data()
    assert not other.has_data()
    assert len(plt.get_fignums()) == 1


@pytest.mark.parametrize("name", CALLS)
def test_what_is_no_axes_is_refused(name):
    with pytest.raises(TypeError, match="ax must be matplotlib Axes, not Figure"):
        CALLS[name](ax=plt.figure())


@pytest.mark.parametrize("name", CALLS)
def test_every_plot_can_be_saved_in_every_state_of_the_layout(name, tmp_path):
    CALLS[name]().get_figure().savefig(tmp_path / "plot.png")
    assert plt.imread(tmp_path / "plot.png").std() > 0


def test_a_mistake_leaves_no_figure_behind():
    with pytest.raises(ValueError, match="empty"):
        plots.loss_curve([])
    assert not plt.get_fignums()


DRAWERS = {
    "loss_curve": "matplotlib.axes.Axes.plot",
    "decision_boundary": "matplotlib.axes.Axes.scatter",
    "error_surface": "matplotlib.axes.Axes.contour",
    "weights": "matplotlib.axes.Axes.set_xticks",
    "confusion_matrix": "matplotlib.axes.Axes.text",
    "histograms": "matplotlib.axes.Axes.stairs",
}


@pytest.fixture
def failing(monkeypatch):
    """Calls that fail in the middle of drawing, by name."""

    def fail(*_, **__):
        raise RuntimeError("cannot draw")

    def call(name, **keywords):
        with monkeypatch.context() as patch:
            patch.setattr(DRAWERS[name], fail)
            calls = {**CALLS, "histograms": lambda **k: plots.histograms(one_unit([1, 2]), **k)}
            of = {"of": "parameters"} if name == "histograms" else {}
            with pytest.raises(RuntimeError, match="cannot draw"):
                calls[name](**of, **keywords)

    return call


@pytest.mark.parametrize("name", DRAWERS)
def test_a_plot_that_fails_closes_the_figure_that_it_made(name, failing):
    mine = plt.figure()
    failing(name)
    assert plt.get_fignums() == [mine.number]
    assert plt.gcf() is mine


@pytest.mark.parametrize("name", DRAWERS)
def test_a_plot_that_fails_leaves_given_axes_open(name, failing):
    failing(name, ax=plt.subplots(1, 1)[1])
    assert len(plt.get_fignums()) == 1


ODD_NAMES = ["$a_$", "$b^", "_c", r"\$d$", r"$\alpha$"]


def test_names_are_drawn_as_they_are():
    points = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [0.5, 0.5]])
    losses = {name: [1.0, 2.0, np.nan] for name in ODD_NAMES}
    figures = [
        plots.confusion_matrix(ODD_NAMES, ODD_NAMES).get_figure(),
        plots.confusion_matrix([0], [0], names=ODD_NAMES).get_figure(),
        plots.loss_curve(losses).get_figure(),
        plots.decision_boundary(
            lambda x: np.full(len(x), "_c"), points, ODD_NAMES, resolution=4
        ).get_figure(),
    ]
    for figure in figures:
        assert set(ODD_NAMES) <= set(drawn(figure))
    assert {f"{name}: NaN" for name in ODD_NAMES} <= set(drawn(figures[2]))


def test_names_of_modules_and_parameters_are_drawn_as_they_are():
    class Odd(nn.Module):
        def __init__(self):
            setattr(self, "$w_$", nn.Linear(2, 2))

        def forward(self, x):
            return getattr(self, "$w_$")(x)

    texts = drawn(plots.histograms(Odd(), of="parameters")[0].get_figure())
    assert {"$w_$.weight", "$w_$.bias"} <= set(texts)
    texts = drawn(plots.histograms(Odd(), np.ones((1, 2), np.float32))[0].get_figure())
    assert "$w_$: Linear" in texts


def test_a_legend_has_what_was_on_the_axes_before():
    ax = plt.subplots()[1]
    ax.plot([1, 2], label=r"$\alpha$")
    plots.loss_curve({"$first$": [1.0, 2.0]}, ax=ax)
    plots.loss_curve({"_second": [2.0, 1.0]}, ax=ax)
    texts = drawn(ax.get_figure())
    assert {"$first$", "_second"} <= set(texts)
    assert r"$\alpha$" not in texts


def test_matplotlib_is_imported_by_the_first_plot_only():
    code = "import sys; from tinygrad_nn.viz import plots; print('matplotlib' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize("name", CALLS)
def test_without_matplotlib_the_error_names_the_extra(name, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
    with pytest.raises(ImportError, match=r"tinygrad-nn\[viz\]"):
        CALLS[name]()


# ---- loss_curve


def test_losses_are_drawn_over_their_numbers():
    (line,) = plots.loss_curve([3.0, 2.0, 2.5]).lines
    np.testing.assert_array_equal(line.get_xydata(), [[0, 3], [1, 2], [2, 2.5]])


@pytest.mark.parametrize(
    "losses",
    [
        [tg.Value(3.0), tg.Value(2.0)],
        (tg.Value(3.0), tg.Value(2.0)),
        tg.Value([3.0, 2.0]),
        np.array([3, 2], np.float32),
        ([0, 1], [3.0, tg.Value(2.0)]),
    ],
)
def test_losses_may_be_values_arrays_or_lists(losses):
    (line,) = plots.loss_curve(losses).lines
    np.testing.assert_array_equal(line.get_xydata(), [[0, 3], [1, 2]])


def test_each_named_curve_has_its_steps_its_colour_and_its_name():
    ax = plots.loss_curve({"training": [3.0, 2.0, 1.0], "validation": ([0, 20], [3.5, 2.5])})
    np.testing.assert_array_equal(ax.lines[1].get_xydata(), [[0, 3.5], [20, 2.5]])
    assert legend(ax) == ["training", "validation"]
    assert ax.lines[0].get_color() != ax.lines[1].get_color()


def test_one_curve_without_a_name_has_no_legend():
    assert plots.loss_curve([1.0, 2.0]).get_legend() is None


def test_smoothing_is_the_bias_corrected_average_over_the_pale_curve():
    losses = np.array([4.0, 1.0, 7.0, 2.0])
    raw, smooth = plots.loss_curve(losses, smooth=0.8).lines
    np.testing.assert_array_equal(raw.get_ydata(), losses)
    assert raw.get_alpha() < 0.5
    # The weighted mean of all losses so far, with weights 1, 0.8, 0.64, ... backwards.
    expected = [
        np.average(losses[: t + 1], weights=0.8 ** np.arange(t, -1, -1.0)) for t in range(4)
    ]
    np.testing.assert_allclose(smooth.get_ydata(), expected, rtol=1e-14)


def test_gaps_are_marked_and_do_not_count_in_the_average():
    ax = plots.loss_curve([4.0, np.nan, 2.0, np.inf, 3.0, 3.0], smooth=0.5)
    raw, smooth, gaps = ax.lines
    np.testing.assert_array_equal(raw.get_ydata(), [4, np.nan, 2, np.nan, 3, 3])
    np.testing.assert_array_equal(gaps.get_xdata(), [1, 3])
    assert legend(ax) == ["NaN, inf"]
    expected = [4, np.nan, (2 + 0.5 * 4) / 1.5, np.nan, (3 + 0.5 * 2 + 0.25 * 4) / 1.75]
    np.testing.assert_allclose(smooth.get_ydata()[:5], expected)


def test_crosses_of_gaps_lie_at_the_bottom_of_any_axis():
    ax = plots.loss_curve([100.0, np.nan, 50.0])
    gaps = ax.lines[-1]
    at = gaps.get_transform().transform(gaps.get_xydata())
    assert 0 < ax.transAxes.inverted().transform(at)[0, 1] < 0.1
    assert ax.get_ylim()[0] > 40  # the cross is no loss of 0


def test_a_loss_between_gaps_is_a_dot():
    (line, _) = plots.loss_curve([np.nan, 2.0, np.nan, 3.0, 3.0]).lines
    assert line.get_marker() == "."
    assert list(line.get_markevery()) == [1]


def test_a_curve_of_one_step_is_a_dot():
    (line,) = plots.loss_curve([2.0]).lines
    assert list(line.get_markevery()) == [0]


def test_on_a_logarithmic_axis_losses_of_zero_or_less_are_gaps():
    ax = plots.loss_curve([1.0, 0.0, -1.0, 0.1], log=True)
    assert ax.get_yscale() == "log"
    np.testing.assert_array_equal(ax.lines[1].get_xdata(), [1, 2])


def test_losses_too_large_to_draw_are_gaps():
    ax = plots.loss_curve([1.0, 1.7e308, -1e101, 2.0])
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), [1, np.nan, np.nan, 2])
    np.testing.assert_array_equal(ax.lines[1].get_xdata(), [1, 2])
    assert legend(ax) == ["beyond 1e+100"]


@pytest.mark.parametrize("losses", [[1e100, -1e100], [1e16, 1e16 + 2], [5e-324, 1e-323]])
def test_losses_of_every_size_can_be_saved(losses):
    plots.loss_curve(losses).get_figure().savefig(io.BytesIO())


def test_gaps_are_called_what_they_are():
    ax = plots.loss_curve({"a": [1.0, np.nan], "b": [1.0, 0.0], "c": [1.0, -np.inf]}, log=True)
    assert legend(ax) == ["a", "a: NaN", "b", "b: ≤ 0", "c", "c: inf"]


@pytest.mark.parametrize(
    ("losses", "error", "message"),
    [
        ([], ValueError, "empty"),
        ({}, ValueError, "empty mapping"),
        ({"training": []}, ValueError, "losses of 'training': empty"),
        ([np.nan, np.inf], ValueError, "none is finite"),
        ([1e308, -1e308], ValueError, r"none is finite, at most 1e\+100"),
        (([0, 1e308], [1.0, 2.0]), ValueError, r"steps must be finite, at most 1e\+100"),
        ([[1.0, 2.0], [3.0, 4.0]], tg.ShapeError, r"not of shape \(2, 2\)"),
        ([[1.0], [3.0, 4.0]], tg.ShapeError, "equal shape"),
        (3.0, tg.ShapeError, r"not of shape \(\)"),
        (([0, 1, 2], [1.0, 2.0]), tg.ShapeError, r"\(3,\) steps for losses of shape \(2,\)"),
        (([1, 0], [1.0, 2.0]), ValueError, "never go back"),
        (([0, np.nan], [1.0, 2.0]), ValueError, "finite"),
        (["a", "b"], TypeError, "real numbers, not <U1"),
        ([1.0, None], TypeError, "real numbers, not NoneType"),
        ([1j], TypeError, "complex"),
        ((x for x in [1.0]), TypeError, "generator"),
    ],
)
def test_losses_that_cannot_be_drawn_are_refused(losses, error, message):
    with pytest.raises(error, match=message):
        plots.loss_curve(losses)


def test_a_logarithmic_curve_needs_a_loss_above_zero():
    with pytest.raises(ValueError, match="above 0"):
        plots.loss_curve([0.0, -1.0], log=True)


@pytest.mark.parametrize("smooth", [1, -0.1, np.nan, "0.9"])
def test_smooth_is_from_zero_to_below_one(smooth):
    with pytest.raises(ValueError, match="smooth"):
        plots.loss_curve([1.0], smooth=smooth)


# ---- decision_boundary


X = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 2.0], [1.0, 2.0]])
Y = np.array([0, 0, 1, 1])


def regions(ax):
    """The class drawn at each point of the grid, and the points."""
    (image,) = ax.images
    assert image.origin == "lower"
    chosen = image.get_array().data
    left, right, bottom, top = image.get_extent()
    rows, columns = chosen.shape
    w, h = (right - left) / columns, (top - bottom) / rows
    x = left + w * (np.arange(columns) + 0.5)
    y = bottom + h * (np.arange(rows) + 0.5)
    return chosen, np.stack(np.meshgrid(x, y), axis=-1)


def boundary(ax):
    """The points of the boundary lines."""
    paths = [path for c in ax.collections if hasattr(c, "levels") for path in c.get_paths()]
    return np.concatenate([path.vertices for path in paths]) if paths else np.empty((0, 2))


HEIGHT_1_2 = [
    pytest.param(lambda x: x[:, 1] - 1.2, id="signed scores"),
    pytest.param(lambda x: x[:, 1:] - 1.2, id="scores in a column"),
    pytest.param(lambda x: tg.Value(x[:, 1] - 1.2), id="a Value"),
    pytest.param(lambda x: 1 / (1 + np.exp(1.2 - x[:, 1])), id="probabilities of the second"),
    pytest.param(lambda x: np.stack([1.2 - x[:, 1], x[:, 1] - 1.2], 1), id="logits of both"),
    pytest.param(lambda x: (x[:, 1] > 1.2).astype(int), id="labels"),
    pytest.param(lambda x: x[:, 1] > 1.2, id="truth values"),
    pytest.param(lambda x: (x[:, 1] > 1.2).astype(float), id="labels as floats"),
    pytest.param(lambda x: [int(height > 1.2) for height in x[:, 1]], id="labels in a list"),
]


@pytest.mark.parametrize("predict", HEIGHT_1_2)
def test_regions_and_boundary_are_those_of_the_function(predict):
    ax = plots.decision_boundary(predict, X, Y, resolution=40)
    chosen, points = regions(ax)
    np.testing.assert_array_equal(chosen, points[..., 1] > 1.2)
    spacing = 2.4 / 39
    np.testing.assert_allclose(boundary(ax)[:, 1], 1.2, atol=spacing)


def test_the_boundary_of_scores_lies_between_the_points_of_the_grid():
    ax = plots.decision_boundary(lambda x: x[:, 1] - 1.2, X, Y, resolution=10)
    np.testing.assert_allclose(boundary(ax)[:, 1], 1.2, rtol=1e-12)


def test_the_grid_reaches_beyond_the_examples_by_the_margin():
    ax = plots.decision_boundary(lambda x: x[:, 0], X, Y, resolution=11, margin=0.25)
    _, points = regions(ax)
    np.testing.assert_allclose(points[0, 0], [-0.25, -0.5], atol=1e-12)
    np.testing.assert_allclose(points[-1, -1], [1.25, 2.5], atol=1e-12)


def test_examples_in_one_line_still_have_an_area_around_them():
    ax = plots.decision_boundary(lambda x: x[:, 0] - 0.5, X[:2], [0, 1], resolution=3)
    assert regions(ax)[1][:, 0, 1].tolist() == [-0.5, 0.0, 0.5]


def test_examples_are_scattered_by_label():
    ax = plots.decision_boundary(lambda x: x[:, 0], X, [5, 7, 5, 7], resolution=5)
    scatters = [c for c in ax.collections if not hasattr(c, "levels")]
    np.testing.assert_array_equal(scatters[0].get_offsets(), X[[0, 2]])
    np.testing.assert_array_equal(scatters[1].get_offsets(), X[[1, 3]])
    assert legend(ax) == ["5", "7"]
    assert (scatters[0].get_facecolor() != scatters[1].get_facecolor()).any()


def test_the_region_of_a_class_is_a_tint_of_its_examples_colour():
    ax = plots.decision_boundary(lambda x: x[:, 0] - 0.5, X, [0, 1, 0, 1], resolution=5)
    for at, scatter in enumerate(c for c in ax.collections if not hasattr(c, "levels")):
        tint = ax.images[0].to_rgba(np.array([at]))[0, :3]
        np.testing.assert_allclose(tint, 0.7 + 0.3 * scatter.get_facecolor()[0, :3], atol=1e-2)


def test_of_many_scores_the_largest_decides():
    corners = np.array([[0.0, 0.0], [1.0, 0.0], [0.5, 2.0]])

    def predict(x):
        return -((x[:, None] - corners) ** 2).sum(-1)

    ax = plots.decision_boundary(predict, corners, ["a", "b", "c"], resolution=30)
    chosen, points = regions(ax)
    np.testing.assert_array_equal(chosen, predict(points.reshape(-1, 2)).argmax(1).reshape(30, 30))
    between = np.sort(((boundary(ax)[:, None] - corners) ** 2).sum(-1))
    on_edge = between[:, 1] - between[:, 0]
    assert np.median(on_edge) < 1e-9
    assert legend(ax) == ["a", "b", "c"]


def test_columns_of_scores_are_the_labels_from_zero_though_some_do_not_occur():
    ax = plots.decision_boundary(
        lambda x: np.stack([x[:, 0], -x[:, 0], x[:, 0] * 0 - 9], 1), X, [0, 2, 0, 2], resolution=5
    )
    assert legend(ax) == ["0", "1", "2"]


def test_infinite_log_probabilities_are_scores():
    def predict(x):
        right = x[:, 0] > 0.5
        return np.stack([np.where(right, -np.inf, 0.0), np.where(right, 0.0, -np.inf)], 1)

    ax = plots.decision_boundary(predict, X, Y, resolution=6)
    chosen, points = regions(ax)
    np.testing.assert_array_equal(chosen, points[..., 0] > 0.5)
    line = boundary(ax)
    assert len(line) >= 6
    np.testing.assert_allclose(line[:, 0], 0.5)


def test_predicted_labels_that_no_example_has_are_regions_with_a_name():
    ax = plots.decision_boundary(lambda x: 2 * (x[:, 0] > 0.5), X[:2], [0, 1], resolution=6)
    assert legend(ax) == ["0", "1", "2"]
    assert set(np.unique(regions(ax)[0])) == {0, 2}


def test_scores_from_zero_to_one_with_negative_labels_are_signed():
    ax = plots.decision_boundary(lambda x: np.full(len(x), 0.3), X, [-1, 1, -1, 1], resolution=4)
    assert (regions(ax)[0] == 1).all()
    ax = plots.decision_boundary(lambda x: np.full(len(x), 0.3), X, Y, resolution=4)
    assert (regions(ax)[0] == 0).all()


def test_one_class_everywhere_has_no_boundary():
    ax = plots.decision_boundary(lambda x: x[:, 0] * 0 + 3, X, Y, resolution=4)
    assert not any(hasattr(c, "levels") for c in ax.collections)


def test_labels_of_ten_classes_have_ten_colours(rng):
    x = rng.normal(size=(50, 2))
    ax = plots.decision_boundary(
        lambda x: np.zeros((len(x), 10)), x, np.arange(50) % 10, resolution=4
    )
    scatters = [c for c in ax.collections if not hasattr(c, "levels")]
    assert len({tuple(c.get_facecolor()[0]) for c in scatters}) == 10


def nearest(corners):
    return lambda x: -((x[:, None] - corners) ** 2).sum(-1)


def test_labels_that_start_with_an_underscore_are_in_the_legend():
    ax = plots.decision_boundary(lambda x: x[:, 0] - 0.5, X[:3], ["_a", "_b", "_b"], resolution=5)
    assert legend(ax) == ["_a", "_b"]


@pytest.mark.parametrize("count", [10, 20, 21, 101])
def test_the_legend_of_many_classes_fits_into_the_plot_or_is_left_out(rng, count):
    x = rng.normal(size=(count, 2))
    ax = plots.decision_boundary(nearest(x), x, np.arange(count), resolution=10)
    ax.get_figure().savefig(io.BytesIO())
    if count > 20:
        assert ax.get_legend() is None
    else:
        assert len(legend(ax)) == count
        inside, around = ax.get_legend().get_window_extent(), ax.get_window_extent()
        assert inside.y0 >= around.y0
        assert inside.y1 <= around.y1
    assert ax.get_position().height > 0.7


@pytest.mark.parametrize(
    "columns", [[1e16, 1e16 + 2, 1e16], [5e-324, 1e-323, 0], [1e100, -1e100, 0], [1, 1 + 3e-16, 1]]
)
def test_examples_of_every_size_can_be_drawn(columns):
    x = np.stack([columns, [0.0, 1.0, 1.0]], axis=1)
    ax = plots.decision_boundary(lambda x: x[:, 1] - 0.5, x, [0, 1, 1], resolution=10)
    ax.get_figure().savefig(io.BytesIO())


@pytest.mark.parametrize(
    ("dtype", "expected"), [(np.float32, np.float32), (np.float64, np.float64), (int, np.float64)]
)
def test_points_have_the_dtype_of_x_if_it_is_floating(dtype, expected):
    seen = []

    def predict(x):
        seen.append((x.dtype, x.shape))
        return x[:, 0]

    plots.decision_boundary(predict, X.astype(dtype), Y, resolution=100)
    assert {dtype for dtype, _ in seen} == {np.dtype(expected)}
    assert sum(shape[0] for _, shape in seen) == 100 * 100
    assert len(seen) > 1


class Watched(nn.Module):
    """Notes the modes in which it is called."""

    def __init__(self):
        self.inner = nn.Sequential(nn.Linear(2, 1, dtype=np.float64), nn.Dropout(0.5))
        self.seen = []

    def forward(self, x):
        self.seen.append((self.training, self.inner[1].training, tg.is_grad_enabled()))
        return self.inner(x)


def test_a_model_is_evaluated_without_a_graph_and_left_as_it_was():
    model = Watched()
    model.inner[1].eval()
    plots.decision_boundary(model, X, Y, resolution=4)
    assert model.seen == [(False, False, False)]
    assert [module.training for module in model.modules()] == [True, True, True, False]
    assert all(parameter.grad is None for parameter in model.parameters())
    assert tg.is_grad_enabled()


def test_a_model_that_fails_is_left_as_it_was():
    model = Watched()
    model.inner.append(nn.Linear(7, 1))
    with pytest.raises(tg.ShapeError):
        plots.decision_boundary(model, X, Y, resolution=4)
    assert all(module.training for module in model.modules())
    assert tg.is_grad_enabled()


def scores(x):
    return x[:, 0]


@pytest.mark.parametrize(
    ("predict", "x", "y", "error", "message"),
    [
        (None, X, Y, TypeError, "predict must be a model or a function, not NoneType"),
        (scores, X[:, :1], Y, tg.ShapeError, r"\(n, 2\), not \(4, 1\)"),
        (scores, X[0], Y, tg.ShapeError, r"\(n, 2\)"),
        (scores, X[:0], Y[:0], ValueError, "empty"),
        (scores, X, Y[:3], tg.ShapeError, "4 examples and y 3 labels"),
        (scores, X * np.nan, Y, ValueError, "finite"),
        (scores, X * 8e307, Y, ValueError, r"x must be finite and at most 1e\+100 in size"),
        (scores, X.astype(str), Y, TypeError, "real numbers"),
        (scores, X, np.eye(4), tg.ShapeError, r"\(n,\)"),
        (scores, X, [0.5, 1, 0, 1], ValueError, "fractions"),
        (scores, X, [None] * 4, TypeError, "NoneType"),
        (scores, X, [0, 1, 2, 0], ValueError, r"y has 3: \[0, 1, 2\]"),
        (lambda x: x[:-1, 0], X, Y, tg.ShapeError, "predict"),
        (lambda x: x[None], X, Y, tg.ShapeError, "predict"),
        (lambda x: None, X, Y, TypeError, "predict.* not NoneType"),
        (lambda x: x[:, 0] * np.nan, X, Y, ValueError, "NaN for 100% of the points"),
        (lambda x: x, X, [5, 6, 7, 5], ValueError, "2 columns"),
        (lambda x: np.full(len(x), "a"), X, Y, TypeError, "both be strings"),
    ],
)
def test_what_is_no_decision_is_refused(predict, x, y, error, message):
    with pytest.raises(error, match=message):
        plots.decision_boundary(predict, x, y, resolution=4)
    assert not plt.get_fignums()


@pytest.mark.parametrize(
    "wrong", [{"resolution": 1}, {"resolution": 2.5}, {"margin": -1}, {"margin": 1e308}]
)
def test_options_of_decision_boundaries_are_checked(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        plots.decision_boundary(scores, X, Y, **wrong)


# ---- error_surface


def bowl(w):
    return w[0] ** 2 + 3 * w[1] ** 2 + 5


def filled(ax):
    return next(c for c in ax.collections if getattr(c, "filled", False))


def test_levels_are_even_in_the_logarithm_of_the_height_above_the_lowest_point():
    ax = plots.error_surface(bowl, (-1, 1), (-2, 2), resolution=21, levels=6)
    # On the grid the error is from 5 to 1 + 12 + 5.
    np.testing.assert_allclose(filled(ax).levels, 5 + 13 * 10.0 ** np.arange(-3, 0, 0.5))


@pytest.mark.parametrize("levels", [2, 255, 256, 1000])
def test_there_may_be_few_or_many_levels(levels):
    ax = plots.error_surface(bowl, (-1, 1), (-1, 1), resolution=5, levels=levels)
    ax.get_figure().savefig(io.BytesIO())
    assert len(filled(ax).levels) == levels
    colors = filled(ax).get_facecolor()
    np.testing.assert_allclose(colors[[0, -1]], mpl.colormaps["cividis"]([0.0, 1.0]))


def test_levels_that_are_the_same_but_for_rounding_are_one():
    def steps(w):
        return 1e16 + 2 * round(float(w[0]))

    ax = plots.error_surface(steps, (-1, 1), (-1, 1), resolution=9)
    ax.get_figure().savefig(io.BytesIO())
    np.testing.assert_array_equal(filled(ax).levels, [1e16 - 2, 1e16])


def test_contour_lines_are_where_the_error_has_their_level():
    ax = plots.error_surface(lambda w: w[0] + 2 * w[1], (0, 1), (0, 2), resolution=9, levels=4)
    lines = next(c for c in ax.collections if not getattr(c, "filled", True))
    for level, path in zip(lines.levels, lines.get_paths(), strict=True):
        points = path.vertices[path.codes != path.CLOSEPOLY]
        np.testing.assert_allclose(points @ [1, 2], level, rtol=1e-12)


@pytest.mark.parametrize("make", [tg.Value, float, lambda e: np.array([e])])
def test_error_takes_a_vector_and_returns_one_number(make):
    seen = []

    def error(w):
        seen.append((w.shape, w.dtype, tg.is_grad_enabled()))
        return make(w[0] + w[1])

    plots.error_surface(error, (0, 1), (0, 1), resolution=3)
    assert seen == [((2,), np.float64, False)] * 9


def test_the_path_is_drawn_with_its_start_and_end():
    path = [[0.5, 1.0], [0.2, 0.5], [0.1, 0.0]]
    ax = plots.error_surface(bowl, (-1, 1), (-2, 2), path=path, resolution=5)
    line, start, end = ax.lines
    np.testing.assert_array_equal(line.get_xydata(), path)
    np.testing.assert_array_equal(start.get_xydata(), path[:1])
    np.testing.assert_array_equal(end.get_xydata(), path[-1:])
    assert legend(ax) == ["start", "end"]


def test_a_path_that_leaves_the_ranges_does_not_change_them():
    ax = plots.error_surface(bowl, (-1, 1), (-2, 2), path=[[0, 0], [1e9, 0]], resolution=5)
    assert (ax.get_xlim(), ax.get_ylim()) == ((-1, 1), (-2, 2))


def test_without_ranges_those_of_the_path_and_a_quarter_more_are_drawn():
    path = [tg.Value([0.0, 1.0]), tg.Value([4.0, -1.0])]
    ax = plots.error_surface(bowl, path=path, resolution=5)
    assert (ax.get_xlim(), ax.get_ylim()) == ((-1, 5), (-1.5, 1.5))


def test_points_without_a_finite_error_are_left_out():
    def error(w):
        return np.inf if w[0] > 0.5 else w[0] + 1

    ax = plots.error_surface(error, (0, 1), (0, 1), resolution=11, levels=3)
    np.testing.assert_allclose(filled(ax).levels, 1 + 0.5 * 10.0 ** np.array([-3, -2, -1]))
    vertices = np.concatenate([path.vertices for path in filled(ax).get_paths()])
    assert vertices[:, 0].max() <= 0.5


@pytest.mark.parametrize(
    ("keywords", "error", "message"),
    [
        ({"w1": (0, 1)}, ValueError, "w2 must be a range"),
        ({"w1": (1, 0), "w2": (0, 1)}, ValueError, "low < high"),
        ({"w1": (0, np.inf), "w2": (0, 1)}, ValueError, "low < high"),
        ({"w1": 3, "w2": (0, 1)}, tg.ShapeError, r"\(low, high\)"),
        ({"path": [1.0, 2.0]}, tg.ShapeError, r"path must be of shape \(n, 2\)"),
        ({"path": [[1.0, np.nan]]}, ValueError, "path must be finite"),
        ({"path": []}, ValueError, "path: empty"),
        ({"path": [[0, 0]], "resolution": 1}, ValueError, "resolution"),
        ({"path": [[0, 0]], "levels": 1}, ValueError, "levels must be an integer of at least 2"),
        ({"w1": (-1e308, 1e308), "w2": (0, 1)}, ValueError, r"at most 1e\+100"),
        ({"path": [[1e308, 0]]}, ValueError, r"path must be finite and at most 1e\+100"),
    ],
)
def test_ranges_and_paths_are_checked(keywords, error, message):
    with pytest.raises(error, match=message):
        plots.error_surface(bowl, **keywords)


@pytest.mark.parametrize(
    ("surface", "error", "message"),
    [
        (lambda w: w, tg.ShapeError, r"one number, not of shape \(2,\)"),
        (lambda w: None, TypeError, "NoneType"),
        (lambda w: np.nan, ValueError, "not finite at any point"),
        (lambda w: 2.0, ValueError, "2.0 at every point"),
        (lambda w: 1.7e308 if w[0] > 0.4 else -1.7e308, ValueError, r"or beyond 1e\+100"),
        (lambda w: 1e-200 * w[0], ValueError, "from 0.0 to 1e-200 .* too flat"),
    ],
)
def test_errors_without_contours_are_refused(surface, error, message):
    with pytest.raises(error, match=message):
        plots.error_surface(surface, (0, 1), (0, 1), resolution=3)


def test_an_error_too_flat_for_two_levels_is_refused():
    def error(w):
        return 1 + 2.3e-16 * round(w[0])

    with pytest.raises(ValueError, match=r"from 1.0 to 1.0000000000000002 .* too flat"):
        plots.error_surface(error, (0, 1), (0, 1), resolution=3, levels=2)
    assert not plt.get_fignums()


# ---- weights


def pictures(ax, units, height, width, columns):
    """The pictures cut out of the image, and how much of it is between them."""
    image = ax.images[0].get_array().filled(np.nan)
    gap = (image.shape[1] - columns * width) // (columns + 1)
    cut = []
    for unit in range(units):
        top = gap + unit // columns * (height + gap)
        left = gap + unit % columns * (width + gap)
        cut.append(image[top : top + height, left : left + width])
    return np.array(cut), np.isfinite(image).sum()


def test_each_row_of_a_matrix_is_a_square_picture(rng):
    w = rng.normal(size=(5, 9))
    ax = plots.weights(tg.Value(w), columns=3)
    drawn, count = pictures(ax, 5, 3, 3, 3)
    np.testing.assert_array_equal(drawn, w.reshape(5, 3, 3))
    assert count == 45


@pytest.mark.parametrize(
    ("shape", "given", "drawn"),
    [
        ((4, 6), (2, 3), (4, 2, 3)),
        ((4, 2, 3), None, (4, 2, 3)),
        ((4, 2, 3), (3, 2), (4, 3, 2)),
        ((4,), None, (1, 2, 2)),
        ((1, 1), None, (1, 1, 1)),
    ],
)
def test_pictures_have_the_shape_that_is_given(rng, shape, given, drawn):
    w = rng.normal(size=shape)
    cut, count = pictures(plots.weights(w, shape=given, columns=1), *drawn, 1)
    np.testing.assert_array_equal(cut, w.reshape(drawn))
    assert count == w.size


def test_zero_is_the_middle_of_one_scale_for_all_with_a_colour_bar(rng):
    w = rng.normal(size=(3, 4))
    w[1, 2] = -7
    ax = plots.weights(w)
    assert ax.images[0].get_clim() == (-7, 7)
    assert ax.images[0].colorbar is not None
    red, _, blue, _ = ax.images[0].to_rgba(np.array([[7.0]]))[0, 0]
    assert red > blue
    white = ax.images[0].to_rgba(np.array([[0.0]]))[0, 0]
    assert white.min() > 0.95


def test_weights_that_are_all_zero_are_white():
    ax = plots.weights(np.zeros((2, 4)))
    assert ax.images[0].get_clim() == (-1, 1)


def test_weights_that_are_not_finite_are_left_out_of_scale_and_picture():
    ax = plots.weights([[1.0, np.nan, -2.0, np.inf]])
    assert ax.images[0].get_clim() == (-2, 2)
    assert pictures(ax, 1, 2, 2, 1)[1] == 2


def test_weights_too_large_to_draw_are_left_out_of_scale_and_picture():
    ax = plots.weights([[1.7e308, -1.7e308, 1.0, -2.0]])
    ax.get_figure().savefig(io.BytesIO())
    assert ax.images[0].get_clim() == (-2, 2)
    assert pictures(ax, 1, 2, 2, 1)[1] == 2


def test_the_number_of_a_unit_is_the_sum_of_its_row_and_column(rng):
    ax = plots.weights(rng.normal(size=(7, 4)), columns=3)
    assert [label.get_text() for label in ax.get_xticklabels()] == ["0", "1", "2"]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["0", "3", "6"]
    np.testing.assert_allclose(np.diff(ax.get_xticks()), 3)  # pictures of 2, gaps of 1


@pytest.mark.parametrize(
    ("w", "keywords", "error", "message"),
    [
        (np.ones((2, 6)), {}, tg.ShapeError, r"6 inputs are no square: give shape"),
        (np.ones((2, 6)), {"shape": (2, 2)}, tg.ShapeError, r"shape \(2, 2\) does not hold the 6"),
        (np.ones((2, 6)), {"shape": 6}, TypeError, r"\(height, width\), not 6"),
        (np.ones((2, 6)), {"shape": (2, -3)}, ValueError, "width"),
        (np.ones((2, 4)), {"columns": 0}, ValueError, "columns"),
        (np.ones((2, 3, 2, 2)), {}, tg.ShapeError, r"not \(2, 3, 2, 2\): .* weight\[:, 0\]"),
        (3.0, {}, tg.ShapeError, r"not \(\)"),
        (np.ones((0, 4)), {}, ValueError, "empty"),
        (np.full((2, 4), np.nan), {}, ValueError, "none is finite"),
        ("abc", {}, TypeError, "real numbers"),
        (nn.Linear(4, 2), {}, TypeError, "not a Linear: pass layer.weight"),
        ([[1.7e308, -1.7e308, np.inf, np.nan]], {}, ValueError, r"none is finite and at most 1e"),
    ],
)
def test_weights_without_a_picture_are_refused(w, keywords, error, message):
    with pytest.raises(error, match=message):
        plots.weights(w, **keywords)


# ---- histograms


def bars(ax):
    """Counts and edges of the histogram drawn."""
    (patch,) = ax.patches
    counts, edges, _ = patch.get_data()
    return counts, edges


def names(axes):
    return [ax.get_title(loc="left") for ax in axes]


def summary(ax):
    return ax.get_title(loc="right")


def test_activations_are_those_of_the_layers(rng):
    model = small_model(rng)
    x = rng.normal(size=(200, 4))
    axes = plots.histograms(model, x)
    assert names(axes) == ["0: Linear", "1: ReLU", "2.0: Linear", "2.1: Tanh"]
    h = x @ model[0].weight.data.T + model[0].bias.data
    r = np.maximum(h, 0)
    t = np.tanh(r @ model[2][0].weight.data.T + model[2][0].bias.data)
    for ax, values in zip(axes[[0, 1, 3]], (h, r[r > 0], t), strict=True):
        counts, edges = bars(ax)
        np.testing.assert_allclose([edges[0], edges[-1]], [values.min(), values.max()])
        np.testing.assert_array_equal(counts, np.histogram(values, edges)[0])
    assert f"{np.mean(r == 0):.1%} zero" in summary(axes[1])


def test_all_rows_have_one_axis(rng):
    axes = plots.histograms(small_model(rng), 100 * rng.normal(size=(50, 4)))
    assert len({ax.get_xlim() for ax in axes}) == 1
    low, high = axes[0].get_xlim()
    assert all(low <= edge <= high for ax in axes for edge in bars(ax)[1][[0, -1]])


def test_the_result_of_a_layer_of_several_operations_is_its_last(rng):
    model = nn.MLP(2, [3, 1], "tanh", dtype=np.float64, rng=rng)
    x = rng.normal(size=(20, 2))
    axes = plots.histograms(model, x)
    assert names(axes) == ["layers.0: Layer", "layers.1: Layer"]
    first = np.tanh(x @ model.layers[0].weight.data.T + model.layers[0].bias.data)
    counts, edges = bars(axes[0])
    assert counts.sum() == first.size
    np.testing.assert_allclose([edges[0], edges[-1]], [first.min(), first.max()])


def test_calls_of_a_shared_module_are_one_row():
    layer = nn.Linear(2, 2)
    (row,) = plots.histograms(nn.Sequential(layer, layer), np.ones((5, 2)))
    assert bars(row)[0].sum() == 2 * 5 * 2


def test_the_share_of_saturated_units_is_told():
    model = nn.Sequential(nn.Tanh(), nn.Sigmoid())
    # tanh has less than 1 % of its slope beyond 2.993, and the sigmoid nowhere on [-1, 1].
    axes = plots.histograms(model, np.array([-9.0, -2.95, 1.0, 3.05]))
    assert "50.0% saturated" in summary(axes[0])
    assert "0.0% saturated" in summary(axes[1])
    # The sigmoid has beyond 5.987.
    (ax,) = plots.histograms(nn.Sigmoid(), np.array([-9.0, -5.95, 1.0, 6.05]))
    assert "50.0% saturated" in summary(ax)


def test_parameters_are_drawn_by_name(rng):
    model = small_model(rng)
    axes = plots.histograms(model, of="parameters")
    assert names(axes) == ["0.weight", "0.bias", "2.0.weight", "2.0.bias"]
    for ax, parameter in zip(axes, model.parameters(), strict=True):
        counts, edges = bars(ax)
        np.testing.assert_array_equal(counts, np.histogram(parameter.data, edges)[0])
        assert counts.sum() == parameter.size


def test_mean_and_deviation_are_those_of_all_elements():
    model = nn.Linear(2, 2, bias=False)
    model.weight.data = [[0.0, 2.0], [4.0, 6.0]]
    (ax,) = plots.histograms(model, of="parameters")
    assert summary(ax) == "3 ± 2.2, 25.0% zero"  # variance (9 + 1 + 1 + 9) / 4
    assert bars(ax)[0].sum() == 3


def test_gradients_are_those_of_the_loss_and_are_not_kept(rng):
    model = small_model(rng)
    model[0].weight.grad = np.full((3, 4), 7.0)
    x = rng.normal(size=(30, 4))
    axes = plots.histograms(model, x, of="gradients", loss=lambda out: (out**2).mean())
    np.testing.assert_array_equal(model[0].weight.grad, np.full((3, 4), 7.0))
    assert model[0].bias.grad is None
    model.zero_grad()
    (model(x) ** 2).mean().backward()
    for ax, (name, parameter) in zip(axes, model.named_parameters(), strict=True):
        assert ax.get_title(loc="left") == name
        assert ax.get_xscale() == "log"
        sizes = np.abs(parameter.grad[parameter.grad != 0])
        counts, edges = bars(ax)
        np.testing.assert_allclose([edges[0], edges[-1]], [sizes.min(), sizes.max()])
        assert counts.sum() == sizes.size
        rms = float(summary(ax).removeprefix("rms ").split(",")[0].replace("−", "-"))
        np.testing.assert_allclose(rms, np.sqrt(np.mean(parameter.grad**2)), rtol=0.06)


def test_without_inputs_gradients_are_those_held():
    model = nn.Linear(2, 1)
    model.weight.grad = [[1e-3, 1e3]]
    weight, bias = plots.histograms(model, of="gradients")
    np.testing.assert_allclose(bars(weight)[1][[0, -1]], [1e-3, 1e3])
    assert summary(bias) == "no gradient"
    assert not bias.patches


def test_gradients_are_computed_under_no_grad_too():
    model = nn.Linear(2, 1, bias=False)
    with tg.no_grad():
        (ax,) = plots.histograms(model, np.ones((1, 2)), of="gradients", loss=lambda out: out.sum())
        assert not tg.is_grad_enabled()
    assert summary(ax) == "rms 1"


def test_what_is_not_finite_is_counted():
    model = nn.Linear(2, 2, bias=False)
    model.weight.data = [[np.nan, 2.0], [np.inf, 2.0]]
    (ax,) = plots.histograms(model, of="parameters")
    assert summary(ax) == "2 ± 0, 2 not finite"
    assert bars(ax)[0].sum() == 2


@pytest.mark.parametrize("values", [[1e16, 1e16 + 2], [1e16], [1e100, -1e100], [1, 1 + 3e-16]])
def test_numbers_that_differ_by_rounding_have_bars(values):
    (ax,) = plots.histograms(nn.ReLU(), np.abs(values))
    ax.get_figure().savefig(io.BytesIO())
    assert bars(ax)[0].sum() == len(values)
    (ax,) = plots.histograms(one_unit(values), of="parameters")
    ax.get_figure().savefig(io.BytesIO())
    counts, edges = bars(ax)
    assert counts.sum() == len(values)
    low, high = ax.get_xlim()
    assert low <= edges[0] < edges[-1] <= high


def test_numbers_too_large_or_small_for_bars_are_counted():
    (ax,) = plots.histograms(one_unit([1.7e308, -1.7e308, 5e-324, 2.0]), of="parameters")
    ax.get_figure().savefig(io.BytesIO())
    assert summary(ax) == "0.5 ± 1.2e+308, 3 beyond 1e±100"
    assert bars(ax)[0].sum() == 1
    (ax,) = plots.histograms(nn.ReLU(), np.array([5e-324, 1e-323]))
    ax.get_figure().savefig(io.BytesIO())
    assert summary(ax).endswith("2 beyond 1e±100")


@pytest.mark.parametrize(
    ("gradient", "shown"),
    [([1.7e308, 5e-324], 0), ([1e100, 1e-100], 2), ([1.7e308, 1e-3], 1), ([1e16, 1e16 + 2], 2)],
)
def test_gradients_of_every_size_can_be_drawn(gradient, shown):
    (ax,) = plots.histograms(one_unit([1, 1], gradient), of="gradients")
    ax.get_figure().savefig(io.BytesIO())
    assert sum(bars(ax)[0].sum() for _ in ax.patches) == shown
    assert (f"{2 - shown} beyond" in summary(ax)) == (shown < 2)


def test_dead_layers_are_shown_as_zeros():
    (ax,) = plots.histograms(nn.ReLU(), np.array([-1.0, -2.0]))
    assert summary(ax) == "0 ± 0, 100.0% zero"


def test_the_model_and_its_gradients_stay_as_they_were(rng):
    model = nn.Sequential(nn.Linear(2, 2, rng=rng), nn.Dropout(0.5), nn.Linear(2, 1, rng=rng))
    model[1].eval()
    before = model.state_dict()
    plots.histograms(model, np.ones((3, 2)))
    assert [module.training for module in model.modules()] == [True, True, False, True]
    assert all(parameter.grad is None for parameter in model.parameters())
    for name, data in model.state_dict().items():
        np.testing.assert_array_equal(data, before[name])


def test_rows_are_drawn_on_as_many_axes_as_are_given(rng):
    model = small_model(rng)
    _, given = plt.subplots(4)
    drawn = plots.histograms(model, rng.normal(size=(5, 4)), ax=given)
    assert list(drawn) == list(given)
    assert len(plt.get_fignums()) == 1
    with pytest.raises(ValueError, match="4 rows to draw need 4 Axes, not 3"):
        plots.histograms(model, rng.normal(size=(5, 4)), ax=given[:3])


def test_one_row_is_drawn_on_one_axes_and_more_need_a_sequence():
    ax = plt.subplots()[1]
    assert list(plots.histograms(one_unit([1, 2]), of="parameters", ax=ax)) == [ax]
    with pytest.raises(
        ValueError, match=r"2 Axes, not 1: give a sequence such as plt.subplots\(2\)"
    ):
        plots.histograms(nn.Linear(2, 2), of="parameters", ax=ax)


def test_axes_may_be_a_grid_of_as_many():
    _, grid = plt.subplots(1, 2, squeeze=False)
    assert list(plots.histograms(nn.Linear(2, 2), of="parameters", ax=grid)) == list(grid[0])


@pytest.mark.parametrize(
    ("inputs", "keywords", "error", "message"),
    [
        ((), {}, TypeError, "takes the inputs"),
        ((np.ones((1, 2)),), {"loss": np.sum}, TypeError, "takes no loss"),
        ((np.ones((1, 2)),), {"of": "parameters"}, TypeError, "takes no inputs"),
        ((np.ones((1, 2)),), {"of": "gradients"}, TypeError, "inputs and a loss, or neither"),
        ((), {"of": "gradients", "loss": np.sum}, TypeError, "inputs and a loss, or neither"),
        ((), {"of": "gradients"}, ValueError, r"call backward\(\) first"),
        ((), {"of": "weights"}, ValueError, "'weights'"),
        ((np.ones((1, 2)),), {"of": "gradients", "loss": lambda y: y}, TypeError, r"\(1, 3\)"),
        ((np.ones((1, 2)),), {"of": "gradients", "loss": lambda y: 1.0}, TypeError, "not 1.0"),
    ],
)
def test_arguments_that_do_not_belong_together_are_refused(inputs, keywords, error, message):
    with pytest.raises(error, match=message):
        plots.histograms(nn.Linear(2, 3), *inputs, **keywords)


def test_a_model_without_anything_to_draw_is_refused():
    with pytest.raises(TypeError, match="model must be a Module, not function"):
        plots.histograms(lambda x: x, np.ones(2))
    with pytest.raises(ValueError, match="no parameters"):
        plots.histograms(nn.ReLU(), of="parameters")
    with pytest.raises(ValueError, match="no activations"):
        plots.histograms(nn.ReLU(), np.array([np.nan]))


# ---- confusion_matrix


def cells(ax):
    return {(int(t.get_position()[1]), int(t.get_position()[0])): t.get_text() for t in ax.texts}


def titles(ax):
    return [label.get_text() for label in ax.get_xticklabels()]


def test_rows_are_true_columns_predicted(rng):
    labels, predictions = rng.integers(0, 4, (2, 100))
    ax = plots.confusion_matrix(labels, predictions)
    counts = np.array(
        [[np.sum((labels == i) & (predictions == j)) for j in range(4)] for i in range(4)]
    )
    np.testing.assert_array_equal(ax.images[0].get_array(), counts)
    assert cells(ax) == {at: str(n) for at, n in np.ndenumerate(counts)}
    assert (ax.get_ylabel(), ax.get_xlabel()) == ("true", "predicted")


def test_shares_are_of_the_row():
    ax = plots.confusion_matrix([0, 0, 0, 0, 1], [0, 0, 0, 1, 1], normalize=True)
    np.testing.assert_allclose(ax.images[0].get_array(), [[0.75, 0.25], [0, 1]])
    assert cells(ax) == {(0, 0): "0.75", (0, 1): "0.25", (1, 0): "0.00", (1, 1): "1.00"}


def test_a_class_without_examples_has_an_empty_row_of_shares():
    ax = plots.confusion_matrix([0, 0], [0, 1], normalize=True)
    assert set(cells(ax)) == {(0, 0), (0, 1)}
    assert ax.images[0].get_array().mask[1].all()


def test_classes_are_those_that_occur_on_either_side():
    ax = plots.confusion_matrix([7, 3], [3, 12])
    assert titles(ax) == ["3", "7", "12"]
    assert cells(ax)[1, 0] == cells(ax)[0, 2] == "1"


def test_names_are_those_of_the_numbers_from_zero():
    ax = plots.confusion_matrix([0, 2], [2, 2], names=["a", "b", "c"])
    assert titles(ax) == ["a", "b", "c"]
    assert cells(ax)[0, 2] == cells(ax)[2, 2] == "1"


def test_names_order_labels_that_are_strings():
    ax = plots.confusion_matrix(["dog", "cat"], ["dog", "dog"], names=["dog", "ant", "cat"])
    assert titles(ax) == ["dog", "ant", "cat"]
    assert cells(ax)[0, 0] == cells(ax)[2, 0] == "1"


@pytest.mark.parametrize("length", [1, 8, 30, 100])
def test_long_names_leave_the_cells_their_size(length):
    name = "m" + "n" * (length - 1)
    ax = plots.confusion_matrix([name, "b", "c"], ["b", name, "c"])
    figure = ax.get_figure()
    figure.savefig(io.BytesIO())
    assert ax.get_window_extent().height / figure.dpi > 3 * 0.4  # inches
    for label in [*ax.get_xticklabels(), *ax.get_yticklabels()]:
        box = label.get_window_extent()
        assert min(box.x0, box.y0) >= 0


@pytest.mark.parametrize("kind", [list, tg.Value, lambda x: np.array(x, float)[:, None]])
def test_labels_may_be_lists_values_or_columns_of_whole_floats(kind):
    assert cells(plots.confusion_matrix(kind([0, 1]), kind([1, 1]))) == {
        (0, 0): "0",
        (0, 1): "1",
        (1, 0): "0",
        (1, 1): "1",
    }


def test_numbers_are_readable_on_every_colour():
    labels = np.repeat(np.arange(12), np.arange(1, 13))
    ax = plots.confusion_matrix(labels, labels)
    image = ax.images[0]

    def luminance(color):
        rgb = np.array(mpl.colors.to_rgb(color))
        return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4) @ [
            0.2126,
            0.7152,
            0.0722,
        ]

    for text in ax.texts:
        column, row = map(int, text.get_position())
        paper = luminance(image.to_rgba(image.get_array())[row, column, :3])
        low, high = sorted([paper, luminance(text.get_color())])
        assert (high + 0.05) / (low + 0.05) >= 4.5  # WCAG, level AA


@pytest.mark.parametrize(
    ("labels", "predictions", "keywords", "error", "message"),
    [
        ([0, 1], [0], {}, tg.ShapeError, "2 labels for 1 predictions"),
        ([], [], {}, ValueError, "labels: empty"),
        ([0, 1], [[0.1, 0.9], [0.8, 0.2]], {}, tg.ShapeError, r"predictions .* not \(2, 2\)"),
        ([0, 1], [0.1, 0.9], {}, ValueError, "fractions"),
        ([0, 1], [0, np.nan], {}, ValueError, "NaN"),
        (["a"], [1], {}, TypeError, "both"),
        ([0, 2], [0, 0], {"names": ["a", "b"]}, ValueError, "label 2 is none of the 2 names"),
        ([0, -1], [0, 0], {"names": ["a", "b"]}, ValueError, "label -1"),
        (["c"], ["a"], {"names": ["a", "b"]}, ValueError, "label c"),
        ([0], [0], {"names": "ab"}, TypeError, "list of strings"),
        ([0], [0], {"names": [1]}, TypeError, "list of strings"),
        ([0], [0], {"names": ["a", "a"]}, ValueError, "differ"),
        (None, [0], {}, TypeError, "NoneType"),
    ],
)
def test_labels_that_cannot_be_counted_are_refused(labels, predictions, keywords, error, message):
    with pytest.raises(error, match=message):
        plots.confusion_matrix(labels, predictions, **keywords)
