"""The images of a site that has a server: at hand, on its own disk, or asked of the server."""

import time
from collections.abc import Callable, Container
from threading import Lock
from typing import Final

from byleave.sdk.asking import Asking, LeftAloneError
from byleave.sdk.images import AtHand, is_named
from byleave.sdk.state_dir import StateDir
from byleave.sdk.wire import Answer

#: How long a visitor's browser waits for an image that is not here yet.
_TIMEOUT_S: Final = 2.0
#: The server is asked for so many images that no definition shows, all at once and then evenly.
_AT_ONCE: Final = 50
_EVERY_S: Final = 0.2


class ImageStore:
    """Images by name, each compared with its name before anybody sees it.

    Names that nothing shows can be made up without end, so that the server is asked for few of
    them; those of older pages, of previews and of templates are among these.

    Args:
        asking: The way to the server.
        state_dir: Where images outlive the process, so that an outage takes none away.
        monotonic: Seconds that only grow.
    """

    def __init__(
        self,
        asking: Asking,
        state_dir: StateDir | None,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._asking = asking
        self._state_dir = state_dir
        self._monotonic = monotonic
        self._at_hand = AtHand()
        self._lock = Lock()
        self._until_s = 0.0

    async def image(self, name: str, *, shown: Container[str]) -> bytes | None:
        """Return an image; None where the site has none of this name.

        Args:
            name: Its name.
            shown: Those that the definitions in force show.

        Raises:
            OSError: It is not here, and there was no good answer in time.
        """
        data = self._at_hand.get(name) or self._kept(name)
        if data is None and (name in shown or self._may_ask()):
            data = await self._asking.told(
                f"/v1/images/{name}", lambda answer: _checked(name, answer), timeout_s=_TIMEOUT_S
            )
            if data is not None and self._state_dir is not None:
                self._state_dir.keep_image(name, data)
        elif data is None:
            raise LeftAloneError("the server was asked for many images that nothing shows")
        if data is not None:
            self._at_hand.keep(name, data)
        return data

    def _kept(self, name: str) -> bytes | None:
        data = None if self._state_dir is None else self._state_dir.image(name)
        return data if data is not None and is_named(data, name) else None

    def _may_ask(self) -> bool:
        """Count a question as GCRA does (ITU-T I.371 Annex A); return False for one too many."""
        with self._lock:
            now_s = self._monotonic()
            until_s = max(self._until_s, now_s) + _EVERY_S
            if until_s > now_s + (_AT_ONCE + 0.5) * _EVERY_S:
                return False
            self._until_s = until_s
            return True


def _checked(name: str, answer: Answer) -> bytes | None:
    if answer.status == 404:
        return None
    if answer.status != 200 or not is_named(answer.body, name):
        raise ConnectionError(f"no image of this name came with status {answer.status}")
    return answer.body
