"""The builder of segments as somebody has it before them, for tests."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from selectolax.lexbor import LexborHTMLParser
from starlette.testclient import TestClient

from byleave.server.console.drafting import state
from byleave.server.service import Service

NEW = "-/new"
BUYERS = {
    "key": "buyers",
    "title": "Buyers",
    "because": "You bought something",
    "use": "personalisation",
    "r-group": "all",
    "r.0-reads": "event:purchase",
    "r.0-measure": "count",
    "r.0-at_least": "2",
    "r.0-within": "30",
    "r.0-within_unit": "d",
    "reason": "They come back",
}


def defined(service: Service) -> dict[str, Any]:
    found: dict[str, Any] = service.library.version(service.library.newest())[1]["segments"]
    return found


def sends(marketer: TestClient, service: Service, root: str, section: str) -> Callable[..., str]:
    """Return what sends a form with the newest version and the draft's state, as pages do."""

    def post(path: str, values: Mapping[str, str], *, status: int = 200) -> str:
        held = state(service, section, path.partition("/")[0])
        sent = {"expected": service.library.newest(), "draft": held, **values}
        answer = marketer.post(f"{root}/{path}", data=sent)
        assert answer.status_code == status
        return answer.text

    return post


class Page:
    """The builder as somebody has it before them: its fields, and what they change in them."""

    def __init__(self, marketer: TestClient, path: str) -> None:
        self.path = f"/console/segments/{path}"
        self._client = marketer
        self._take(marketer.get(self.path).text)

    def _take(self, html: str) -> None:
        self.html = html
        form = LexborHTMLParser(html).css_first("main form")
        self.path = str(form.attributes["action"]) if form else self.path
        self.fields = dict(fields_in(html))

    def send(self, doing: str, **changed: str) -> str:
        """Press a button after some changes, and return the YAML that the page then shows."""
        named = {name.replace("__", "-").replace("_0_", ".0-"): v for name, v in changed.items()}
        answer = self._client.post(self.path, data=self.fields | named | {"do": doing})
        self.status = answer.status_code
        self._take(answer.text)
        return self.fields.get("text", "").replace("\r\n", "\n")


def fields_in(html: str) -> Iterator[tuple[str, str]]:
    """Yield the names and values of the fields of a page's form."""
    for field in LexborHTMLParser(html).css("main form [name]"):
        name = field.attributes["name"] or ""
        if field.tag == "select":
            chosen = field.css_first("option[selected]") or field.css_first("option")
            yield name, (chosen.attributes["value"] if chosen else "") or ""
        elif field.tag == "textarea":
            yield name, field.text().removeprefix("\n")
        elif field.tag == "input" and "checkbox" not in str(field.attributes.get("type")):
            yield name, field.attributes.get("value") or ""
