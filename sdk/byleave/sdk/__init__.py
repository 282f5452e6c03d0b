"""Personalisation inside a site's own process."""

from byleave.sdk.asgi import Personalise
from byleave.sdk.client import Client
from byleave.sdk.current import record
from byleave.sdk.visit import Visit

__all__ = ["Client", "Personalise", "Visit", "record"]
