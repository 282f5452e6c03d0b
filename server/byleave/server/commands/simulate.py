"""`byleave simulate`: an experiment before it runs, against a declared truth."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from byleave.server.commands.documents import print_json, refusing
from byleave.server.commands.exits import FOUND, refuse
from byleave.server.commands.validate import report

if TYPE_CHECKING:  # NumPy and SciPy load when the command runs
    from byleave.experiments.simulation import Scenario, Summary

_DAY_MS: Final = 86_400_000


def simulate(
    config: Annotated[Path, typer.Option(help="A YAML or JSON file with one scenario.")],
    seeds: Annotated[int, typer.Option(min=1, help="How many experiments; seeds 1 to N.")] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Simulate experiments whose truth is declared, by the code that a server runs.

    Tells what is lost while learning, how often the report's intervals hold the truth, and how
    long it takes until a lift is seen. The same seeds give the same result.
    """
    scenario = _scenario(config)

    from byleave.experiments.simulation import simulate as simulated
    from byleave.experiments.simulation import summarise

    with refusing(f"{config}: "):
        runs = [simulated(scenario, seed) for seed in range(1, seeds + 1)]
        summary = summarise(runs)
    if as_json:
        told = [{key: v for key, v in run.to_dict().items() if key != "rows"} for run in runs]
        print_json({"summary": asdict(summary), "runs": told})
    else:
        typer.echo("\n".join(_lines(scenario, summary)))


def _scenario(file: Path) -> Scenario:
    """Return the scenario of a file; print what is wrong and end the command otherwise."""
    try:
        from byleave.experiments.simulation import Scenario
        from byleave.segments import DefinitionError
        from byleave.server.yaml_documents import read_documents
    except ModuleNotFoundError as error:
        refuse(f"simulating needs {error.name}: pip install 'byleave[server]'")

    try:
        documents = read_documents(file, name=str(file))
        if len(documents) != 1:
            refuse(f"{file}: expected one scenario, found {len(documents)} documents")
        return documents[0].read(Scenario)
    except DefinitionError as error:
        report(error)
        raise typer.Exit(FOUND) from None
    except ValueError as error:
        typer.echo(f"{file}: {error}", err=True)
        raise typer.Exit(FOUND) from None
    except OSError as error:
        refuse(f"{file}: {error.strerror}")


def _lines(scenario: Scenario, summary: Summary) -> Iterator[str]:
    visits = scenario.days * scenario.visits_per_day
    yield f"{summary.runs} experiments of {scenario.days} days, {visits} visits each"
    yield (
        f"reward {summary.reward:.1f}, with the control alone {summary.control_reward:.1f}; "
        f"regret {summary.regret:.1f} (standard error {summary.regret_error:.1f})"
    )
    yield ""
    yield f"{'arm':<16}{'seen':>8}{'after':>10}{'always valid':>14}{'guaranteed':>12}{'naive':>8}"
    for arm in summary.arms:
        after = "-" if arm.seen_ms is None else f"{arm.seen_ms / _DAY_MS:.1f} days"
        yield (
            f"{arm.arm:<16}{_percent(arm.seen_share):>8}{after:>10}"
            f"{_percent(arm.always_valid_coverage):>14}"
            f"{_percent(arm.guaranteed_coverage):>12}{_percent(arm.naive_coverage):>8}"
        )


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.1%}"
