"""The visitor's own control: why a page looks as it does, and how to have the standard site."""

from typing import Final

from markupsafe import Markup, escape

from byleave.experiments import CONTROL
from byleave.sdk.consent_routes import CONSENT_PATH
from byleave.sdk.visit import Visit
from byleave.sdk.visitor_routes import PROFILE_PATH
from byleave.segments import reads

TITLE: Final = "Why am I seeing this?"
COMPARED: Final = "We compare versions of this page to see which one helps more."
BASED: Final = "Based on: {names}"
STANDARD: Final = "Show the standard site"
PERSONAL: Final = "Show the personalised site"
IS_STANDARD: Final = "You chose to see the standard site."
DOWNLOAD: Final = "What this device keeps about me"
FORGET: Final = "Stop, and forget me"

#: Everything that the control says, for a site's catalogue of translations.
MESSAGES: Final = (TITLE, COMPARED, BASED, STANDARD, PERSONAL, IS_STANDARD, DOWNLOAD, FORGET)


def control(visit: Visit) -> Markup:
    """Return the control for a page; nothing where the visitor sees what everybody sees."""
    say = visit.site.gettext
    if visit.is_standard:
        link = _link("?byleave=on", say(PERSONAL))
        return _details(say(TITLE), Markup("<p>{}</p><p>{}</p>").format(say(IS_STANDARD), link))
    reasons = _reasons(visit)
    if not reasons:
        return Markup()
    items = Markup().join(Markup("<li>{}</li>").format(reason) for reason in reasons)
    names = _names(visit)
    based = Markup("<p>{}</p>").format(say(BASED).replace("{names}", ", ".join(names)))
    actions = Markup("<p>{} {}</p>").format(
        _link("?byleave=off", say(STANDARD)), _link(PROFILE_PATH, say(DOWNLOAD))
    )
    form = Markup(
        '<form method="post" action="{}"><input type="hidden" name="back" value="{}">'
        '<button name="choice" value="withdraw">{}</button></form>'
    ).format(CONSENT_PATH, visit.path, say(FORGET))
    parts = (Markup("<ul>{}</ul>").format(items), based if names else "", actions, form)
    return _details(say(TITLE), Markup().join(parts))


def _reasons(visit: Visit) -> list[str]:
    """Return the sentences of what is different on this site for this visitor."""
    say = visit.site.gettext
    shown = [slot for slot, d in visit.slots.decisions.items() if d.variant != CONTROL]
    return list(dict.fromkeys(say(visit.slots.because(slot) or COMPARED) for slot in shown))


def _names(visit: Visit) -> list[str]:
    """Return what the audiences looked at, in words."""
    if visit.decider is None:
        return []
    definitions = visit.decider.snapshot.definitions
    named: set[str] = set()
    for decision in visit.slots.decisions.values():
        experiment = decision.experiment and definitions.experiments[decision.experiment]
        if experiment and experiment.audience and decision.variant != CONTROL:
            condition = definitions.segments[experiment.audience].when
            found = reads(condition, definitions.vocabulary)
            named |= found.attributes | found.events
    return sorted(name.replace("_", " ").replace("-", " ") for name in named)


def _details(title: str, inside: str) -> Markup:
    return Markup(
        '<details class="byleave-why"><summary>{}</summary><div>{}</div></details>'
    ).format(title, escape(inside))


def _link(address: str, text: str) -> Markup:
    return Markup('<a href="{}" rel="nofollow">{}</a>').format(address, text)
