"""Who is in a segment: conditions over what a visitor agreed to share, in three truth values."""

from byleave.segments.conditions import (
    AllOf,
    AnyOf,
    AttributeLeaf,
    Comparison,
    Condition,
    Count,
    EventLeaf,
    NoneOf,
    Operator,
    Scalar,
    SegmentLeaf,
    SequenceLeaf,
    Step,
)
from byleave.segments.consent import Choice, Consent, Purpose, Regime
from byleave.segments.explain import Explanation
from byleave.segments.facts import Facts, Rules, is_late
from byleave.segments.profile import Profile
from byleave.segments.reach import Reads, name_faults, reads
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
from byleave.segments.references import allowed_uses, check_vocabulary
from byleave.segments.truth import Truth, Undetermined, Verdict
from byleave.segments.values import Duration, Share
from byleave.segments.vocabulary import Attribute, Event, Segment, Source, ValueType, Vocabulary

__all__ = [
    "MAX_DEPTH",
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
    "Explanation",
    "Facts",
    "Fault",
    "NoneOf",
    "Operator",
    "Path",
    "Profile",
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
    "Truth",
    "Undetermined",
    "ValueType",
    "Verdict",
    "Vocabulary",
    "allowed_uses",
    "canonical_json",
    "check_vocabulary",
    "described",
    "is_late",
    "name_faults",
    "plain",
    "read",
    "reads",
    "suggestion",
    "unknown_name",
]
