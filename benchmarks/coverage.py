"""How often the intervals of lift hold the truth, through the production rule and report.

    python -m benchmarks.coverage [--replications N] [--processes N]

20,000 visits in 40 rows of 500, three arms; the last arm is compared with the control at 95 %,
with a look after every row. `trend` lets the base rate rise from 3 to 7 %, else it is 5 %. Every
column is the share of replications and, in brackets, the mean width in hundredths of a point.
"""

import argparse
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import product
from math import sqrt
from statistics import mean

from byleave.experiments.lift import Interval
from byleave.experiments.simulation import Looks, Scenario, look_often, run_scenario
from byleave.segments import read

ARM = "second"
CHUNK = 10


@dataclass(frozen=True, slots=True)
class Setting:
    """One line of the table.

    Attributes:
        effect: By how much the last arm's rate is higher.
        has_trend: Whether the base rate drifts.
        floor: The share that each arm keeps.
        control: The share that the control keeps.
    """

    effect: float
    has_trend: bool
    floor: float
    control: float

    def __str__(self) -> str:
        """Return what the table calls it."""
        effect = f"+{100 * self.effect:.0f} pt" if self.effect else "equal"
        trend = ", trend" if self.has_trend else ""
        return f"{effect}{trend} / floor {self.floor:.0%}, control {self.control:.0%}"

    @property
    def scenario(self) -> Scenario:
        """What is simulated."""
        ends = (0.03, 0.07) if self.has_trend else (0.05, 0.05)
        base, raised = ([[0, ends[0] + up], [1, ends[1] + up]] for up in (0.0, self.effect))
        return read(
            Scenario,
            {
                "arms": {"control": base, "first": base, ARM: raised},
                "allocate": {
                    "policy": "thompson",
                    "goal": "signup",
                    "control": self.control,
                    "floor": self.floor,
                    "epoch": "24h",
                },
                "days": 40,
                "visits_per_day": 500,
            },
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """What many replications of one setting came to: shares in [0, 1], and mean widths.

    Attributes:
        setting: The setting.
        replications: How many.
        fixed: The interval for one planned look, in the end.
        always_valid: The always-valid interval, at every look.
        guaranteed: The guaranteed interval, at every look.
        naive: The interval around the difference of plain means, in the end.
        shown: The first three again, of those that the report shows in the end: what it does not
            show cannot miss.
        widths: Mean width of the first three in the end.
    """

    setting: Setting
    replications: int
    fixed: float
    always_valid: float
    guaranteed: float
    naive: float
    shown: tuple[float, float, float]
    widths: tuple[float, float, float]

    def faults(self) -> Iterator[str]:
        """Yield what is not as promised, beyond three standard errors of the simulation."""
        slack = 3 * sqrt(0.05 * 0.95 / self.replications) if self.replications < 1_000 else 0.0
        found = (self.fixed, self.always_valid, self.guaranteed)
        for of, shares in (("", found), (" of those shown", self.shown)):
            fixed, always_valid, guaranteed = shares
            if not 0.93 - slack <= fixed <= 0.98 + slack:
                yield f"{self.setting}: the fixed interval holds in {fixed:.3f}{of}"
            if always_valid < 0.97 - slack:
                yield f"{self.setting}: the always-valid interval holds in {always_valid:.3f}{of}"
            if guaranteed < 0.95 - slack:
                yield f"{self.setting}: the guaranteed interval holds in {guaranteed:.3f}{of}"
        if self.setting.has_trend and self.naive > 0.80:
            yield f"{self.setting}: plain means do not fail, so there is no trend to withstand"


def settings(controls: Sequence[float | None] = (None, 0.10)) -> list[Setting]:
    """Return the eight settings for each share of the control; None is the floor of any arm."""
    return [
        Setting(effect, has_trend, floor, floor if control is None else control)
        for control, has_trend, effect, floor in product(
            controls, (False, True), (0.0, 0.01), (0.01, 0.05)
        )
    ]


def replicate(setting: Setting, seeds: Iterable[int]) -> list[Looks]:
    """Run a setting once for each seed."""
    scenario = setting.scenario
    return [look_often(scenario, run_scenario(scenario, seed), ARM, alpha=0.05) for seed in seeds]


def summarise(setting: Setting, looks: Sequence[Looks]) -> Coverage:
    """Return what replications came to together."""
    ends = [(each, each.last) for each in looks if each.last is not None]
    fixed = [(each.fixed_holds, row.fixed_interval) for each, row in ends]
    always_valid = [(each.always_valid_holds, row.difference_interval) for each, row in ends]
    guaranteed = [(each.guaranteed_holds, row.guaranteed_interval) for each, row in ends]
    return Coverage(
        setting=setting,
        replications=len(looks),
        fixed=mean(bool(each.fixed_holds) for each in looks),
        always_valid=mean(bool(each.always_valid_holds) for each in looks),
        guaranteed=mean(bool(each.guaranteed_holds) for each in looks),
        naive=mean(bool(each.naive_holds) for each in looks),
        shown=(_shown(fixed), _shown(always_valid), _shown(guaranteed)),
        widths=(_width(fixed), _width(always_valid), _width(guaranteed)),
    )


Ends = Iterable[tuple[bool | None, Interval | None]]


def _shown(ends: Ends) -> float:
    return mean(bool(holds) for holds, interval in ends if interval is not None)


def _width(ends: Ends) -> float:
    return mean(interval.width for _, interval in ends if interval is not None)


def main() -> int:
    """Print the table; return 1 where something is not as promised."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--replications", type=int, default=1_000)
    parser.add_argument("--processes", type=int, default=2)
    options = parser.parse_args()
    seeds = range(options.replications)
    chunks = [seeds[start : start + CHUNK] for start in range(0, len(seeds), CHUNK)]
    print("| setting | fixed | always valid | guaranteed | plain means |")
    print("|---|---|---|---|---|")
    faults: list[str] = []
    with ProcessPoolExecutor(options.processes) as pool:
        for setting in settings():
            done = pool.map(replicate, [setting] * len(chunks), chunks)
            found = summarise(setting, [looks for part in done for looks in part])
            shares = (found.fixed, found.always_valid, found.guaranteed)
            cells = [
                f"{share:.3f} ({1e4 * width:.0f})"
                for share, width in zip(shares, found.widths, strict=True)
            ]
            print(f"| {setting} | {' | '.join(cells)} | {found.naive:.3f} |", flush=True)
            faults += found.faults()
    print(*faults, sep="\n")
    return 1 if faults else 0


if __name__ == "__main__":
    raise SystemExit(main())
