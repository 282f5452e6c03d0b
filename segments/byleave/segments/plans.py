"""Plans: all that is asked for one use, compiled."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from byleave.segments.consent import Purpose
from byleave.segments.memory import Memory
from byleave.segments.truth import Verdict
from byleave.segments.vocabulary import Vocabulary

if TYPE_CHECKING:
    from byleave.segments.rows import Row

#: How many segments one function answers: few enough that compiling it holds nobody up.
CHUNK: Final = 25


class Plan:
    """The segments that are asked for one use, compiled in chunks.

    Args:
        parts: The segments in parts that share no chunk, each after those it names.
        vocabulary: The declarations.
        memory: What is remembered.
        use: The use.
    """

    def __init__(
        self, parts: Sequence[Sequence[str]], vocabulary: Vocabulary, memory: Memory, use: Purpose
    ) -> None:
        # What only reads definitions compiles nothing.
        from byleave.segments.compiler import compiled
        from byleave.segments.rows import Rows

        self.chunks = [
            tuple(keys[at : at + CHUNK]) for keys in parts for at in range(0, len(keys), CHUNK)
        ]
        self.places = {
            key: (number, place)
            for number, chunk in enumerate(self.chunks)
            for place, key in enumerate(chunk)
        }
        common = [compiled(chunk, vocabulary, use, is_doubted=False) for chunk in self.chunks]
        doubted = [compiled(chunk, vocabulary, use, is_doubted=True) for chunk in self.chunks]
        # The times of a stream are read from its state, which therefore comes first.
        inputs = sorted({source for code in (*common, *doubted) for source in code.inputs})
        at = {source: place for place, source in enumerate(inputs)}
        self.common = [code.bind(at, self.places) for code in common]
        self.doubted = [code.bind(at, self.places) for code in doubted]
        self.masks = [sum(1 << at[source] for source in code.inputs) for code in common]
        self.named = [sorted({self.places[key][0] for key in code.references}) for code in common]
        self.rows = Rows(inputs, vocabulary, memory, use)


class Asked:
    """A plan asked about one visitor at one moment; each chunk is answered at most once.

    Attributes:
        answers: The verdicts of each chunk, by place; None where it was not asked yet.
    """

    __slots__ = ("_doubts", "_now_ms", "_plan", "_row", "_true", "answers")

    def __init__(self, plan: Plan, row: "Row", now_ms: int) -> None:
        self._plan = plan
        self._row, self._doubts = row
        self._now_ms = now_ms
        self.answers: list[Any] = [None] * len(plan.chunks)
        self._true: list[str] = []

    def verdict(self, key: str) -> Verdict:
        """Return what a segment comes to."""
        chunk, place = self._plan.places[key]
        answers = self.answers[chunk] or self.answer(chunk)
        return answers[place]

    def true_segments(self) -> list[str]:
        """Return the segments of the plan's use that are true."""
        for chunk, answers in enumerate(self.answers):
            if answers is None:
                self.answer(chunk)
        return self._true

    def answer(self, chunk: int) -> tuple[Verdict, ...]:
        """Answer a chunk, and return its verdicts by place."""
        for named in self._plan.named[chunk]:
            if self.answers[named] is None:
                self.answer(named)
        is_ready = not self._doubts[-1] & self._plan.masks[chunk]
        function = (self._plan.common if is_ready else self._plan.doubted)[chunk]
        answers = function(self._row, self._doubts, self._now_ms, self.answers, self._true.append)
        self.answers[chunk] = answers
        return answers
