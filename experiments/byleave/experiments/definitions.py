"""The definitions of a site: slots, variants, experiments, goals, and the words they use.

These frozen dataclasses are the one form that files, console, server and SDK share. They hold
what authors wrote, normalised; `byleave.experiments.snapshot` adds what the server decided.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal, Self

from byleave.experiments.goals import Goal
from byleave.experiments.imported import Imported
from byleave.experiments.locales import LANGUAGE, locales_of, read_fields
from byleave.experiments.triggers import Trigger
from byleave.segments import (
    Attribute,
    Duration,
    Event,
    Journey,
    Path,
    Reader,
    Regime,
    Segment,
    Share,
    Vocabulary,
    described,
    plain,
    suggestion,
)

#: The variant that every experiment has: the site's own content.
CONTROL = "control"


class SlotKind(StrEnum):
    """What a slot holds."""

    CONTENT = "content"
    NAVIGATION = "navigation"
    DATA = "data"


FieldKind = Literal["text", "image", "url"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """A named place on a site.

    Attributes:
        kind: Content on a page, navigation on a page, or data for another channel.
        fields: The typed fields that a `fields` variant fills.
        template: The site's template that renders those fields.
        promote_at_most: How many links a navigation variant may promote.
        reorder: Whether a navigation variant may put links in another order than the site's.
        trigger: When it opens over the page by itself; None for a slot that stands in the page.
    """

    kind: SlotKind
    fields: Mapping[str, FieldKind] = field(default_factory=dict)
    template: str | None = None
    promote_at_most: int = 3
    reorder: bool = False
    trigger: Trigger | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Unless:
    """A segment that keeps an experiment away, and what to do where it is undetermined."""

    segment: str
    if_undetermined: Literal["suppress", "show"] = "suppress"

    @classmethod
    def read_from(cls, data: object, reader: Reader, path: Path) -> Self | None:
        """Read the full form, or the segment's name alone."""
        if isinstance(data, str):
            return cls(segment=data)
        unless: Self | None = reader.read_object(cls, data, path)
        return unless

    def to_plain(self) -> object:
        """Return the name alone where undetermined means the default."""
        if self.if_undetermined == "suppress":
            return self.segment
        return {"segment": self.segment, "if_undetermined": self.if_undetermined}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cap:
    """How many served exposures a visitor may have in a window that ends now."""

    exposures: int
    within: Duration


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """When an experiment runs, in the local time of `timezone`; no bound means open-ended."""

    start: str | None = None
    end: str | None = None
    timezone: str = "UTC"


@dataclass(frozen=True, slots=True, kw_only=True)
class RampStep:
    """From a local time of the schedule's zone on, a larger share of units may be enrolled."""

    at: str
    traffic: Share


@dataclass(frozen=True, slots=True, kw_only=True)
class Exclusion:
    """A part of an exclusion group: no unit is in two experiments whose parts are apart.

    Attributes:
        group: The group's name.
        start: Where the part begins on [0, 1).
        end: Where it ends; the end itself is outside.
    """

    group: str
    start: Share
    end: Share


class VariantKind(StrEnum):
    """How a variant says what to show."""

    SITE = "site"
    FIELDS = "fields"
    TEMPLATE = "template"
    HTML = "html"
    DATA = "data"
    NAV = "nav"


class NavVerb(StrEnum):
    """What a navigation variant may do to a link."""

    PROMOTE = "promote"
    ADD = "add"
    EMPHASISE = "emphasise"
    HIDE = "hide"
    REORDER = "reorder"


@dataclass(frozen=True, slots=True, kw_only=True)
class NavOperation:
    """One change to a list of links, by the path that a link leads to."""

    operation: NavVerb
    path: str
    label: str | None = None

    @classmethod
    def read_from(cls, data: object, reader: Reader, path: Path) -> Self | None:
        """Read `{promote: /pricing, label: Plans}`."""
        named = [verb for verb in NavVerb if isinstance(data, Mapping) and verb in data]
        if not isinstance(data, Mapping) or len(named) != 1:
            reader.fault(path, f"expected exactly one of {', '.join(NavVerb)}")
            return None
        reader.keys(data, (named[0], "label"), path)
        target = reader.read(str, data[named[0]], (*path, named[0]))
        label = reader.read(str, data["label"], (*path, "label")) if "label" in data else None
        return None if target is None else cls(operation=named[0], path=target, label=label)

    def to_plain(self) -> dict[str, str]:
        """Return what `read_from` reads."""
        return {str(self.operation): self.path} | ({"label": self.label} if self.label else {})


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """What a slot can show.

    Attributes:
        kind: How the content is given.
        content: Texts by field, perhaps by locale; a template's name, HTML, JSON data, or
            navigation operations; None for the site's own content.
        when: A segment that must be true for the variant to be eligible.
        unless: Segments that make it ineligible.
        cap: How often it may be shown.
    """

    kind: VariantKind = VariantKind.SITE
    content: Any = None
    when: str | None = None
    unless: tuple[Unless, ...] = ()
    cap: Cap | None = None

    @property
    def locales(self) -> tuple[str, ...]:
        """The locales that its texts are in; none where it is the same in every locale."""
        return locales_of(self.content) if self.kind is VariantKind.FIELDS else ()

    @classmethod
    def read_from(cls, data: object, reader: Reader, path: Path) -> Self | None:
        """Read `site`, or a mapping with one kind of content beside `when`, `unless`, `cap`."""
        if data == "site":
            return cls()
        kinds = [str(kind) for kind in VariantKind if kind is not VariantKind.SITE]
        named = [key for key in kinds if isinstance(data, Mapping) and key in data]
        if not isinstance(data, Mapping) or len(named) != 1:
            given = [k for k in data if k not in _BESIDE] if isinstance(data, Mapping) else [data]
            hint = suggestion(given[0], kinds) if given and not named else ""
            got = ", ".join(map(described, given)) or "none of them"
            expected = f"expected `site` or exactly one of {', '.join(kinds)}"
            reader.fault(path, f"{expected}, got {got}.{hint}")
            return None
        reader.keys(data, (named[0], *_BESIDE), path)
        conditions = {
            "when": reader.read(str | None, data.get("when"), (*path, "when")),
            "unless": reader.read(tuple[Unless, ...], data.get("unless", ()), (*path, "unless")),
            "cap": reader.read(Cap | None, data.get("cap"), (*path, "cap")),
        }
        given, place = data[named[0]], (*path, named[0])
        if named[0] == VariantKind.FIELDS:
            content: Any = read_fields(given, reader, place)
        else:
            content = reader.read(_CONTENT[named[0]], given, place)
        return cls(kind=VariantKind(named[0]), content=content, **conditions)

    def to_plain(self) -> object:
        """Return what `read_from` reads."""
        if self.kind is VariantKind.SITE:
            return "site"
        conditions = {"when": self.when, "unless": plain(self.unless), "cap": plain(self.cap)}
        return {str(self.kind): plain(self.content)} | {k: v for k, v in conditions.items() if v}


_BESIDE = ("when", "unless", "cap")
_CONTENT: dict[str, Any] = {
    "template": str,
    "html": str,
    "data": object,
    "nav": tuple[NavOperation, ...],
}


class Policy(StrEnum):
    """How the weights of the arms come about."""

    THOMPSON = "thompson"
    FIXED = "fixed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Prior:
    """What is believed of every arm before any data: a conversion rate, known from so many units.

    Attributes:
        rate: The conversion rate; that of the site's earlier runs, when None.
        units: How many units that belief is worth.
    """

    rate: Share | None = None
    units: float = 50.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Allocate:
    """How visitors are divided among the arms.

    Attributes:
        policy: Learned or fixed.
        goal: The goal whose outcomes the weights learn from.
        control: The share that control never falls below.
        floor: The share that any other arm never falls below.
        epoch: The least life of an allocation row.
        shares: The weights of a fixed policy; equal, when empty.
        contexts: Segments whose truth picks the row, so that weights may differ between them.
        prior: Where weights learn from conversions: what is believed of every arm at first.
        half_life: The time after which a unit counts half, for rates that drift.
        largest_step: The share of traffic that may change its arm from one row to the next.
    """

    policy: Policy
    goal: str
    control: Share = Share(0.10)
    floor: Share = Share(0.01)
    epoch: Duration = Duration(3_600_000)
    shares: Mapping[str, Share] = field(default_factory=dict)
    contexts: tuple[str, ...] = ()
    prior: Prior | None = None
    half_life: Duration | None = None
    largest_step: Share | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """A goal that must not get worse by more than a share."""

    goal: str
    worse_by_at_most: Share


@dataclass(frozen=True, slots=True, kw_only=True)
class Goals:
    """What an experiment is judged by."""

    primary: str
    others: tuple[str, ...] = ()
    guards: tuple[Guard, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Experiment:
    """A slot, an audience, variants, an allocation and goals: one personalisation, measured.

    Attributes:
        slot: The slot it fills.
        variants: What it may show, by arm; `control` is always there and is the site's own.
        allocate: How visitors are divided.
        goals: What it is judged by.
        audience: The segment it is for; everyone who may be enrolled, when None.
        until: `goal` ends it for a visitor who reached the primary goal, in every arm.
        unless: Segments that keep it away.
        cap: How often a visitor may be exposed.
        schedule: When it runs.
        unit: What is randomised: a sticky visitor, or each page view.
        traffic: The share of units that may be enrolled.
        ramp: When that share rises, and to what.
        exclusive: The part of an exclusion group that it takes its units from.
        priority: The higher one is asked first where several want one slot.
        report_by: At most 10 segments, fixed at enrolment, by which results are reported.
        imported: How another system drew it, where one began it.
        retired: Arms that nobody is drawn into any more. Their visitors are drawn again, but
            never enrolled again.
        title: What people call it.
    """

    slot: str
    variants: Mapping[str, Variant]
    allocate: Allocate
    goals: Goals
    audience: str | None = None
    until: Literal["goal"] | None = None
    unless: tuple[Unless, ...] = ()
    cap: Cap | None = None
    schedule: Schedule = Schedule()
    unit: Literal["visitor", "view"] = "visitor"
    traffic: Share = Share(1.0)
    ramp: tuple[RampStep, ...] = ()
    exclusive: Exclusion | None = None
    priority: int = 0
    report_by: tuple[str, ...] = ()
    imported: Imported | None = None
    retired: tuple[str, ...] = ()
    title: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Definitions:
    """Everything a site publishes, as one set.

    Attributes:
        site: The site's key.
        regions: The consent regime by country code; `default` for the rest.
        holdout: The share of visitors who get the site's own content everywhere.
        suppress: Segments that keep every experiment away.
        cap: How many exposures a visitor may have over all experiments.
        storage_free_measurement: The regions, by country code or `default`, where page views
            may be measured while a visitor has not said anything about analytics: nothing is
            stored and nobody is identified, and whether that needs consent is the site's
            legal judgement. Where it is unknown where a visitor is, each region where silence
            means no must be among them. A refusal is respected everywhere.
        locale: The attribute that says in which locale a page is, for texts by locale.
    """

    site: str
    regions: Mapping[str, Regime] = field(default_factory=dict)
    holdout: Share = Share(0.0)
    suppress: tuple[Unless, ...] = ()
    cap: Cap | None = None
    storage_free_measurement: tuple[str, ...] = ()
    locale: str = LANGUAGE
    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    events: Mapping[str, Event] = field(default_factory=dict)
    goals: Mapping[str, Goal] = field(default_factory=dict)
    slots: Mapping[str, Slot] = field(default_factory=dict)
    segments: Mapping[str, Segment] = field(default_factory=dict)
    journeys: Mapping[str, Journey] = field(default_factory=dict)
    experiments: Mapping[str, Experiment] = field(default_factory=dict)

    @property
    def vocabulary(self) -> Vocabulary:
        """What this site's conditions may name."""
        return Vocabulary(
            attributes=self.attributes,
            events=self.events,
            segments=self.segments,
            journeys=self.journeys,
        )
