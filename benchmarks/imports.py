"""What importing the deciding packages takes, beside a web framework's import in the same run.

    python -m benchmarks.imports [--repeats N]

Each import runs in fresh interpreters, in turns, and the least processor time counts: what a
package needs, not what the machine was busy with. Bytecode is written beforehand, as by an
installation. Time and memory are those beyond the bare interpreter.
"""

import argparse
import os
import subprocess
import sys
from tempfile import TemporaryDirectory
from typing import Final

from benchmarks.bars import Bar, say

REFERENCE: Final = "starlette, uvicorn, jinja2, itsdangerous"
IMPORTS: Final = {
    REFERENCE: "import starlette.applications, starlette.routing, uvicorn, jinja2, itsdangerous",
    "byleave.segments": "import byleave.segments",
    "byleave.experiments": "import byleave.experiments",
    "byleave.sdk": "import byleave.sdk",
}
PROBE: Final = """
import sys, time
def resident():
    with open("/proc/self/status") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))
known, base, started = set(sys.modules), resident(), time.process_time()
{}
taken = time.process_time() - started
grown = resident() - base
loaded = {{name.partition('.')[0] for name in sys.modules if name not in known}} - {{'__mp_main__'}}
print(taken * 1e3, grown / 1024, ','.join(sorted(loaded - sys.stdlib_module_names)))
"""


def main() -> int:
    """Print the table; return 1 where a bar is missed."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--repeats", type=int, default=15)
    repeats = parser.parse_args().repeats
    best: dict[str, tuple[float, float, str]] = {}
    with TemporaryDirectory() as folder:
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": folder}
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        for _ in range(repeats + 1):  # the first one writes the bytecode
            for name, code in IMPORTS.items():
                best[name] = min(best.get(name, (1e9, 1e9, "")), measured(code, environment))
    print(f"{'':<44}{'ms':>8}{'MB':>8}{'x reference':>13}  outside the standard library")
    for name, (taken, grown, loaded) in best.items():
        ratio = taken / best[REFERENCE][0]
        print(f"{name:<44}{taken:>8.1f}{grown:>8.1f}{ratio:>13.2f}  {loaded}")
    return say(
        [
            Bar("importing byleave.segments", best["byleave.segments"][0], " ms", most=40),
            Bar("importing byleave.sdk", best["byleave.sdk"][0], " ms", most=90),
            Bar("memory of byleave.sdk", best["byleave.sdk"][1], " MB", most=20),
        ]
    )


def measured(code: str, environment: dict[str, str]) -> tuple[float, float, str]:
    """Return milliseconds, megabytes and the packages of one import in a fresh interpreter."""
    said = subprocess.run(  # noqa: S603 — this interpreter, with the code above
        [sys.executable, "-c", PROBE.format(code)],
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    return float(said[0]), float(said[1]), said[2] if len(said) > 2 else ""


if __name__ == "__main__":
    sys.exit(main())
