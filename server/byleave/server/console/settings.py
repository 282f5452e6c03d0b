"""The page on which a reader chooses language, time zone and theme."""

from functools import cache
from typing import Final
from zoneinfo import available_timezones

from starlette.responses import RedirectResponse, Response

from byleave.server.console.display import (
    COOKIE,
    THEMES,
    Display,
    as_theme,
    is_locale,
    is_zone,
)
from byleave.server.console.display import (
    marked as _,
)
from byleave.server.console.forms import Form, own_path
from byleave.server.console.routing import ConsolePage, PageCall
from byleave.server.console.wording import PSEUDO

_YEAR_S: Final = 31_536_000
_PATH: Final = "/console/display"

#: Formats to choose from; a browser that asks for another one gets it without choosing.
LOCALES: Final = ("en-GB", "en-US", "en-AU", "en-CA", "en-DE", "en-CH", "en-IN", PSEUDO)


async def show(call: PageCall) -> Response:
    """Show what is chosen now."""
    shown = call.display
    form = Form.holding(
        theme=shown.theme,
        locale=shown.locale,
        zone=shown.zone,
        next=call.request.query_params.get("next", ""),
    )
    return _page(call, form)


async def change(call: PageCall) -> Response:
    """Keep what was chosen, and go back to where it was chosen."""
    current, form = call.display, Form(call.values)
    theme = form.value("theme") or current.theme
    locale = form.value("locale") or current.locale
    zone = form.value("zone") or (current.zone if current.has_zone else "")
    if theme not in THEMES:
        form.faults["theme"] = _("Choose one of the themes.")
    if not is_locale(locale):
        form.faults["locale"] = _("Choose one of the formats.")
    if zone and not is_zone(zone):
        form.faults["zone"] = _("Write a zone as the list has it, such as Europe/London.")
    if not form.is_sound:
        return _page(call, form, status=422)
    chosen = Display(
        locale=locale,
        zone=zone or current.zone,
        theme=as_theme(theme),
        has_zone=bool(zone),
    )
    answer = RedirectResponse(own_path(form.value("next"), instead=_PATH), status_code=303)
    answer.set_cookie(
        COOKIE,
        chosen.to_cookie(),
        max_age=_YEAR_S,
        path="/",
        secure=call.request.url.scheme == "https",
        samesite="lax",
    )
    return answer


def _page(call: PageCall, form: Form, *, status: int = 200) -> Response:
    locale = form.value("locale")
    return call.page(
        "settings.html",
        status=status,
        form=form,
        locales=LOCALES if locale in LOCALES or not is_locale(locale) else (locale, *LOCALES),
        zones=_zones(),
        themes={
            "auto": _("As the browser"),
            "light": _("Light"),
            "dark": _("Dark"),
        },
    )


@cache
def _zones() -> tuple[str, ...]:
    """Return the names of all time zones: to find them opens hundreds of files, once."""
    return tuple(sorted(available_timezones()))


PAGES: Final = (
    ConsolePage(path=_PATH, roles=None, handle=show, summary="Language, time zone and theme."),
    ConsolePage(
        path=_PATH,
        roles=None,
        handle=change,
        summary="Keep language, time zone and theme in a cookie.",
        method="POST",
    ),
)
