"""What outlives the process: a crash loses no withdrawal, and an outage no snapshot."""

import errno
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from byleave.sdk import Client
from byleave.sdk.asgi_transport import AsgiTransport

DENIED = {"choices": {"analytics": "denied"}}

CRASH = """
import os, sys
from byleave.sdk import Client
from byleave.sdk.http_transport import HttpTransport

nowhere = HttpTransport("http://127.0.0.1:9")
client = Client(nowhere, key="k", clock=lambda: 0, state_dir=sys.argv[1])
client.withdraw("gone", {"choices": {"analytics": "denied"}})
os._exit(9)
"""


@pytest.fixture
def start(server: Any, clock: Any, tmp_path: Path) -> Callable[..., Client]:
    """Starts a client that keeps its state in a directory, as a new process would."""

    def start(**options: Any) -> Client:
        given = {"key": "k", "state_dir": tmp_path / "state", "background": False, **options}
        return Client(AsgiTransport(server), clock=clock, **given)

    return start


def test_a_withdrawal_survives_a_crash(
    start: Callable[..., Client], server: Any, tmp_path: Path
) -> None:
    crashed = subprocess.run([sys.executable, "-c", CRASH, str(tmp_path / "state")], check=False)

    assert start().flush()
    assert start().flush()
    assert crashed.returncode == 9
    assert server.withdrawn == {"gone": DENIED}
    assert [path for _, path, _ in server.requests] == ["/v1/consent/gone"]


def test_a_withdrawal_waits_until_the_server_has_it(
    start: Callable[..., Client], server: Any
) -> None:
    client = start()
    client.withdraw("gone", DENIED)
    server.status = 503
    refused = client.flush()
    server.status = 200

    assert not refused
    assert start().flush()
    assert server.withdrawn == {"gone": DENIED}


def test_the_last_withdrawal_of_a_visitor_counts(start: Callable[..., Client], server: Any) -> None:
    client = start()
    for source in ("first", "second"):
        client.withdraw("gone", {"source": source})
    start().flush()

    assert server.withdrawn == {"gone": {"source": "second"}}


def test_the_last_snapshot_decides_while_the_server_is_away(
    start: Callable[..., Client], server: Any
) -> None:
    first = start()
    first.poll()
    server.is_down = True
    second = start()

    assert not second.poll()
    assert second.decider() is not None
    assert start(state_dir=None).decider() is None


def test_a_kept_snapshot_is_as_old_as_its_last_confirmation(
    start: Callable[..., Client], clock: Any
) -> None:
    first = start()
    first.poll()
    clock.now_ms += 86_400_000
    first.poll()
    clock.now_ms += 86_400_000
    young = start().decider()
    clock.now_ms += 1

    assert young is not None
    assert start().decider() is None


@pytest.mark.parametrize(
    "damage",
    [
        lambda kept: b"",
        lambda kept: kept[:-1],
        lambda kept: kept.replace(b"shop", b"SHOP"),
        lambda kept: kept.partition(b"\n")[2],
        lambda kept: b"\xff" * 100,
    ],
)
def test_a_damaged_snapshot_is_not_used(
    start: Callable[..., Client], tmp_path: Path, damage: Any, caplog: Any
) -> None:
    start().poll()
    file = tmp_path / "state" / "snapshot"
    file.write_bytes(damage(file.read_bytes()))

    assert start().decider() is None
    assert "snapshot not read from disk" in caplog.text


def test_a_snapshot_of_another_key_is_not_used(start: Callable[..., Client]) -> None:
    start().poll()

    assert start(key="another").decider() is None


def test_a_damaged_withdrawal_does_not_hold_up_the_others_and_is_told_of_once(
    start: Callable[..., Client], server: Any, tmp_path: Path, caplog: Any
) -> None:
    client = start()
    client.withdraw("gone", DENIED)
    (tmp_path / "state" / "0.withdrawal").write_bytes(b"{")
    other = start()

    assert all(other.flush() for _ in range(3))
    assert server.withdrawn == {"gone": DENIED}
    assert caplog.messages == ["withdrawal not read"]


def test_a_withdrawal_that_another_process_drops_meanwhile_is_no_failure(
    start: Callable[..., Client], tmp_path: Path, caplog: Any
) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "0.withdrawal").symlink_to("what is not there any more")

    assert start().flush()
    assert caplog.messages == []


def test_only_the_owner_can_read_it(start: Callable[..., Client], tmp_path: Path) -> None:
    client = start()
    client.withdraw("gone", DENIED)
    client.poll()

    modes = {p.stat().st_mode & 0o777 for p in (tmp_path / "state").iterdir()}

    assert modes == {0o600}
    assert (tmp_path / "state").stat().st_mode & 0o777 == 0o700


def test_without_a_disk_everything_goes_on_in_memory(
    start: Callable[..., Client], server: Any, tmp_path: Path, caplog: Any
) -> None:
    (tmp_path / "file").write_bytes(b"")
    client = start(state_dir=tmp_path / "file" / "state")
    client.withdraw("gone", DENIED)

    assert client.poll()
    assert client.decider() is not None
    assert client.flush()
    assert server.withdrawn == {"gone": DENIED}
    assert client.poll()
    assert caplog.messages[0] == "withdrawal not kept on disk"
    assert caplog.messages.count("snapshot not kept on disk") == 1
    assert not any("confirmed" in message for message in caplog.messages)


def test_what_a_full_disk_took_a_part_of_is_removed(
    start: Callable[..., Client], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", fail)
    client = start()
    client.withdraw("gone", DENIED)

    assert client.poll()
    assert [*(tmp_path / "state").iterdir()] == []


def test_nothing_of_a_half_written_file_is_read_and_an_old_one_is_removed(
    start: Callable[..., Client], tmp_path: Path
) -> None:
    (tmp_path / "state").mkdir()
    young, old = (tmp_path / "state" / f"{n}.withdrawal.{os.getpid()}.1.new" for n in range(2))
    for file in (young, old):
        file.write_bytes(b"half")
    os.utime(old, (0, 0))

    assert start().flush()
    assert [*(tmp_path / "state").iterdir()] == [young]


@pytest.mark.parametrize(
    ("bootstrap", "kept", "expected"), [(2, None, 2), (2, 3, 3), (2, 1, 2), (None, None, None)]
)
def test_a_bootstrap_decides_unless_a_newer_snapshot_was_kept(
    start: Callable[..., Client],
    server: Any,
    tmp_path: Path,
    bootstrap: int | None,
    kept: int | None,
    expected: int | None,
) -> None:
    file = tmp_path / "bootstrap.json"
    if bootstrap is not None:
        server.number = bootstrap
        file.write_text(json.dumps(server.plain_snapshot()), encoding="utf-8")
    if kept is not None:
        server.number = kept
        start().poll()

    decider = start(bootstrap=file).decider()

    assert (decider and decider.snapshot.version.number) == expected


def test_the_snapshot_of_a_bootstrap_is_kept_once_the_server_says_the_same(
    start: Callable[..., Client], server: Any, tmp_path: Path, caplog: Any
) -> None:
    file = tmp_path / "bootstrap.json"
    file.write_text(json.dumps(server.plain_snapshot()), encoding="utf-8")
    first = start(bootstrap=file)

    assert first.poll()
    assert first.poll()
    assert start().decider() is not None
    assert caplog.messages == []
