"""Measure everything that the explanation of the statistics states, and write it there.

    python -m benchmarks.certificate [--page FILE] [--only NAME]…

Runs the command of each measured table and puts what it prints in the place of the table below
that command, with the versions in use. Returns 1 where a promise is not kept.
"""

import argparse
import platform
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Final

from byleave.experiments.lift import METHOD_VERSION

ROOT: Final = Path(__file__).resolve().parents[1]
PAGE: Final = ROOT / "docs" / "explanation" / "statistics.md"
_COMMAND: Final = re.compile(r"^python -m (benchmarks\.\w+)(.*)$", re.MULTILINE)
_VERSIONS: Final = re.compile(r"^The figures are from .*$", re.MULTILINE)


def commands(page: str) -> list[str]:
    """Return the commands of a page that print a table, such as `benchmarks.regret --seeds 9`."""
    return [
        (module + arguments).strip()
        for module, arguments in _COMMAND.findall(page)
        if _table_after(page, module) is not None
    ]


def filled(page: str, command: str, printed: str) -> str:
    """Return a page with the table below a command replaced by what the command printed.

    Raises:
        ValueError: The command printed no table, or the page has none to replace.
    """
    rows = [line for line in printed.splitlines() if line.startswith("|")]
    span = _table_after(page, command.partition(" ")[0])
    if len(rows) < 3 or span is None:
        raise ValueError(f"expected {command} to print a table, and the page to have one below it")
    return page[: span[0]] + "\n".join(rows) + "\n" + page[span[1] :]


def dated(page: str) -> str:
    """Return a page that names the versions that its figures are from."""
    used = f"NumPy {version('numpy')} and SciPy {version('scipy')}"
    words = (
        f"The figures are from Python {platform.python_version()}, {used}, "
        f"method version {METHOD_VERSION}."
    )
    return _VERSIONS.sub(words, page, count=1)


def _table_after(page: str, module: str) -> tuple[int, int] | None:
    """Where the table below a command is, if there is one in its section."""
    section = re.compile(
        rf"^python -m {re.escape(module)}\b(?:(?!^## ).)*?^(\|.*?)(?=^[^|]|\Z)",
        re.MULTILINE | re.DOTALL,
    )
    found = section.search(page)
    return None if found is None else found.span(1)


def main() -> int:
    """Write the page; return 1 where a command says that a promise is not kept."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--page", type=Path, default=PAGE)
    parser.add_argument("--only", action="append", metavar="NAME", help="a benchmark; else all")
    options = parser.parse_args()
    page = dated(options.page.read_text(encoding="utf-8"))
    is_kept = True
    for command in commands(page):
        if options.only and command.split()[0].removeprefix("benchmarks.") not in options.only:
            continue
        print(f"python -m {command}", flush=True)
        done = subprocess.run(  # noqa: S603  # the modules of this package
            [sys.executable, "-m", *command.split()],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        print(done.stdout, done.stderr, sep="", flush=True)
        is_kept &= done.returncode == 0
        page = filled(page, command, done.stdout)
        options.page.write_text(page, encoding="utf-8")
    return 0 if is_kept else 1


if __name__ == "__main__":
    raise SystemExit(main())
