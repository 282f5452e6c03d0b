"""The pages of the documentation, the code in them, and what it takes to run that code."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import httpx2
import pytest

ROOT = Path(__file__).resolve().parent.parent.parent

_FENCE = re.compile(
    r"(?:^<!-- not run: (?P<reason>[^\n]+) -->\n)?"
    r"^(?P<indent> *)```(?P<language>\w*)\n(?P<body>.*?)^(?P=indent)```$",
    re.MULTILINE | re.DOTALL,
)
_FILE = re.compile(r"(?:#|//|<!--|\{#) (?P<name>[\w./-]+\.\w+)(?: -->| #\})?\n")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: its language, its text, and whether it says why it is not run."""

    language: str
    body: str
    line: int
    is_run: bool

    @property
    def file(self) -> str | None:
        """The file that the block's first line names, where it shows a whole file."""
        match = _FILE.match(self.body)
        return match["name"] if match else None


@dataclass(frozen=True)
class Page:
    """One page of the documentation."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.relative_to(ROOT).as_posix()

    @cached_property
    def text(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @cached_property
    def prose(self) -> str:
        """The text without its code."""
        return _FENCE.sub("", self.text)

    @cached_property
    def blocks(self) -> list[Block]:
        return [
            Block(
                match["language"],
                re.sub(rf"^{match['indent']}", "", match["body"], flags=re.MULTILINE),
                self.text.count("\n", 0, match.start()) + 1,
                match["reason"] is None,
            )
            for match in _FENCE.finditer(self.text)
        ]

    def write_files(self, folder: Path) -> None:
        """Write every file that the page shows; of a file shown twice, the later form stays."""
        for block in self.blocks:
            if block.file is not None:
                path = folder / block.file
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(block.body, encoding="utf-8")

    def table(self, heading: str) -> list[list[str]]:
        """Return the cells of the first table under a heading, without its head."""
        _, found, rest = f"\n{self.text}".partition(f"\n{heading}\n")
        assert found, f"{self.name} has no heading {heading!r}"
        section = re.split(r"^#+ ", rest, maxsplit=1, flags=re.MULTILINE)[0]
        first = re.search(r"(?:^\|.+\|\n)+", section, flags=re.MULTILINE)
        rows = re.findall(r"^\|(.+)\|$", first[0] if first else "", flags=re.MULTILINE)
        return [[cell.strip() for cell in re.split(r"(?<!\\)\|", row)] for row in rows[2:]]


PAGES = [Page(ROOT / "README.md"), *map(Page, sorted((ROOT / "docs").rglob("*.md")))]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that asks for a page once for each page."""
    if "page" in metafunc.fixturenames:
        metafunc.parametrize("page", PAGES, ids=[page.name for page in PAGES])


@pytest.fixture(scope="session")
def pages() -> list[Page]:
    return PAGES


@pytest.fixture(scope="session")
def page_at() -> Callable[[str], Page]:
    return lambda name: Page(ROOT / name)


@contextmanager
def serving(folder: Path, app: str, environment: Mapping[str, str]) -> Iterator[str]:
    """Serve an application of a folder, as a reader would, and give its address."""
    command = [sys.executable, "-m", "uvicorn", app, "--port", "0", "--no-access-log"]
    with subprocess.Popen(
        command, cwd=folder, env={**os.environ, **environment}, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield _address(process)
        finally:
            process.terminate()


def _address(process: subprocess.Popen[str]) -> str:
    log = ""
    for line in process.stderr or ():
        log += line
        if address := re.search(r"running on (http://127\.0\.0\.1:\d+)", line):
            return address[1]
    pytest.fail(f"the application does not start:\n{log}")


@pytest.fixture(scope="session")
def serve_until() -> Callable[..., AbstractContextManager[str]]:
    """Serves an application until the end of a `with` block."""
    return serving


@pytest.fixture(scope="module")
def serve() -> Iterator[Callable[[Path, str], str]]:
    """Serves applications until the end of a module, and returns their addresses."""
    with ExitStack() as running:
        yield lambda folder, app: running.enter_context(serving(folder, app, {}))


@dataclass(frozen=True, slots=True)
class Server:
    """A decision server that runs: where it is, its key, and a link to its results."""

    address: str
    key: str
    results: str

    @property
    def environment(self) -> dict[str, str]:
        """What the applications of the documentation find it by."""
        return {"BYLEAVE_SERVER": self.address, "BYLEAVE_KEY": self.key}


@pytest.fixture
def byleave_serve() -> Iterator[Callable[[Path], Server]]:
    """Runs `byleave serve` in a folder until the end of a test."""
    with ExitStack() as running:

        def start(folder: Path) -> Server:
            command = [sys.executable, "-m", "byleave.server", "serve", "--port", "0"]
            process = running.enter_context(
                subprocess.Popen(
                    command,
                    cwd=folder,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    text=True,
                )
            )
            running.callback(process.terminate)
            assert process.stdout is not None
            said = "".join(process.stdout.readline() for _ in range(3))
            found = re.fullmatch(
                r"server key, shown once: (byleave_server_\w+)\n"
                r"corner-shop at (http://127\.0\.0\.1:\d+)\n"
                r"  results: (http://\S+)\n",
                said,
            )
            assert found, said
            return Server(found[2], found[1], found[3])

        yield start


@pytest.fixture(scope="session")
def browsing() -> Callable[[str], httpx2.Client]:
    """Opens what a site takes for the browser of one person."""
    return lambda address: httpx2.Client(
        base_url=address,
        follow_redirects=True,
        headers={
            "user-agent": "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
            "accept": "text/html",
            "sec-fetch-dest": "document",
            "sec-fetch-site": "same-origin",
        },
    )
