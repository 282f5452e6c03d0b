"""What outlives the process: the last good snapshot, withdrawals for the server, and images.

Several processes of a site can share one directory. Each file is written whole and synchronised
before it takes its name, so that a crash leaves the old file or the new one. Where the disk
fails, that is logged, and the site goes on with what is in memory.
"""

import hmac
import json
import os
import threading
import time
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path
from typing import Final, TypeVar

from byleave.sdk.failures import report

_Result = TypeVar("_Result")

_SUFFIX: Final = ".withdrawal"
_IMAGE: Final = ".image"
_NEW: Final = ".new"
#: As many as a site may have at a time; the oldest go first.
_MOST_IMAGES: Final = 200
_NS_PER_MS: Final = 1_000_000
_FAILURES: Final = (OSError, ValueError, TypeError)
#: Nobody takes so long to write a file: what is older, a crash left behind.
_WRITTEN_WITHIN_S: Final = 3_600


class StateDir:
    """A directory that belongs to one site; only its owner can read what we put there.

    Args:
        path: Where it is; it is created where it is missing.
        key: The site's server key; it signs the snapshot.
    """

    def __init__(self, path: str | Path, *, key: str) -> None:
        self._path = Path(path)
        self._snapshot = self._path / "snapshot"
        self._key = blake2b(key.encode()).digest()
        self._unread: set[Path] = set()  # the withdrawals that the log has told of

    def clean(self) -> None:
        """Remove what crashes left behind half-written, which may name a visitor."""

        def remove() -> None:
            for file in self._path.glob(f"*{_NEW}"):
                if file.stat().st_mtime < time.time() - _WRITTEN_WITHIN_S:
                    file.unlink(missing_ok=True)

        _tried(remove, "half-written files not removed")

    def snapshot(self) -> tuple[bytes, int] | None:
        """Return the last good snapshot and when it was last confirmed; None where it is not."""

        def load() -> tuple[bytes, int] | None:
            signature, _, body = self._snapshot.read_bytes().partition(b"\n")
            if not hmac.compare_digest(signature, self._signature(body)):
                raise ValueError("the snapshot is damaged, or of another site")
            # The file's time says when the server last confirmed what is in it.
            return body, self._snapshot.stat().st_mtime_ns // _NS_PER_MS

        return _tried(load, "snapshot not read from disk") if self._snapshot.exists() else None

    def keep_snapshot(self, body: bytes, *, now_ms: int) -> None:
        """Keep a snapshot that the server just gave."""

        def keep() -> None:
            self._write(self._snapshot, self._signature(body) + b"\n" + body)
            self._confirm(now_ms)

        _tried(keep, "snapshot not kept on disk")

    def confirm_snapshot(self, *, now_ms: int) -> bool:
        """Note that the server still says the same; return whether a snapshot is kept at all."""
        is_kept = self._snapshot.exists()
        if is_kept:
            _tried(lambda: self._confirm(now_ms), "snapshot not confirmed on disk")
        return is_kept

    def _confirm(self, now_ms: int) -> None:
        os.utime(self._snapshot, ns=(now_ms * _NS_PER_MS, now_ms * _NS_PER_MS))

    def withdrawals(self) -> dict[str, bytes]:
        """Return the withdrawals that wait, by visitor; the log tells once of a damaged one."""
        found: dict[str, bytes] = {}
        if self._path.is_dir():
            for file in sorted(self._path.glob(f"*{_SUFFIX}")):
                try:
                    visitor, body = _parsed(file)
                    found[visitor] = body
                except FileNotFoundError:
                    pass  # another process has just dropped it
                except _FAILURES as error:
                    if file not in self._unread:
                        self._unread.add(file)
                        report("withdrawal not read", error)
        return found

    def keep_withdrawal(self, visitor: str, body: bytes) -> None:
        """Keep a withdrawal until it is dropped; it is on the disk when this returns."""
        text = json.dumps([visitor, body.decode()]).encode()
        _tried(lambda: self._write(self._file_of(visitor), text), "withdrawal not kept on disk")

    def drop_withdrawal(self, visitor: str) -> None:
        """Drop a withdrawal that the server has."""
        file = self._file_of(visitor)
        _tried(lambda: file.unlink(missing_ok=True), "withdrawal not removed from disk")

    def image(self, name: str) -> bytes | None:
        """Return an image that was kept, which may be damaged; None where there is none."""
        file = self._path / (name + _IMAGE)
        return _tried(file.read_bytes, "image not read from disk") if file.exists() else None

    def keep_image(self, name: str, data: bytes) -> None:
        """Keep an image that the server just gave."""

        def keep() -> None:
            self._write(self._path / (name + _IMAGE), data)
            kept = sorted(self._path.glob(f"*{_IMAGE}"), key=lambda file: file.stat().st_mtime_ns)
            for oldest in kept[:-_MOST_IMAGES]:
                oldest.unlink(missing_ok=True)

        _tried(keep, "image not kept on disk")

    def _file_of(self, visitor: str) -> Path:
        return self._path / (blake2b(visitor.encode(), digest_size=16).hexdigest() + _SUFFIX)

    def _signature(self, body: bytes) -> bytes:
        return blake2b(body, key=self._key).hexdigest().encode()

    def _write(self, file: Path, data: bytes) -> None:
        self._path.mkdir(mode=0o700, parents=True, exist_ok=True)
        new = self._path / f"{file.name}.{os.getpid()}.{threading.get_ident()}{_NEW}"
        try:
            with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
                out.write(data)
                out.flush()
                os.fsync(out.fileno())
            new.replace(file)
        finally:
            new.unlink(missing_ok=True)  # where a full disk took a part of it
        # The name is part of the directory, which has to be on the disk as well.
        directory = os.open(self._path, os.O_RDONLY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)


def _parsed(file: Path) -> tuple[str, bytes]:
    visitor, body = json.loads(file.read_bytes())
    return str(visitor), str(body).encode()


def _tried(work: Callable[[], _Result], failure: str) -> _Result | None:
    try:
        return work()
    except _FAILURES as error:
        report(failure, error)
        return None
