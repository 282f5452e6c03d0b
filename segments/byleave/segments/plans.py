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
        first: The number of the first chunk, so that those of several plans are told apart.

    Attributes:
        chunks: The segments of each chunk, by its number.
        places: The chunk of each segment, and its place there.
    """

    def __init__(
        self,
        parts: Sequence[Sequence[str]],
        vocabulary: Vocabulary,
        memory: Memory,
        use: Purpose,
        first: int,
    ) -> None:
        # What only reads definitions compiles nothing.
        from byleave.segments.compiler import compiled
        from byleave.segments.rows import Rows

        chunks = (keys[at : at + CHUNK] for keys in parts for at in range(0, len(keys), CHUNK))
        self.chunks = dict(enumerate(chunks, first))
        self.places = {
            key: (number, place)
            for number, chunk in self.chunks.items()
            for place, key in enumerate(chunk)
        }
        common, doubted = (
            {
                number: compiled(chunk, vocabulary, use, is_doubted=is_doubted)
                for number, chunk in self.chunks.items()
            }
            for is_doubted in (False, True)
        )
        codes = (*common.values(), *doubted.values())
        # The times of a stream are read from its state, which therefore comes first.
        inputs = sorted({source for code in codes for source in code.inputs})
        at = {source: place for place, source in enumerate(inputs)}
        self.common, self.doubted = (
            {number: code.bind(at, self.places) for number, code in made.items()}
            for made in (common, doubted)
        )
        self.masks = {
            number: sum(1 << at[source] for source in code.inputs)
            for number, code in common.items()
        }
        self.named = {
            number: sorted({self.places[key][0] for key in code.references})
            for number, code in common.items()
        }
        self.rows = Rows(inputs, vocabulary, memory, use)


class Asked:
    """A plan asked about one visitor at one moment; each chunk is answered at most once.

    Args:
        plan: The plan.
        row: The visitor's inputs.
        now_ms: The moment.
        answers: Gets the verdicts of each chunk, by the chunk's number and the place in it;
            None stands for those not asked yet.
    """

    __slots__ = ("_answers", "_doubts", "_now_ms", "_plan", "_row", "_true")

    def __init__(self, plan: Plan, row: "Row", now_ms: int, answers: list[Any]) -> None:
        self._plan = plan
        self._row, self._doubts = row
        self._now_ms = now_ms
        self._answers = answers
        self._true: list[str] = []

    def true_segments(self) -> list[str]:
        """Return the segments of the plan's use that are true."""
        for chunk in self._plan.chunks:
            if self._answers[chunk] is None:
                self.answer(chunk)
        return self._true

    def answer(self, chunk: int) -> tuple[Verdict, ...]:
        """Answer a chunk, and return its verdicts by place."""
        answers = self._answers
        for named in self._plan.named[chunk]:
            if answers[named] is None:
                self.answer(named)
        is_ready = not self._doubts[-1] & self._plan.masks[chunk]
        function = (self._plan.common if is_ready else self._plan.doubted)[chunk]
        answers[chunk] = verdicts = function(
            self._row, self._doubts, self._now_ms, answers, self._true.append
        )
        return verdicts
