"""What this server is for: its site, what is in force there, and the other sites of the store."""

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import select
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from byleave.server import schema
from byleave.server.access import READERS
from byleave.server.console.routing import ConsolePage, PageCall
from byleave.server.service import Service
from byleave.server.versions import DefinitionVersion


async def show(call: PageCall) -> Response:
    """Show the site and what is in force."""
    newest, sites = await run_in_threadpool(_found, call.service)
    snapshot = call.service.published.snapshot
    return call.page("site.html", newest=newest, sites=sites, snapshot=snapshot)


def _found(service: Service) -> tuple[DefinitionVersion | None, list[Mapping[str, Any]]]:
    versions = service.library.versions()
    statement = select(schema.sites).order_by(schema.sites.c.site)
    with service.storage.reading() as connection:
        sites: list[Mapping[str, Any]] = [
            {"key": row.site, "published_ms": row.published_ms, "is_simulated": row.is_simulated}
            for row in connection.execute(statement)
        ]
    return (versions[0] if versions else None), sites


PAGES: Final = (
    ConsolePage(
        path="/console/site",
        roles=READERS,
        handle=show,
        summary="The site of this server, and what is in force there.",
    ),
)
