"""A port is taken before anything else starts, or the command says what is in the way."""

import socket

import httpx2
import pytest

from byleave.server.listening import ListenError, listen, url_of


@pytest.mark.parametrize(("host", "shown"), [("127.0.0.1", "127.0.0.1"), ("::1", "[::1]")])
def test_an_address_of_either_kind_is_listened_on(host: str, shown: str) -> None:
    with listen(0, host=host) as listener:
        url = httpx2.URL(url_of(listener))
        with socket.create_connection((host, url.port or 0)):
            pass

    assert str(url).startswith(f"http://{shown}:")


def test_a_port_in_use_says_so() -> None:
    with listen(0) as taken, pytest.raises(ListenError, match=r"port \d+ is in use"):
        listen(taken.getsockname()[1])


@pytest.mark.parametrize("host", ["192.0.2.1", "no such host"])
def test_an_address_that_is_not_this_machines_is_not_called_a_port_in_use(host: str) -> None:
    with pytest.raises(ListenError, match=f"cannot listen on {host}, port 0: "):
        listen(0, host=host)
