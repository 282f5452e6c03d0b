"""Questions to the server that a page waits for: within one deadline, and not while it is away."""

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from byleave.sdk.breaker import Breaker
from byleave.sdk.exchange import IS_FINISHED_AT_ONCE
from byleave.sdk.wire import Answer, Question, Transport

_Told = TypeVar("_Told")


class LeftAloneError(ConnectionError):
    """The server failed lately and was not asked."""


class Asking:
    """Asks for one page at a time, from an event loop or from a thread.

    Args:
        transport: The way to the server.
        headers: What every question carries.
    """

    def __init__(self, transport: Transport, headers: Mapping[str, str]) -> None:
        self._transport = transport
        self._headers = headers
        self._breaker = Breaker()

    async def ask(
        self, method: str, path: str, *, body: Mapping[str, Any] | None = None, timeout_s: float
    ) -> Mapping[str, Any]:
        """Return the server's answer.

        Where `finished` runs it, it blocks until the answer is there.

        Raises:
            LeftAloneError: It failed lately and was not asked.
            OSError: There was no good answer in time.
        """
        headers = {**self._headers, "content-type": "application/json"}
        text = b"" if body is None else json.dumps(body).encode()
        return await self._asked(Question(method, path, headers, text), _parsed, timeout_s)

    async def told(self, path: str, read: Callable[[Answer], _Told], *, timeout_s: float) -> _Told:
        """Return what `read` makes of the answer to a GET; it raises what `ask` does.

        Raises:
            LeftAloneError: The server failed lately and was not asked.
            OSError: There was no good answer in time.
        """
        return await self._asked(Question("GET", path, self._headers), read, timeout_s)

    async def _asked(
        self, question: Question, read: Callable[[Answer], _Told], timeout_s: float
    ) -> _Told:
        if not self._breaker.may_ask():
            raise LeftAloneError("the server is left alone for a while")
        try:
            if IS_FINISHED_AT_ONCE.get():
                answer = self._transport.within(question, timeout_s)
            else:
                answer = await self._transport.ask(question, timeout_s)
            told = read(answer)
        except Exception:  # not that a visitor left, which says nothing of the server
            self._breaker.note(is_well=False)
            raise
        self._breaker.note(is_well=True)
        return told


def _parsed(answer: Answer) -> Mapping[str, Any]:
    if answer.status != 200:
        raise ConnectionError(f"the server answered {answer.status}")
    try:
        data = json.loads(answer.body)
    except (ValueError, RecursionError):
        data = None
    if not isinstance(data, dict):
        raise ConnectionError("the server answered with what is no JSON object")
    return data
