"""`byleave stats off-policy`: what another policy would have earned."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from byleave.server.commands.documents import print_json, read_as, refusing
from byleave.server.commands.exits import FOUND, refuse

if TYPE_CHECKING:  # NumPy loads when the command runs
    from byleave.experiments.lift.off_policy import PolicyEstimate


def off_policy(
    file: Annotated[Path, typer.Argument(help="Logged decisions: CSV, Parquet, or - for CSV.")],
    policy: Annotated[
        str,
        typer.Option(
            help='JSON: {"arm": share, ...}, or one such object by context; or a file of it.'
        ),
    ],
    alpha: Annotated[float, typer.Option(min=1e-9, max=0.5, help="Error level.")] = 0.05,
) -> None:
    """Estimate what another policy would have earned, from decisions that were logged.

    Each row of the log has arm, propensity, reward and optionally context. Prints inverse
    propensity scoring, its self-normalised form and the doubly robust estimate. Exits with 1,
    and says why, where the log tells too little about the policy.
    """
    from byleave.server.commands.decision_log import read_log

    log = read_log(file)
    if not log:
        refuse(f"{file}: no decision in it")
    contexts = sorted({row.context for row in log})
    shares = _by_context(_policy(policy), contexts)
    arms = sorted({row.arm for row in log}.union(*shares.values()))

    import numpy as np

    from byleave.experiments.lift.off_policy import (
        LEAST_EFFECTIVE,
        LoggedDecisions,
        OffPolicyValue,
        TooFewInCommon,
        off_policy_value,
    )

    with refusing("--policy: "):
        found = off_policy_value(
            LoggedDecisions(
                arm=np.array([arms.index(row.arm) for row in log]),
                context=np.array([contexts.index(row.context) for row in log]),
                propensity=np.array([row.propensity for row in log]),
                reward=np.array([row.reward for row in log]),
            ),
            [[shares[context].get(arm, 0.0) for arm in arms] for context in contexts],
            alpha=alpha,
        )
    if isinstance(found, OffPolicyValue):
        print_json(
            {
                "decisions": found.decisions,
                "effective": found.effective,
                "largest_weight": found.largest_weight,
                "logged": found.logged,
                "ips": _estimate(found.ips),
                "snips": _estimate(found.snips),
                "doubly_robust": _estimate(found.doubly_robust),
            }
        )
        return
    if isinstance(found, TooFewInCommon):
        why = (
            f"{found.decisions} decisions are worth {found.effective:.0f} for this policy; "
            f"at least {LEAST_EFFECTIVE:.0f} are needed"
        )
    else:
        context = contexts[found.context]
        within = f" in context {context!r}" if context else ""
        why = f"arm {arms[found.arm]!r} was never drawn{within}"
    print_json({"decisions": len(log), "refused": why})
    raise typer.Exit(FOUND)


def _policy(text: str) -> Any:
    """Return the policy that an option writes, or that a file of its name holds."""
    try:
        if not text.lstrip().startswith("{"):
            text = Path(text).read_text(encoding="utf-8")
        return json.loads(text)
    except OSError as error:
        refuse(f"--policy: {text}: {error.strerror}")
    except (ValueError, RecursionError) as error:
        refuse(f"--policy: expected JSON: {error}")


def _by_context(policy: object, contexts: Sequence[str]) -> Mapping[str, Mapping[str, float]]:
    """Return the shares of the arms in each context."""
    if isinstance(policy, Mapping) and any(isinstance(part, Mapping) for part in policy.values()):
        by_context = read_as(dict[str, dict[str, float]], policy)
        missing = [context for context in contexts if context not in by_context]
        if missing:
            refuse(f"--policy: expected shares for the context {missing[0]!r}, too")
        return {context: by_context[context] for context in contexts}
    return dict.fromkeys(contexts, read_as(dict[str, float], policy))


def _estimate(estimate: PolicyEstimate) -> dict[str, Any]:
    return {
        "value": estimate.value,
        "se": estimate.standard_error,
        "ci": [estimate.interval.low, estimate.interval.high],
    }
