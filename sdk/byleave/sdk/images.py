"""Images that people uploaded: what their names say, and those that a site has at hand.

An image is named by what it is: the SHA-256 of its bytes and its kind. So a name never comes to
mean another image, whoever hands one over is checked, and browsers may keep it for good.
"""

import re
from collections import OrderedDict
from collections.abc import Mapping
from hashlib import sha256
from threading import Lock
from typing import Final

#: Where the site itself shows them: what a variant holds is this and a name.
IMAGES_PATH: Final = "/.byleave/images/"

#: The media type of each kind, by the ending of its names.
MEDIA_TYPES: Final[Mapping[str, str]] = {
    "avif": "image/avif",
    "gif": "image/gif",
    "jpg": "image/jpeg",
    "png": "image/png",
    "webp": "image/webp",
}

NAME: Final = rf"[0-9a-f]{{64}}\.(?:{'|'.join(MEDIA_TYPES)})"
_ADDRESS: Final = re.compile(rf"{re.escape(IMAGES_PATH)}({NAME})")

#: Loads nothing and runs nothing, whatever somebody hid in an image and opens as a page.
SHOWN_ALONE: Final = (
    ("content-security-policy", "default-src 'none'; sandbox"),
    ("x-content-type-options", "nosniff"),
)

_MOST_BYTES: Final = 16 * 1_048_576


def name_of(data: bytes, kind: str) -> str:
    """Return the name of an image of one of the kinds."""
    return f"{sha256(data).hexdigest()}.{kind}"


def media_type(name: str) -> str:
    """Return the media type of a named image."""
    return MEDIA_TYPES[name.rpartition(".")[2]]


def is_name(text: str) -> bool:
    """Return whether a text may be the name of an image."""
    return re.fullmatch(NAME, text) is not None


def is_named(data: bytes, name: str) -> bool:
    """Return whether these are the bytes that a name is of."""
    return name.startswith(sha256(data).hexdigest())


def names_in(text: str) -> list[str]:
    """Return the names of the images whose addresses stand in a text, each once."""
    return [*dict.fromkeys(_ADDRESS.findall(text))]


class AtHand:
    """Images in memory, 16 MiB at most: the one that was wanted least lately goes first."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._images: OrderedDict[str, bytes] = OrderedDict()
        self._bytes = 0

    def get(self, name: str) -> bytes | None:
        """Return an image; None where it is not at hand."""
        with self._lock:
            if name in self._images:
                self._images.move_to_end(name)
            return self._images.get(name)

    def keep(self, name: str, data: bytes) -> None:
        """Have an image at hand."""
        with self._lock:
            self._bytes += len(data) - len(self._images.pop(name, b""))
            self._images[name] = data
            while self._bytes > _MOST_BYTES:
                self._bytes -= len(self._images.popitem(last=False)[1])
