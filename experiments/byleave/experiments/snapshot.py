"""The snapshot: what deciding needs, immutable and numbered.

The server publishes it, the SDK decides from it: the definitions, and for each experiment its
current run with the allocation rows that new units may still be drawn from.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from byleave.experiments.definitions import Definitions
from byleave.experiments.imported import HashName
from byleave.segments import read

#: An allocation row lasts no longer than this, and so does an epoch.
LONGEST_ROW_MS: Final = 86_400_000

#: How long a new receipt key is known before it signs: sites ask for the snapshot every ten
#: seconds, and whoever is to accept a receipt must have the key by which another signed it.
RECEIPT_LEAD_MS: Final = 60_000

#: How long a receipt key is accepted after its successor was made: a site that lost its server
#: may sign by a snapshot that is a day old, and what it signed lives for a day.
RECEIPT_GRACE_MS: Final = 48 * 3_600_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Allocation:
    """One immutable row of weights: the stratum of all inference.

    Attributes:
        id: Unique within the site; stored with whatever was drawn from the row.
        cell: Which context segments are true and which arms are eligible (`cells.cell_key`).
        weights: The propensity of each eligible arm; together 1.
        opened_ms: When it was published.
        draw_until_ms: New units are drawn from it before this time, never after: by then a
            successor must have been published, and a site that has not seen it is out of touch.
    """

    id: str
    cell: str
    weights: Mapping[str, float]
    opened_ms: int
    draw_until_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One life of an experiment with fixed arms, contexts, floors, traffic and goals.

    Attributes:
        id: Unique within the site, such as `pricing-hero.1`.
        seed: Key of the experiment's hashes; independent of every other experiment's.
        started_ms: When the run began.
        hash: The named hash algorithm that draws traffic and arms; an imported experiment
            draws its arms by its own.
        allocations: The newest row of each cell.
        retired: Arms taken out while it runs. Nobody is drawn into them any more, and their
            visitors are drawn again, but never enrolled again.
    """

    id: str
    seed: str
    started_ms: int
    hash: HashName = "blake2b64"
    allocations: tuple[Allocation, ...] = ()
    retired: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Version:
    """A snapshot's place in the site's history; a restore from backup raises the generation."""

    generation: int
    number: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceiptKey:
    """A key that signs receipts, from a minute after it was made until its successor does.

    Attributes:
        key: The secret.
        since_ms: When it was made; 0 for the one that was made with the site.
    """

    key: str
    since_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A published set of definitions with the weights in force.

    Attributes:
        version: Generation and number; later ones compare greater.
        published_ms: When it was published.
        definitions: The set.
        runs: The current run of each experiment, by the experiment's key.
        holdout_seed: Key of the hash that draws the global holdout.
        receipt_keys: Sign receipts, the oldest first; random per site. Empty where nothing is
            measured.
        preview_key: Signs the preview links that the server makes. Empty without a server.
    """

    version: Version
    published_ms: int
    definitions: Definitions
    runs: Mapping[str, Run] = field(default_factory=dict)
    holdout_seed: str = ""
    receipt_keys: tuple[ReceiptKey, ...] = ()
    preview_key: str = ""

    def signing_key(self, now_ms: int) -> str:
        """Return the key that signs receipts now; '' where nothing is measured."""
        begun_ms = now_ms - RECEIPT_LEAD_MS
        later = (each for each in self.receipt_keys[1:] if each.since_ms <= begun_ms)
        begun = [*self.receipt_keys[:1], *later]
        return begun[-1].key if begun else ""

    def accepted_keys(self, now_ms: int) -> list[str]:
        """Return the keys by which receipts are accepted now, the oldest first."""
        return [each.key for each in accepted(self.receipt_keys, now_ms)]


def accepted(keys: Sequence[ReceiptKey], now_ms: int) -> tuple[ReceiptKey, ...]:
    """Return which of a site's receipt keys, the oldest first, are still accepted."""
    over = sum(successor.since_ms + RECEIPT_GRACE_MS <= now_ms for successor in keys[1:])
    return tuple(keys[over:])


def load_snapshot(data: object) -> Snapshot:
    """Return the snapshot that parsed JSON holds.

    Raises:
        DefinitionError: It does not have the shape of one.
    """
    return read(Snapshot, data)
