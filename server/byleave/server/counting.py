"""How many visitors are in segments, published or not, judged as the site judges them.

Visitors are drawn from those whom the log knows something of, and judged by one compiled set of
rules. What is found of the drawn says how many it is of all; counts of 1 to 9 are not told.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from byleave.experiments import Definitions
from byleave.segments import Purpose, Truth, Undetermined, Verdict
from byleave.segments.explain import Explanation
from byleave.server.few import shown
from byleave.server.knowing import DrawnVisitors, read_all_known
from byleave.server.membership import Judge, Known, why_not
from byleave.server.sites import Site

#: Only those count who did something, or became known better, in so long a time.
RECENT_MS = 30 * 86_400_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """Visitors of the last 30 days who were drawn, and what is known of them.

    Attributes:
        known: What is known of each.
        weight: For how many visitors of the store each of them stands; 1 where all were drawn.
    """

    known: Mapping[str, Known]
    weight: float

    @property
    def is_whole(self) -> bool:
        """Whether nobody was left out."""
        return self.weight == 1


@dataclass(frozen=True, slots=True, kw_only=True)
class SegmentSize:
    """How many visitors are in a segment.

    Attributes:
        inside: How many of those who agreed to its use are in it; None for 1 to 9 of the drawn.
        outside: How many are not; None as above.
        undetermined: For how many it cannot be told, by reason; None as above.
        agreed: How many agreed to its use; None as above.
        is_whole: Whether all were looked at; otherwise the numbers are worked out from the drawn.
        why_not: Why the server cannot tell; None when it can.
    """

    inside: int | None
    outside: int | None
    undetermined: Mapping[Undetermined, int | None]
    agreed: int | None
    is_whole: bool
    why_not: str | None


def read_sample(
    connection: Connection,
    site: Site,
    definitions: Definitions,
    drawn: DrawnVisitors,
    *,
    now_ms: int,
) -> Sample:
    """Read what is known of visitors who were drawn.

    Args:
        connection: A transaction that reads.
        site: The site.
        definitions: What was collected: those in force.
        drawn: The visitors.
        now_ms: The time.
    """
    known = read_all_known(connection, site, drawn.visitors, definitions, now_ms=now_ms)
    recent = {
        visitor: each for visitor, each in known.items() if _last_ms(each) > now_ms - RECENT_MS
    }
    weight = 1.0 if drawn.is_whole else drawn.total / len(drawn.visitors)
    return Sample(known=recent, weight=weight)


class Survey:
    """What segments come to for each visitor of a sample who agreed to their use.

    Args:
        sample: The visitors.
        definitions: Any definitions that can be read, such as those of a draft.
        segments: The segments that are asked; each for its own use.
        now_ms: The time.
    """

    def __init__(
        self,
        sample: Sample,
        definitions: Definitions,
        segments: Collection[str],
        *,
        now_ms: int,
    ) -> None:
        self._sample = sample
        self._uses = {key: definitions.segments[key].use for key in segments}
        self._why_not = {key: why_not(definitions, key, use=use) for key, use in self._uses.items()}
        asked: defaultdict[Purpose, list[str]] = defaultdict(list)
        for key, use in self._uses.items():
            if self._why_not[key] is None:
                asked[use].append(key)
        self._judges = {use: Judge(definitions, keys, use=use) for use, keys in asked.items()}
        self._now_ms = now_ms
        self._verdicts: dict[str, dict[str, Verdict]] = {key: {} for key in segments}
        for visitor, known in sample.known.items():
            consent = known.consent
            for use, judge in self._judges.items():
                if consent.allows(use):
                    for key, verdict in judge.verdicts(known, now_ms=now_ms).items():
                        self._verdicts[key][visitor] = verdict

    def size(self, segment: str) -> SegmentSize:
        """Return how many are in a segment."""
        found = Counter(self._verdicts[segment].values())
        return SegmentSize(
            inside=self._told(found[Verdict.TRUE]),
            outside=self._told(found[Verdict.FALSE]),
            undetermined={
                verdict.reason: self._told(count)
                for verdict, count in found.items()
                if verdict.reason is not None
            },
            agreed=self._told(found.total()),
            is_whole=self._sample.is_whole,
            why_not=self._why_not[segment],
        )

    def inside(self, segment: str) -> frozenset[str]:
        """Return which of the drawn are in a segment."""
        return frozenset(v for v, verdict in self._verdicts[segment].items() if verdict.is_true)

    def overlap(self, segment: str, others: Collection[str]) -> int | None:
        """Return how many are in a segment and among some of the drawn; None for 1 to 9."""
        return self._told(len(self.inside(segment).intersection(others)))

    def examples(self, segment: str, truth: Truth, *, most: int) -> list[tuple[str, Explanation]]:
        """Return some visitors for whom a segment came to a truth, each with the reason."""
        if self._why_not[segment] is not None:
            return []
        found = (v for v, each in self._verdicts[segment].items() if each.truth is truth)
        judge = self._judges[self._uses[segment]]
        return [
            (v, judge.explain(self._sample.known[v], segment, now_ms=self._now_ms))
            for v in _first(found, most)
        ]

    def _told(self, count: int) -> int | None:
        return None if shown(count) is None else _rounded(count * self._sample.weight)


def _first(visitors: Iterable[str], most: int) -> list[str]:
    return [visitor for visitor, _ in zip(visitors, range(most), strict=False)]


def _rounded(count: float) -> int:
    """Return a count with three digits that say something where it is worked out."""
    if count == int(count):
        return int(count)
    return int(float(f"{count:.3g}"))


def _last_ms(known: Known) -> int:
    """Return when something was heard of a visitor last, in milliseconds; 0 for never."""
    times = [event.at_ms for event in known.happened[-1:]]
    times += [observed_ms for _, observed_ms in known.attributes.values()]
    times += [known.stated.at_ms or 0] if known.stated else []
    return max(times, default=0)
