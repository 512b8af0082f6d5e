"""The benchmarks run, and their sides do the same work; how long they take is tested nowhere."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def benchmarks(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "benchmarks", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("row", ["mlp-2-16-16-2", "chain-numbers", "chain-leaves"])
def test_the_package_does_the_work_of_hand_written_numpy(row, tmp_path):
    results = tmp_path / "results.json"
    finished = benchmarks(row, "--quick", "--peers", "numpy", "--json", str(results))
    assert finished.returncode == 0, finished.stderr
    (measured,) = json.loads(results.read_text())["rows"]
    assert measured["name"] == row
    assert set(measured["sides"]) == {"tinygrad_nn", "numpy"}
    assert not measured["errors"]
    assert len(measured["sides"]["numpy"]["rounds_us"]) == 7


def test_rows_and_peers_are_listed():
    finished = benchmarks("--list")
    assert "mlp-64-128-10" in finished.stdout
    assert "micrograd" in finished.stdout


def test_an_unknown_row_is_an_error():
    finished = benchmarks("nothing")
    assert finished.returncode == 2
    assert "nothing" in finished.stderr
