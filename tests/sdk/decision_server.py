"""A decision server in memory, and the clock that it shares with a site."""

import json
from dataclasses import dataclass
from typing import Any

from byleave.experiments import (
    Assignments,
    Decider,
    Definitions,
    Visitor,
    load_snapshot,
    local_snapshot,
)
from byleave.segments import Choice, Consent, Profile, Purpose, Regime, plain, read

NOW_MS = 1_791_158_400_000  # Monday, 5 October 2026, 00:00 UTC


@dataclass(slots=True)
class Clock:
    """A clock that tests move."""

    now_ms: int = NOW_MS

    def __call__(self) -> int:
        return self.now_ms


class Server:
    """A decision server in memory: it serves a snapshot and keeps what it is told."""

    def __init__(self, definitions: Definitions, clock: Clock) -> None:
        self.clock = clock
        self.number = 1
        self.definitions = definitions
        self.events: list[dict[str, Any]] = []
        self.counts: dict[str, dict[str, Any]] = {}
        self.withdrawn: dict[str, dict[str, Any]] = {}
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        self.status = 200
        self.is_down = False
        self.snapshot: bytes | None = None
        self.runs: dict[str, str] = {}  # of experiments whose run is not that of the local snapshot
        self.receipt_keys = [{"key": "receipt key of the tests", "since_ms": 0}]

    def plain_snapshot(self) -> dict[str, Any]:
        snapshot = plain(local_snapshot(self.definitions, now_ms=NOW_MS))
        for key, run in self.runs.items():
            snapshot["runs"][key]["id"] = run
        version = {"generation": 1, "number": self.number}
        return {**snapshot, "version": version, "receipt_keys": self.receipt_keys}

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        headers = {k.decode(): v.decode() for k, v in scope["headers"]}
        method, path = scope["method"], scope["path"]
        self.requests.append((method, path, headers))
        body = (await receive())["body"]
        if self.is_down:
            raise ConnectionResetError
        status, answer, tag = self._answer(method, path, headers, body)
        await send(
            {
                "type": "http.response.start",
                "status": status,
                "headers": [(b"etag", tag.encode())],
            }
        )
        await send({"type": "http.response.body", "body": answer})

    def _answer(
        self, method: str, path: str, headers: dict[str, str], body: bytes
    ) -> tuple[int, bytes, str]:
        if self.status != 200:
            return self.status, b"{}", ""
        if path == "/v1/snapshot":
            tag = f'"{self.number}"'
            if headers.get("if-none-match") == tag:
                return 304, b"", tag
            snapshot = json.dumps(self.plain_snapshot()).encode()
            return 200, snapshot if self.snapshot is None else self.snapshot, tag
        if path == "/v1/counters":
            report = json.loads(body)
            self.counts[report["id"]] = report["counts"]
            return 202, b'{"added":true}', ""
        if path == "/v1/events":
            self.events += json.loads(body)["events"]
            return 202, b'{"accepted":1,"duplicates":0,"refused":[]}', ""
        if path.startswith("/v1/consent/"):
            self.withdrawn[path.rpartition("/")[2]] = json.loads(body)
            return 200, b"{}", ""
        return 200, json.dumps(self._decided(json.loads(body))).encode(), ""

    def _decided(self, asked: dict[str, Any]) -> dict[str, Any]:
        decider = Decider(load_snapshot(self.plain_snapshot()))
        said = asked["consent"]
        visitor = Visitor(
            id=asked["visitor"],
            view=asked["view"],
            consent=Consent(
                {Purpose(k): Choice(v) for k, v in said["choices"].items()},
                Regime(said["regime"]),
            ),
            attributes=asked["attributes"],
            profile=Profile.from_plain(asked["state"]["profile"]),
            assignments=read(Assignments, asked["state"]["assignments"]),
            is_counted=asked["counted"],
        )
        decided = decider.decide(visitor, asked["slots"], now_ms=self.clock())
        return {"decisions": {slot: plain(decision) for slot, decision in decided.items()}}

    def of_type(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["type"] == kind]
