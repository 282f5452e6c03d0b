"""Why a condition came out as it did: the tree with its verdicts, and one sentence."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from byleave.segments.behaviour import EventLeaf
from byleave.segments.conditions import (
    AllOf,
    AnyOf,
    AttributeLeaf,
    BehaviourLeaf,
    Condition,
    Leaf,
    NoneOf,
    SegmentLeaf,
)
from byleave.segments.consent import Purpose
from byleave.segments.deciding import GroupWord, Tree, deciding
from byleave.segments.interpreter import Finding, Interpreter
from byleave.segments.reach import children
from byleave.segments.reading import plain
from byleave.segments.recalling import wait_of
from byleave.segments.truth import Truth, Undetermined, Verdict
from byleave.segments.wording import counted_phrase, phrase

#: The longest sentence of an explanation, in characters.
LONGEST_SENTENCE: Final = 200

GROUPS: Final[Mapping[type[Condition], GroupWord]] = {AllOf: "all", AnyOf: "any", NoneOf: "none"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One condition of an explained tree.

    Attributes:
        text: The group's word, or what the leaf claims.
        verdict: What it came to.
        group: The group's word; None for a leaf.
        inside: The conditions inside a group, or those of the segment that a leaf names.
        value: The value that was compared or the number that was counted, where it may be
            shown: not where it was withheld and not where it is sensitive.
        withheld_for: The purpose for which the visitor's data was not released.
        observed_since_ms: Since when a leaf's events are kept.
        counted: For a number of events, when all of them are known: how many there were, and
            how many were asked for.
        true_from_ms: When a leaf can be true at the earliest, where that is still to come
            because its events have not been observed for long enough.
    """

    text: str
    verdict: Verdict
    group: GroupWord | None = None
    inside: tuple["Node", ...] = ()
    value: object = None
    withheld_for: Purpose | None = None
    observed_since_ms: int | None = None
    counted: str | None = None
    true_from_ms: int | None = None

    def to_plain(self) -> dict[str, Any]:
        """Return the node as JSON-able data, without what it does not have."""
        given = {
            "value": self.value,
            "withheld_for": self.withheld_for and str(self.withheld_for),
            "observed_since_ms": self.observed_since_ms,
            "true_from_ms": self.true_from_ms,
            "inside": [node.to_plain() for node in self.inside],
        }
        return {"text": self.text, **_said(self.verdict)} | {
            key: plain(item) for key, item in given.items() if item not in (None, [])
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why a segment is true, false or undetermined for a visitor.

    Attributes:
        segment: The segment's key.
        use: The purpose it was asked for.
        verdict: What it came to.
        sentence: One plain-English sentence of at most 200 characters.
        deciding: What each leaf of a smallest deciding set says, doubts first; none where no
            leaf could change anything.
        tree: Every condition with its verdict.
    """

    segment: str
    use: Purpose
    verdict: Verdict
    sentence: str
    deciding: tuple[str, ...]
    tree: Node

    def to_plain(self) -> dict[str, Any]:
        """Return the explanation as JSON-able data."""
        return {
            "segment": self.segment,
            "use": str(self.use),
            **_said(self.verdict),
            "sentence": self.sentence,
            "deciding": list(self.deciding),
            "tree": self.tree.to_plain(),
        }


def explained(key: str, interpreter: Interpreter, use: Purpose) -> Explanation:
    """Return the explanation of a segment for one use."""
    tree = _node(interpreter.vocabulary.segments[key].when, interpreter, use)
    said = _deciding(tree)
    return Explanation(
        segment=key,
        use=use,
        verdict=tree.verdict,
        sentence=_sentence(tree.verdict, said),
        deciding=said,
        tree=tree,
    )


def _node(condition: Condition, interpreter: Interpreter, use: Purpose) -> Node:
    match condition:
        case AllOf() | AnyOf() | NoneOf():
            word = GROUPS[type(condition)]
            return Node(
                text=word,
                group=word,
                verdict=interpreter.verdict(condition, use),
                inside=tuple(_node(child, interpreter, use) for child in children(condition)),
            )
    finding = interpreter.finding(condition, use)
    inside: tuple[Node, ...] = ()
    value = finding.value
    if isinstance(condition, SegmentLeaf):
        named = interpreter.vocabulary.segments[condition.segment]
        inside = (_node(named.when, interpreter, use),)
    if isinstance(condition, AttributeLeaf):
        declared = interpreter.vocabulary.attributes[condition.attribute]
        value = None if declared.sensitive else value
    return Node(
        text=phrase(condition),
        verdict=finding.verdict,
        inside=inside,
        value=value,
        withheld_for=use if finding.verdict is Verdict.WITHHELD else None,
        observed_since_ms=finding.since_ms,
        counted=_counted(condition, finding),
        true_from_ms=_true_from(condition, finding, interpreter.situation.now_ms),
    )


def _counted(leaf: Leaf, finding: Finding) -> str | None:
    if isinstance(leaf, EventLeaf) and finding.is_whole and isinstance(finding.value, int):
        return counted_phrase(leaf, finding.value)
    return None


def _true_from(leaf: Leaf, finding: Finding, now_ms: int) -> int | None:
    if not isinstance(leaf, BehaviourLeaf) or finding.verdict is Verdict.WITHHELD:
        return None
    earliest_ms = (finding.since_ms or now_ms) + wait_of(leaf)
    return earliest_ms if earliest_ms > now_ms else None


def _said(verdict: Verdict) -> dict[str, str]:
    said = {"verdict": str(verdict.truth)}
    return said | {"reason": str(verdict.reason)} if verdict.reason else said


def _sentence(verdict: Verdict, said: Sequence[str]) -> str:
    start = f"{verdict.truth} because: "
    if not said:
        return f"{start}always so"
    whole = start + ", and ".join(said)
    if len(whole) <= LONGEST_SENTENCE:
        return whole
    for count in range(len(said) - 1, 0, -1):
        sentence = f"{start}{', and '.join(said[:count])}, and {len(said) - count} more"
        if len(sentence) <= LONGEST_SENTENCE:
            return sentence
    return whole[: LONGEST_SENTENCE - 1].rstrip() + "…"


def _deciding(node: Node) -> tuple[str, ...]:
    """Return the claims of a smallest deciding set, each once, doubts first."""
    leaves: list[Node] = []
    decided = [leaves[place] for place in deciding(_as_tree(node, leaves))]
    decided.sort(key=lambda leaf: -(leaf.verdict.reason is not None))
    return tuple(dict.fromkeys(map(_claim, decided)))


def _as_tree(node: Node, leaves: list[Node]) -> Tree:
    """Return the node as a tree of verdicts; its leaves are appended in their order."""
    if node.group is None and not node.inside:
        leaves.append(node)
        return Tree(node.verdict, place=len(leaves) - 1)
    inside = tuple(_as_tree(child, leaves) for child in node.inside)
    return Tree(node.verdict, node.group or "all", inside)


def _claim(node: Node) -> str:
    match node.verdict.reason:
        case Undetermined.WITHHELD:
            return f"{node.withheld_for} consent is needed for: {node.text}"
        case Undetermined.MISSING:
            return f"nothing is known for: {node.text}"
        case Undetermined.INVALID:
            return f"the value does not fit: {node.text}"
    if node.counted:
        return node.counted
    return node.text if node.verdict.truth is Truth.TRUE else f"not ({node.text})"
