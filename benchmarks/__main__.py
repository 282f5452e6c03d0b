"""Run every benchmark and write one page of what they found.

    python -m benchmarks --reference FOLDER [--node FOLDER] [--page FILE] [--only NAME]…

The folder of `--reference` holds the workload, the generated baselines and the peers' adapters,
that of `--node` the packages of Node; without it what needs them is left out. Benchmarks run one
after the other, each in a process of its own. Returns 1 where a bar is missed or one fails.
"""

import argparse
import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import distributions, version
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks.bars import Said, heard

ROOT: Final = Path(__file__).resolve().parents[1]
PAGE: Final = ROOT / "docs" / "reference" / "performance.md"
PEERS: Final = ROOT / "benchmarks" / "peers.txt"
LONGEST_S: Final = 900
HEAD: Final = """\
# Performance

What Byleave takes, beside references that did the same work in the same run.
Only the ratios carry over to other machines: a shared processor slows both sides alike.
This page is written by `make bench`, which anybody can run; it says what was missed as well as what was held.
"""  # noqa: E501  # a sentence to a line


class Benchmark(NamedTuple):
    """A module of this package, what it is about, and which folders and flags it is given."""

    module: str
    title: str
    about: str
    folders: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()


BENCHMARKS: Final = (
    Benchmark(
        "segments",
        "Segments",
        "50 segments for one visitor. G is the same rules as generated Python with two truth "
        "values, without consent; below it, rule engines with the rules in their own language.",
        ("reference",),
    ),
    Benchmark(
        "decide",
        "A full decision in process",
        "50 segments and 20 experiments for one visitor, with consent, reasons, sticky arms and "
        "propensities. F is generated Python that does all of that and nothing else; peers do "
        "less, each as much as it can, and only those that find the same segments take part.",
        ("reference",),
        ("--peers",),
    ),
    Benchmark("consent", "Consent strings", "Decoding, the longest and most damaging included."),
    Benchmark(
        "rewrite",
        "Rewriting",
        "A page with four slots, beside `bytes.replace` with the defaults known and a bare copy.",
    ),
    Benchmark(
        "middleware",
        "The middleware",
        "A whole request of a visitor with arms, beside the same application without it.",
    ),
    Benchmark(
        "faults",
        "A server that fails",
        "What a page takes longer than without the middleware while the server fails in each of "
        "24 ways, although every page asks it. The deadline is 50 ms.",
    ),
    Benchmark("imports", "Imports", "Beyond a bare interpreter, beside a web framework's."),
    Benchmark(
        "server",
        "The server",
        "Over HTTP on loopback, load and servers sharing the processors.",
        ("reference",),
    ),
    Benchmark(
        "storage", "Storing", "Events and reports, beside the statements of the store alone."
    ),
    Benchmark(
        "counting",
        "Counting segments",
        "A draft, by row and in total, in a store of many visitors.",
    ),
    Benchmark("console", "The console", "Each page, with a million enrolled; asked for again."),
    Benchmark(
        "overload",
        "Overload",
        "Ten times the clients that keep the server busy, and then as many that send events, of "
        "which some may be refused with a time to come back; decisions are answered all the while.",
        ("reference",),
    ),
    Benchmark(
        "remote",
        "Decisions over HTTP beside GrowthBook's",
        "The same rules in GrowthBook's engine for remote evaluation, served by Express. The load "
        "comes from the same machine, which slows the faster one more.",
        ("reference", "node"),
    ),
    Benchmark("allocation", "Statistics", "New weights, a report and simulated visits."),
    Benchmark(
        "growth",
        "Growth",
        "How costs grow as there is more of everything; both axes of its table are powers of ten.",
        ("reference",),
    ),
)


class Result(NamedTuple):
    """What a benchmark printed, and with what it ended."""

    printed: str
    code: int

    @property
    def table(self) -> str:
        """What it printed beside its bars."""
        lines = self.printed.splitlines()
        return "\n".join(line for line in lines if not heard(line)).strip("\n")


def main() -> int:
    """Write the page; return 1 where a bar is missed or a benchmark fails."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("--reference", type=Path, required=True)
    parser.add_argument("--page", type=Path, help="where to write; without --only, in the docs")
    names = [each.module for each in BENCHMARKS]
    parser.add_argument("--only", choices=names, action="append", default=[])
    parser.add_argument("--node", type=Path)
    options = parser.parse_args()
    folders = {"reference": options.reference, "node": options.node}
    found = {
        each: run(each, folders)
        for each in BENCHMARKS
        if not options.only or each.module in options.only
        if all(folders[name] is not None for name in each.folders)
    }
    # The page of the documentation holds all, so that none can be left out that is missed.
    target = options.page or (None if options.only else PAGE)
    if target is not None:
        target.write_text(page(found), encoding="utf-8")
    return max(result.code for result in found.values())


def run(benchmark: Benchmark, folders: Mapping[str, Path]) -> Result:
    """Run one benchmark and show what it prints."""
    command = [sys.executable, "-m", f"benchmarks.{benchmark.module}", *benchmark.flags]
    command += [f"--{name}={folders[name].resolve()}" for name in benchmark.folders]
    print(f"\n{benchmark.title}", flush=True)
    try:
        done = subprocess.run(  # noqa: S603  # a module of this package
            command, cwd=ROOT, stdout=subprocess.PIPE, text=True, timeout=LONGEST_S, check=False
        )
        result = Result(done.stdout, min(done.returncode, 1))
    except subprocess.TimeoutExpired:
        result = Result(f"did not end within {LONGEST_S} s", 1)
    print(result.printed, flush=True)
    return result


def page(found: dict[Benchmark, Result]) -> str:
    """Return the page: the machine, every bar, and what each benchmark printed."""
    bars = [row(said) for result in found.values() for said in heard(result.printed)]
    missed = sum(bar.startswith("| **missed**") for bar in bars)
    parts = [
        HEAD,
        f"Measured on {datetime.now(tz=UTC):%d %B %Y}, {machine()}.\n{versions()}\n",
        "## Every bar\n",
        f"{len(bars) - missed} of {len(bars)} bars are held.\n",
        "| | what | median | rounds | bar |\n|---|---|---|---|---|\n" + "\n".join(bars) + "\n",
    ]
    for benchmark, result in found.items():
        failed = "" if heard(result.printed) or not result.code else "\n\nIt failed."
        parts.append(f"## {benchmark.title}\n\n{benchmark.about}{failed}\n")
        if result.table:
            parts.append(f"```text\n{result.table}\n```\n")
    return "\n".join(parts)


def row(said: Said) -> str:
    """Return the row of a bar."""
    verdict = "held" if said.verdict == "held" else "**missed**"
    return f"| {verdict} | {said.what} | {said.figure} | {said.spread} | {said.bound} |"


def machine() -> str:
    """Return what measured, in words."""
    cores = len(os.sched_getaffinity(0))
    return (
        f"{platform.python_implementation()} {platform.python_version()}, "
        f"{platform.system()} on {platform.machine()}, {cores} shared cores"
    )


def versions() -> str:
    """Return the versions of what took part."""
    named = [
        line.partition("==")[0]
        for line in PEERS.read_text(encoding="utf-8").splitlines()
        if line and not line.startswith("#")
    ]
    ours = ["byleave", "starlette", "uvicorn", "uvloop", "SQLAlchemy", "msgspec", "numpy", "scipy"]
    here = {each.metadata["Name"].lower().replace("_", "-") for each in distributions()}
    there = [each for each in ours + named if each.lower().replace("_", "-") in here]
    return "Versions: " + ", ".join(f"{each} {version(each)}" for each in there) + "."


if __name__ == "__main__":
    sys.exit(main())
