"""Graph: what `draw` returns, to be saved, shown, or read."""

from __future__ import annotations

import os
import tempfile
import webbrowser
from functools import cached_property
from pathlib import Path

from . import render
from .dot import dot
from .fold import View
from .mermaid import mermaid
from .page import page
from .picture import Picture
from .style import Style
from .text import text


class Graph:
    """A drawing of a computation.

    Jupyter shows it; `save` writes it to a file, `show` opens it, `str` gives a tree of text.
    """

    def __init__(self, picture: Picture, view: View, style: Style) -> None:
        self.picture = picture
        self.view = view
        self.style = style

    @cached_property
    def source(self) -> str:
        """The drawing in the DOT language."""
        return dot(self.view, self.style)

    @cached_property
    def mermaid(self) -> str:
        """The drawing in the language of Mermaid, for README files."""
        return mermaid(self.view, self.style)

    def __str__(self) -> str:
        return text(self.view)

    def __repr__(self) -> str:
        shown = sum(1 for _ in self.view.root.everything())
        return f"<Graph of {shown} nodes and {len(self.view.edges)} edges>"

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        try:
            picture = {"image/svg+xml": render.render(self.source, "svg").decode()}
        except ImportError:
            picture = {}
        return {**picture, "text/plain": str(self)}

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the drawing to a file, in the format that its suffix says.

        `.svg`, `.png` and `.pdf` are pictures; `.dot` and `.mmd` (Mermaid) sources; `.html` is a
        page to explore it in. Raises ValueError for another suffix. If anything fails, a file that
        was there is left as it was.
        """
        path = Path(path)
        content = self._content(path.suffix.lower())
        handle, name = tempfile.mkstemp(dir=path.parent, suffix=path.suffix)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(content)
            os.chmod(name, 0o666 & ~_umask())
            os.replace(name, path)
        except BaseException:
            os.unlink(name)
            raise

    def _content(self, suffix: str) -> bytes:
        form = suffix.removeprefix(".")
        if form in render.FORMATS:
            return render.render(self.source, form)
        if form == "dot":
            return self.source.encode()
        if form == "mmd":
            return self.mermaid.encode()
        if form == "html":
            return page(self.picture, self.view, self.style).encode()
        known = ", ".join(f".{known}" for known in (*render.FORMATS, "dot", "mmd", "html"))
        raise ValueError(f"cannot save a graph as {suffix or 'a file without suffix'}: {known}")

    def show(self) -> None:
        """Open the drawing in the browser, as a page to explore it in."""
        folder = Path(tempfile.mkdtemp(prefix="tinygrad_nn-"))
        self.save(folder / "graph.html")
        webbrowser.open((folder / "graph.html").as_uri())


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
