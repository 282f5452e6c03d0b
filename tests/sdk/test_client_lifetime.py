"""The client from its start to its end, in a process that may go on after that."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from byleave.sdk import Client
from byleave.sdk.http_transport import HttpTransport
from byleave.sdk.wire import Answer, Question

EVENT = {"id": "1", "type": "event", "visitor": "v"}


class Paper:
    """A way to a server that a test plays: each question is put to what it says."""

    def __init__(self, play: Callable[[Question], Answer]) -> None:
        self.play = play
        self.asked: list[str] = []
        self.has_asked = threading.Condition()

    def attach(self) -> None: ...

    def close(self) -> None: ...

    def exchange(self, question: Question, timeout_s: float) -> Answer:
        del timeout_s
        try:
            return self.play(question)
        finally:
            with self.has_asked:
                self.asked.append(question.path)
                self.has_asked.notify_all()

    within = exchange

    async def ask(self, question: Question, timeout_s: float) -> Answer:
        return self.exchange(question, timeout_s)

    def wait_for(self, path: str, times: int) -> bool:
        with self.has_asked:
            return self.has_asked.wait_for(lambda: self.asked.count(path) >= times, 10)


def taken(question: Question) -> Answer:
    return Answer(404 if question.method == "GET" else 202, {}, b"{}")


@pytest.fixture
def silence() -> Iterator[socket.socket]:
    """A server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0), backlog=16) as listening:
        yield listening


def test_the_end_does_not_wait_for_a_thread_that_waits_for_a_silent_server(
    silence: socket.socket, clock: Any, caplog: pytest.LogCaptureFixture
) -> None:
    transport = HttpTransport(f"http://127.0.0.1:{silence.getsockname()[1]}")
    client = Client(transport, key="k", clock=clock, background=False)
    client.capture(EVENT)
    sending = threading.Thread(target=client.flush)
    sending.start()
    while len(client.buffer):
        threading.Event().wait(0.001)

    before_s = time.monotonic()
    client.close(within_s=0.1)
    took_s = time.monotonic() - before_s

    [lost] = [each for each in caplog.records if "not sent before" in each.message]
    assert took_s < 2
    assert vars(lost)["count"] == 1
    silence.close()
    sending.join()
    assert len(client.buffer) == 1


def test_all_that_is_sent_at_the_end_has_to_be_done_in_time(clock: Any) -> None:
    is_over = threading.Event()

    def slow(question: Question) -> Answer:
        is_over.wait(0.05)
        return taken(question)

    server = Paper(slow)
    client = Client(server, key="k", clock=clock, background=False)
    for number in range(100):
        client.withdraw(str(number), {})

    client.close(within_s=0.2)

    assert 1 <= len(server.asked) <= 4


def test_a_closed_client_starts_again_with_the_next_request(clock: Any) -> None:
    server = Paper(taken)
    client = Client(server, key="k", clock=clock, poll_every_s=0.01, flush_every_s=0.01)
    before = threading.active_count()
    client.start()
    assert server.wait_for("/v1/snapshot", 1)
    client.close()
    client.start()
    client.capture(EVENT)

    assert server.wait_for("/v1/events", 1)
    asked = server.asked.count("/v1/snapshot")
    assert server.wait_for("/v1/snapshot", asked + 2)
    client.close()
    assert threading.active_count() <= before + 1


def test_a_thread_that_could_not_start_is_started_by_the_next_request(
    clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = Paper(taken)
    client = Client(server, key="k", clock=clock)

    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", refuse)
        with pytest.raises(RuntimeError):
            client.start()
    client.start()

    assert server.wait_for("/v1/snapshot", 1)
    client.close()


def test_who_takes_consent_back_while_a_batch_fails_is_in_it_no_more(clock: Any) -> None:
    def fail(_: Question) -> Answer:
        client.withdraw("gone", {})
        raise ConnectionResetError

    client = Client(Paper(fail), key="k", clock=clock, background=False)
    client.capture({**EVENT, "visitor": "gone"})
    client.capture({**EVENT, "visitor": "stays"})

    assert not client.flush()
    assert [each.unit for each in client.buffer.take(9, 9_999)] == ["stays"]


def test_what_was_on_its_way_when_something_failed_is_sent_again(clock: Any) -> None:
    def fail(_: Question) -> Answer:
        raise RuntimeError("not expected of any transport")

    server = Paper(fail)
    client = Client(server, key="k", clock=clock, background=False)
    client.capture(EVENT)
    with pytest.raises(RuntimeError):
        client.flush()
    server.play = taken

    assert len(client.buffer) == 1
    assert client.flush()
    assert server.asked == ["/v1/events", "/v1/events"]
