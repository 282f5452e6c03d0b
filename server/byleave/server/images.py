"""The images that people uploaded for a site's variants to show."""

from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Row, delete, func, select

from byleave.sdk.images import IMAGES_PATH, name_of, names_in
from byleave.server import schema
from byleave.server.audit import Action, note
from byleave.server.batches import add_rows
from byleave.server.errors import ConflictError, UnknownNameError
from byleave.server.image_bytes import Flaw, ImageError, cleaned
from byleave.server.publishing import newest_definitions
from byleave.server.sites import Site
from byleave.server.storage import Storage

#: The longest image that is taken, and how many a site may have, in number and in bytes.
MOST_BYTES: Final = 1_048_576
MOST_IMAGES: Final = 200
MOST_BYTES_IN_ALL: Final = 67_108_864

_LONGEST_FILE_NAME: Final = 100
_TABLE: Final = schema.images
_TOLD: Final = [column for column in _TABLE.c if column.name not in ("site", "data")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """An image, without its bytes.

    Attributes:
        image: Its name, which follows from its bytes.
        file: What the file was called that was uploaded first.
        width: How wide it is, in pixels.
        height: How high it is, in pixels.
        size: How long it is, in bytes.
        author: Who uploaded it first.
        at_ms: When.
    """

    image: str
    file: str
    width: int
    height: int
    size: int
    author: str
    at_ms: int

    @property
    def address(self) -> str:
        """Where the site shows it."""
        return IMAGES_PATH + self.image


class Images:
    """The images of a site."""

    def __init__(self, storage: Storage, site: Site, *, clock: Callable[[], int]) -> None:
        """Look after the images of a site in a store."""
        self._storage = storage
        self._site = site
        self._clock = clock
        self._own = _TABLE.c.site == site.key

    def all(self) -> list[Image]:
        """Return the images, the newest first."""
        wanted = select(*_TOLD).where(self._own).order_by(_TABLE.c.at_ms.desc(), _TABLE.c.image)
        with self._storage.reading() as connection:
            return [_image(row) for row in connection.execute(wanted)]

    def data(self, name: str) -> bytes | None:
        """Return the bytes of an image; None where the site has none of this name."""
        wanted = select(_TABLE.c.data).where(self._own, _TABLE.c.image == name)
        with self._storage.reading() as connection:
            found: str | None = connection.scalar(wanted)
        return None if found is None else b64decode(found)

    def add(self, data: bytes, *, file: str, author: str) -> Image:
        """Keep an image without what may tell of a person; the same again is the same image.

        Raises:
            ImageError: It is not taken.
        """
        if len(data) > MOST_BYTES:
            raise ImageError(Flaw.BYTES)
        picture = cleaned(data)
        image = Image(
            image=name_of(picture.data, picture.kind),
            file=_file_name(file),
            width=picture.width,
            height=picture.height,
            size=len(picture.data),
            author=author,
            at_ms=self._clock(),
        )
        with self._storage.writing() as connection:
            known = connection.execute(
                select(*_TOLD).where(self._own, _TABLE.c.image == image.image)
            ).one_or_none()
            if known is not None:
                return _image(known)
            self._refuse_more(connection, image.size)
            told = [getattr(image, column.name) for column in _TOLD]
            row = [self._site.key, *told, b64encode(picture.data).decode()]
            add_rows(connection, _TABLE, [row])
            self._note(connection, Action.IMAGE_ADDED, image.image, author)
        return image

    def remove(self, name: str, *, author: str) -> None:
        """Remove an image that nothing shows.

        Raises:
            ConflictError: The newest definitions or a draft show it.
            UnknownNameError: The site has none of this name.
        """
        with self._storage.writing() as connection:
            if name in self._used(connection):
                raise ConflictError("a variant shows this image")
            gone = delete(_TABLE).where(self._own, _TABLE.c.image == name)
            if not connection.execute(gone).rowcount:
                raise UnknownNameError("this site has no such image")
            self._note(connection, Action.IMAGE_REMOVED, name, author)

    def used(self) -> frozenset[str]:
        """Return the names of those that the newest definitions or a draft show."""
        with self._storage.reading() as connection:
            return self._used(connection)

    def _used(self, connection: Connection) -> frozenset[str]:
        newest = newest_definitions(connection, self._site)
        drafts = select(schema.drafts.c.definitions).where(schema.drafts.c.site == self._site.key)
        texts = [newest.definitions if newest else "", *connection.scalars(drafts)]
        return frozenset(name for text in texts for name in names_in(text))

    def _refuse_more(self, connection: Connection, size: int) -> None:
        number, total = connection.execute(
            select(func.count(), func.coalesce(func.sum(_TABLE.c.size), 0)).where(self._own)
        ).one()
        if number >= MOST_IMAGES or total + size > MOST_BYTES_IN_ALL:
            raise ImageError(Flaw.FULL)

    def _note(self, connection: Connection, action: Action, name: str, author: str) -> None:
        note(connection, self._site, action, author=author, subject=name, now_ms=self._clock())


def _image(row: Row[Any]) -> Image:
    return Image(**row._mapping)


def _file_name(given: str) -> str:
    """Return what a file is called, of what a browser says: no folders, nothing unprintable."""
    last = given.replace("\\", "/").rpartition("/")[2]
    shown = "".join(each for each in last if each.isprintable()).strip()
    return shown[-_LONGEST_FILE_NAME:] or "image"
