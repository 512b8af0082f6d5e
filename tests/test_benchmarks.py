"""The benchmarks run, and their sides do the same work; how long they take is tested nowhere."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import harness, report
from benchmarks.job import LeftOutError
from benchmarks.rows import ROWS, Row, row_named
from benchmarks.sides import COMPILED, EAGER, MODULES, OURS, PEERS, REFERENCE, found
from benchmarks.work import (
    HVP,
    MLP,
    RNN,
    Chain,
    DigitsEpoch,
    Elementwise,
    LogSumExp,
    MoonsEpoch,
    MoonsScalar,
    ScalarGraph,
)

ROOT = Path(__file__).parent.parent
SMALL = [
    MLP((3, 4, 5, 2), batch=6),
    DigitsEpoch((64, 8, 10)),
    MoonsEpoch((2, 4, 1), points=20),
    RNN(steps=4, batch=3, features=2, hidden=5),
    Elementwise(7),
    LogSumExp(examples=8, features=3, classes=4),
    HVP((3, 5, 4), batch=6),
    Chain(leaves=False, length=20),
    Chain(leaves=True, length=20),
    MoonsScalar(points=6, sizes=(2, 3, 1)),
    ScalarGraph(length=20),
]


def benchmarks(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "benchmarks", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )


def two_rounds(name: str, **limits: float) -> harness.Result:
    """A row against NumPy."""
    plan = harness.Plan(**{"rounds": 2, "round_seconds": 0.001} | limits)
    result = harness.run(row_named(name), ["numpy"], plan, lambda text: None)
    assert not result.errors
    assert set(result.left_out) <= {COMPILED}
    return result


@pytest.mark.parametrize("work", SMALL, ids=lambda work: work.name)
def test_the_package_does_the_work_of_hand_written_numpy(work):
    if isinstance(work, DigitsEpoch):
        pytest.importorskip("sklearn")
    reference = work.job(REFERENCE).check()
    for side in OURS:
        if side == EAGER or not isinstance(work, ScalarGraph):  # which is about eager graphs
            assert work.job(side).check() == pytest.approx(reference, rel=harness.TOLERANCE)
    assert len(set(reference)) > 1 or len(reference) == 1


def test_every_timed_kind_of_work_is_among_those():
    kinds = {row.work.kind for row in ROWS if row.unit == "µs a step"}
    assert kinds <= {work.kind for work in SMALL}


@pytest.mark.peers
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("side", [side for side in PEERS if side != REFERENCE])
@pytest.mark.parametrize("work", SMALL, ids=lambda work: work.name)
def test_peers_do_the_work_of_hand_written_numpy(work, side):
    try:
        numbers = work.job(side).check()
    except LeftOutError as reason:
        pytest.skip(str(reason))
    assert numbers == pytest.approx(work.job(REFERENCE).check(), rel=harness.TOLERANCE)


def test_names_of_rows_are_unique():
    assert len({row.name for row in ROWS}) == len(ROWS)


def test_targets_are_set_against_sides_that_exist():
    assert {peer for row in ROWS for _, peer in row.targets} <= set(PEERS)


def test_a_quick_run_writes_its_rounds(tmp_path):
    path = tmp_path / "results.json"
    finished = benchmarks("mlp-2-16-16-2", "--quick", "--peers", "numpy", "--json", str(path))
    assert finished.returncode == 0, finished.stderr
    (data,) = json.loads(path.read_text())["rows"]
    assert data["name"] == "mlp-2-16-16-2"
    assert data["unit"] == "µs a step"
    assert not data["errors"]
    assert set(data["sides"]) == {*OURS, REFERENCE}
    assert len(data["sides"]["numpy"]["rounds"]) == 7


def test_imports_are_measured_in_fresh_processes():
    result = two_rounds("import")
    assert [figures.repetitions for figures in result.figures.values()] == [1, 1]
    # The package imports NumPy too.
    assert 0 < min(result.figures["numpy"].rounds) < max(result.figures[EAGER].rounds)
    assert "import   import in a fresh process" in report.result_text(result)
    assert " ms " in report.result_text(result)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is read from /proc")
def test_memory_of_a_graph_is_measured_by_operation():
    result = two_rounds("memory-node")
    # In lists of Python's numbers, 8 bytes and 24 for every second operation.
    assert all(14 < figure < 40 for figure in result.figures["numpy"].rounds)
    assert all(figure > 40 for figure in result.figures[EAGER].rounds)


def test_a_kind_of_work_that_a_side_lacks_is_left_out():
    with pytest.raises(LeftOutError, match="does not do this row"):
        found(REFERENCE, "nothing")


def test_a_side_that_is_not_installed_is_left_out(monkeypatch):
    monkeypatch.setitem(MODULES, "absent", "absent")
    with pytest.raises(LeftOutError, match="not installed"):
        found("absent", "mlp")


def test_no_round_begins_after_the_time_of_a_row_but_the_fewest():
    result = two_rounds("chain-numbers", rounds=7, fewest=3, row_seconds=0)
    assert [len(figures.rounds) for figures in result.figures.values()] == [3, 3, 3]


def test_ratios_are_taken_within_rounds_and_held_against_targets():
    row = Row(Elementwise(7), {"numpy": 2.0, "torch": 0.5}, {"numpy": 0.5})
    result = harness.Result(row)
    result.figures[EAGER] = harness.Figures("1", rounds=[2.0, 40.0, 6.0])
    result.figures[COMPILED] = harness.Figures("1", rounds=[0.5, 10.0, 9.0])
    result.figures["numpy"] = harness.Figures("2", rounds=[1.0, 20.0, 3.0])
    result.figures["torch"] = harness.Figures("3", rounds=[2.0, 40.0, 6.0])
    assert result.ratios(EAGER, "numpy") == [2.0, 2.0, 2.0]
    assert report.target_met(result, EAGER, "numpy")
    assert not report.target_met(result, EAGER, "torch")
    assert report.target_met(result, EAGER, "jax") is None
    assert report.target_met(result, COMPILED, "numpy")
    assert report.target_met(result, COMPILED, "torch") is None
    missed = "2 of 3 targets met; missed: elementwise-7 (tinygrad_nn / torch)"
    assert report.summary_text([result]) == missed
    text = report.result_text(result)
    assert "target tinygrad_nn-compiled / numpy <= 0.5: met" in text
    assert "eager / side" in text
    (ratio,) = [
        each
        for each in report.as_data({}, [result])["rows"][0]["ratios"]
        if (each["ours"], each["side"]) == (COMPILED, EAGER)
    ]
    assert ratio["quartiles"][1] == 0.25


def test_rows_and_peers_are_listed():
    finished = benchmarks("--list")
    assert "mlp-64-128-10" in finished.stdout
    assert "micrograd" in finished.stdout


def test_an_unknown_row_is_an_error():
    finished = benchmarks("nothing")
    assert finished.returncode == 2
    assert "nothing" in finished.stderr
