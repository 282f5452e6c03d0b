"""Drafts of single objects, such as an experiment: kept, laid over what is in force, published.

A draft holds the one object that it is about. It is laid over the definitions in force when it is
looked at and when it is published, so that it takes back nothing that others did meanwhile.
A form brings along in its field `draft` the state of the draft that it was filled from, so that
nobody overwrites or drops what others saved since without being told.
"""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from byleave.experiments import Definitions
from byleave.segments import DefinitionError, Fault, read
from byleave.server.console.display import marked as _
from byleave.server.console.forms import Form
from byleave.server.console.routing import PageCall
from byleave.server.errors import ConflictError, UnknownNameError
from byleave.server.managing import UNCLAIMED, Claim, Manager, objects
from byleave.server.publishing import faults_of
from byleave.server.service import Service
from byleave.server.versions import DefinitionVersion, Draft

EXPERIMENTS: Final = "experiments"
SEGMENTS: Final = "segments"
MEANWHILE: Final = _("Somebody published meanwhile. Look at the page again, then send once more.")
STATE: Final = "draft"
_MOVED: Final = _(
    "Nothing was done, and what you typed is still here: this draft was saved meanwhile. Look at "
    "it in another tab. If yours should hold nevertheless, send once more. It was saved by:"
)
_GONE: Final = _(
    "Nothing was done, and what you typed is still here: this draft was published or thrown away "
    "meanwhile. Look at what there is in another tab. If yours should hold nevertheless, send "
    "once more."
)


def drafted(service: Service, section: str, key: str) -> Any:
    """Return the definition that a draft of an object holds; None without one."""
    return written(service, section, key)[0]


def written(service: Service, section: str, key: str) -> tuple[Any, str, str]:
    """Return what `drafted` does, how it was written, with comments, and the draft's state.

    Without a draft these are None, '' and ''.
    """
    if (draft := _found(service, section, key)) is None:
        return None, "", ""
    return objects(draft.definitions).get(f"{section}.{key}"), draft.text or "", draft.state


def state(service: Service, section: str, key: str) -> str:
    """Return the state of the draft of an object; '' without one."""
    return written(service, section, key)[2]


def keep(
    call: PageCall,
    section: str,
    key: str,
    value: Mapping[str, Any],
    *,
    over: str,
    text: str | None = None,
) -> str:
    """Keep the draft of an object, and how it was written; return its state.

    Args:
        call: By whom.
        section: The section of the object.
        key: Its key.
        value: Its definition.
        over: The state of the draft that it replaces, as `held` returns it.
        text: How it was written.

    Raises:
        ConflictError: The draft was changed meanwhile.
        ManagedError: It is managed from files.
    """
    library, newest = call.service.library, call.service.published.snapshot.version
    return library.put_draft(
        _name(section, key),
        {section: {key: dict(value)}},
        base=newest.number,
        author=call.author,
        text=text,
        over=over,
    )


def drop(call: PageCall, section: str, key: str, *, over: str) -> None:
    """Throw the draft of an object away.

    Raises:
        ConflictError: It was changed meanwhile.
        UnknownNameError: There is none.
    """
    call.service.library.drop_draft(_name(section, key), author=call.author, over=over)


def drop_published(call: PageCall, section: str, key: str, *, over: str) -> None:
    """Throw away the draft that was published; one that was changed meanwhile stays."""
    with suppress(ConflictError, UnknownNameError):
        drop(call, section, key, over=over)


def held(form: Form) -> str:
    """Return the state of the draft that a form was filled from; '' where there was none.

    A form that does not tell is taken for one of before there was a draft: so it replaces none.
    """
    return form.value(STATE)


def hold(form: Form, state: str) -> None:
    """Have a form bring along the state of a draft."""
    form.values = {**form.values, STATE: (state,)}


def tell_moved(call: PageCall, form: Form, section: str, key: str, field: str = "checks") -> None:
    """Say in a form that its draft was changed meanwhile, and by whom.

    The form then holds the draft as it stands, so that sending it once more replaces that one.
    """
    draft = _found(call.service, section, key)
    form.faults[field] = _GONE if draft is None else _MOVED
    if draft is not None:
        form.details[field] = draft.author
    hold(form, "" if draft is None else draft.state)


def in_force(service: Service) -> tuple[str, dict[str, Any]]:
    """Return the newest version and its definitions; ('', {}) before the first."""
    newest = service.library.newest()
    return (newest, service.library.version(newest)[1]) if newest else ("", {})


def laid_over(definitions: Mapping[str, Any], section: str, key: str, value: Any) -> dict[str, Any]:
    """Return definitions with an object changed or added; without it, where it is None."""
    others = {k: v for k, v in definitions.get(section, {}).items() if k != key}
    changed = others if value is None else {**others, key: value}
    return {**definitions, section: changed}


def all_faults(service: Service, definitions: Mapping[str, Any]) -> list[Fault]:
    """Return all that keeps a set of definitions from being published."""
    try:
        return faults_of(service.site, read(Definitions, definitions))
    except DefinitionError as error:
        return list(error.faults)


def is_of_files(service: Service, section: str, key: str) -> bool:
    """Whether an object is managed from files, where it then has to be changed."""
    found, _definitions = service.library.version(service.library.newest())
    return f"{section}.{key}" in found.managed.of(Manager.FILES)


def publish(
    service: Service,
    section: str,
    key: str,
    value: Any,
    *,
    expected: str,
    reason: str,
    author: str,
    is_stopping: bool = False,
    may_write_html: bool = False,
) -> None:
    """Publish what is in force with one object changed; without it, where it is None.

    What is managed from files is changed there. But whoever sees harm may stop it here.

    Raises:
        ConflictError: Somebody published meanwhile.
        DefinitionError: It cannot be published.
        ForbiddenError: It brings in HTML, which whoever publishes may not write.
        ManagedError: It is managed from files.
    """
    _version, definitions = service.library.version(expected)
    service.publish(
        read(Definitions, laid_over(definitions, section, key, value)),
        reason=reason,
        author=author,
        expected=expected,
        claim=UNCLAIMED
        if is_stopping
        else Claim(by=Manager.CONSOLE, may_write_html=may_write_html),
    )


def past(service: Service, section: str, key: str, *, most: int = 30) -> list[DefinitionVersion]:
    """Return the newest versions in which an object changed, the newest first."""
    versions = service.library.versions()[: most + 1]
    read_them = [service.library.version(each.version)[1] for each in versions]
    own = [each.get(section, {}).get(key) for each in read_them]
    if len(versions) <= most:
        own.append(None)  # before the first version there was nothing
    return [
        version for version, new, old in zip(versions, own, own[1:], strict=False) if new != old
    ]


def _found(service: Service, section: str, key: str) -> Draft | None:
    name = _name(section, key)
    return next((each for each in service.library.drafts() if each.draft == name), None)


def _name(section: str, key: str) -> str:
    """Return the name of an object's draft; no experiment has a colon in its key."""
    return key if section == EXPERIMENTS else f"{section}:{key}"
