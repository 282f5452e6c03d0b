"""A visitor's way through a journey, as templates show it."""

from dataclasses import dataclass, field, replace
from typing import Final

from markupsafe import Markup

from byleave.sdk.failures import report
from byleave.sdk.variants import Template
from byleave.sdk.visit import Visit
from byleave.segments import suggestion

DONE: Final = "done"
COUNT: Final = "{done} of {all} steps done"
CONTINUE: Final = "Continue where you left off: {step}"

#: Everything that the markup says beside the journey's own words.
MESSAGES: Final = (DONE, COUNT, CONTINUE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step: its key, label and link, whether it is done, and whether it comes next."""

    key: str
    label: str
    link: str
    is_done: bool
    is_next: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class JourneyShown:
    """Where a visitor is in a journey; printed, it is a list of its steps.

    Attributes:
        title: What people call it.
        steps: The steps, from the first to the last.
        share: The share of steps that are done, in [0, 1].
        count: The same in words.
        invitation: What leads to the next step; empty before the first and after the last.
        done: The word for a step that is done.
        template: The site's own, `byleave/journey.html`, that prints it as `journey`; ours
            does where there is none, and inside of it.
    """

    title: str
    steps: tuple[Step, ...]
    share: float
    count: str
    invitation: str
    done: str
    template: Template | None = field(default=None, repr=False)

    @property
    def next(self) -> Step | None:
        """The step that comes next; None once all are done."""
        return next((step for step in self.steps if step.is_next), None)

    def __html__(self) -> str:
        """Return the steps as markup that says by words, not by looks alone, how far one is."""
        if self.template is not None:
            own = replace(self, template=None)
            try:
                return Markup(self.template.render({"journey": own}))  # noqa: S704  # it escapes
            except Exception as error:
                report("the site's template of a journey failed", error)
        items = Markup().join(map(self._item, self.steps))
        invitation: Markup | str = ""
        if self.invitation and self.next and self.next.link:
            invitation = Markup('<p><a href="{}">{}</a></p>').format(
                self.next.link, self.invitation
            )
        return Markup(
            '<section class="byleave-journey" aria-label="{}"><p>{}</p><ol>{}</ol>{}</section>'
        ).format(self.title, self.count, items, invitation)

    def _item(self, step: Step) -> Markup:
        inside: Markup | str = step.label
        if step.link:
            inside = Markup('<a href="{}">{}</a>').format(step.link, step.label)
        if step.is_done:
            return Markup("<li data-done>{} <span>({})</span></li>").format(inside, self.done)
        is_current = Markup(' aria-current="step"') if step.is_next else ""
        return Markup("<li{}>{}</li>").format(is_current, inside)


def shown(visit: Visit, key: str) -> JourneyShown | None:
    """Return where the visitor is in a journey; None where there is no such journey.

    Without consent for what the journey is used for, no step is done.
    """
    decider = visit.decider
    if decider is None:
        return None
    journeys = decider.snapshot.definitions.journeys
    if key not in journeys:
        visit.site.warn_once(f"unknown journey {key!r}.{suggestion(key, journeys)}")
        return None
    facts = decider.rules.facts(
        consent=visit.consent,
        attributes=visit.attributes,
        profile=visit.memory.state.profile,
        now_ms=visit.now_ms,
        collected=visit.collected,
    )
    progress = facts.journey(key)
    say = visit.site.gettext
    steps = tuple(
        Step(
            key=step.key,
            label=say(step.label or step.key.replace("-", " ").capitalize()),
            link=step.link or "",
            is_done=step.key in progress.reached,
            is_next=step.key == progress.next,
        )
        for step in journeys[key].steps
    )
    following = next((step for step in steps if step.is_next), None)
    done = sum(step.is_done for step in steps)
    return JourneyShown(
        title=say(journeys[key].title or key.replace("-", " ").capitalize()),
        steps=steps,
        share=progress.share,
        count=say(COUNT).replace("{done}", str(done)).replace("{all}", str(len(steps))),
        invitation=say(CONTINUE).replace("{step}", following.label) if following and done else "",
        done=say(DONE),
        template=visit.site.renderer.override("byleave/journey.html"),
    )
