"""All pages of the console, in one table, and the routes that they make."""

from typing import Final

from starlette.routing import Route

from byleave.server.console import (
    declaring_page,
    experiments,
    experiments_draft,
    experiments_live,
    experiments_new,
    first_admin,
    history_pages,
    images_page,
    keys_pages,
    overview,
    people_pages,
    personas_page,
    privacy_pages,
    results_page,
    segment_builder,
    segments_page,
    settings,
    signing_in,
    site_pages,
    variants_image,
    variants_page,
    why_page,
)
from byleave.server.console.assets import ASSETS
from byleave.server.console.routing import console_routes
from byleave.server.service import Service

PAGES: Final = (
    *overview.PAGES,
    *experiments.PAGES,
    *results_page.PAGES,
    *segments_page.PAGES,
    *segment_builder.PAGES,
    *declaring_page.PAGES,
    *experiments_new.PAGES,
    *experiments_draft.PAGES,
    *experiments_live.PAGES,
    *variants_page.PAGES,
    *variants_image.PAGES,
    *images_page.PAGES,
    *why_page.PAGES,
    *personas_page.PAGES,
    *history_pages.PAGES,
    *people_pages.PAGES,
    *keys_pages.PAGES,
    *privacy_pages.PAGES,
    *site_pages.PAGES,
    *settings.PAGES,
    *signing_in.PAGES,
    *first_admin.PAGES,
)


def page_routes(service: Service) -> list[Route]:
    """Return the routes of the console's pages and of what they load."""
    return [*console_routes(service, PAGES), *(asset.route() for asset in ASSETS.values())]
