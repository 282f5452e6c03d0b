"""Who is in a segment: conditions over what a visitor agreed to share, in three truth values."""

from byleave.segments.behaviour import (
    Age,
    AgeLeaf,
    AggregateLeaf,
    EventLeaf,
    SequenceLeaf,
    Step,
)
from byleave.segments.comparisons import Comparison, Count, Operator, Scalar
from byleave.segments.conditions import (
    AllOf,
    AnyOf,
    AttributeLeaf,
    Condition,
    JourneyLeaf,
    NoneOf,
    NowLeaf,
    SegmentLeaf,
)
from byleave.segments.consent import Choice, Consent, Purpose, Regime
from byleave.segments.facts import Facts, Rules
from byleave.segments.journeys import Progress, StepReached
from byleave.segments.memory import is_late
from byleave.segments.profile import Profile
from byleave.segments.reach import Reads, allowed_uses, reads
from byleave.segments.reading import (
    MAX_DEPTH,
    DefinitionError,
    Fault,
    Path,
    Reader,
    canonical_json,
    described,
    plain,
    read,
    suggestion,
    unknown_name,
)
from byleave.segments.truth import Truth, Undetermined, Verdict
from byleave.segments.values import Duration, Share
from byleave.segments.vocabulary import (
    Attribute,
    Event,
    Journey,
    JourneyStep,
    Segment,
    Source,
    ValueType,
    Vocabulary,
)

__all__ = [
    "MAX_DEPTH",
    "Age",
    "AgeLeaf",
    "AggregateLeaf",
    "AllOf",
    "AnyOf",
    "Attribute",
    "AttributeLeaf",
    "Choice",
    "Comparison",
    "Condition",
    "Consent",
    "Count",
    "DefinitionError",
    "Duration",
    "Event",
    "EventLeaf",
    "Facts",
    "Fault",
    "Journey",
    "JourneyLeaf",
    "JourneyStep",
    "NoneOf",
    "NowLeaf",
    "Operator",
    "Path",
    "Profile",
    "Progress",
    "Purpose",
    "Reader",
    "Reads",
    "Regime",
    "Rules",
    "Scalar",
    "Segment",
    "SegmentLeaf",
    "SequenceLeaf",
    "Share",
    "Source",
    "Step",
    "StepReached",
    "Truth",
    "Undetermined",
    "ValueType",
    "Verdict",
    "Vocabulary",
    "allowed_uses",
    "canonical_json",
    "described",
    "is_late",
    "plain",
    "read",
    "reads",
    "suggestion",
    "unknown_name",
]
