"""The files that pages load, all from this server, each under a name that its content gives it.

`static/vendor.json` says where the files of others come from: package, version, licence, and
the SHA-256 of each file. A test compares them.
"""

from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_FOLDER: Final = Path(__file__).parent / "static"
_TYPES: Final = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_FOR_EVER: Final = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(frozen=True, slots=True)
class Asset:
    """A file that pages load."""

    path: str
    body: bytes
    media_type: str

    @classmethod
    def read(cls, *files: str) -> "Asset":
        """Return files, joined, under a name that changes with their content, so they may be kept.

        The name is that of the last one.
        """
        body = b"\n".join((_FOLDER / file).read_bytes() for file in files)
        last = Path(files[-1])
        name = f"{last.stem}.{blake2b(body, digest_size=8).hexdigest()}{last.suffix}"
        return cls(f"/static/{name}", body, _TYPES[last.suffix])

    def route(self) -> Route:
        """Return the route that answers with it."""

        async def answer(_request: Request) -> Response:
            return Response(self.body, headers=_FOR_EVER, media_type=self.media_type)

        return Route(self.path, answer)


ASSETS: Final = {
    "console.css": Asset.read("theme.css", "figures.css", "console.css"),
    "console.js": Asset.read("console.js"),
    "htmx.js": Asset.read("vendor/htmx.js"),
    "icon.svg": Asset.read("icon.svg"),
}

#: What a figure needs in a file of its own.
FIGURE_STYLE: Final = "".join(
    (_FOLDER / name).read_text(encoding="utf-8") for name in ("theme.css", "figures.css")
)
