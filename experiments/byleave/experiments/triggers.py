"""When a slot opens over a page by itself, instead of standing in it."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Literal

from byleave.segments import Duration, Fault, Path, Share, unknown_name


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """The moments at which a slot opens; the first of those that are named counts.

    Attributes:
        exit: The pointer leaves the page at its top.
        scroll: This share of the page was in view.
        idle: Nothing was moved or typed for so long.
        after: The page is open for so long.
        events: These events happened on the page, in this order.
        show: Whether it takes over, as a dialog, or stands beside the page, as a popover.
    """

    exit: bool = False
    scroll: Share | None = None
    idle: Duration | None = None
    after: Duration | None = None
    events: tuple[str, ...] = ()
    show: Literal["dialog", "popover"] = "dialog"


def check_trigger(trigger: Trigger, events: Collection[str], path: Path) -> Iterator[Fault]:
    """Yield what is wrong with a trigger.

    Args:
        trigger: The trigger.
        events: The declared events.
        path: Where it stands.
    """
    moments = (trigger.exit, trigger.scroll, trigger.idle, trigger.after, trigger.events)
    if not any(moment not in (None, False, ()) for moment in moments):
        yield Fault(path, "expected `exit`, `scroll`, `idle`, `after` or `events`")
    for index, event in enumerate(trigger.events):
        if event not in events:
            yield unknown_name("event", event, events, (*path, "events", index))
