"""What a report of one goal of one run says. Plain values, ready for a page, JSON or a table."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Literal

from byleave.experiments.lift.interval import Interval
from byleave.experiments.lift.secondary import Estimate
from byleave.experiments.lift.tables import as_table

__all__ = [
    "ArmRow",
    "GuardVerdict",
    "Health",
    "Phase",
    "Population",
    "Refusal",
    "RefusalCode",
    "Report",
    "RunFacts",
    "Status",
]


class Status(StrEnum):
    """The one word over a report."""

    DRAFT = "Draft"
    COLLECTING = "Collecting"
    NOT_ENOUGH_DATA = "Not enough data"
    HEALTHY = "Healthy"
    UNHEALTHY = "Unhealthy"
    READY_FOR_REVIEW = "Ready for review"
    STOPPED = "Stopped"
    WON = "Won"
    LOST = "Lost"
    INCONCLUSIVE = "Inconclusive"


class Phase(StrEnum):
    """Where a run is in its life."""

    DRAFT = "draft"
    RUNNING = "running"
    STOPPED = "stopped"


class GuardVerdict(StrEnum):
    """Whether a goal that must not get worse did."""

    HOLDS = "holds"
    BROKEN = "broken"
    UNCLEAR = "unclear"


class RefusalCode(StrEnum):
    """Why a figure is not shown."""

    SAMPLE_RATIO = "sample-ratio"
    ROW_MISMATCH = "row-mismatch"
    CONFLICTS = "conflicts"
    WITHDRAWALS = "withdrawals"
    FEW_CONVERSIONS = "few-conversions"
    FEW_ROWS = "few-rows"
    NO_VARIATION = "no-variation"
    BASELINE = "baseline-too-uncertain"
    SMALL_GROUP = "small-group"


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A figure that is withheld because it would mislead or identify.

    Attributes:
        code: The reason, for programs.
        words: The reason, for people.
        arm: The arm concerned; None when it concerns all.
    """

    code: RefusalCode
    words: str
    arm: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Population:
    """Whom the result is about.

    Attributes:
        unit: What was randomised.
        page_share: Share in [0, 1] of the site's page views that they saw, as far as it is
            counted; None where it is not. How many visitors the others are, nobody knows.
        segment: The title of the reporting segment; None for everyone.
    """

    unit: Literal["visitor", "view"] = "visitor"
    page_share: float | None = None
    segment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """What the strata do not tell about a run.

    Attributes:
        phase: Where the run is in its life.
        age_ms: Milliseconds since it began.
        mature_until_ms: Enrolments before this moment are in the strata; None before the first
            row matured.
        enrolled: Units enrolled so far, mature or not.
        conflicts: Units among them that were seen in two arms.
        not_enrolled_share: Share in [0, 1] of decided units that were never enrolled; None when
            it is not known.
        tuned_rows: Half of the planned allocation rows, frozen at launch.
        planned_units: Planned units, frozen at launch.
    """

    phase: Phase = Phase.RUNNING
    age_ms: int = 0
    mature_until_ms: int | None = None
    enrolled: int = 0
    conflicts: int = 0
    not_enrolled_share: float | None = None
    tuned_rows: float = 20.0
    planned_units: float = 10_000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """Whether the experiment was carried out as its weights say.

    Attributes:
        sample_ratio_p: P-value of the counts against the weights, for one look.
        sample_ratio_e_value: The same evidence, valid at any look; alarms once it reached 1,000.
        conflict_share: Share of enrolled units that were seen in two arms; refused above 1 %.
        not_enrolled_share: Share of decided units that were never enrolled; None when unknown.
        withdrawal_p: P-value of withdrawals of consent being equally frequent in every arm; None
            when they were not given.
    """

    sample_ratio_p: float
    sample_ratio_e_value: float
    conflict_share: float
    not_enrolled_share: float | None
    withdrawal_p: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmRow:
    """One arm. Every figure is None where it is refused or, for the control, has no meaning.

    Attributes:
        arm: The arm's key.
        is_control: Whether it is the one that others are compared with.
        units: Mature enrolled units.
        mean: Mean outcome with every allocation row weighted by its traffic, which adaptive
            weights do not bias.
        difference: Arm minus control, in the unit of the goal.
        standard_error: Standard error of `difference`.
        difference_interval: Always-valid interval of `difference`, adjusted for all arms.
        lift: Arm divided by control, minus 1.
        lift_interval: Always-valid interval of `lift`, adjusted for all arms.
        guaranteed_interval: Interval of arm minus control that needs no large numbers, for
            goals with a largest outcome.
        p: Always-valid p-value of no difference, adjusted for all arms.
        e_value: Evidence against no difference of this arm alone, ≥ 0, valid at any look.
        stands_out: Whether the evidence is enough for all goals and arms that are looked at
            together; None where none were.
        fixed_interval: Interval of `difference` that is valid only for one look at a moment
            planned in advance, adjusted for all arms; None unless it was asked for.
        best_probability: Probability of being the best arm. Model-based: assumes stable rates.
        expected_loss: How much worse than the best arm it is on average, in the unit of the goal.
            Model-based, too.
        drawn_difference: In the report of a segment, `difference` drawn towards that of everyone
            as far as segments do not differ by more than chance.
        secondary: The difference by other methods, for comparison: `period-weighted`, `aipw` and
            `aipw-stable`, valid for one planned look.
        guard: For a guard goal, whether the arm made it worse than allowed.
    """

    arm: str
    is_control: bool
    units: int | None
    mean: float | None = None
    difference: float | None = None
    standard_error: float | None = None
    difference_interval: Interval | None = None
    lift: float | None = None
    lift_interval: Interval | None = None
    guaranteed_interval: Interval | None = None
    p: float | None = None
    e_value: float | None = None
    stands_out: bool | None = None
    fixed_interval: Interval | None = None
    best_probability: float | None = None
    expected_loss: float | None = None
    drawn_difference: float | None = None
    secondary: Mapping[str, Estimate] = field(default_factory=dict)
    guard: GuardVerdict | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The results of one goal of one run, for one population.

    Attributes:
        sentence: The result in one English sentence, with its interval and its population.
        status: The one word over it.
        population: Whom it is about, in words.
        goal: The goal's key.
        kind: What the goal counts: `conversion`, `count`, `value` or `time`.
        better: Which direction is good: `higher` or `lower`.
        unit: What was randomised: `visitor` or `view`.
        window: How long after enrolment the goal counts, in words.
        confidence: Level of all intervals together, such as 0.95.
        rows: Number of mature allocation rows.
        units: Mature enrolled units; None where a group is too small to be shown.
        mature_until_ms: Enrolments before this moment are in.
        arms: One row per arm, the control first.
        health: Whether the experiment was carried out as planned.
        refusals: What is not shown, and why.
        stop_advised: Whether another arm could hardly still turn out better. Model-based; False
            where no advice was asked for.
        value_remaining: By how much, relative to the best arm so far, another could still turn
            out better, with probability 0.95. Model-based; None where no advice was asked for.
        is_exploratory: Whether it is of one segment among several: the more one looks at, the
            more differences one finds by chance.
        assumptions: What the figures rest on.
        method: How the intervals were computed.
        version: Version of the method.
    """

    sentence: str
    status: Status
    population: str
    goal: str
    kind: str
    better: str
    unit: str
    window: str
    confidence: float
    rows: int
    units: int | None
    mature_until_ms: int | None
    arms: tuple[ArmRow, ...]
    health: Health
    refusals: tuple[Refusal, ...]
    stop_advised: bool
    value_remaining: float | None
    assumptions: tuple[str, ...]
    method: str
    version: str
    is_exploratory: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return the report as plain dictionaries, lists, text and numbers, ready for JSON."""
        data = asdict(self)
        data["arms"] = list(data["arms"])
        data["refusals"] = list(data["refusals"])
        data["assumptions"] = list(data["assumptions"])
        return data

    def to_pandas(self) -> Any:
        """Return the arms as a pandas data frame, one row each.

        Raises:
            ImportError: pandas is not installed.
        """
        return as_table(self, "pandas")

    def to_polars(self) -> Any:
        """Return the arms as a polars data frame, one row each.

        Raises:
            ImportError: polars is not installed.
        """
        return as_table(self, "polars")

    def to_arrow(self) -> Any:
        """Return the arms as an Arrow table, one row each.

        Raises:
            ImportError: pyarrow is not installed.
        """
        return as_table(self, "pyarrow")
