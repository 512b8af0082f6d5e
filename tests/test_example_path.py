"""The path through the examples, each run as a user runs it, against the documents' numbers."""

import math
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

EXAMPLES = Path(__file__).parent.parent / "examples"
README = (EXAMPLES / "README.md").read_text(encoding="utf-8")
# By script, what its section shows, in the order of the path.
SECTIONS = re.split(r"^## ", README, flags=re.MULTILINE)[1:]
PICTURES = {
    match[1]: re.findall(r"!\[.+\]\(pictures/(.+)\)", section)
    for section in SECTIONS
    if (match := re.match(r"\d+\. .*\[(\w+)\.py\]", section))
}


@pytest.fixture
def run(tmp_path):
    """What an example prints, once it is seen to be right and to draw what the path shows."""

    def printed(name: str) -> str:
        folder = tmp_path / "pictures"
        finished = subprocess.run(
            [sys.executable, EXAMPLES / f"{name}.py", "--folder", folder],
            capture_output=True,
            text=True,
            check=False,
            cwd=tmp_path,
        )
        assert finished.returncode == 0, finished.stdout + finished.stderr
        last = finished.stdout.splitlines()[-1]
        assert last.startswith("check: ")
        assert last.endswith(": right")
        assert sorted(path.name for path in folder.iterdir()) == sorted(PICTURES[name])
        for picture in folder.iterdir():
            beginning = b"\x89PNG" if picture.suffix == ".png" else b"<?xml"
            assert picture.read_bytes().startswith(beginning)
            assert picture.stat().st_size > 1000
        return finished.stdout

    return printed


def numbers(text: str) -> list[float]:
    return [float(number) for number in re.findall(r"-?\d+\.?\d*(?:e[-+]\d+)?", text)]


def line_of(printed: str, start: str) -> str:
    """What follows `start` in the one line that begins with it."""
    (line,) = (line for line in printed.splitlines() if line.startswith(start))
    return line.removeprefix(start)


def test_every_example_is_on_the_path():
    linked = set(re.findall(r"\((\w+\.py)\)", README))
    assert linked == {path.name for path in EXAMPLES.glob("*.py")} - {"showing.py"}
    for pictures in PICTURES.values():
        assert all((EXAMPLES / "pictures" / picture).is_file() for picture in pictures)


def test_gates_have_their_tables_and_the_adder_adds(run, tmp_path):
    printed = run("gates")
    assert re.search(r"^0 0 \| +1 +0 +0 +0$", printed, re.MULTILINE)
    assert re.search(r"^1 1 \| +0 +1 +1 +0$", printed, re.MULTILINE)
    sums = re.findall(r"^(\d) \+ (\d) \+ (\d) = (\d\d) in binary$", printed, re.MULTILINE)
    assert len(sums) == 8
    for a, b, c, total in sums:
        assert int(total, 2) == int(a) + int(b) + int(c)
    drawn = (tmp_path / "pictures" / "gates.svg").read_text()
    assert drawn.count("AndNot</text>") == 4


def test_perceptron_finds_the_elephant_in_all_forms(run, tmp_path):
    printed = run("elephant")
    rows = [numbers(line) for line in printed.splitlines() if " | " in line][1:]
    assert rows == [
        [1000, 5, 2, 2006, 1, 1, 1, 1],
        [200, 3, 1, 403.5, 0, 0, 0, 0],
        [30, 2, 2, 63, 0, 0, 0, 0],
    ]
    assert "x0 = -1 before the features, the weights are [1000.0, 2.0, 1.0, 0.5]" in printed
    assert "x0 = 1 before the features, the weights are [-1000.0, 2.0, 1.0, 0.5]" in printed
    drawn = (tmp_path / "pictures" / "elephant.svg").read_text()
    for text in ("data 1000, 5, 2", "data 2, 1, 0.5", "data 2006", "−1000", "data 1006"):
        assert text in drawn


def test_sigmoid_agrees_with_the_step_far_from_0_and_changes_little_near_it(run):
    printed = run("step_and_sigmoid")
    rows = [numbers(line) for line in printed.splitlines() if re.match(r"^ *-?[\d.]+ ", line)]
    assert len(rows) == 9
    for z, step, slope_of_step, y, slope, product in rows:
        assert (step, slope_of_step) == (z > 0, 0)
        assert abs(y - step) < (1e-4 if abs(z) >= 10 else 0.5)
        assert y == pytest.approx(1 / (1 + math.exp(-z)), abs=1e-6)
        assert slope == product
        assert slope == pytest.approx(1 / (2 + math.exp(z) + math.exp(-z)), rel=1e-3)
    assert "weight from -0.01 to 0.01: step from 0 to 1\n" in printed
    assert "weight from -0.01 to 0.01: sigmoid from 0.4975 to 0.5025\n" in printed


def test_delta_rule_prints_the_documents_numbers_to_the_last_digit(run):
    printed = run("delta_rule")
    rounds = [line for line in printed.splitlines() if line.startswith("round ")]
    assert [line.partition(":")[0].split()[1] for line in rounds] == [str(n) for n in range(1, 21)]
    errors = [line.rpartition(" ")[2] for line in rounds]
    assert errors[:4] == [
        "0.38439999999999985",
        "0.2712326399999999",
        "0.19138175078399997",
        "0.13503896335319035",
    ]
    assert errors[19] == "0.0005097957955105112"
    assert "weight afterwards: 1.7025848182730323, times 0.4 = 0.681033927309213\n" in printed


def test_smallest_network_has_the_same_derivatives_by_hand_and_by_backward(run, tmp_path):
    printed = run("smallest_network")
    found = {}
    for line in printed.splitlines():
        if line.startswith("dE/d"):
            by_hand, by_backward = line.rpartition(" = ")[2].split()
            assert float(by_hand) == pytest.approx(float(by_backward), rel=1e-14)
            found[line.split()[0]] = float(by_backward)
    x, w0, w1, y = 1.5, 0.8, -0.6, 0.9
    a0 = 1 / (1 + math.exp(-x * w0))
    a1 = 1 / (1 + math.exp(-a0 * w1))
    assert list(found) == ["dE/da1", "dE/dz1", "dE/dw1", "dE/da0", "dE/dz0", "dE/dw0"]
    assert found["dE/dw1"] == pytest.approx((a1 - y) * a1 * (1 - a1) * a0, rel=1e-14)
    assert found["dE/dw0"] == pytest.approx(
        (a1 - y) * a1 * (1 - a1) * w1 * a0 * (1 - a0) * x, rel=1e-14
    )
    assert "gradcheck of error_by_weights: PASSED" in printed
    drawn = (tmp_path / "pictures" / "smallest_network.svg").read_text()
    for text in ("z0", "a0", "z1", "a1", "data 0.8", f"grad {found['dE/dw0']:.4g}"):
        assert text in drawn


def test_three_two_one_perceptron_ends_at_the_documents_error_and_prediction(run):
    printed = run("three_two_one")
    assert re.search(r"after \d+ rounds the squared error is 5\.2e-06, ", printed)
    assert "the prediction is 0.2977, the target 0.3\n" in printed
    difference = re.search(r"on 1000 random inputs the outputs differ by at most (\S+)\n", printed)
    assert float(difference[1]) < 1e-15


def test_both_ways_to_learn_go_down_the_error_surface(run):
    printed = run("error_surface")
    for name in ("batch", "online"):
        start, end, w1, w2 = numbers(line_of(printed, f"{name}: from E ="))
        assert start == 3.125  # 1/2 (-1.5 - 1)^2 + 1/2 (1 - 1)^2
        assert end < 1e-6
        assert (w1, w2) == pytest.approx((1, 1), abs=1e-3)


def test_squared_error_stalls_and_cross_entropy_does_not(run):
    printed = run("stalling")
    assert printed.startswith("t = 1, y = 0.0000001\n")
    expected = -0.0000001 * (1 - 0.0000001) ** 2  # -x y (1 - y) (t - y)
    assert numbers(line_of(printed, "squared error  ")) == pytest.approx([expected] * 2, rel=1e-8)
    for of in ("cross-entropy  ", "cross-entropy of a softmax"):
        assert numbers(line_of(printed, of)) == [-0.9999999] * 2  # y - t
    assert line_of(printed, "squared error:").startswith(" 0.5000 -> 0.5000")
    assert line_of(printed, "cross-entropy:").startswith(" 16.1181 -> 0.0")  # ln 10^7


def test_xor_takes_two_layers(run):
    printed = run("xor")
    assert "not converged" in line_of(printed, "perceptron rule:")
    assert "the best single neuron is right for 3 of 4\n" in printed
    assert line_of(printed, "of the 16 tables").endswith("all but 0110 and 1001")
    for a, b in ((0, 0), (0, 1), (1, 0), (1, 1)):
        assert numbers(line_of(printed, f"{a} XOR {b}:")) == pytest.approx([a ^ b], abs=0.1)


def test_dropout_gives_the_printed_vector_and_reads_unseen_digits_better(run):
    printed = run("dropout")
    for name, row in (
        ("outputs  ", [0.5, 2, 4, 0.6, 0.11, 0.43, 0.67, 0.78, 0.3, 0.8]),
        ("dropped  ", [1, 4, 0, 0, 0.22, 0.86, 0, 0, 0.6, 0]),
        ("gradients", [2, 2, 0, 0, 2, 2, 0, 0, 2, 0]),
    ):
        assert numbers(line_of(printed, name)) == row
    _, without = numbers(line_of(printed, "unseen digits, no dropout:"))
    _, with_dropout = numbers(line_of(printed, "unseen digits, dropout:"))
    assert with_dropout < 0.85 * without


def test_race_is_won_by_slopes_and_lost_by_brute_force(run):
    lines = run("race").splitlines()[1:8]
    taken = {line[:22].strip(): float(line[22:].split()[0].replace(",", "")) for line in lines}
    order = ["delta rule, batch", "backpropagation", "numerical gradient"]
    order += ["hill climbing", "brute force"]
    assert (np.diff([taken[name] for name in order]) > 0).all()
    rounds = taken["delta rule, batch"]
    assert taken["backpropagation"] == 3 * (rounds + 1)
    assert taken["numerical gradient"] == 5 * rounds + 1


def test_moons_are_told_apart(run):
    assert "after 100 steps: accuracy 100%" in run("moons")


def test_the_learned_curve_is_nearer_to_the_sine_than_the_points_are(run):
    noise, off = numbers(line_of(run("noisy_sine"), "from the true sine:"))
    assert noise == 0.2
    assert off < noise / 3
