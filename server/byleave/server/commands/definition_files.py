"""Definitions as files: new objects get one each, and in those that are there comments stay."""

from __future__ import annotations

from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.representer import RoundTripRepresenter

from byleave.server.commands.formatting import formatted, tree_writer
from byleave.server.commands.yaml_documents import yaml_files
from byleave.server.managing import SITE

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
            self._documents[_SITE_FILE].append(_tree({}))

    def put(self, place: str, before: Any, after: Any) -> None:
        """Have an object be as it is `after`; it was as `before` says. None is not at all."""
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
            written = _tree({_NAMED_BY[section]: key, **after})
            self._documents.setdefault(file, []).append(written)
        else:
            self._changed.add(_SITE_FILE)
            inside = site.setdefault(section, _tree({}))
            _lay(
                inside,
                {} if before is None else {key: before},
                {} if after is None else {key: after},
            )

    def texts(self) -> dict[Path, str]:
        """Return the text of each file that is no longer as it was; '' for one that goes."""
        return {file: _text(self._documents[file]) for file in sorted(self._changed)}

    def _document(self, section: str, key: str) -> tuple[Path, Any] | None:
        """Return the document of its own that an object has, with its file."""
        name = _NAMED_BY.get(section)
        for file, documents in self._documents.items():
            for document in documents:
                if name is not None and document.get(name) == key:
                    return file, document
        return None


def text_of(value: Mapping[str, Any]) -> str:
    """Return plain data as a file of definitions would have it."""
    return _text([_tree(value)])


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
            tree[key] = _tree(new)


class _Plain(RoundTripRepresenter):
    """Writes numbers as definitions are read: with a point before an exponent."""

    def represent_float(self, data: float) -> Any:
        """Write a number."""
        text = repr(data)
        if "." not in text:
            text = text.replace("e", ".0e")
        return self.represent_scalar("tag:yaml.org,2002:float", text)


_Plain.add_representer(float, _Plain.represent_float)


def _tree(value: Any) -> Any:
    """Return plain data as a tree of the words that stand for it."""
    writer = YAML()
    writer.Representer = _Plain
    text = StringIO()
    writer.dump(value, text)
    return tree_writer().load(text.getvalue())


def _text(documents: list[Any]) -> str:
    if not documents:
        return ""
    written = StringIO()
    tree_writer().dump_all(documents, written)
    return formatted(written.getvalue())
