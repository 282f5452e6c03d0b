"""Definitions as files: new objects get one each, and in those that are there comments stay."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from byleave.server.amending import amended
from byleave.server.layout import text_of_trees, tree_of, tree_writer
from byleave.server.managing import SITE
from byleave.server.yaml_documents import yaml_files

#: The key that names an object which has a document of its own, by section.
_NAMED_BY: Final = {"segments": "segment", "journeys": "journey", "experiments": "experiment"}
_SITE_FILE: Final = Path("byleave.yaml")


class DefinitionFiles:
    """The YAML files of a folder, as trees in which words and comments stay as they are."""

    def __init__(self, root: Path) -> None:
        """Read a folder; one that is not there yet has no files."""
        self._documents: dict[Path, list[Any]] = {_SITE_FILE: []}
        self._changed: set[Path] = set()
        for file in yaml_files(root) if root.is_dir() else ():
            trees = tree_writer().load_all(file.read_text(encoding="utf-8"))
            self._documents[file.relative_to(root)] = [each for each in trees if each is not None]
        if not self._documents[_SITE_FILE]:
            self._documents[_SITE_FILE].append(tree_of({}))

    def put(self, place: str, before: Any, after: Any, text: str = "") -> None:
        """Have an object be as it is `after`; it was as `before` says. None is not at all.

        A file that is new has the comments of `text`, which may say what was once.
        """
        section, _, key = place.partition(".")
        site = self._documents[_SITE_FILE][0]
        found = self._document(section, key)
        if place == SITE:
            self._changed.add(_SITE_FILE)
            _lay(site, before or {}, after)
        elif found is not None:
            file, document = found
            self._changed.add(file)
            if after is None:
                self._documents[file].remove(document)
            else:
                _lay(document, before, after)
        elif before is None and section in _NAMED_BY:
            file = Path(section, f"{key}.yaml")
            self._changed.add(file)
            wanted = {_NAMED_BY[section]: key, **after}
            written = tree_writer().load(amended(text, wanted)) if text else tree_of(wanted)
            self._documents.setdefault(file, []).append(written)
        else:
            self._changed.add(_SITE_FILE)
            inside = site.setdefault(section, tree_of({}))
            _lay(
                inside,
                {} if before is None else {key: before},
                {} if after is None else {key: after},
            )

    def texts(self) -> dict[Path, str]:
        """Return the text of each file that is no longer as it was; '' for one that goes."""
        return {file: text_of_trees(self._documents[file]) for file in sorted(self._changed)}

    def _document(self, section: str, key: str) -> tuple[Path, Any] | None:
        """Return the document of its own that an object has, with its file."""
        name = _NAMED_BY.get(section)
        for file, documents in self._documents.items():
            for document in documents:
                if name is not None and document.get(name) == key:
                    return file, document
        return None


def _lay(tree: Any, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    """Change in a tree what is not as it was."""
    for key in [*after, *(key for key in before if key not in after)]:
        old, new = before.get(key), after.get(key)
        if old == new:
            continue
        if new is None:
            tree.pop(key, None)
        elif isinstance(old, Mapping) and isinstance(new, Mapping) and hasattr(tree.get(key), "lc"):
            _lay(tree[key], old, new)
        else:
            tree[key] = tree_of(new)
