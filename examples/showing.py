"""What the examples share: where their pictures go, and the check that they end with."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

try:
    from matplotlib import pyplot as plt
except ImportError as error:
    raise SystemExit(
        f'{error.name} is missing; the examples\' libraries come with: pip install -e ".[examples]"'
    ) from None

__all__ = ["check", "picture_folder", "plt", "save"]

PICTURES = Path(__file__).parent / "pictures"


def picture_folder(description: str | None) -> Path:
    """The folder that --folder names on the command line, or examples/pictures."""
    parser = argparse.ArgumentParser(
        description=(description or "").partition("\n")[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--folder", type=Path, default=PICTURES, help="where to write pictures")
    folder: Path = parser.parse_args().folder.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    os.chdir(PICTURES.parent.parent)  # drawings name source lines from the current directory
    return folder


def save(picture: Any, path: Path) -> None:
    """Write a graph, or the figure that Axes are in."""
    figure = getattr(picture, "figure", None)
    if figure is None:
        picture.save(path)
    else:
        figure.savefig(path, dpi=80)
        plt.close(figure)
    shown = path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path
    print(f"picture: {shown}")


def check(what: str, right: bool) -> None:
    """Print whether it is right, as the last line; end with an error if it is not."""
    print(f"check: {what}: {'right' if right else 'WRONG'}")
    if not right:
        sys.exit(1)
