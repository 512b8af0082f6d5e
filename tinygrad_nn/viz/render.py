"""Pictures of DOT sources, by Graphviz."""

from __future__ import annotations

import shutil
import subprocess

from .missing import missing

FORMATS = ("svg", "png", "pdf")


def render(source: str, form: str) -> bytes:
    """The picture of a DOT source as "svg", "png" or "pdf".

    The program `dot` draws it where it is on the PATH, or else pygraphviz, which brings Graphviz
    along.
    """
    resolution = ["-Gdpi=144"] if form == "png" else []
    if program := shutil.which("dot"):
        done = subprocess.run(
            [program, f"-T{form}", *resolution], input=source.encode(), capture_output=True
        )
        if done.returncode:
            raise RuntimeError(f"dot failed: {done.stderr.decode(errors='replace').strip()}")
        return done.stdout
    try:
        from pygraphviz import AGraph
    except ImportError as error:
        raise missing("Graphviz", "viz", f"a picture as {form}") from error
    graph = AGraph(string=source)
    if form == "png":
        graph.graph_attr["dpi"] = "144"
    drawn: bytes = graph.draw(format=form, prog="dot")
    return drawn
