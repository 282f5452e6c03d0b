"""`byleave init`: a first set of definitions that shows something, and the lines that use it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from byleave.server.commands.exits import refuse
from byleave.server.commands.validate import DEFAULT_FOLDER

if TYPE_CHECKING:  # costly: every start of the command line would read it
    from byleave.server.commands.projects import Project

_SLOT: Final = "hero"
_SELECTOR: Final = "h1"
_FIRST: Final = """\
# What is known about visitors of this site, what counts, and what may change.
site: "{site}"
regions: {{default: opt-in}}     # what silence means: no
# So that you see something at once: views are decided before anybody agreed. Nothing is stored
# and nobody is known; take the line out where you judge that even this needs consent.
storage_free_measurement: [default]
events:
  sign_up: {{purposes: [personalisation, analytics], ttl: 400d}}
goals:
  signup: {{event: sign_up, kind: conversion, within: page}}
slots:
  hero: {{kind: content}}
---
# Page views are randomised here; `unit: visitor` remembers who saw what, once they agreed.
# All of them see it, and so it is compared with nothing, of which `byleave validate` warns. Give
# the control a share, such as 10%, to learn what it brings.
experiment: greeting
slot: hero
unit: view
allocate: {{policy: fixed, goal: signup, shares: {{control: 0%, hello: 100%}}}}
goals: {{primary: signup}}
variants:
  control: site
  hello: {{html: "Hello from Byleave"}}  # text with , or : stands between quotes
"""

_ANY_SITE: Final = f"""
No Python application was found in {{root}}. Any other site can have Byleave stand in front of it:

    byleave proxy {{folder}} --to http://127.0.0.1:3000 --slot {_SLOT}={_SELECTOR}

with the site's own address for --to. Files alone are served by

    python -m http.server 3000 --bind 127.0.0.1 --directory FOLDER_OF_HTML

and everything in that folder is public: keep {{folder}} and byleave.db out of it.
"""
_THEN: Final = f"""
Start it: the first <{_SELECTOR}> of each page says something else, on the pages of an admin too.

- To take one block alone, write data-byleave-slot="{_SLOT}" on its element and leave out
  {{selectors}}.
- {{debug}} shows on each page how it was decided.
- curl and headless browsers count as crawlers and see the site's own; as a browser sees it:
  curl -A Mozilla/5.0 {{address}}
- The YAML is read at the start: start again after each change.
"""
_SECRETS: Final = """\
- Before visitors come, add secrets=["..."] of 16 bytes or more: they sign cookies.
- The folder is looked for where the site is started from; elsewhere, give its whole path.
"""  # neither is needed in Django, which has its own secret and BASE_DIR
_OTHER_PYTHON: Final = """\
- A Python application that is made otherwise is wrapped: app = Personalise(app, definitions=...),
  with Personalise from byleave.sdk, or from byleave.sdk.wsgi where it is WSGI.
"""
_PORTS: Final = {"Flask": 5000, "Quart": 5000}


def init(
    folder: Annotated[
        Path, typer.Argument(help="The folder to write byleave.yaml to.")
    ] = DEFAULT_FOLDER,
    site: Annotated[str, typer.Option(help="The name of the site.")] = "my-site",
) -> None:
    """Write a first byleave.yaml, and tell which lines let the project around it use it.

    Nothing is overwritten, and no file of the project is changed.
    """
    from byleave.segments.naming import NAME_RULE, is_name

    if not is_name(site):
        refuse(f"--site: {NAME_RULE}, got {site!r}")
    file = folder / "byleave.yaml"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with file.open("x", encoding="utf-8") as written:
            written.write(_FIRST.format(site=site))
    except FileExistsError:
        refuse(f"{file} is there already; nothing was changed")
    except OSError as error:
        refuse(f"{file}: {error.strerror}")
    typer.echo(f"{file}: written; next, `byleave validate {folder}`", err=True)
    _tell_lines(folder)


def _tell_lines(folder: Path) -> None:
    """Print what to add to the project that holds a folder of definitions."""
    from byleave.server.commands.projects import find_project

    root = folder.resolve().parent
    project = find_project(root, folder.resolve().name, slot=_SLOT, selector=_SELECTOR)
    if project is None:
        here = "this folder" if folder.parent == Path() else str(folder.parent)
        then = _THEN.format(selectors="--slot", debug="--debug", address="http://127.0.0.1:8402/")
        text = _ANY_SITE.format(root=here, folder=folder) + then + _OTHER_PYTHON
        typer.echo(text, err=True, nl=False)
        return
    typer.echo(told(project, folder.parent), nl=False)


def told(project: Project, root: Path) -> str:
    """Return the lines to add, as people read them and can copy them."""
    if not project.places:
        return (
            f"\n{project.framework}. {root / project.file} has Byleave already: nothing to add.\n"
        )
    parts = [f"\n{project.framework}. Add, in this order:\n"]
    for place in project.places:
        lines = "\n".join(place.lines)
        parts.append(f"\n{root / place.file}, below line {place.below}:\n\n{lines}\n")
    is_django = project.framework == "Django"
    parts.append(
        _THEN.format(
            selectors="selectors",
            debug='"debug": True in BYLEAVE' if is_django else "debug=True beside definitions",
            address=f"http://127.0.0.1:{_PORTS.get(project.framework, 8000)}/",
        )
    )
    if not is_django:
        parts.append(_SECRETS)
    count = sum(len(place.lines) for place in project.places)
    parts.append(f"- Without these {count} lines and the folder everything is as it was.\n")
    return "".join(parts)
