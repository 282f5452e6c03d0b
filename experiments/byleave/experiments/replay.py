"""Replay: every assignment and every published allocation derived again from what was kept.

What a run did follows from its definition, its seed, its rows with the inputs they were computed
from, and the log. Where something kept does not follow, it is named. Visitors who were erased
have left no log; they are there as sums.

This needs NumPy and is not part of the front door: import it where the past is to be proved.
"""

from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from math import inf
from typing import Any, Final

from byleave.experiments.allocation import (
    GRACE_MS,
    LONGEST_ROW_MS,
    Evidence,
    Method,
    Step,
    fixed_weights,
    is_replaced,
    next_weights,
)
from byleave.experiments.assignment import Slices
from byleave.experiments.cells import remaining_cell, remaining_weights, starting_weights
from byleave.experiments.decisions import HOLDOUT
from byleave.experiments.definitions import Experiment
from byleave.experiments.goals import Goal
from byleave.experiments.hashes import HASHES, blake2b64
from byleave.experiments.imported import HashName
from byleave.experiments.traffic import Traffic
from byleave.segments import DefinitionError, read

# Another processor may add up in another order; weights that were computed differently differ more.
_TOLERANCE: Final = 1e-9

#: Units by allocation row and arm.
Units = Mapping[tuple[str, str], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptRow:
    """An allocation row as it was kept.

    Attributes:
        id: Its id.
        cell: Its cell.
        weights: What it published, by arm.
        opened_ms: When it was published.
        closed_ms: When its successor was; None while it is in force.
        inputs: What its weights were computed from, as plain data, with their `method`.
    """

    id: str
    cell: str
    weights: Mapping[str, float]
    opened_ms: int
    closed_ms: int | None
    inputs: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptRun:
    """A run as it was kept.

    Attributes:
        experiment: Its definition, as it was in force.
        goals: The goals that it names.
        seed: Key of its hashes.
        started_ms: When it began.
        rows: Its rows, in the order of publication.
        hash: The named algorithm that draws traffic and arms.
        holdout: The share of visitors that was held out all the time; None where that changed.
        holdout_seed: Key of the holdout's hash.
    """

    experiment: Experiment
    goals: Mapping[str, Goal]
    seed: str
    started_ms: int
    rows: tuple[KeptRow, ...]
    hash: HashName = "blake2b64"
    holdout: float | None = None
    holdout_seed: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedAssignment:
    """An exposure of the log.

    Attributes:
        id: Id of the event.
        unit: The visitor, or the page view.
        allocation: The row that the arm was drawn from; None in the holdout.
        arm: The arm.
        assigned_ms: When it was drawn.
    """

    id: str
    unit: str
    allocation: str | None
    arm: str
    assigned_ms: int


@dataclass(frozen=True, slots=True)
class Difference:
    """Something kept that does not follow from the rest.

    Attributes:
        place: The row or the event that it is about.
        words: What is not as it should be; names no visitor.
    """

    place: str
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """What deriving everything again came to.

    Attributes:
        allocations: Rows whose weights were derived.
        assignments: Assignments whose arm was derived.
        not_derived: Assignments whose arm hangs on something that is not kept, such as the
            attribute that an imported split hashes.
        differences: Where what was kept differs.
    """

    allocations: int
    assignments: int
    not_derived: int
    differences: tuple[Difference, ...] = field(default=())


def replay(
    run: KeptRun,
    log: Iterable[LoggedAssignment],
    *,
    counted: Units | None = None,
    erased: Units | None = None,
    sealed: Container[str] = (),
    since_ms: float = -inf,
    until_ms: float = inf,
) -> Replay:
    """Derive every allocation row and every assignment of a run again.

    Args:
        run: The run, whole: a row follows from the one before it.
        log: Its exposures, in any order, repeated ones included.
        counted: Units that were enrolled in each row and arm; None where they are not to be
            compared with the log.
        erased: The part of them that the log no longer has.
        sealed: Rows whose units are not compared: their sums are closed, and the log may have
            lost what they were counted from.
        since_ms: Leaves out the rows that were published, and the arms that were drawn, earlier.
        until_ms: Leaves out those of this moment and later.
    """
    logged = [*log]
    asked = {row.id for row in run.rows if since_ms <= row.opened_ms < until_ms}
    assignments = [each for each in logged if since_ms <= each.assigned_ms < until_ms]
    imported = run.experiment.imported is not None
    differences = chain(
        _allocations(run, asked),
        _assignments(run, assignments),
        ()
        if counted is None
        else _units(
            run, {row for row in asked if row not in sealed}, logged, counted, erased or {}
        ),
    )
    return Replay(
        allocations=len(asked),
        assignments=0 if imported else len(assignments),
        not_derived=len(assignments) if imported else 0,
        differences=tuple(differences),
    )


def _allocations(run: KeptRun, asked: Container[str]) -> Iterator[Difference]:
    """Yield where a row that is asked about does not follow from its inputs or the one before."""
    newest: dict[str, KeptRow] = {}
    known = {row.id: row for row in run.rows}
    for row in run.rows:
        before = newest.get(row.cell)
        newest[row.cell] = row
        if row.id not in asked:
            continue
        if row.inputs.get("method") == Method.RETIRED:
            problems = _without(known.get(row.inputs.get("follows", "")), row)
        else:
            problems = _first(run, row) if before is None else _successor(run, before, row)
        yield from (Difference(row.id, words) for words in problems)


def _first(run: KeptRun, row: KeptRow) -> Iterator[str]:
    shares = starting_weights(run.experiment, row.weights)
    exact = fixed_weights(list(shares.values())).tolist()
    if not _agree(row.weights, dict(zip(shares, exact, strict=True))):
        yield "the first weights of the cell are not those that a run begins with"
    if row.inputs.get("method") != Method.START:
        yield "the first row of the cell does not say that it is one"


def _without(before: KeptRow | None, row: KeptRow) -> Iterator[str]:
    """Yield where a row is not the one it follows, without the arms that were retired."""
    if before is None or before.closed_ms != row.opened_ms:
        yield "it was not published when the row before it was closed"
        return
    retired = before.weights.keys() - row.weights.keys()
    left = remaining_weights(before.weights, retired)
    if row.cell != remaining_cell(before.cell, retired) or not _agree(row.weights, left):
        yield "its weights are not those of the row before it without the retired arms"


def _successor(run: KeptRun, before: KeptRow, row: KeptRow) -> Iterator[str]:
    allocate = run.experiment.allocate
    inputs = dict(row.inputs)
    method = inputs.pop("method", None)
    try:
        seen = read(Evidence, inputs)
    except DefinitionError:
        yield "its inputs cannot be read"
        return
    if not _agree(before.weights, dict(zip(seen.arms, seen.before, strict=True))):
        yield "it does not start from the weights that were in force"
    if seen.age_ms != row.opened_ms - run.started_ms or before.closed_ms != row.opened_ms:
        yield "it was not published when the row before it was closed"
    step = Step(Method.FROZEN, before.weights)
    if method != Method.FROZEN:
        step = next_weights(allocate, run.goals[allocate.goal], seen)
    if step.method != method or not _agree(row.weights, step.weights):
        yield "its weights do not follow from its inputs"
    age_ms = row.opened_ms - before.opened_ms
    if age_ms < min(allocate.epoch, LONGEST_ROW_MS):
        yield "the row before it was replaced before its epoch was over"
    elif not is_replaced(before.weights, row.weights, age_ms=age_ms):
        yield "the row before it was replaced although nothing changed"


def _assignments(run: KeptRun, log: Iterable[LoggedAssignment]) -> Iterator[Difference]:
    """Yield where an arm is not the one that the hash gives."""
    experiment, rows = run.experiment, {row.id: row for row in run.rows}
    knows_holdout = run.holdout is not None and experiment.unit == "visitor"
    hashed = HASHES[run.hash]
    traffic = Traffic(experiment, run.hash, run.seed)
    slices = {row.id: Slices(row.weights) for row in run.rows}
    draws = {row.id: hashed(run.seed, row.id) for row in run.rows}
    held_out = blake2b64(run.holdout_seed, "holdout")
    for each in log:
        is_held_out = each.allocation is None and each.arm == HOLDOUT
        row = rows.get(each.allocation or "")
        if knows_holdout and is_held_out != (held_out(each.unit) < (run.holdout or 0)):
            yield Difference(each.id, "the holdout is not what its hash says")
        elif is_held_out:
            continue
        elif row is None:
            yield Difference(each.id, "it names an allocation row that is not of this run")
        elif not row.opened_ms <= each.assigned_ms <= _last_draw_ms(row):
            yield Difference(each.id, "its row was not in force when its arm was drawn")
        elif experiment.imported is not None:
            continue
        elif not traffic.takes(each.unit, each.assigned_ms):
            yield Difference(each.id, "the experiment does not take this unit")
        elif slices[row.id].arm(draws[row.id](each.unit)) != each.arm:
            yield Difference(each.id, "the hash gives another arm")


def _units(
    run: KeptRun,
    asked: Container[str],
    log: Iterable[LoggedAssignment],
    counted: Units,
    erased: Units,
) -> Iterator[Difference]:
    """Yield where the units of a row and arm are not those of the log and the erased."""
    rows = {row.id: row for row in run.rows}
    earliest: dict[str, LoggedAssignment] = {}
    for each in log:
        row = rows.get(each.allocation or "")
        if row is None or each.assigned_ms > _last_draw_ms(row) or each.arm not in row.weights:
            continue  # logged, and never counted
        known = earliest.setdefault(each.unit, each)
        if (each.assigned_ms, each.id) < (known.assigned_ms, known.id):
            earliest[each.unit] = each
    found = Counter((str(each.allocation), each.arm) for each in earliest.values())
    for allocation, arm in dict.fromkeys(chain(counted, found, erased)):
        key = (allocation, arm)
        derived = found[key] + erased.get(key, 0)
        if allocation in asked and derived != counted.get(key, 0):
            yield Difference(
                allocation, f"{arm} has {counted.get(key, 0)} units, and {derived} in the log"
            )


def _last_draw_ms(row: KeptRow) -> int:
    closed_ms = row.opened_ms + LONGEST_ROW_MS if row.closed_ms is None else row.closed_ms
    return min(closed_ms, row.opened_ms + LONGEST_ROW_MS) + GRACE_MS


def _agree(one: Mapping[str, float], other: Mapping[str, float]) -> bool:
    return one.keys() == other.keys() and all(
        abs(one[arm] - other[arm]) <= _TOLERANCE for arm in one
    )
