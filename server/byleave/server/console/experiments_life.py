"""The life of an experiment that is published: pause, go on, stop with a conclusion, archive."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from byleave.experiments import Definitions
from byleave.experiments.definitions import Schedule
from byleave.experiments.schedule import bounds_ms
from byleave.segments import read
from byleave.server.console.display import marked as _
from byleave.server.console.experiments_form import laid_over
from byleave.server.managing import UNCLAIMED, Claim, Manager
from byleave.server.service import Service
from byleave.server.versions import DefinitionVersion

#: With what an experiment may be stopped.
CONCLUSIONS: Final = {
    "won": _("Won: a variant is better, and stays"),
    "lost": _("Lost: the site's own content is better"),
    "inconclusive": _("Inconclusive: no difference was seen"),
    "stopped early": _("Stopped early: before there was an answer"),
    "invalid": _("Invalid: it was not carried out as planned"),
}


def is_running(service: Service, key: str) -> bool:
    """Whether an experiment is published, and its end is not past."""
    found = service.published.snapshot.definitions.experiments.get(key)
    return found is not None and bounds_ms(found.schedule)[1] > service.clock()


def is_of_files(service: Service, key: str) -> bool:
    """Whether an experiment is managed from files, which then have to let it go on."""
    found, _definitions = service.library.version(service.library.newest())
    return f"experiments.{key}" in found.managed.of(Manager.FILES)


def ended(experiment: Mapping[str, Any], now_ms: int) -> dict[str, Any]:
    """Return an experiment whose schedule ends now; its run, and who is in it, stay."""
    end = datetime.fromtimestamp(now_ms / 1000, UTC).isoformat(timespec="milliseconds")
    schedule = {**experiment.get("schedule", {})}
    if bounds_ms(read(Schedule, schedule))[0] >= now_ms:
        del schedule["start"]  # it never began; a schedule has to end after it starts
    return {**experiment, "schedule": {**schedule, "end": end}}


def going_on(experiment: Mapping[str, Any]) -> dict[str, Any]:
    """Return an experiment without an end."""
    schedule = {k: v for k, v in experiment.get("schedule", {}).items() if k != "end"}
    return {**experiment, "schedule": schedule}


def publish(
    service: Service,
    key: str,
    experiment: Any,
    *,
    expected: str,
    reason: str,
    author: str,
    is_stopping: bool = False,
    may_write_html: bool = False,
) -> None:
    """Publish what is in force with one experiment changed; without it, where it is None.

    What is managed from files is changed there. But whoever sees harm may stop it here.

    Raises:
        ConflictError: Somebody published meanwhile.
        DefinitionError: It cannot be published.
        ForbiddenError: It brings in HTML, which whoever publishes may not write.
        ManagedError: It is managed from files.
    """
    _version, definitions = service.library.version(expected)
    service.publish(
        read(Definitions, laid_over(definitions, key, experiment)),
        reason=reason,
        author=author,
        expected=expected,
        claim=UNCLAIMED
        if is_stopping
        else Claim(by=Manager.CONSOLE, may_write_html=may_write_html),
    )


def past(service: Service, key: str, *, most: int = 30) -> list[DefinitionVersion]:
    """Return the newest versions in which an experiment changed, the newest first."""
    versions = service.library.versions()[: most + 1]
    read_them = [service.library.version(each.version)[1] for each in versions]
    own = [each.get("experiments", {}).get(key) for each in read_them]
    if len(versions) <= most:
        own.append(None)  # before the first version there was nothing
    return [
        version for version, new, old in zip(versions, own, own[1:], strict=False) if new != old
    ]
