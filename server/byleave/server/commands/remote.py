"""Talking to a running server: where it is, with which key, and what it refused."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final
from urllib.parse import quote

import typer

from byleave.server.commands.exits import refuse

if TYPE_CHECKING:  # loaded when a command runs
    from byleave.sdk.http_transport import HttpTransport

Server = Annotated[
    str, typer.Option("--server", envvar="BYLEAVE_SERVER", help="The URL of the server.")
]
Key = Annotated[
    str,
    typer.Option(
        "--key", envvar="BYLEAVE_KEY", help="A key of the site; publishing needs a marketer's."
    ),
]

DEFAULT_SERVER: Final = "http://127.0.0.1:8401"
#: Judging audiences reads the log of many visitors.
_PATIENCE_S: Final = 120


@dataclass(frozen=True)
class Remote:
    """A site on a server, as somebody with a key sees it."""

    url: str
    key: str
    transport: HttpTransport
    role: str

    @classmethod
    def at(cls, url: str, key: str, *, role: str = "marketer") -> Remote:
        """Return the site at a URL; end the command where that is none, or there is no key.

        Args:
            url: The URL.
            key: A key of the site.
            role: Whose key opens all that will be asked for.
        """
        from byleave.sdk.http_transport import HttpTransport

        if not key:
            refuse("no key: give --key, or BYLEAVE_KEY in the environment")
        try:
            return cls(url, key, HttpTransport(url), role)
        except ValueError as error:
            refuse(f"--server: {error}")

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> Any:
        """Return what the server answers; end the command with what it refuses."""
        from byleave.sdk.wire import Question

        sent = b"" if body is None else json.dumps(body).encode()
        told = {
            "authorization": f"Bearer {quote(self.key.strip())}",
            "content-type": "application/json",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        try:
            answer = self.transport.exchange(Question(method, path, told, sent), _PATIENCE_S)
            data: Any = None if answer.status == 204 else json.loads(answer.body)
        except OSError as error:
            refuse(f"{self.url}: no answer: {error}")
        except ValueError:
            refuse(f"{self.url}: expected a Byleave server; its answer is no JSON")
        finally:
            self.transport.close()
        if answer.status >= 400:
            if not isinstance(data, dict):
                refuse(f"{self.url}: {answer.status}, and not as a Byleave server says it")
            for fault in data.get("faults", ()):
                typer.echo(f"{'.'.join(map(str, fault['path']))}: {fault['message']}", err=True)
            said = data.get("detail", data.get("title", ""))
            if answer.status == 403:
                said = f"{said}; `byleave keys create SITE --role {self.role}` makes a key that may"
            refuse(f"{self.url}: {answer.status}: {said}")
        return data
