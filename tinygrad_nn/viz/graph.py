"""Graph: what `draw` returns, to be saved, shown, or read."""

from __future__ import annotations

import os
import secrets
import shutil
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
        nodes, edges = (
            f"{count:,} {what}{'s' if count != 1 else ''}"
            for count, what in ((shown, "node"), (len(self.view.edges), "edge"))
        )
        return f"<Graph of {nodes} and {edges}>"

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        try:
            picture = render.render(self.source, "svg").decode()
        except ImportError as error:
            return {"text/plain": f"{self}\n({error})"}
        return {"image/svg+xml": picture, "text/plain": str(self)}

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the drawing to a file, in the format that its suffix says.

        `.svg`, `.png` and `.pdf` are pictures; `.dot` and `.mmd` (Mermaid) sources; `.html` is a
        page to explore it in. Raises ValueError for another suffix, OSError where the file cannot
        be written. If anything fails, a file that was there is left as it was.
        """
        path = Path(path)
        content = self._content(path.suffix.lower())
        if not path.parent.is_dir():
            raise FileNotFoundError(f"no directory {str(path.parent)!r} to save {path.name} in")
        if path.is_dir():
            raise IsADirectoryError(f"{str(path)!r} is a directory")
        path = path.resolve()  # a link stays one
        new = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        try:
            new.write_bytes(content)
            if path.exists():
                shutil.copymode(path, new)
            os.replace(new, path)
        except BaseException:
            new.unlink(missing_ok=True)
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
