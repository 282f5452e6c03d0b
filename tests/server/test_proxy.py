"""`byleave proxy`: a site of any kind behind it, over real HTTP."""

import asyncio
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect
from typer.testing import CliRunner

from byleave.server.commands.program import program
from byleave.server.proxy import Proxy

PAGE = b'<!doctype html><body><h1 id="hero">Own</h1><p>Outside</p></body>'
DEFINITIONS = """
site: shop
regions: {default: opt-in, US: opt-out}
events:
  sign_up: {purposes: [personalisation, analytics], ttl: 400d}
goals:
  signup: {event: sign_up, kind: conversion, within: 7d}
slots:
  hero: {kind: content}
---
experiment: greeting
slot: hero
allocate: {policy: fixed, goal: signup, shares: {control: 0%, b: 100%}}
goals: {primary: signup}
variants:
  control: site
  b: {html: Variant}
"""


class Site(BaseHTTPRequestHandler):
    """A site in no framework at all; it keeps the headers that it was asked with."""

    protocol_version = "HTTP/1.1"
    asked: list[dict[str, str]]

    def do_GET(self) -> None:
        self.asked.append({"target": self.path, **{k.lower(): v for k, v in self.headers.items()}})
        if self.path.startswith("/streamed"):
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for piece in (PAGE[:40], PAGE[40:], b""):
                self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            return
        status = 302 if self.path == "/moved" else 200
        kind = "image/png" if self.path.endswith(".png") else "text/html"
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Location", "/elsewhere")
        self.send_header("Connection", "x-private")
        self.send_header("X-Private", "1")
        self.send_header("Set-Cookie", "a=1")
        self.send_header("Set-Cookie", "b=2")
        self.send_header("Content-Length", str(len(PAGE)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(PAGE)

    do_HEAD = do_GET  # http.server looks methods up by these names

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.send_response(201)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[::-1])

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def site() -> Iterator[tuple[str, list[dict[str, str]]]]:
    """The address of a site, and what it was asked."""
    handler = type("Handler", (Site,), {"asked": []})
    listening = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=listening.serve_forever, args=(0.01,))
    thread.start()
    yield f"http://127.0.0.1:{listening.server_port}", handler.asked  # type: ignore[attr-defined]  # set above
    listening.shutdown()
    thread.join()
    listening.server_close()


@pytest.fixture
def client(site: tuple[str, Any]) -> Iterator[TestClient]:
    with TestClient(Proxy(site[0]), "https://shop.example", follow_redirects=False) as client:
        yield client


def test_a_request_is_passed_on_as_it_came(client: TestClient, site: Any) -> None:
    answer = client.get("/a%2Fb?q=%20x", headers={"X-Own": "1", "X-Forwarded-For": "192.0.2.1"})

    assert answer.content == PAGE
    assert answer.headers.get_list("set-cookie") == ["a=1", "b=2"]
    assert {"x-private", "connection"}.isdisjoint(answer.headers)
    [asked] = site[1]
    assert asked["target"] == "/a%2Fb?q=%20x"
    assert asked["host"] == "shop.example"
    assert asked["x-own"] == "1"
    assert asked["accept-encoding"] == "identity"
    assert asked["x-forwarded-for"] == "192.0.2.1, testclient"
    assert asked["x-forwarded-proto"] == "https"


def test_bodies_redirects_and_heads_are_passed_on(client: TestClient) -> None:
    assert client.post("/", content=b"abc").content == b"cba"
    assert client.get("/moved").headers["location"] == "/elsewhere"
    assert client.head("/").headers["content-length"] == str(len(PAGE))
    assert client.get("/streamed").content == PAGE


def test_what_one_visitor_is_given_is_sent_with_no_request_of_another(
    client: TestClient, site: Any
) -> None:
    client.get("/")
    client.cookies.clear()  # somebody else comes, whose browser has none

    client.get("/")

    assert ["cookie" in asked for asked in site[1]] == [False, False]


@pytest.mark.parametrize("target", ["@elsewhere.example/", ".elsewhere.example/", "http://x/", "*"])
def test_no_target_leads_to_another_site(site: Any, target: str) -> None:
    """Which of them a server takes depends on how it reads HTTP."""
    said: list[Any] = []

    async def send(message: Any) -> None:
        said.append(message)

    async def receive() -> Any:
        return {"type": "http.request"}

    scope = {
        "type": "http",
        "method": "GET",
        "scheme": "http",
        "raw_path": target.encode(),
        "query_string": b"",
        "headers": [],
    }
    asyncio.run(Proxy(site[0])(scope, receive, send))

    assert said[0]["status"] == 400
    assert site[1] == []


def test_a_site_that_is_away_is_a_bad_gateway() -> None:
    with TestClient(Proxy("http://127.0.0.1:9")) as client:
        assert client.get("/").status_code == 502


def test_websockets_are_refused(client: TestClient) -> None:
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/"):
        pass


def test_the_command_personalises_a_site(site: Any, tmp_path: Path) -> None:
    (tmp_path / "byleave.yaml").write_text(DEFINITIONS, encoding="utf-8")
    options = (
        "--to",
        site[0],
        "--port",
        "0",
        "--slot",
        "hero=#hero",
        "--country-header",
        "X-Country",
    )
    command = (sys.executable, "-m", "byleave.server", "proxy", str(tmp_path), *options)
    agent = "Mozilla/5.0 (X11; Linux x86_64) Chrome/131.0.0.0 Safari/537.36"
    headers = {"User-Agent": agent, "X-Country": "US"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        said = process.stdout.readline().decode()
        found = re.fullmatch(rf"open http://127\.0\.0\.1:(\d+), in front of {site[0]}\n", said)
        assert found, said
        port = int(found[1])
        connection = HTTPConnection("127.0.0.1", port, timeout=30)
        got = {}
        for path in ("/", "/streamed", "/photo.png"):
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            got[path] = answer.read()
            assert [len(answer.headers.get_all(name, ())) for name in ("Date", "Server")] == [1, 1]
        connection.close()
        process.terminate()

    filled = PAGE.replace(b"Own", b"Variant")
    assert got == {"/": filled, "/streamed": filled, "/photo.png": PAGE}


@pytest.mark.parametrize(
    "options",
    [
        ("--to", "shop.example"),
        ("--to", "http://127.0.0.1:3000", "--slot", "hero"),
        ("--to", "http://127.0.0.1:3000", "--slot", "hero=a > b"),
        ("--to", "http://127.0.0.1:3000", "--templates", "no such folder"),
        ("--to", "http://127.0.0.1:3000", "--country-file", "no such file"),
        ("--to", "http://127.0.0.1:3000", "--secret", "short"),
        ("--to", "http://127.0.0.1:3000", "--server", "http://127.0.0.1:8401"),
    ],
)
def test_a_mistake_is_told_before_anything_starts(options: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "byleave.yaml").write_text(DEFINITIONS, encoding="utf-8")

    result = CliRunner().invoke(program, ["proxy", str(tmp_path), *options])

    assert result.exit_code == 2
    assert result.stderr
