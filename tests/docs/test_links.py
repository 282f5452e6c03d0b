"""Links in the documentation lead somewhere."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

LINK = re.compile(r"(?<!!)\[[^\]]*\]\((?P<target>[^)\s]+)\)|!\[[^\]]*\]\((?P<image>[^)\s]+)\)")


def anchors(page: Any) -> set[str]:
    """Return what a heading can be linked by: its words, in lower case, joined by hyphens."""
    headings = re.findall(r"^#+ (.+)$", page.prose, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_link_leads_to_a_file_and_a_heading(page: Any, page_at: Callable[[str], Any]) -> None:
    root = Path(page.path).parents[page.name.count("/")]
    broken = []
    for match in LINK.finditer(page.prose):
        target, _, anchor = (match["target"] or match["image"]).partition("#")
        if "://" in target:
            continue
        file = (page.path.parent / target).resolve() if target else page.path
        if not file.exists():
            broken.append(target)
        elif anchor and anchor not in anchors(page_at(file.relative_to(root).as_posix())):
            broken.append(f"{target}#{anchor}")

    assert broken == []


def test_every_page_can_be_reached_from_the_readme(pages: list[Any]) -> None:
    by_path = {page.path: page for page in pages}
    reached, waiting = set(), [pages[0].path]
    while waiting:
        path = waiting.pop()
        if path in reached or path not in by_path:
            continue
        reached.add(path)
        links = (match["target"] or "" for match in LINK.finditer(by_path[path].prose))
        waiting += [(path.parent / link.partition("#")[0]).resolve() for link in links]

    assert sorted(page.name for path, page in by_path.items() if path not in reached) == []


def test_an_external_link_is_encrypted(page: Any) -> None:
    assert re.findall(r"\(http://(?!localhost|127\.0\.0\.1)\S+\)", page.prose) == []


def test_the_list_for_language_models_is_the_index() -> None:
    root = Path(__file__).parents[2]
    listed = (root / "llms.txt").read_text(encoding="utf-8")
    index = (root / "docs" / "index.md").read_text(encoding="utf-8")

    _, _, pages = index.partition("\n## ")
    assert listed.endswith("\n## " + pages.replace("](", "](docs/"))
