"""The life of an experiment that is published: pause, go on, stop with a conclusion, archive."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from byleave.experiments.definitions import Experiment, Schedule
from byleave.experiments.schedule import bounds_ms
from byleave.segments import read
from byleave.server.console.display import marked as _
from byleave.server.service import Service

#: With what an experiment may be stopped.
CONCLUSIONS: Final = {
    "won": _("Won: a variant is better, and stays"),
    "lost": _("Lost: the site's own content is better"),
    "inconclusive": _("Inconclusive: no difference was seen"),
    "stopped early": _("Stopped early: before there was an answer"),
    "invalid": _("Invalid: it was not carried out as planned"),
}

#: Among how many of the newest versions the schedule is looked for that an experiment had.
_MOST_VERSIONS: Final = 100


def is_running(service: Service, key: str) -> bool:
    """Whether an experiment is published, and its end is not past."""
    found = service.published.snapshot.definitions.experiments.get(key)
    return found is not None and bounds_ms(found.schedule)[1] > service.clock()


def begins_ms(experiment: Experiment | None, now_ms: int) -> int | None:
    """Return when an experiment begins to be shown, where that is still to come."""
    start_ms = now_ms if experiment is None else bounds_ms(experiment.schedule)[0]
    return start_ms if start_ms > now_ms else None


def ended(experiment: Mapping[str, Any], now_ms: int) -> dict[str, Any]:
    """Return an experiment whose schedule ends now; its run, and who is in it, stay."""
    end = datetime.fromtimestamp(now_ms / 1000, UTC).isoformat(timespec="milliseconds")
    schedule = {**experiment.get("schedule", {})}
    if bounds_ms(read(Schedule, schedule))[0] >= now_ms:
        del schedule["start"]  # it never began; a schedule has to end after it starts
    return {**experiment, "schedule": {**schedule, "end": end}}


def going_on(service: Service, key: str, experiment: Mapping[str, Any]) -> dict[str, Any]:
    """Return an experiment that is over as one that goes on.

    It has the schedule that it was last published with before it was over, where the end of that
    is still to come; otherwise no end.
    """
    for version in service.library.versions()[:_MOST_VERSIONS]:
        _version, definitions = service.library.version(version.version)
        planned = definitions.get("experiments", {}).get(key, {}).get("schedule", {})
        end_ms = bounds_ms(read(Schedule, planned))[1]
        if end_ms > version.published_ms:
            if end_ms > service.clock():
                return {**experiment, "schedule": planned}
            break
    schedule = {k: v for k, v in experiment.get("schedule", {}).items() if k != "end"}
    return {**experiment, "schedule": schedule}


def may_review(service: Service, key: str, current: Mapping[str, Any] | None) -> bool:
    """Whether nobody is enrolled now, so that publishing without visitors ends nothing."""
    return current is None or _is_for_review(current) or not is_running(service, key)


def stands(service: Service, key: str, current: Mapping[str, Any] | None) -> str:
    """Return how an experiment stands, in a sentence to be translated."""
    found = service.published.snapshot.definitions.experiments.get(key)
    if current is None or found is None:
        return _("It is not published; nobody sees it.")
    start_ms, end_ms = bounds_ms(found.schedule)
    if end_ms <= service.clock():
        return _("It is published, and its time is over.")
    if _is_for_review(current):
        return _("It is published for review, without visitors.")
    if start_ms > service.clock():
        return _("It is published, and begins later.")
    return _("It is published and runs.")


def _is_for_review(current: Mapping[str, Any]) -> bool:
    return current.get("traffic") == "0%" and not current.get("ramp")
