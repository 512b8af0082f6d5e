"""The interactive page, in a browser."""

import json
import re
import shutil

import numpy as np
import pytest
from playwright.sync_api import Page, expect, sync_playwright

import tinygrad_nn as tg
from tinygrad_nn import Value, nn
from tinygrad_nn.viz import describe, draw
from tinygrad_nn.viz.page import page
from tinygrad_nn.viz.shade import ALARM_FILL, GradientScale


class Block(nn.Module):
    """x + a layer of x."""

    def __init__(self, n):
        super().__init__()
        self.layer = nn.Linear(n, n)
        self.act = nn.ReLU()

    def forward(self, x):
        return x + self.act(self.layer(x))


class Tower(nn.Module):
    """Blocks, and a head."""

    def __init__(self, n, count):
        super().__init__()
        self.blocks = nn.Sequential(*[Block(n) for _ in range(count)])
        self.head = nn.Linear(n, 1)

    def forward(self, x):
        return self.head(self.blocks(x))


def neuron():
    """The graph of tanh(x1 w1 + x2 w2 + b)."""
    with tg.record():
        x1, x2, w1, w2, b = map(Value, (2.0, 0.0, -3.0, 1.0, 6.75))
        s = x1 * w1 + x2 * w2 + b
        o = np.tanh(s)
        o.backward()
    return draw(o)


def perceptron(**options):
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))
    x = np.linspace(-1, 1, 20).reshape(5, 4)
    return draw(model, x, **options)


def tower(count=4, **options):
    return draw(Tower(3, count), np.linspace(-1, 1, 6).reshape(2, 3), **options)


class Flawed(nn.Module):
    """The sum of 2 sqrt(x), where one x is negative, and a parameter that is not used."""

    def __init__(self):
        super().__init__()
        self.used = Value(np.array([-1.0, 4.0]))
        self.unused = Value(np.ones(2))

    def forward(self):
        return np.sum(np.sqrt(self.used) * 2.0)


def flawed(**options):
    with np.errstate(invalid="ignore"):
        return draw(Flawed(), **options)


def wide(count):
    """The graph of a sum of `count` sines."""

    def f(x):
        terms = [np.sin(x * k) for k in range(1, count + 1)]
        return sum(terms[1:], terms[0])

    return draw(f, 0.5, max_nodes=100_000)


def html_of(graph):
    return page(graph.picture, graph.view, graph.style)


def data_of(graph):
    """What is in the page, as data."""
    embedded = re.search(r'<script type="application/json".*?>(.*?)</script>', html_of(graph))
    return json.loads(embedded[1])


@pytest.fixture(scope="module")
def browser():
    path = shutil.which("chromium") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def visit(browser, tmp_path):
    """Opens the page of a graph; afterwards there must be no messages and no requests."""
    opened, messages, requests = [], [], []

    def open_page(graph, **options):
        path = tmp_path / f"{len(opened)}.html"
        path.write_text(html_of(graph), encoding="utf-8")
        context = browser.new_context(offline=True, reduced_motion="reduce", **options)
        opened.append(context)
        page = context.new_page()
        page.on("console", lambda message: messages.append(message.text))
        page.on("pageerror", lambda error: messages.append(error.stack))
        page.on("request", lambda request: requests.append(request.url))
        page.goto(path.as_uri())
        assert requests == [path.as_uri()]
        requests.clear()
        return page

    yield open_page
    for context in opened:
        context.close()
    assert messages == []
    assert requests == []


# ---- What a test sees of a page


def key(item):
    return f"n{item.number}"


def units(page: Page, such=""):
    """The keys of what is drawn as a node, sorted."""
    return sorted(page.locator(f".unit{such}").evaluate_all("all => all.map(e => e.dataset.key)"))


def unit(page: Page, item):
    return page.locator(f'.unit[data-key="{key(item)}"]')


def lit_edges(page: Page):
    edges = page.locator("#lit path")
    return sorted(edges.evaluate_all("all => all.map(e => e.dataset.from + ' ' + e.dataset.to)"))


def frame(page: Page, title):
    """The title of an open module."""
    return page.locator(".header").filter(has=page.get_by_text(title, exact=True))


def closed(page: Page, title):
    return page.locator(".unit.module").filter(has=page.get_by_text(title, exact=True))


def focused(page: Page):
    return page.evaluate("document.activeElement.dataset.key ?? document.activeElement.id")


def boxes_of(page: Page, selector):
    """The rectangles of elements, in the units of the graph."""
    return page.locator(selector).evaluate_all(
        """all => Object.fromEntries(all.map(e => {
            const { x, y, width, height } = e.getBoundingClientRect();
            return [e.dataset.key, [x, y, x + width, y + height]];
        }))"""
    )


def named(graph, name):
    return next(item for item in graph.picture.items if item.name == name)


def operations(graph):
    return [item for item in graph.picture.items if item.operation]


# ---- Nodes, edges and modules


def test_each_item_is_a_node_with_its_numbers(visit):
    graph = neuron()
    page = visit(graph)
    assert units(page) == sorted(map(key, graph.picture.items))
    expect(unit(page, named(graph, "w1"))).to_contain_text("w1data −3grad ")
    expect(unit(page, named(graph, "s"))).to_contain_text("+  sdata 0.75")


@pytest.mark.parametrize("direction", ["LR", "TB"])
@pytest.mark.parametrize("make", [perceptron, tower])
def test_edges_go_forward_and_nodes_do_not_overlap(visit, make, direction):
    graph = make(direction=direction)
    page = visit(graph, viewport={"width": 3000, "height": 2000})
    places = boxes_of(page, ".unit")
    side = 0 if direction == "LR" else 1
    for start, end in graph.view.edges:
        assert places[key(start)][side + 2] < places[key(end)][side]
    for one, (left, top, right, bottom) in places.items():
        for other, (x, y, far_x, far_y) in places.items():
            assert one == other or far_x <= left or x >= right or far_y <= top or y >= bottom


@pytest.mark.parametrize("make", [neuron, perceptron, tower])
def test_edges_are_those_of_the_view(visit, make):
    graph = make()
    page = visit(graph)
    found = set()
    for item in graph.view.root.everything():
        unit(page, item).press("Enter")
        edges = page.locator("#near path")
        found |= set(edges.evaluate_all("all => all.map(e => [e.dataset.from, e.dataset.to] + '')"))
    assert found == {f"{key(start)},{key(end)}" for start, end in graph.view.edges}


def test_nodes_are_inside_of_their_modules(visit):
    graph = perceptron()
    page = visit(graph, viewport={"width": 3000, "height": 2000})
    places = boxes_of(page, ".unit")
    headers = boxes_of(page, ".header")
    for number, title in enumerate(["Sequential", "0: Linear", "2: Linear"]):
        expect(page.locator(".header .title").nth(number)).to_have_text(title)
    inside = [item for item in graph.picture.items if item.box and item.box.kind == "Linear"]
    assert len(inside) == 6
    for item in inside:
        left, top, right, _ = headers[{0: "b1", 2: "b3"}[int(item.box.path)]]
        place = places[key(item)]
        assert left < place[0] < place[2] < right
        assert top < place[1]


def test_a_module_of_one_operation_gets_no_box(visit):
    page = visit(perceptron())
    expect(page.locator(".header")).to_have_count(3)
    expect(page.get_by_text("1: ReLU", exact=True)).to_have_count(1)
    expect(page.locator(".unit").filter(has_text="1: ReLU")).to_contain_text("relu")


def test_a_click_closes_a_module_and_another_opens_it(visit):
    graph = perceptron()
    page = visit(graph)
    everything = units(page)
    inside = {key(item) for item in graph.picture.items if item.box and item.box.path == "0"}
    assert len(inside) == 3
    frame(page, "0: Linear").click()
    box = closed(page, "0: Linear")
    expect(box).to_contain_text("40 parameters3 nodes")
    assert set(units(page)) == set(everything) - inside | {box.get_attribute("data-key")}
    box.click()
    assert units(page) == everything


def test_modules_that_the_view_closes_are_closed_at_first(visit):
    page = visit(tower(count=2, depth=1))
    titles = page.locator(".unit.module tspan:first-child")
    expect(titles).to_have_text(["blocks: Sequential", "head: Linear"])
    closed(page, "blocks: Sequential").click()
    expect(closed(page, "0: Block")).to_have_count(1)
    expect(closed(page, "1: Block")).to_have_count(1)


def test_equal_blocks_in_a_row_are_drawn_once_and_unfold(visit):
    graph = tower(count=4)
    page = visit(graph)
    folded = units(page)
    shown = {key(each) for each in graph.view.root.everything()}
    assert set(folded) == shown
    expect(frame(page, "0: Block × 4")).to_have_count(1)
    page.get_by_role("button", name="Show each of 4").click()
    assert units(page) == sorted(map(key, graph.picture.items))
    expect(frame(page, "3: Block")).to_have_count(1)
    page.get_by_role("button", name="Show 4 equal modules as one").click()
    assert units(page) == folded


def test_roles_differ_in_colour_and_shape(visit):
    page = visit(perceptron())
    looks = set()
    for role in ("input", "parameter", "operation", "output"):
        first = page.locator(f".unit.{role}").first
        looks.add((first.evaluate("e => e.children.length + e.children[0].outerHTML[1]"), role))
        fill = first.locator("rect").first.evaluate("e => getComputedStyle(e).fill")
        looks.add(fill)
    assert len(looks) == 8


def test_notes_of_the_view_are_shown(visit):
    page = visit(perceptron())
    expect(page.get_by_role("list", name="Notes")).to_have_text(
        "gradients are those of the sum of the outputs"
    )


def test_edges_have_shapes_where_the_style_says_so(visit):
    texts = visit(perceptron(edge_shapes=True)).locator("#edges text").all_text_contents()
    assert sorted(texts) == ["3", "3 × 8", "5 × 4", "5 × 8", "5 × 8", "8", "8 × 4"]
    expect(visit(perceptron()).locator("#edges text")).to_have_count(0)


# ---- Colours by gradient, and what is wrong


def test_colours_by_gradient_are_those_of_the_scale(visit):
    graph = perceptron(color="grad")
    page = visit(graph)
    scale = GradientScale(graph.picture.items)
    for item in graph.picture.items:
        size = None if item.gradient is None else float(np.linalg.norm(item.gradient))
        expect(unit(page, item).locator("rect").first).to_have_css("fill", rgb(scale.color(size)))
    legend = [text for _, text in scale.legend()]
    expect(page.get_by_role("list", name="Colours").get_by_role("listitem")).to_have_text(legend)


def rgb(color):
    """A colour as a browser writes it."""
    return f"rgb({', '.join(str(int(color[at : at + 2], 16)) for at in (1, 3, 5))})"


def test_a_button_toggles_the_colours(visit):
    page = visit(perceptron())
    button = page.get_by_role("button", name="Colour by gradient")
    first = page.locator(".unit.operation rect").first
    expect(button).to_have_attribute("aria-pressed", "false")
    expect(first).to_have_css("fill", "rgb(255, 255, 255)")
    button.click()
    expect(button).to_have_attribute("aria-pressed", "true")
    expect(first).not_to_have_css("fill", "rgb(255, 255, 255)")


def test_trouble_and_parameters_without_gradient_are_said_in_words(visit):
    graph = flawed()
    page = visit(graph)
    root = next(item for item in graph.picture.items if item.operation == "sqrt")
    expect(unit(page, root)).to_contain_text("⚠ first NaN, made at ")
    expect(unit(page, root).locator("rect")).to_have_css("fill", rgb(ALARM_FILL))
    expect(unit(page, named(graph, "unused"))).to_contain_text("⚠ no gradient reaches it")
    frame(page, "Flawed").click()
    expect(page.locator(".unit.module")).to_contain_text("⚠ first NaN")


# ---- The panel


def test_a_click_shows_all_about_a_node(visit):
    graph = perceptron()
    page = visit(graph)
    item = operations(graph)[0]
    unit(page, item).click()
    panel = page.get_by_role("complementary", name="Selected node")
    expect(panel).to_contain_text("linear")
    for what, fact in describe.facts(item):
        expect(panel).to_contain_text(f"{what}{fact}")
    expect(panel).to_contain_text("5 × 8")
    expect(panel).to_contain_text("float64")
    expect(panel).to_contain_text(f"source{item.place}")
    expect(panel.locator("pre").first).to_have_text("g @ weight")
    expect(panel.get_by_role("img")).to_have_count(2)
    expect(unit(page, item)).to_have_attribute("aria-current", "true")
    assert sorted(page.locator("#near path").evaluate_all("all => all.map(e => e.dataset.to)")) == [
        "n3",
        "n3",
        "n3",
        "n4",
    ]


def test_links_in_the_panel_lead_to_inputs_and_outputs(visit):
    graph = neuron()
    page = visit(graph)
    unit(page, named(graph, "s")).click()
    page.get_by_role("button", name="b = 6.75").click()
    expect(page.locator("#panel h2")).to_have_text("b")
    assert focused(page) == key(named(graph, "b"))
    page.get_by_role("button", name="s (+) = 0.75").click()
    expect(page.locator("#panel")).to_contain_text("data0.75")
    page.get_by_role("button", name="Close").click()
    expect(page.locator("#panel")).to_be_hidden()


def test_histograms_are_those_of_numpy():
    x = np.random.default_rng(0).normal(size=(40, 40))
    x[0, :4] = np.nan, np.inf, -np.inf, np.nan

    graph = draw(lambda x: np.sum(x * 0.5), Value(x))
    histogram = data_of(graph)["nodes"][0]["histogram"]
    counts, edges = np.histogram(x[np.isfinite(x)], bins=24)
    assert histogram["counts"] == counts.tolist()
    assert histogram["low"] == describe.number(edges[0])
    assert histogram["high"] == describe.number(edges[-1])
    assert (histogram["nan"], histogram["inf"]) == (2, 2)


@pytest.mark.parametrize(
    ("numbers", "counts"),
    [
        ([-1.5e308, 0.0, 1.5e308, 1.5e308], [1, 3]),
        ([5e-324, 0.0, 0.0, 0.0], [3, 1]),
        ([2.0, 2.0, 2.0], [3]),
        ([np.nan, np.inf], None),
        ([7.0], None),
    ],
)
def test_histograms_of_extreme_numbers(numbers, counts):
    graph = draw(lambda x: x[:1] * 1.0, Value(numbers))
    with np.errstate(over="ignore"):
        histogram = data_of(graph)["nodes"][0].get("histogram", {})
    assert histogram.get("counts") == counts


# ---- Search


def test_search_marks_what_matches_by_name_operation_and_shape(visit):
    graph = perceptron()
    page = visit(graph)
    items = graph.picture.items
    for text, matches in [
        ("WEIGHT", [item for item in items if "weight" in item.name]),
        ("relu", [item for item in items if item.operation == "relu"]),
        ("8 × 4", [item for item in items if item.shape == (8, 4)]),
        ("(8, 4)", [item for item in items if item.shape == (8, 4)]),
        ("0.", [item for item in items if item.name.startswith("0.")]),
        ("nothing", []),
    ]:
        page.get_by_role("searchbox").fill(text)
        assert units(page, ".hit") == sorted(map(key, matches))
        expect(page.locator("#hits")).to_have_text(f"{len(matches)} found")


def test_enter_goes_through_the_hits_and_opens_modules(visit):
    graph = tower(count=2, depth=1)
    page = visit(graph)
    page.keyboard.press("/")
    assert focused(page) == "search"
    page.keyboard.type("layer.weight")
    assert units(page, ".hit") == [closed(page, "blocks: Sequential").get_attribute("data-key")]
    weights = [item for item in graph.picture.items if item.name.endswith("layer.weight")]
    for number, weight in enumerate(weights, 1):
        page.keyboard.press("Enter")
        expect(page.locator("#hits")).to_have_text(f"{number} of 2")
        expect(unit(page, weight)).to_have_class(re.compile("current-hit"))
        expect(page.locator("#panel")).to_contain_text(weight.name)
    page.keyboard.press("Shift+Enter")
    expect(unit(page, weights[0])).to_have_class(re.compile("current-hit"))
    assert focused(page) == "search"
    expect(closed(page, "head: Linear")).to_have_count(1)


# ---- Steps


def test_steps_go_forward_in_order_and_backward_in_reverse(visit):
    graph = neuron()
    page = visit(graph)
    done = operations(graph)
    for item in [*done, *reversed(done)]:
        page.get_by_role("button", name="Step forward").click()
        assert units(page, ".lit") == [key(item)]
        parents = [parent for parent, _ in item.parents]
        assert units(page, ".taken") == sorted(map(key, parents))
        assert lit_edges(page) == sorted(f"{key(parent)} {key(item)}" for parent in parents)
    expect(page.get_by_role("button", name="Step forward")).to_be_disabled()
    page.get_by_role("button", name="Step back").click()
    assert units(page, ".lit") == [key(done[1])]


def test_forward_steps_reach_what_was_computed_so_far(visit):
    graph = neuron()
    page = visit(graph)
    leaves = [item for item in graph.picture.items if not item.operation]
    page.keyboard.press(".")
    page.keyboard.press(".")
    assert units(page, ".reached") == sorted(map(key, [*leaves, *operations(graph)[:2]]))


def test_captions_say_what_happens(visit):
    graph = neuron()
    page = visit(graph)
    caption = page.locator("#caption")
    expect(caption).to_have_text("5 operations forward, 5 backward: press play")
    page.keyboard.press(".")
    expect(caption).to_have_text("Step 1 of 10, forward: × takes x1 = 2, w1 = −3, gives −6")
    page.get_by_role("slider", name="Step").fill("10")
    slope = describe.number(named(graph, "s").gradient)
    of_x1 = describe.number(named(graph, "x1").gradient)
    expect(caption).to_contain_text(f"Step 10 of 10, backward: × receives grad {slope}, sends to")
    expect(caption).to_contain_text(f"sends to x1 (rule g * y, grad {of_x1} in all), to w1 (rule")
    expect(page.locator("#flow text").first).to_have_text(of_x1)


def test_play_goes_to_the_end_and_pauses(visit):
    page = visit(neuron())
    page.get_by_role("button", name="Play").click()
    expect(page.get_by_role("button", name="Pause")).to_have_count(1)
    page.get_by_label("Speed").select_option("20 ×")
    expect(page.get_by_role("slider", name="Step")).to_have_value("10")
    expect(page.get_by_role("button", name="Play")).to_have_count(1)
    page.get_by_role("button", name="Back to the start").click()
    assert units(page, ".lit") == []


def test_a_step_inside_of_a_closed_module_lights_the_module(visit):
    page = visit(perceptron(depth=0))
    page.keyboard.press(".")
    assert units(page, ".lit") == [closed(page, "Sequential").get_attribute("data-key")]
    expect(page.locator("#caption")).to_contain_text("forward, in 0: linear takes x = 5 × 4")


def test_without_gradients_there_is_no_backward_pass(visit):
    with tg.record():
        y = Value(2.0) * 3.0
    page = visit(draw(y))
    expect(page.locator("#caption")).to_have_text("1 operation forward, no gradients: press play")
    expect(page.get_by_role("slider", name="Step")).to_have_attribute("max", "1")


# ---- Keys, labels, looks


def test_everything_can_be_done_from_the_keyboard(visit):
    graph = neuron()
    page = visit(graph)
    page.locator("#help-button").focus()
    page.keyboard.press("Tab")
    assert focused(page) == key(graph.picture.items[0])
    product, total, s, o = (operations(graph)[at] for at in (0, 2, 3, 4))
    for item in (product, total, s, o):
        page.keyboard.press("ArrowRight")
        assert focused(page) == key(item)
    page.keyboard.press("Enter")
    expect(page.locator("#panel h2")).to_have_text("tanh")
    page.keyboard.press("ArrowLeft")
    assert focused(page) == key(s)
    page.keyboard.press("Escape")
    expect(page.locator("#panel")).to_be_hidden()
    page.keyboard.press("?")
    expect(page.get_by_role("region", name="Help")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("region", name="Help")).to_be_hidden()


def test_the_keyboard_opens_and_closes_modules(visit):
    graph = perceptron()
    page = visit(graph)
    unit(page, operations(graph)[0]).focus()
    page.keyboard.press("c")
    assert focused(page) == closed(page, "0: Linear").get_attribute("data-key")
    page.keyboard.press("Enter")
    expect(closed(page, "0: Linear")).to_have_count(0)
    assert focused(page) == frame(page, "0: Linear").get_attribute("data-key")
    page.keyboard.press(" ")
    expect(closed(page, "0: Linear")).to_have_attribute("aria-expanded", "false")


def test_space_plays_and_pauses_where_nothing_has_the_focus(visit):
    page = visit(neuron())
    page.keyboard.press(" ")
    expect(page.get_by_role("button", name="Pause")).to_have_count(1)
    page.keyboard.press(" ")
    expect(page.get_by_role("button", name="Play")).to_have_count(1)


def test_keys_typed_into_the_search_field_do_nothing_else(visit):
    page = visit(neuron())
    before = page.locator("#world").get_attribute("transform")
    page.keyboard.press("/")
    page.keyboard.type("+-.,? /c0")
    expect(page.get_by_role("searchbox")).to_have_value("+-.,? /c0")
    assert page.locator("#world").get_attribute("transform") == before
    assert units(page, ".lit") == []
    expect(page.get_by_role("region", name="Help")).to_be_hidden()


def test_keys_zoom_and_fit(visit):
    page = visit(neuron())
    world = page.locator("#world")
    fitting = world.get_attribute("transform")
    page.keyboard.press("+")
    assert scale(page) > scale_in(fitting)
    page.keyboard.press("-")
    page.keyboard.press("-")
    assert scale(page) < scale_in(fitting)
    page.keyboard.press("0")
    assert world.get_attribute("transform") == fitting


def scale(page):
    return scale_in(page.locator("#world").get_attribute("transform"))


def scale_in(transform):
    return float(re.search(r"scale\((.*)\)", transform)[1])


def test_nodes_and_controls_have_roles_and_labels(visit):
    graph = perceptron()
    page = visit(graph)
    expect(page.get_by_role("application", name="Graph of Sequential, 8 nodes")).to_have_count(1)
    label = "relu, operation, 5 × 8 float64, takes linear, mean"
    expect(page.get_by_role("button", name=label)).to_have_count(1)
    expect(page.get_by_role("button", name="2: Linear, open module, 27 parameters")).to_have_count(
        1
    )
    expect(page.locator('#graph [tabindex="0"]')).to_have_count(1)
    for control in page.locator("button, input, select, [role=button]").all():
        assert control.evaluate("e => e.ariaLabel || e.textContent.trim() || e.labels[0]")


def test_the_focus_is_visible(visit):
    graph = neuron()
    page = visit(graph)
    rect = unit(page, graph.picture.items[0]).locator("rect")
    before = rect.evaluate("e => getComputedStyle(e).stroke + getComputedStyle(e).strokeWidth")
    page.locator("#help-button").focus()
    page.keyboard.press("Tab")
    assert before != rect.evaluate(
        "e => getComputedStyle(e).stroke + getComputedStyle(e).strokeWidth"
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("color", ["role", "grad"])
@pytest.mark.parametrize("make", [perceptron, flawed])
def test_text_on_nodes_has_contrast(visit, scheme, color, make):
    page = visit(make(color=color, collapse=lambda path, kind: path == "2"), color_scheme=scheme)
    pairs = page.locator(".unit tspan").evaluate_all(
        """all => all.map(e => {
            const canvas = document.createElement("canvas");
            const pen = canvas.getContext("2d", { willReadFrequently: true });
            const bytes = (color) => {
                pen.fillStyle = color;
                pen.fillRect(0, 0, 1, 1);
                return [...pen.getImageData(0, 0, 1, 1).data.slice(0, 3)];
            };
            const rect = e.closest(".unit").querySelector("rect:last-of-type");
            return [getComputedStyle(e).fill, getComputedStyle(rect).fill].map(bytes);
        })"""
    )
    assert len(pairs) > 10
    for ink, fill in pairs:
        assert contrast(ink, fill) >= 4.5


def contrast(one, other):
    """The contrast ratio of two colours (WCAG 2.2)."""
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def luminance(color):
    parts = np.array(color) / 255
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def test_modules_move_only_for_those_who_want_motion(visit):
    for motion, moves in (("no-preference", True), ("reduce", False)):
        page = visit(perceptron())
        page.emulate_media(reduced_motion=motion)
        # Asked in the page itself, the moment it is clicked: a busy machine would ask too late.
        clicked = """module => {
            module.dispatchEvent(new MouseEvent("click", { bubbles: true }));
            return document.getAnimations().length > 0;
        }"""
        assert frame(page, "0: Linear").evaluate(clicked) is moves


def test_markup_in_names_is_shown_and_not_run(visit):
    evil = "<img src=x onerror=alert(1)></script><script>alert(2)</script>&amp;$data"

    def f(inputs):
        return inputs[evil] * 2.0

    f.__name__ = evil
    graph = draw(f, {evil: 3.0})
    page = visit(graph)
    item = graph.picture.items[0]
    assert evil in item.name
    unit(page, item).click()
    expect(page.locator("#panel")).to_contain_text(re.compile(re.escape(evil[:40])))
    expect(page.locator("img")).to_have_count(0)
    assert page.evaluate("document.scripts.length") == 2


def test_the_page_prints_the_whole_graph(visit):
    page = visit(wide(400))
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert page.locator("#graph").get_attribute("viewBox")
    assert page.locator("#world").get_attribute("transform") is None
    expect(page.locator("#panel, footer, .search").filter(visible=True)).to_have_count(0)
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert page.locator("#graph").get_attribute("viewBox") is None


# ---- Large graphs


def test_a_page_with_2000_nodes_loads(visit):
    graph = wide(501)
    assert len(units(visit(graph))) == len(graph.picture.items) > 2000


@pytest.mark.parametrize("count", [3, 501])
def test_a_drag_moves_nodes_with_the_mouse(visit, count):
    page = visit(wide(count))
    key, (x, y) = shown_in_the_middle(page)
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 50, y + 10)
    page.mouse.move(x + 150, y - 40)
    assert middle(page, key) == pytest.approx([x + 150, y - 40], abs=0.5)
    page.mouse.up()
    at_rest(page)
    assert middle(page, key) == pytest.approx([x + 150, y - 40], abs=0.5)
    page.mouse.move(x + 151, y)
    assert middle(page, key) == pytest.approx([x + 150, y - 40], abs=0.5)


@pytest.mark.parametrize("count", [3, 501])
def test_the_wheel_zooms_about_the_pointer(visit, count):
    page = visit(wide(count))
    key, (x, y) = shown_in_the_middle(page)
    before = scale(page)
    page.mouse.move(x, y)
    for _ in range(3):
        page.mouse.wheel(0, -100)
    page.wait_for_timeout(50)
    assert middle(page, key) == pytest.approx([x, y], abs=0.5)
    at_rest(page)
    assert scale(page) == pytest.approx(before * np.exp(0.45))
    assert middle(page, key) == pytest.approx([x, y], abs=0.5)


def test_what_comes_into_sight_is_painted_while_the_gesture_goes_on(visit):
    page = visit(wide(501))
    page.mouse.move(1200, 100)
    page.mouse.down()
    page.mouse.move(600, 600, steps=20)
    assert hidden_on_stage(page) == []
    page.mouse.up()


def hidden_on_stage(page):
    """The nodes that are on the stage and not displayed."""
    return page.locator(".unit.away").evaluate_all(
        """all => all.filter(e => {
            const svg = document.getElementById("graph");
            const world = document.getElementById("world").transform.baseVal.consolidate().matrix;
            const { e: xInSvg, f: yInSvg } = world.multiply(e.transform.baseVal[0].matrix);
            const { left, top, width } = svg.getBoundingClientRect();
            const ratio = width / svg.clientWidth;
            const [x, y] = [left + ratio * xInSvg, top + ratio * yInSvg];
            const stage = document.getElementById("stage").getBoundingClientRect();
            return x > stage.left && x < stage.right && y > stage.top && y < stage.bottom;
        }).map(e => e.dataset.key)"""
    )


def shown_in_the_middle(page):
    """The key and place of a node near the middle of the window."""
    places = boxes_of(page, ".unit:not(.away)")
    centers = {key: ((x0 + x1) / 2, (y0 + y1) / 2) for key, (x0, y0, x1, y1) in places.items()}
    return min(centers.items(), key=lambda each: np.hypot(each[1][0] - 640, each[1][1] - 360))


def middle(page, key):
    x0, y0, x1, y1 = boxes_of(page, f'.unit[data-key="{key}"]')[key]
    return [(x0 + x1) / 2, (y0 + y1) / 2]


def at_rest(page):
    """Wait until the graph is painted anew after a gesture."""
    page.wait_for_function("() => !document.getElementById('graph').style.transform")


def test_a_chain_of_thousands_is_laid_out_in_a_line(visit):
    def chain(x):
        for _ in range(1500):
            x = np.sin(x) * 2.0
        return x

    page = visit(draw(chain, 0.5, max_nodes=10_000))
    places = boxes_of(page, ".unit.operation:not(.away)").values()
    y = [(top + bottom) / 2 for _, top, _, bottom in places]
    assert len(y) > 3
    assert max(y) - min(y) < 1


def test_of_more_than_10000_items_the_page_has_what_the_view_shows(visit):
    def f(x):
        for _ in range(10_001):
            x = x * 1.0
        return x

    graph = draw(f, 0.5, max_nodes=50)
    shown = list(graph.view.root.everything())
    assert len(graph.picture.items) > 10_000 > 50 >= len(shown)
    page = visit(graph)
    assert len(units(page)) == len(shown)
    expect(page.locator(".unit.group").first).to_contain_text("10,001")


def test_a_view_of_more_than_10000_nodes_is_folded():
    def f(x):
        for _ in range(10_001):
            x = x * 1.0
        return x

    assert len(data_of(draw(f, 0.5, max_nodes=100_000))["nodes"]) <= 10_000
