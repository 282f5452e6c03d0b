"""How Sphinx makes pages of this folder: `make docs`."""

import re

from sphinx.application import Sphinx

project = "Byleave"
copyright = "The Byleave authors"
extensions = ["myst_parser"]
myst_heading_anchors = 3
html_theme = "furo"
html_title = "Byleave"
html_copy_source = False


def add_contents(app: Sphinx, name: str, source: list[str]) -> None:
    """Make a table of contents of each list of links in the index, which stays plain Markdown."""
    if name != "index":
        return
    for title, links in re.findall(r"^## (.+?):.*\n\n((?:- .+\n)+)", source[0], re.MULTILINE):
        pages = "\n".join(re.findall(r"\]\((.+?)\.md\)", links))
        source[0] += f"\n```{{toctree}}\n:hidden:\n:caption: {title}\n\n{pages}\n```\n"


def setup(app: Sphinx) -> None:
    """Connect to Sphinx."""
    app.connect("source-read", add_contents)
