"""The first page: what needs attention, what runs, and what personalisation brings as a whole."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from byleave.experiments.lift import Status
from byleave.server.access import READERS
from byleave.server.console.display import marked as _
from byleave.server.console.glance import Glance, Glances, glances
from byleave.server.console.rendering import SAFE
from byleave.server.console.routing import ConsolePage, PageCall

#: Of fewer page views than this share that may be measured, results speak for few.
LOW_SHARE: Final = 0.3


@dataclass(frozen=True, slots=True)
class Attention:
    """Something to look at.

    Attributes:
        glance: The experiment; None when it concerns all.
        text: What it is, to be translated.
        detail: What it is about, such as a goal.
        is_grave: Whether something is wrong, and not just due.
    """

    glance: Glance | None
    text: str
    detail: str = ""
    is_grave: bool = False


async def show(call: PageCall) -> Response:
    """Show the overview."""
    found = await run_in_threadpool(glances, call.service)
    return call.page(
        "overview.html",
        glances=found,
        attention=sorted(_attention(found), key=lambda each: not each.is_grave),
    )


async def begin(call: PageCall) -> Response:
    """Lead whoever opens the server's bare address to the console."""
    del call  # it is the same for everybody
    return RedirectResponse("/console", 303, SAFE)


def _attention(found: Glances) -> Iterable[Attention]:
    for glance in found.live:
        if glance.report.status is Status.UNHEALTHY:
            yield Attention(
                glance, _("It is not carried out as planned: no lift is given."), is_grave=True
            )
        if not glance.has_comparison:
            yield Attention(
                glance,
                _("Its control has a share of 0 %% or of all: there is nothing to compare with."),
            )
        for goal in glance.broken_guards:
            yield Attention(
                glance, _("It makes a goal worse than allowed:"), detail=goal, is_grave=True
            )
        if glance.report.status is Status.READY_FOR_REVIEW:
            advice = _("Going on would hardly find anything better: decide what stays.")
            decided = _("Its interval leaves out no change: decide what stays.")
            yield Attention(glance, advice if glance.report.stop_advised else decided)
    if found.drift:
        yield Attention(
            None,
            _("Changed here since files were published, so the repository has it otherwise:"),
            detail=", ".join(found.drift),
        )
    share = found.measurable_share
    if share is not None and share < LOW_SHARE:
        yield Attention(
            None, _("Few page views may be personalised and measured; results speak for them only.")
        )


PAGES: Final = (
    ConsolePage(path="/", roles=None, handle=begin, summary="Leads to the console."),
    ConsolePage(
        path="/console",
        roles=READERS,
        handle=show,
        summary="What needs attention, what runs, and what it brings as a whole.",
    ),
)
