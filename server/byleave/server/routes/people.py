"""Who may do what: people, keys, and the trail of who changed something."""

from typing import Annotated, Final, Literal

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from byleave.experiments.snapshot import RECEIPT_GRACE_MS, RECEIPT_LEAD_MS
from byleave.server.access import ADMINS, ANALYSTS
from byleave.server.errors import ForbiddenError, UnknownNameError
from byleave.server.http import Problem, json_response
from byleave.server.keys import Role, name_of
from byleave.server.people import LONGEST, SHORTEST
from byleave.server.routes.routing import ApiRoute, Call, author_of
from byleave.server.times import TimeMs

_PersonsRole = Literal["viewer", "analyst", "marketer", "admin"]


class PersonRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a person may do, and the password to begin with; null for none, only a provider."""

    role: _PersonsRole
    password: Annotated[str, msgspec.Meta(min_length=SHORTEST, max_length=LONGEST)] | None


class RoleRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a person may do from now on."""

    role: _PersonsRole


class KeyRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a key may be used for, and until when."""

    role: Role
    expires_ms: TimeMs | None = None


class MadeKey(msgspec.Struct, frozen=True):
    """A key as it is shown once, and the name by which it is listed, ended and removed."""

    key: str
    name: str


class EndRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When a key stops to open anything."""

    at_ms: TimeMs


async def get_people(call: Call) -> Response:
    """Return everybody who may sign in."""
    people = await run_in_threadpool(call.service.people.all)
    return json_response({"site": call.service.site.key, "people": people})


async def put_person(call: Call) -> Response:
    """Add a person, or change one."""
    wanted: PersonRequest = call.data
    email = call.request.path_params["email"]
    try:
        await run_in_threadpool(
            call.service.people.put,
            email,
            Role(wanted.role),
            wanted.password,
            author=author_of(call),
        )
    except ForbiddenError as error:
        raise Problem(422, str(error)) from error
    return json_response({"kept": True})


async def change_person(call: Call) -> Response:
    """Give a person another role."""
    wanted: RoleRequest = call.data
    email = call.request.path_params["email"]
    try:
        await run_in_threadpool(
            call.service.people.assign, email, Role(wanted.role), author=author_of(call)
        )
    except ForbiddenError as error:
        raise Problem(409, str(error)) from error
    except UnknownNameError as error:
        raise Problem(404, str(error)) from error
    return json_response({"kept": True})


async def delete_person(call: Call) -> Response:
    """Take a person away."""
    email = call.request.path_params["email"]
    try:
        await run_in_threadpool(call.service.people.remove, email, author=author_of(call))
    except ForbiddenError as error:
        raise Problem(409, str(error)) from error
    except UnknownNameError as error:
        raise Problem(404, str(error)) from error
    return Response(status_code=204)


async def get_keys(call: Call) -> Response:
    """Return the keys, without what makes them keys."""
    keys = call.service.keys.of(call.service.site.key)
    return json_response({"keys": [key.told() for key in keys]})


async def create_key(call: Call) -> Response:
    """Make a key and show it, this once."""
    wanted: KeyRequest = call.data

    def create() -> str:
        return call.service.keys.create(
            wanted.role, expires_ms=wanted.expires_ms, author=author_of(call)
        )

    key = await run_in_threadpool(create)
    return json_response(MadeKey(key=key, name=name_of(key)), status=201)


async def end_key(call: Call) -> Response:
    """Let a key expire at a moment."""
    wanted: EndRequest = call.data
    name = call.request.path_params["name"]
    try:
        await run_in_threadpool(
            call.service.keys.end, name, at_ms=wanted.at_ms, author=author_of(call)
        )
    except UnknownNameError as error:
        raise Problem(404, str(error)) from error
    return json_response({"ends": True})


async def delete_key(call: Call) -> Response:
    """Take a key away."""
    name = call.request.path_params["name"]
    try:
        await run_in_threadpool(call.service.keys.drop, name, author=author_of(call))
    except UnknownNameError as error:
        raise Problem(404, str(error)) from error
    return Response(status_code=204)


async def create_receipt_key(call: Call) -> Response:
    """Make the successor of the key that signs receipts; nobody is shown it."""
    made = await run_in_threadpool(call.service.rotate_receipts, author=author_of(call))
    moments = {
        "signs_from_ms": made.since_ms + RECEIPT_LEAD_MS,
        "earlier_until_ms": made.since_ms + RECEIPT_GRACE_MS,
    }
    return json_response(moments, status=201)


async def revoke_receipt_keys(call: Call) -> Response:
    """Let no key count that signs receipts, but a new one; nobody is shown it."""
    await run_in_threadpool(call.service.rotate_receipts, author=author_of(call), revoke=True)
    return Response(status_code=204)


async def get_audit(call: Call) -> Response:
    """Return the newest entries of the audit trail."""
    before = call.request.query_params.get("before")
    if before is not None and not (before.isascii() and before.isdecimal() and len(before) < 18):
        raise Problem(422, "expected before=, the number of an entry")
    number = None if before is None else int(before)
    return json_response(
        {"entries": await run_in_threadpool(call.service.library.audit, before=number)}
    )


_GONE: Final = frozenset({404})

ROUTES: Final = (
    ApiRoute(
        method="GET",
        path="/v1/people",
        roles=ADMINS,
        most_bytes=0,
        handle=get_people,
        summary="Everybody who may sign in.",
    ),
    ApiRoute(
        method="PUT",
        path="/v1/people/{email}",
        roles=ADMINS,
        most_bytes=4_096,
        handle=put_person,
        summary="Add a person, or give one another role and password; their sessions end.",
        reads=PersonRequest,
    ),
    ApiRoute(
        method="PATCH",
        path="/v1/people/{email}",
        roles=ADMINS,
        most_bytes=4_096,
        handle=change_person,
        summary="Give a person another role, who keeps their password; their sessions end.",
        reads=RoleRequest,
        also=frozenset({404, 409}),
    ),
    ApiRoute(
        method="DELETE",
        path="/v1/people/{email}",
        roles=ADMINS,
        most_bytes=0,
        handle=delete_person,
        summary="Take a person away; their sessions end. The last admin stays.",
        status=204,
        media_type=None,
        also=frozenset({404, 409}),
    ),
    ApiRoute(
        method="GET",
        path="/v1/keys",
        roles=ADMINS,
        most_bytes=0,
        handle=get_keys,
        summary="The keys, without their secrets.",
    ),
    ApiRoute(
        method="POST",
        path="/v1/keys",
        roles=ADMINS,
        most_bytes=4_096,
        handle=create_key,
        summary="Make a key; the answer is the only place that ever shows it.",
        reads=KeyRequest,
        answers=MadeKey,
        status=201,
    ),
    ApiRoute(
        method="POST",
        path="/v1/keys/{name}/end",
        roles=ADMINS,
        most_bytes=4_096,
        handle=end_key,
        summary="Let a key expire at a moment, once all who hold it have its successor.",
        reads=EndRequest,
        also=_GONE,
    ),
    ApiRoute(
        method="DELETE",
        path="/v1/keys/{name}",
        roles=ADMINS,
        most_bytes=0,
        handle=delete_key,
        summary="Take a key away, at once.",
        status=204,
        media_type=None,
        also=_GONE,
    ),
    ApiRoute(
        method="POST",
        path="/v1/receipt-keys",
        roles=ADMINS,
        most_bytes=0,
        handle=create_receipt_key,
        summary="Make a new key for receipts; those before it are accepted for 48 hours.",
        status=201,
    ),
    ApiRoute(
        method="DELETE",
        path="/v1/receipt-keys",
        roles=ADMINS,
        most_bytes=0,
        handle=revoke_receipt_keys,
        summary="Revoke the keys for receipts, at once; a new one signs from then on.",
        status=204,
        media_type=None,
    ),
    ApiRoute(
        method="GET",
        path="/v1/audit",
        roles=ANALYSTS - {Role.SERVER},
        most_bytes=0,
        handle=get_audit,
        summary="Who changed what, when and why; the newest first.",
        query={"before": {"type": "integer", "minimum": 0, "maximum": 10**17 - 1}},
    ),
)
