"""Replaces the content of slots in HTML while it streams by, and nothing else."""

from byleave.sdk.rewriter.marks import mark, mark_starts, signed_slots
from byleave.sdk.rewriter.rewriter import Rewriter, rewrite
from byleave.sdk.rewriter.selectors import SelectorError, parse_selector
from byleave.sdk.rewriter.sightings import Outcome, Replacement, Sighting

__all__ = [
    "Outcome",
    "Replacement",
    "Rewriter",
    "SelectorError",
    "Sighting",
    "mark",
    "mark_starts",
    "parse_selector",
    "rewrite",
    "signed_slots",
]
