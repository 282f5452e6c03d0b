"""Run what shows each promise, and write one page with a line for each.

    python -m tests.scorecard [--profile NAME]… [--section NAME]… [--page FILE]

The promises, and what shows them, are the tables of `docs/reference/promises.md`. A promise is
kept when everything named beside it ran and passed; what was not run is said to be so. Returns 1
where one is not kept.
"""

import argparse
import os
import platform
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Final, NamedTuple
from xml.etree import ElementTree

from benchmarks import __main__ as benchmarks
from benchmarks.bars import heard

ROOT: Final = Path(__file__).resolve().parents[1]
PROMISES: Final = ROOT / "docs" / "reference" / "promises.md"
PAGE: Final = ROOT / "build" / "scorecard.md"
#: How the tests of each profile run.
PROFILES: Final[Mapping[str, Mapping[str, str]]] = {
    "test": {},
    "long": {"HYPOTHESIS_PROFILE": "long"},
    "certify": {"HYPOTHESIS_PROFILE": "long", "BYLEAVE_KILLS": "50"},
    "bench": {},
}
HEAD: Final = """\
# Scorecard

Each promise of `docs/reference/promises.md`, and what came of running what shows it.
This page is written by `make certify`.
"""


class Promise(NamedTuple):
    """A row of a table of promises."""

    section: str
    text: str
    shown_by: tuple[str, ...]
    profile: str


@dataclass
class Found:
    """What came of the tests or the benchmark that a promise names."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0
    seconds: float = 0.0
    said: list[str] = field(default_factory=list)

    def add(self, other: "Found") -> None:
        """Add what came of something else."""
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped
        self.seconds += other.seconds
        self.said += other.said


def promises(text: str) -> Iterator[Promise]:
    """Yield the rows of the tables of promises, in their order."""
    section = ""
    for line in text.splitlines():
        if line.startswith("## "):
            section = line[3:]
        cells = [cell.strip() for cell in line.strip().strip("|").split(" | ")]
        if section and len(cells) == 3 and cells[2] in PROFILES:
            yield Promise(section, cells[0], tuple(re.findall(r"`([^`]+)`", cells[1])), cells[2])


def main() -> int:
    """Write the page, anew after each profile; return 1 where a promise is not kept."""
    parser = argparse.ArgumentParser(prog="python -m tests.scorecard")
    parser.add_argument("--profile", choices=PROFILES, action="append", default=[])
    parser.add_argument("--section", action="append", default=[])
    parser.add_argument("--page", type=Path, default=PAGE)
    parser.add_argument("--reference", type=Path, help="the folder that `make bench` names")
    parser.add_argument("--node", type=Path, help="the folder of Node's packages")
    options = parser.parse_args()
    folders = {"reference": options.reference, "node": options.node}
    asked = [
        promise
        for promise in promises(PROMISES.read_text(encoding="utf-8"))
        if not options.section or promise.section in options.section
    ]
    found: dict[Promise, Found | None] = dict.fromkeys(asked)
    options.page.parent.mkdir(parents=True, exist_ok=True)
    for profile in PROFILES:
        rows = [promise for promise in asked if promise.profile == profile]
        if rows and (not options.profile or profile in options.profile):
            results = run(profile, rows, folders)
            for promise in rows:
                found[promise] = merged(results[name] for name in promise.shown_by)
            options.page.write_text(page(found), encoding="utf-8")
    return int(any(result and result.failed for result in found.values()))


def run(profile: str, rows: list[Promise], folders: Mapping[str, Path | None]) -> dict[str, Found]:
    """Run everything that the promises of a profile name, each once."""
    names = dict.fromkeys(name for promise in rows for name in promise.shown_by)
    tests = [name for name in names if name.startswith("tests/")]
    results = run_tests(tests, PROFILES[profile], is_long=profile != "test") if tests else {}
    for name in names:
        if name.startswith("benchmarks/"):
            results[name] = run_benchmark(Path(name).stem, folders)
        elif name not in results:
            results[name] = run_program(["bash", name])
    return results


def run_tests(
    names: list[str], environment: Mapping[str, str], *, is_long: bool
) -> dict[str, Found]:
    """Run tests in one go; return what came of each file or function that was named.

    A promise that takes a long test may name a short one beside it, which then runs as well.
    """
    with TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-q", "-m", "" if is_long else "not long"]
        command += ["--numprocesses=2", "--dist=loadfile"]
        command += ["-o", "junit_family=xunit1", f"--junitxml={report}", *names]
        subprocess.run(  # our tests
            command, cwd=ROOT, env={**os.environ, **environment}, check=False
        )
        tree = ElementTree.parse(report)  # noqa: S314  # pytest wrote it
        cases = [*tree.iter("testcase")]
    return {name: of_cases(name, cases) for name in names}


def of_cases(name: str, cases: Iterable[ElementTree.Element]) -> Found:
    """Return what came of the cases of a file or of one function; none at all is a failure."""
    file, _, function = name.partition("::")
    found = Found()
    for case in cases:
        if not (case.get("file") or "").startswith(file):
            continue
        if function and (case.get("name") or "").partition("[")[0] != function:
            continue
        kinds = {child.tag for child in case}
        found.failed += bool(kinds & {"failure", "error"})
        found.skipped += "skipped" in kinds
        found.passed += not kinds & {"failure", "error", "skipped"}
        found.seconds += float(case.get("time") or 0)
        found.said += [f"{each.get('name')}: {each.get('value')}" for each in case.iter("property")]
    found.failed += not found.passed + found.failed + found.skipped
    return found


def run_benchmark(module: str, folders: Mapping[str, Path | None]) -> Found:
    """Run a benchmark; what it says of its bars is what it found."""
    known = {each.module: each for each in benchmarks.BENCHMARKS}
    benchmark = known.get(module, benchmarks.Benchmark(module, module, ""))
    given = {name: folders[name] for name in benchmark.folders}
    if None in given.values():
        return Found(skipped=1, said=["needs a folder that was not named"])
    began = monotonic()
    result = benchmarks.run(benchmark, {name: path for name, path in given.items() if path})
    said = [f"{bar.what}: {bar.figure}, {bar.bound}" for bar in heard(result.printed)]
    return Found(int(not result.code), result.code, 0, monotonic() - began, said)


def run_program(command: list[str]) -> Found:
    """Run a program that fails when anything in it fails."""
    began = monotonic()
    code = subprocess.run(command, cwd=ROOT, check=False).returncode
    return Found(int(not code), int(bool(code)), 0, monotonic() - began)


def merged(results: Iterable[Found]) -> Found:
    """Return the sum of results."""
    total = Found()
    for each in results:
        total.add(each)
    return total


def page(found: Mapping[Promise, Found | None]) -> str:
    """Return the page."""
    kept = sum(result is not None and not result.failed for result in found.values())
    ran = sum(result is not None for result in found.values())
    parts = [
        HEAD,
        f"Run on {datetime.now(tz=UTC):%d %B %Y} with {platform.python_implementation()} "
        f"{platform.python_version()} on {os.cpu_count()} cores.",
        f"Of {len(found)} promises, {ran} were put to the test, and {kept} of those are kept.",
    ]
    section = ""
    for promise, result in found.items():
        if promise.section != section:
            section = promise.section
            parts.append(f"\n## {section}\n\n| | promise | what came of it | profile |")
            parts.append("|---|---|---|---|")
        verdict = "not run" if result is None else "**broken**" if result.failed else "kept"
        parts.append(f"| {verdict} | {promise.text} | {words(result)} | {promise.profile} |")
    return "\n".join(parts) + "\n"


def words(result: Found | None) -> str:
    """Return what came of a promise in words."""
    if result is None:
        return ""
    counts = {"passed": result.passed, "failed": result.failed, "skipped": result.skipped}
    told = ", ".join(f"{number} {what}" for what, number in counts.items() if number)
    return "; ".join([f"{told} in {result.seconds:,.0f} s", *result.said])


if __name__ == "__main__":
    sys.exit(main())
