"""What the server costs over HTTP beside the same stack without it, all in one run.

    python -m benchmarks.server --reference FOLDER [--rounds N] [--seconds S]

Medians of interleaved rounds. The workload is that of `benchmarks.decide`: 50 segments and 20
experiments. Load and servers share the processor, so that only ratios tell anything.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import count, cycle
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import msgspec
from benchmarks import shared_workload
from benchmarks.bars import Bar, ratios, say
from benchmarks.http_load import load, p99_ms, post, request
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from byleave.segments import Rules
from byleave.server import serving
from byleave.server.app import create_app
from byleave.server.deciding import DecideRequest
from byleave.server.http import json_response
from byleave.server.keys import Role
from byleave.server.listening import listen, url_of
from byleave.server.service import Service

CONNECTIONS = 8
VISITORS_PER_BATCH = 100


def main() -> int:
    """Run what was asked for and print the figures; return 1 where a bar is missed."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.server")
    parser.add_argument("--reference", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--serve", choices=["product", "alone", "bare"], help=argparse.SUPPRESS)
    options = parser.parse_args()
    workload = json.loads((options.reference / "workload.json").read_text())
    if options.serve:
        serve(options.serve, workload)
        return 0
    return asyncio.run(compare(options.reference, workload, options.rounds, options.seconds))


def serve(kind: str, workload: dict[str, Any]) -> None:
    """Serve the product or what stands beside it, and say where and by which key."""
    listener = listen(0)
    with TemporaryDirectory() as folder:
        service = Service(Path(folder) / "byleave.db", site="bench", clock=now_ms)
        definitions = replace(shared_workload.definitions(workload), site="bench")
        service.publish(definitions, reason="first", author="bench")
        key = service.create_key(Role.SERVER)
        app: ASGIApp
        match kind:
            case "product":
                app = create_app(service, background=True)
                app.router.routes.append(Route("/publish", publisher(service), methods=["POST"]))
            case "alone":
                app = alone(service)
            case _:
                app = bare(workload, service)
        print(url_of(listener), key, flush=True)
        serving.serve(app, service, listener, most_connections=1_000, trusted_proxies=())


def bare(workload: dict[str, Any], service: Service) -> Starlette:
    """Return an application that reads the same question and always gives the same answer."""
    question = msgspec.json.decode(questions(workload)[0])
    fixed = service.decide(msgspec.convert(question, DecideRequest))

    async def answer(request: Request) -> Response:
        msgspec.json.decode(await request.body())
        return Response(msgspec.json.encode(fixed), media_type="application/json")

    return Starlette(routes=[Route("/v1/decide", answer, methods=["POST"])])


def alone(service: Service) -> ASGIApp:
    """Return an application that decides and does nothing else: no guard, limits or figures.

    What is between it and the fixed answer is what no way of serving can save.
    """

    async def answer(_scope: Scope, receive: Receive, send: Send) -> None:
        body, has_more = b"", True
        while has_more:
            message = await receive()
            body += message.get("body", b"")
            has_more = message.get("more_body", False)
        decided = msgspec.json.encode(service.decide(msgspec.json.decode(body, type=DecideRequest)))
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(decided)).encode()),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": decided})

    return answer


def publisher(service: Service) -> Any:
    """Return what publishes the workload again with another share of the holdout."""
    shares = cycle([0.01, 0.02])

    async def answer(_request: Request) -> Response:
        current = service.published.snapshot.definitions
        changed = replace(current, holdout=type(current.holdout)(next(shares)))
        await asyncio.to_thread(service.publish, changed, reason="again", author="bench")
        return json_response({})

    return answer


def questions(workload: dict[str, Any]) -> list[bytes]:
    """Return a question about all slots for each visitor of the workload, with their past."""
    definitions = shared_workload.definitions(workload)
    rules, found = Rules(definitions.vocabulary), []
    for given in workload["visitors"]:
        visitor = shared_workload.visitor(given, rules)
        question = {
            "visitor": visitor.id,
            "slots": [*definitions.slots],
            "consent": {"choices": {"personalisation": "granted", "analytics": "granted"}},
            "attributes": visitor.attributes,
            "state": {"profile": visitor.profile.to_plain()},
        }
        found.append(json.dumps(question).encode())
    return found


@contextmanager
def running(kind: str, reference: Path) -> Iterator[tuple[str, str]]:
    """Run a server in a process of its own; give its address and key."""
    command = [sys.executable, "-m", "benchmarks.server", "--serve", kind]
    with subprocess.Popen(  # noqa: S603  # this module, again
        [*command, "--reference", str(reference)], stdout=subprocess.PIPE, text=True
    ) as process:
        address, key = process.stdout.readline().split() if process.stdout else ("", "")
        yield address, key
        process.terminate()


async def compare(reference: Path, workload: dict[str, Any], rounds: int, seconds: float) -> int:
    """Measure and print; return 1 where a bar is missed."""
    asked = questions(workload)
    with (
        running("product", reference) as product,
        running("alone", reference) as unguarded,
        running("bare", reference) as fixed,
    ):
        servers = {"decide": product, "decide alone": unguarded, "fixed": fixed}
        following = {
            name: cycle([request(address, "/v1/decide", key, body) for body in asked]).__next__
            for name, (address, key) in servers.items()
        }
        for name, (address, _) in servers.items():
            print(f"{name}: answers of {len(await post(address, following[name]()))} bytes")
        rates: dict[str, list[float]] = {name: [] for name in servers}
        for _ in range(rounds):
            for name, (address, _) in servers.items():
                took = await load(
                    address, following[name], connections=CONNECTIONS, seconds=seconds
                )
                rates[name].append(len(took) / seconds)
        print(", ".join(f"{name} {median(rate):,.0f}/s" for name, rate in rates.items()))
        ours = following["decide"]

        quiet, busy = [], []
        publication = request(product[0], "/publish", product[1], b"")
        for _ in range(rounds):
            quiet.append(p99_ms(await load(product[0], ours, connections=1, seconds=seconds)))
            loading = asyncio.create_task(load(product[0], ours, connections=1, seconds=seconds))
            while not loading.done():
                await post(product[0], publication)
                await asyncio.wait([loading], timeout=1)
            busy.append(p99_ms(await loading))
        print(f"decide p99: {median(quiet):.1f} ms quiet, {median(busy):.1f} ms while publishing")

        batches = event_batches(product[0], product[1], workload)
        await require_stored(product[0], next(batches))
        stored, decided = [], []
        for _ in range(rounds):
            both = await asyncio.gather(
                load(product[0], ours, connections=CONNECTIONS, seconds=seconds),
                load(product[0], batches.__next__, connections=4, seconds=seconds),
            )
            decided.append(len(both[0]) / seconds)
            stored.append(len(both[1]) * VISITORS_PER_BATCH / seconds)
        print(f"events {median(stored):,.0f}/s beside decide {median(decided):,.0f}/s")
    return say(
        (
            Bar.of(
                "decisions a second beside the same stack with a fixed answer",
                ratios(rates["decide"], rates["fixed"]),
                " x",
                least=0.7,
            ),
            Bar.of(
                "p99 of a decision while definitions are published each second, beside none",
                ratios(busy, quiet),
                " x",
                most=1.5,
            ),
            Bar.of("events stored beside a full load of decisions", stored, "/s", least=2_000),
        )
    )


async def require_stored(address: str, batch: bytes) -> None:
    """Send a batch of events, of which each has to be stored and counted.

    Raises:
        RuntimeError: One was not: what follows would measure something else.
    """
    answer = json.loads(await post(address, batch))
    if answer["accepted"] != VISITORS_PER_BATCH:
        raise RuntimeError(f"events were not stored: {answer}")


def event_batches(address: str, key: str, workload: dict[str, Any]) -> Iterator[bytes]:
    """Yield batches of exposures of new visitors to the workload's first experiment."""
    definitions = shared_workload.definitions(workload)
    name = next(iter(definitions.experiments))
    arm = next(iter(definitions.experiments[name].variants))
    for number in count():
        now, events = now_ms(), []
        for each in range(VISITORS_PER_BATCH):
            at = f"{now:012x}"
            events.append(
                {
                    "type": "exposure",
                    "id": f"{at[:8]}-{at[8:]}-7000-8000-{number * VISITORS_PER_BATCH + each:012x}",
                    "visitor": f"e{number}-{each}",
                    "at": now,
                    "assigned_at": now,
                    "experiment": name,
                    "run": f"{name}.1",
                    "allocation": f"{name}.1.1.0",
                    "arm": arm,
                }
            )
        body = json.dumps({"sent_at": now, "events": events}).encode()
        yield request(address, "/v1/events", key, body)


def now_ms() -> int:
    """Return the time."""
    return time.time_ns() // 1_000_000


if __name__ == "__main__":
    sys.exit(main())
