"""Definitions: what is published, what was, what differs, and publishing; drafts."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, Final

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from byleave.experiments import Definitions
from byleave.segments import DefinitionError, read
from byleave.server.access import EDITORS, MARKUP_EDITORS, READERS
from byleave.server.differing import differences
from byleave.server.errors import ConflictError, ForbiddenError, ManagedError, UnknownNameError
from byleave.server.http import Problem, json_response
from byleave.server.keys import Role
from byleave.server.managing import UNCLAIMED, Claim, Manager
from byleave.server.planning import Plan
from byleave.server.routes.routing import ApiRoute, Call, author_of
from byleave.server.versions import DefinitionVersion

_Reason = Annotated[str, msgspec.Meta(min_length=1, max_length=1_000)]
_Place = Annotated[str, msgspec.Meta(max_length=100)]
#: Longer than any site's definitions that we have seen; they are read whole.
_MOST_BYTES: Final = 2_097_152


class Claiming(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A set of definitions: who looks after it, and which objects change hands."""

    definitions: dict[str, Any]
    managed: Manager = Manager.CONSOLE
    take: tuple[_Place, ...] = ()
    leave: tuple[_Place, ...] = ()

    @property
    def claim(self) -> Claim:
        """For whom it is published."""
        return Claim(by=self.managed, take=self.take, leave=self.leave)


class PublishRequest(Claiming, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A set of definitions, why it is published, and the revision of its files."""

    reason: _Reason
    revision: Annotated[str, msgspec.Meta(min_length=1, max_length=100)] | None = None


class CheckRequest(Claiming, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A set of definitions that somebody thinks of publishing; how audiences change, if asked."""

    audience: bool = False


class RestoreRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why an old version comes back."""

    reason: _Reason


class DraftRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What was written, and the number of the version that it started from."""

    definitions: dict[str, Any]
    base: Annotated[int, msgspec.Meta(ge=0, le=2**53)] = 0


async def get_definitions(call: Call) -> Response:
    """Return the newest version, and how its objects were written."""
    library = call.service.library
    texts = await run_in_threadpool(library.texts)
    return await _told(call, await run_in_threadpool(library.newest), texts=texts)


async def get_version(call: Call) -> Response:
    """Return one version."""
    return await _told(call, call.request.path_params["version"])


async def compare(call: Call) -> Response:
    """Return where a version differs from an older or newer one."""
    names = call.request.path_params
    try:
        before, after = [
            (await run_in_threadpool(call.service.library.version, names[name]))[1]
            for name in ("version", "other")
        ]
    except UnknownNameError as error:
        raise Problem(404, str(error)) from error
    changes = await run_in_threadpool(lambda: [*differences(before, after)])
    return json_response({"changes": changes})


async def get_history(call: Call) -> Response:
    """Return all versions, without their definitions."""
    versions = await run_in_threadpool(call.service.library.versions)
    return json_response({"versions": [_told_of(each) for each in versions]})


async def publish(call: Call) -> Response:
    """Publish a set of definitions, if nobody published another one meanwhile."""
    wanted: PublishRequest = call.data
    return await _published(
        call, wanted.definitions, wanted.reason, revision=wanted.revision, claim=wanted.claim
    )


async def restore(call: Call) -> Response:
    """Publish an old version anew."""
    version, wanted = call.request.path_params["version"], call.data
    try:
        _, old = await run_in_threadpool(call.service.library.version, version)
    except UnknownNameError as error:
        raise Problem(404, str(error)) from error
    return await _published(call, old, f"back to {version}: {wanted.reason}")


async def plan(call: Call) -> Response:
    """Say what publishing would change, and what is wrong with a set."""
    wanted: CheckRequest = call.data

    def do() -> Plan:
        return call.service.library.plan(
            read(Definitions, wanted.definitions),
            claim=_allowed(call, wanted.claim),
            with_audience=wanted.audience,
        )

    try:
        found = await run_in_threadpool(do)
    except DefinitionError as error:
        raise _faulty(error) from error
    except ForbiddenError as error:
        raise Problem(403, str(error)) from error
    except ManagedError as error:
        raise Problem(409, str(error)) from error
    except UnknownNameError as error:
        raise Problem(422, str(error)) from error
    return json_response(found)


async def get_drafts(call: Call) -> Response:
    """Return all drafts, each with its state, the ETag to replace it by."""
    found = await run_in_threadpool(call.service.library.drafts)
    told = [{**msgspec.to_builtins(each), "state": each.state} for each in found]
    return json_response({"drafts": told})


async def put_draft(call: Call) -> Response:
    """Keep a draft, if it replaces none or the one that was seen."""
    wanted: DraftRequest = call.data
    name = call.request.path_params["draft"]
    if len(name) > 100 or not name.isprintable():
        raise Problem(422, "expected a draft's name of at most 100 printable characters")
    try:
        state = await run_in_threadpool(
            call.service.library.put_draft,
            name,
            wanted.definitions,
            base=wanted.base,
            author=author_of(call),
            over=_seen(call) if "if-match" in call.request.headers else "",
        )
    except ConflictError as error:
        if "if-match" not in call.request.headers:
            raise Problem(428, _DRAFT_THERE) from error
        raise Problem(412, str(error)) from error
    except ManagedError as error:
        raise Problem(409, str(error)) from error
    answer = json_response({"kept": True})
    answer.headers["ETag"] = f'"{state}"'
    return answer


async def delete_draft(call: Call) -> Response:
    """Throw a draft away; with If-Match, only the one that was seen."""
    name = call.request.path_params["draft"]
    try:
        await run_in_threadpool(
            call.service.library.drop_draft, name, author=author_of(call), over=_seen(call)
        )
    except ConflictError as error:
        raise Problem(412, str(error)) from error
    except UnknownNameError as error:
        raise Problem(404, str(error)) from error
    return Response(status_code=204)


def _seen(call: Call) -> str | None:
    """Return the ETag that If-Match asks for; None for any, and without the header."""
    found = call.request.headers.get("if-match", "*").strip()
    return None if found == "*" else found.strip('"')


async def _told(call: Call, version: str, **more: Any) -> Response:
    try:
        found, definitions = await run_in_threadpool(call.service.library.version, version)
    except UnknownNameError as error:
        raise Problem(404, str(error)) from error
    return await run_in_threadpool(_answer, found, definitions, **more)


def _told_of(found: DefinitionVersion) -> dict[str, Any]:
    return {name: value for name, value in msgspec.to_builtins(found).items() if name != "managed"}


def _answer(
    found: DefinitionVersion, definitions: Mapping[str, Any], *, status: int = 200, **more: Any
) -> Response:
    told = {
        **_told_of(found),
        "managed": found.managed.by,
        "drift": found.managed.drift(definitions),
        "definitions": definitions,
        **more,
    }
    answer = json_response(told, status=status)
    answer.headers["ETag"] = f'"{found.version}"'
    return answer


async def _published(
    call: Call,
    definitions: dict[str, Any],
    reason: str,
    *,
    revision: str | None = None,
    claim: Claim = UNCLAIMED,
) -> Response:
    if "if-match" not in call.request.headers:
        raise Problem(428, "expected If-Match with the ETag of GET /v1/definitions, or *")

    def do() -> None:  # all of it where no decision has to wait: a large set takes long to read
        call.service.publish(
            read(Definitions, definitions),
            reason=reason,
            author=author_of(call),
            expected=_seen(call),
            revision=revision,
            claim=_allowed(call, claim),
        )

    try:
        await run_in_threadpool(do)
    except DefinitionError as error:
        raise _faulty(error) from error
    except ForbiddenError as error:
        raise Problem(403, str(error)) from error
    except ConflictError as error:
        raise Problem(412, str(error)) from error
    except ManagedError as error:
        raise Problem(409, str(error)) from error
    except UnknownNameError as error:
        raise Problem(422, str(error)) from error
    return await _told(call, await run_in_threadpool(call.service.library.newest))


def _allowed(call: Call, claim: Claim) -> Claim:
    """Return a claim that brings in no HTML, unless the caller may write it."""
    may = call.principal is not None and call.principal.role in MARKUP_EDITORS
    return replace(claim, may_write_html=may)


def _faulty(error: DefinitionError) -> Problem:
    faults = [{"path": list(fault.path), "message": fault.message} for fault in error.faults]
    return Problem(422, "the definitions have faults", faults=json.loads(json.dumps(faults)))


_PATH: Final = "/v1/definitions"
_DRAFT_THERE: Final = (
    "there is a draft of this name; expected If-Match with its state of GET /v1/drafts, or *"
)
_CHANGES: Final = frozenset({404, 412, 428})
_MANAGED: Final = frozenset({409})

ROUTES: Final = (
    ApiRoute(
        method="GET",
        path=_PATH,
        roles=READERS,
        most_bytes=0,
        handle=get_definitions,
        summary="The definitions that were published last, and the ETag to publish the next by.",
        also=frozenset({404}),
    ),
    ApiRoute(
        method="POST",
        path=_PATH,
        roles=EDITORS,
        most_bytes=_MOST_BYTES,
        handle=publish,
        summary="Publish a set of definitions with a reason; needs If-Match.",
        reads=PublishRequest,
        headers={"If-Match": {"type": "string"}},
        also=_CHANGES | _MANAGED,
    ),
    ApiRoute(
        method="POST",
        path=f"{_PATH}/plan",
        roles=READERS - {Role.SERVER},
        most_bytes=_MOST_BYTES,
        handle=plan,
        summary="What publishing a set would change, audiences too; every fault of it.",
        reads=CheckRequest,
        also=_MANAGED,
    ),
    ApiRoute(
        method="GET",
        path=f"{_PATH}/versions",
        roles=READERS,
        most_bytes=0,
        handle=get_history,
        summary="What was published when, by whom and why.",
    ),
    ApiRoute(
        method="GET",
        path=f"{_PATH}/versions/{{version}}",
        roles=READERS,
        most_bytes=0,
        handle=get_version,
        summary="One version, as it was published.",
        also=frozenset({404}),
    ),
    ApiRoute(
        method="GET",
        path=f"{_PATH}/versions/{{version}}/diff/{{other}}",
        roles=READERS,
        most_bytes=0,
        handle=compare,
        summary="What changed from one version to another.",
        also=frozenset({404}),
    ),
    ApiRoute(
        method="POST",
        path=f"{_PATH}/versions/{{version}}/restore",
        roles=EDITORS,
        most_bytes=4_096,
        handle=restore,
        summary="Publish an old version anew, with a reason; needs If-Match.",
        reads=RestoreRequest,
        headers={"If-Match": {"type": "string"}},
        also=_CHANGES,
    ),
    ApiRoute(
        method="GET",
        path="/v1/drafts",
        roles=READERS - {Role.SERVER},
        most_bytes=0,
        handle=get_drafts,
        summary="What is written and not published yet.",
    ),
    ApiRoute(
        method="PUT",
        path="/v1/drafts/{draft}",
        roles=EDITORS,
        most_bytes=_MOST_BYTES,
        handle=put_draft,
        summary="Keep a draft, faults and all; to replace one needs If-Match.",
        reads=DraftRequest,
        headers={"If-Match": {"type": "string"}},
        also=frozenset({412, 428}) | _MANAGED,
    ),
    ApiRoute(
        method="DELETE",
        path="/v1/drafts/{draft}",
        roles=EDITORS,
        most_bytes=0,
        handle=delete_draft,
        summary="Throw a draft away; with If-Match, only as it was seen.",
        headers={"If-Match": {"type": "string"}},
        status=204,
        media_type=None,
        also=frozenset({404, 412}),
    ),
)
