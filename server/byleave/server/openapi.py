"""The OpenAPI 3.1 document, from the route table that the server answers by."""

import re
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any, Final

import msgspec

from byleave.sdk.images import NAME as IMAGE_NAME
from byleave.segments.naming import NAME
from byleave.server.events import VISITOR_ID
from byleave.server.routes.routing import ApiRoute

_REFERENCE: Final = "#/components/schemas/{name}"
_PROBLEM: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["title", "status", "detail"],
    "properties": {
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
    },
}
_TEXT: Final = {"type": "string"}
#: What an answer is; of a stream of events and of an image a schema has no more to say.
_KINDS: Final[dict[str, dict[str, Any]]] = {
    "application/json": {"schema": {"type": "object"}},
    "text/event-stream": {},
    "image/*": {},
}
_PATHS: Final[dict[str, dict[str, Any]]] = {
    "visitor": {"type": "string", "pattern": VISITOR_ID},
    "image": {"type": "string", "pattern": f"^{IMAGE_NAME}$"},
    "webhook": {"type": "string", "pattern": f"^{NAME}$"},
}


def openapi(routes: Iterable[ApiRoute], *, version: str) -> dict[str, Any]:
    """Return the document that describes these routes.

    Args:
        routes: The routes.
        version: The version of the software.
    """
    table = list(routes)
    said = [kind for route in table for kind in (route.reads, route.answers)]
    kinds = [kind for kind in said if kind is not None]
    bodies, schemas = msgspec.json.schema_components(kinds, ref_template=_REFERENCE)
    schema_of = dict(zip(kinds, bodies, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for route in table:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schema_of)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Byleave",
            "summary": "Website personalisation that asks first.",
            "version": version,
        },
        "paths": paths,
        "components": {
            "schemas": {**schemas, "Problem": _PROBLEM},
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(route: ApiRoute, schema_of: Mapping[Any, dict[str, Any]]) -> dict[str, Any]:
    names = re.findall(r"{(\w+)}", route.path)
    described: dict[str, Any] = {
        "operationId": route.handle.__name__,
        "summary": route.summary,
        "parameters": [
            *(_parameter("path", name, _PATHS.get(name, {"type": "string"})) for name in names),
            *(_parameter("query", name, dict(kind)) for name, kind in route.query.items()),
            *(_parameter("header", name, dict(kind)) for name, kind in route.headers.items()),
        ],
        "responses": {
            str(status): _response(route, status, schema_of)
            for status in sorted(_statuses(route, names))
        },
    }
    if route.reads is not None:
        described["requestBody"] = {
            "required": True,
            "description": f"At most {route.most_bytes:,} bytes.",
            "content": {"application/json": {"schema": schema_of[route.reads]}},
        }
    if route.roles is not None:
        described["security"] = [{"key": []}]
        described["x-roles"] = sorted(route.roles)
    return described


def _parameter(place: str, name: str, kind: dict[str, Any]) -> dict[str, Any]:
    return {"in": place, "name": name, "required": place == "path", "schema": kind}


def _statuses(route: ApiRoute, names: list[str]) -> set[int]:
    """Return what a route may answer with: what it declares, and what the guards add."""
    if route.tell is not None:
        return {route.status, 400, 401, 403, 404, 503, *route.also}
    found = {route.status, 413, 415, 503, *route.also}
    if route.roles is not None:
        found |= {401, 403, 404}
    if route.reads is not None:
        found |= {400, 422}
    if names or route.query:
        found |= {404, 422}
    return found


def _response(
    route: ApiRoute, status: int, schema_of: Mapping[Any, dict[str, Any]]
) -> dict[str, Any]:
    said: dict[str, Any] = {"description": HTTPStatus(status).phrase}
    if status >= 400 and route.tell is not None:
        said["content"] = {"application/json": {"schema": {"type": "object"}}}
    elif status >= 400:
        problem = {"$ref": _REFERENCE.format(name="Problem")}
        said["content"] = {"application/problem+json": {"schema": problem}}
    elif status == route.status and route.answers is not None:
        said["content"] = {"application/json": {"schema": schema_of[route.answers]}}
    elif status == route.status and route.media_type is not None:
        said["content"] = {route.media_type: _KINDS.get(route.media_type, {"schema": _TEXT})}
    return said
