"""One consent out of several statements that may disagree."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from byleave.segments.consent.purposes import CHOOSABLE, Choice, Consent, Purpose, Regime

STANDING: Final = frozenset({"gpc", "dnt"})
"""Sources that state a lasting wish of the browser. A grant that was given against it, by a
visitor who was told of it, outweighs it."""

OPT_OUTS: Final = frozenset({"gpp", "usprivacy"})
"""Sources that state an opt-out without a time: nothing can be shown to be later."""

_DAY_MS: Final = 86_400_000


def merge(statements: Iterable[Consent], *, regime: Regime) -> Consent:
    """Return the one consent that follows from all statements, whatever their order.

    Per purpose the newest choice wins. Among choices made at the same time, and against one
    whose time is unknown, a refusal wins. A refusal by one of `STANDING` or `OPT_OUTS` wins
    over any choice, save that of `STANDING` over a knowing grant. `source` joins the sources
    that decided, `at_ms` is the time of the newest of them, `number` the highest; `knowing`
    needs every choice that decided to be.
    """
    # A fixed order, so that what is reported does not depend on the order of arrival.
    ordered = sorted(statements, key=_rank)
    if not ordered:  # what most first visits are
        return Consent({}, regime)
    if len(ordered) == 1 and ordered[0].source not in STANDING | OPT_OUTS:
        return _alone(ordered[0], regime)  # what most others are
    choices: dict[Purpose, Choice] = {}
    why: dict[Purpose, str] = {}
    deciding: list[Consent] = []
    for purpose in CHOOSABLE:
        said = _decider(ordered, purpose)
        if said is None:
            continue
        choices[purpose] = said.choice(purpose)
        why[purpose] = said.why.get(purpose, said.source)
        deciding.append(said)
    chosen = [said for said in deciding if said.source not in STANDING | OPT_OUTS]
    return Consent(
        choices,
        regime,
        source="+".join(dict.fromkeys(said.source for said in deciding)) or "default",
        at_ms=max((said.at_ms for said in deciding if said.at_ms is not None), default=None),
        why=why,
        number=max((said.number for said in ordered), default=0),
        knowing=bool(chosen) and all(said.knowing for said in chosen),
    )


def _alone(said: Consent, regime: Regime) -> Consent:
    """Return what follows from one statement that nothing contradicts."""
    chosen = [p for p in CHOOSABLE if said.choice(p) is not Choice.UNSET]
    return Consent(
        {purpose: said.choice(purpose) for purpose in chosen},
        regime,
        source=said.source if chosen else "default",
        at_ms=said.at_ms if chosen else None,
        why={purpose: said.why.get(purpose, said.source) for purpose in chosen},
        number=said.number,
        knowing=bool(chosen) and said.knowing,
    )


def intersection(statements: Sequence[Consent], *, source: str) -> Consent:
    """Return what all statements grant; a refusal by any of them refuses.

    For two copies of one choice that should agree. It counts as new as the newer of them, so
    that nothing older than that outweighs it.
    """
    choices: dict[Purpose, Choice] = {}
    why: dict[Purpose, str] = {}
    for purpose in CHOOSABLE:
        said = [statement.choice(purpose) for statement in statements]
        if Choice.DENIED in said:
            choices[purpose] = Choice.DENIED
            why[purpose] = statements[said.index(Choice.DENIED)].why.get(purpose, source)
        elif Choice.UNSET not in said:
            choices[purpose] = Choice.GRANTED
            why[purpose] = statements[0].why.get(purpose, source)
    times = [statement.at_ms for statement in statements if statement.at_ms is not None]
    return Consent(
        choices,
        source=source,
        at_ms=max(times) if len(times) == len(statements) else None,
        why=why,
    )


def succeed(previous: Consent | None, new: Consent) -> Consent:
    """Return `new` with its `number`: one higher than before if it takes anything back."""
    if previous is None:
        return new
    withdrawn = any(previous.allows(purpose) and not new.allows(purpose) for purpose in CHOOSABLE)
    return replace(new, number=previous.number + withdrawn)


def for_minor(consent: Consent) -> Consent:
    """Return the consent of a child: no personalisation, marketing or sharing, whatever was said.

    Sources: ICO Children's Code, standard 12; Cal. Civ. Code 1798.120(c).
    """
    purposes = (Purpose.PERSONALISATION, Purpose.MARKETING, Purpose.SHARING)
    return replace(
        consent,
        choices={**consent.choices, **dict.fromkeys(purposes, Choice.DENIED)},
        why={**consent.why, **dict.fromkeys(purposes, "minor")},
    )


def _rank(said: Consent) -> tuple[object, ...]:
    """Return what puts statements in order, so that only equal ones are as good as each other.

    Of two that say the same at the same time, the one that was not given knowingly comes first:
    it outweighs less.
    """
    return (
        said.source,
        said.at_ms is None,
        said.at_ms or 0,
        said.knowing,
        sorted(said.choices.items()),
        sorted(said.why.items()),
    )


def _decider(statements: Sequence[Consent], purpose: Purpose) -> Consent | None:
    said = [one for one in statements if one.choice(purpose) is not Choice.UNSET]
    signals = [one for one in said if one.source in STANDING | OPT_OUTS]
    choices = [one for one in said if one.source not in STANDING | OPT_OUTS]
    chosen = _newest(choices, purpose)
    knowing = chosen is not None and chosen.knowing and chosen.choice(purpose) is Choice.GRANTED
    for signal in signals:
        if signal.choice(purpose) is Choice.DENIED and not (knowing and signal.source in STANDING):
            return signal
    return chosen


def _newest(choices: Sequence[Consent], purpose: Purpose) -> Consent | None:
    times = [_latest_ms(one, purpose) for one in choices]
    newest = max((time for time in times if time is not None), default=None)
    voices = [one for one, time in zip(choices, times, strict=True) if time in (None, newest)]
    refusing = [one for one in voices if one.choice(purpose) is Choice.DENIED]
    return next(iter(refusing or voices), None)


def _latest_ms(said: Consent, purpose: Purpose) -> int | None:
    """When the choice counts as made; None if that is unknown.

    TC strings tell the day and not the hour. A refusal counts to the end of its day, so that
    no grant made earlier on that day outweighs it.
    """
    if said.at_ms is None or said.at_ms % _DAY_MS or said.choice(purpose) is not Choice.DENIED:
        return said.at_ms
    return said.at_ms + _DAY_MS - 1
