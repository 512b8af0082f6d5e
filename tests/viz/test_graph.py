"""Graph: files, formats, Jupyter, sources; what happens where something is missing or fails."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import tinygrad_nn as tg
from tinygrad_nn import Value, nn
from tinygrad_nn.viz import render

BEGINNINGS = {
    "svg": b"<?xml",
    "png": b"\x89PNG",
    "pdf": b"%PDF",
    "dot": b"digraph",
    "mmd": b"flowchart LR",
    "html": b"<!DOCTYPE html>",
}


@pytest.fixture
def graph():
    return tg.draw(lambda x: tg.tanh(x * 2), 1.0)


# ---- Files


@pytest.mark.parametrize("suffix", BEGINNINGS)
@pytest.mark.parametrize("as_path", [str, Path])
def test_suffix_says_the_format(graph, tmp_path, suffix, as_path):
    path = tmp_path / f"graph.{suffix}"
    graph.save(as_path(path))
    assert path.read_bytes().startswith(BEGINNINGS[suffix])


def test_suffix_may_be_in_capitals(graph, tmp_path):
    graph.save(tmp_path / "GRAPH.SVG")
    assert (tmp_path / "GRAPH.SVG").read_bytes().startswith(b"<?xml")


@pytest.mark.parametrize("name", ["graph.jpg", "graph", "graph.svg.gz"])
def test_unknown_format_is_an_error_that_lists_the_known(graph, tmp_path, name):
    with pytest.raises(ValueError, match=r"\.svg, \.png, \.pdf, \.dot, \.mmd, \.html"):
        graph.save(tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_missing_directory_is_an_error_and_leaves_nothing(graph, tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        graph.save(tmp_path / "nowhere" / "graph.dot")
    assert not list(tmp_path.iterdir())


def test_file_that_fails_half_way_stays_as_it_was(graph, tmp_path, monkeypatch):
    path = tmp_path / "graph.svg"
    path.write_text("before")
    monkeypatch.setattr("os.replace", _fail)
    with pytest.raises(OSError, match="no space"):
        graph.save(path)
    assert path.read_text() == "before"
    assert [each.name for each in tmp_path.iterdir()] == ["graph.svg"]


def _fail(*args):
    raise OSError("no space")


def test_directory_in_the_place_of_the_file_is_an_error(graph, tmp_path):
    (tmp_path / "graph.dot").mkdir()
    with pytest.raises(OSError, match=r"graph\.dot"):
        graph.save(tmp_path / "graph.dot")
    assert [each.name for each in tmp_path.iterdir()] == ["graph.dot"]


def test_saved_file_can_be_read_by_others(graph, tmp_path):
    graph.save(tmp_path / "graph.dot")
    (tmp_path / "other").write_text("")
    assert (tmp_path / "graph.dot").stat().st_mode == (tmp_path / "other").stat().st_mode


def test_file_that_was_there_keeps_its_permissions_and_its_link(graph, tmp_path):
    path, link = tmp_path / "private.dot", tmp_path / "link.dot"
    path.write_text("")
    path.chmod(0o600)
    link.symlink_to(path)
    graph.save(link)
    assert link.is_symlink()
    assert path.read_text() == graph.source
    assert path.stat().st_mode & 0o777 == 0o600


# ---- Pictures


def test_picture_has_what_the_source_says(graph):
    svg = render.render(graph.source, "svg").decode()
    for text in ("tanh", "data 0.964", "×", "x"):
        assert f">{text}" in svg


def test_pictures_are_the_same_without_the_program(graph, monkeypatch):
    if shutil.which("dot") is None:
        pytest.skip("there is no program dot to compare with")
    by_program = render.render(graph.source, "svg").decode()
    monkeypatch.setattr(shutil, "which", lambda name: None)
    by_library = render.render(graph.source, "svg").decode()
    assert by_program.count("<g id=") == by_library.count("<g id=")


def test_without_graphviz_the_error_names_the_line_to_type(graph, monkeypatch, tmp_path):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    with pytest.raises(ImportError, match=r'pip install "tinygrad-nn\[viz\]"'):
        graph.save(tmp_path / "graph.svg")
    assert not list(tmp_path.iterdir())
    for name in ("graph.dot", "graph.mmd", "graph.html"):
        graph.save(tmp_path / name)
    assert "tanh" in str(graph)


def test_without_the_library_of_dot_sources_the_others_are_there(monkeypatch, tmp_path):
    graph = tg.draw(lambda x: x * 2, 1.0)
    monkeypatch.setitem(sys.modules, "graphviz", None)
    with pytest.raises(ImportError, match=r'pip install "tinygrad-nn\[viz\]"'):
        graph.save(tmp_path / "graph.dot")
    graph.save(tmp_path / "graph.mmd")


def test_failing_program_is_an_error_with_its_words(monkeypatch):
    if shutil.which("dot") is None:
        pytest.skip("there is no program dot to fail")
    with pytest.raises(RuntimeError, match="syntax error"):
        render.render("digraph { a -> ", "svg")


def test_importing_the_package_imports_no_library_for_drawing():
    code = (
        "import sys, tinygrad_nn as tg; y = tg.Value(2.0) * 3; str(tg.draw(y)); "
        "print([name for name in ('graphviz', 'pygraphviz', 'matplotlib') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# ---- Jupyter, browser, text


def test_jupyter_shows_a_picture_and_text(graph):
    shown = graph._repr_mimebundle_()
    assert shown["image/svg+xml"].startswith("<?xml")
    assert shown["text/plain"] == str(graph)


def test_jupyter_shows_text_where_there_is_no_graphviz(graph, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setitem(sys.modules, "pygraphviz", None)
    (shown,) = graph._repr_mimebundle_().items()
    assert shown[0] == "text/plain"
    assert shown[1].startswith(str(graph))
    assert shown[1].endswith('pip install "tinygrad-nn[viz]")')


def test_show_opens_a_page(graph, monkeypatch):
    opened = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    graph.show()
    (uri,) = opened
    assert uri.startswith("file:")
    assert uri.endswith(".html")


def test_repr_says_how_large_it_is(graph):
    assert repr(graph) == "<Graph of 4 nodes and 3 edges>"


def test_text_is_a_tree_in_the_order_of_the_computation():
    tg.manual_seed(0)
    model = nn.Sequential(nn.Linear(2, 1), nn.Tanh())
    lines = str(tg.draw(model, np.zeros((1, 2)))).splitlines()
    assert [line.split("  mean")[0].rstrip() for line in lines[:4]] == [
        "n0 = x  1 × 2 float64",
        "Sequential, 3 parameters",
        "  0: Linear, 3 parameters",
        "    n1 = weight  1 × 2 float32",
    ]
    assert any(line.startswith("    n3 = linear(n0, n1, n2)") for line in lines)
    assert any(line.startswith("  n4 = tanh(n3)") for line in lines)


def test_mermaid_has_nodes_boxes_edges_and_classes():
    tg.manual_seed(0)
    graph = tg.draw(nn.Sequential(nn.Linear(2, 1)), np.zeros((1, 2)), edge_shapes=True)
    lines = graph.mermaid.splitlines()
    assert lines[0] == "flowchart LR"
    assert '  subgraph m1["Sequential, 3 parameters"]' in lines
    assert "  n0 -->|1 × 2| n3" in lines
    assert any(line.strip().startswith('n1[["weight<br/>') for line in lines)
    assert sum(line.strip() == "end" for line in lines) == 2


def test_direction_is_in_the_sources():
    graph = tg.draw(Value(1.0), direction="TB")
    assert "rankdir=TB" in graph.source
    assert graph.mermaid.startswith("flowchart TB")


def test_edges_have_shapes_when_asked():
    def f(x):
        return x.reshape(6).sum()

    assert 'label="2 × 3"' in tg.draw(f, np.ones((2, 3)), edge_shapes=True).source
    assert 'label="2 × 3"' not in tg.draw(f, np.ones((2, 3))).source
