"""The examples, run as a user runs them."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"


def run(example: str, *arguments: str) -> str:
    """What the example prints."""
    finished = subprocess.run(
        [sys.executable, EXAMPLES / example, *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


def digits(weights: Path, *arguments: str) -> str:
    return run("digits.py", "--quiet", "--weights", str(weights), *arguments)


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    return tmp_path_factory.mktemp("digits") / "new" / "weights.npz"


@pytest.fixture(scope="module")
def printed(weights):
    return digits(weights)


def test_digits_are_read_with_at_least_97_percent_accuracy(printed):
    accuracy = float(printed.partition("test: accuracy ")[2].partition("%")[0])
    assert accuracy >= 97


def test_digits_prints_a_confusion_matrix_of_all_test_pictures(printed):
    rows = [line.partition("|")[2] for line in printed.splitlines() if line[4:5] == "|"]
    counts = np.array([[0 if n == "." else int(n) for n in row.split()] for row in rows])
    assert counts.shape == (10, 10)
    assert counts.sum() == 359
    accuracy = float(printed.partition("test: accuracy ")[2].partition("%")[0])
    assert accuracy == pytest.approx(100 * np.trace(counts) / 359, abs=0.01)


def test_digits_confirms_its_gradients_numerically(printed):
    assert "gradients against numerical ones: right" in printed


def test_digits_saves_its_graph_and_the_course_of_its_loss(printed, weights):
    graph, curve = (
        (weights.parent / f"weights-{name}.svg").read_text() for name in ("graph", "loss")
    )
    for text in ("Sequential", "256 × 64 float32", "label_cross_entropy"):
        assert text in graph
    assert "<svg" in curve


def test_graphs_of_the_readme_are_what_the_script_draws(tmp_path):
    printed = run("draw_graphs.py", "--folder", str(tmp_path))
    for line in printed.splitlines():
        name = line.partition(":")[0]
        kept = (EXAMPLES / "pictures" / name).read_text()
        assert texts(kept) == texts((tmp_path / name).read_text()), name


def texts(svg: str) -> list[str]:
    """What is written in a picture, wherever it stands, but for the digits."""
    found = re.findall(r">([^<>\n]+)</text>", svg)
    return sorted(re.sub(r"[−\d.]+(e−?\d+)?", "#", text) for text in found)


def test_digits_saves_the_weights_of_its_network(printed, weights):
    with np.load(weights) as saved:
        shapes = {name: saved[name].shape for name in saved}
    assert shapes == {
        "0.weight": (256, 64),
        "0.bias": (256,),
        "3.weight": (10, 256),
        "3.bias": (10,),
    }


def test_digits_prints_the_same_twice_with_one_seed_and_else_not(tmp_path):
    def again(seed: str) -> str:
        return digits(tmp_path / "w.npz", "--epochs", "2", "--seed", seed)

    assert again("3") == again("3")
    assert again("3") != again("4")


def test_digits_explains_its_settings():
    assert "--epochs" in run("digits.py", "--help")


def test_custom_primitive_names_the_wrong_rule_and_verifies_the_mended_one():
    printed = run("custom_primitive.py").splitlines()
    assert printed[-1] == (
        "check: culprit [('careless_swish', 'x')], mended: pass, to second order: pass"
    )


# ---- NumPy programs


@pytest.mark.parametrize("example", ["pendulum.py", "gaussian_process.py", "fluid.py"])
def test_examples_of_numpy_programs_check_themselves(example, tmp_path):
    picture = tmp_path / "new" / "picture.png"
    arguments = ["--picture", str(picture)] if example == "fluid.py" else []
    assert run(example, *arguments).splitlines()[-1].endswith(": right")
    if arguments:
        assert picture.read_bytes().startswith(b"\x89PNG")
