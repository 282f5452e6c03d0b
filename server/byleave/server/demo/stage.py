"""The stage: the example shop with Byleave in it, and its server, in this process.

Nothing but the clock differs from the product. A simulation steps the clock and does by itself,
at the same moments of simulated time, what background threads do otherwise.
"""

import importlib
import sys
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, Final, Literal, Self

from byleave.sdk import Personalise, record
from byleave.sdk.folder import load_folder
from byleave.server.app import create_app
from byleave.server.demo.clock import SteppedClock
from byleave.server.demo.transports import App
from byleave.server.keys import Role
from byleave.server.service import Service

SITE: Final = "harbour-books"

_REPOSITORY_EXAMPLES: Final = Path(__file__).parents[4] / "examples"
_SHIPPED_EXAMPLES: Final = Path(__file__).parent / "examples"


def example(module: str) -> Any:
    """Return a module of the example shop, from the package or from the repository.

    Raises:
        ModuleNotFoundError: The example is in neither place.
    """
    folder = _SHIPPED_EXAMPLES if _SHIPPED_EXAMPLES.is_dir() else _REPOSITORY_EXAMPLES
    if str(folder) not in sys.path:
        sys.path.append(str(folder))
    return importlib.import_module(f"harbour_books.{module}")


@dataclass(slots=True)
class Stage:
    """The shop and its server.

    Attributes:
        clock: What time it is for both.
        service: The server's one site.
        server: The server as an ASGI application.
        shop: The shop, personalised, as an ASGI application.
    """

    clock: SteppedClock
    service: Service
    server: App
    shop: Personalise

    @classmethod
    def set_up(
        cls,
        database: Path,
        *,
        clock: SteppedClock,
        seed: int,
        server_url: str | None = None,
        decide: Literal["local", "server"] = "local",
    ) -> Self:
        """Publish the example's definitions and put the shop behind the middleware.

        Args:
            database: Where the server keeps its SQLite file.
            clock: What time it is.
            seed: All chance follows from it, ids and secrets included.
            server_url: Where the shop reaches the server; in process, when None.
            decide: Whether the shop's process decides or the server.

        Raises:
            DefinitionError: The example's definitions have faults.
        """
        chance = Random(f"stage/{seed}")
        module = example("app")
        service = Service(database, site=SITE, clock=clock, seed=f"demo/{seed}", is_simulated=True)
        definitions = load_folder(Path(module.__file__).parent / "byleave")
        service.publish(definitions, reason="The demonstration begins", author="byleave demo")
        server = create_app(service)
        shop = module.create_app(
            clock=clock, secret=chance.randbytes(32), consent_banner=True, record=record
        )
        personalised = Personalise(
            shop,
            server=server_url or server,
            key=service.create_key(Role.SERVER),
            secrets=[chance.randbytes(32).hex()],
            attributes=shop.state.accounts.attributes,
            templates=shop.state.templates.env,
            clock=clock,
            random_bytes=chance.randbytes,
            background=False,
            decide=decide,
        )
        return cls(clock, service, server, personalised)

    def catch_up(self) -> None:
        """Do what background threads do: send events, learn, publish, fetch the snapshot."""
        self.shop.client.flush()
        self.service.flush()
        self.service.tick(self.clock())
        self.shop.client.poll()

    def close(self) -> None:
        """Close the store."""
        self.service.close()
