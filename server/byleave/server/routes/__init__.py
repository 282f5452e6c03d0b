"""Every route of the API, in one table that its subjects fill."""

from typing import Final

from byleave.server.routes import (
    deciding,
    definitions,
    health,
    images,
    learning,
    ofrep,
    people,
    systems,
    visitors,
)
from byleave.server.routes.routing import ApiRoute, Call

__all__ = ["ROUTES", "ApiRoute", "Call"]

ROUTES: Final = (
    *learning.ROUTES,
    *deciding.ROUTES,
    *ofrep.ROUTES,
    *visitors.ROUTES,
    *systems.ROUTES,
    *definitions.ROUTES,
    *images.ROUTES,
    *people.ROUTES,
    *health.ROUTES,
)
