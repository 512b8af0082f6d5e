"""What the README shows, run as it stands there."""

import re
from pathlib import Path
from typing import Any

import pytest

from tinygrad_nn.testing import GradientMismatch, gradcheck

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_code_in_the_readme_runs_and_prints_what_its_comments_say(
    capsys, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert blocks
    names: dict[str, Any] = {"__name__": "readme"}
    exec("\n".join(blocks), names)
    expected = re.findall(r"print\(.*\)  # (.*)", README)
    assert capsys.readouterr().out.split() == expected
    with pytest.raises(GradientMismatch) as caught:
        names["test_gradient_of_the_loss"](gradcheck)
    [shown] = re.findall(r"```text\n(.*?)\n```", README, re.DOTALL)
    assert without_errors(str(caught.value)) == without_errors(shown)


def without_errors(report: str) -> str:
    """`report` without the estimated errors, whose last digits depend on the machine."""
    return re.sub(r"± \S+", "±", report)


def test_the_readme_has_two_commands_that_install_and_run():
    commands = re.findall(r"```sh\n(.*?)\n```", README, re.DOTALL)
    assert len(commands) == 2
    for command in commands:
        assert command.startswith("python3 -m pip install")
        assert "\n" not in command


def test_links_in_the_readme_lead_to_files():
    for link in re.findall(r"\]\(([^)#]+)\)", README):
        if not link.startswith("http"):
            assert (ROOT / link).exists(), link
