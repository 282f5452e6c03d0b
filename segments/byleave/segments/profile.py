"""The profile: the smallest state of a visitor's events that answers every condition."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Profile:
    """The minimal state of a visitor's events, per leaf and use."""

    times: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
