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
    def read(cls, file: Path) -> "Asset":
        """Return a file under a name that changes with its content, so that it may be kept."""
        body = file.read_bytes()
        name = f"{file.stem}.{blake2b(body, digest_size=8).hexdigest()}{file.suffix}"
        return cls(f"/static/{name}", body, _TYPES[file.suffix])

    def route(self) -> Route:
        """Return the route that answers with it."""

        async def answer(_request: Request) -> Response:
            return Response(self.body, headers=_FOR_EVER, media_type=self.media_type)

        return Route(self.path, answer)


ASSETS: Final = {
    "console.css": Asset.read(_FOLDER / "console.css"),
    "icon.svg": Asset.read(_FOLDER / "icon.svg"),
    "console.js": Asset.read(_FOLDER / "console.js"),
    "htmx.js": Asset.read(_FOLDER / "vendor" / "htmx.js"),
}
