"""How every test runs: Hypothesis profiles and the browser."""

import os
import shutil

import pytest
from hypothesis import settings

IN_CI = bool(os.environ.get("CI"))

# Deadlines measure the machine, not the code. In CI the same examples run each time, so that
# a failure belongs to the change that it is reported on.
settings.register_profile("default", deadline=None, derandomize=IN_CI, max_examples=100)
settings.register_profile("long", deadline=None, max_examples=5_000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))


def find_chromium() -> str | None:
    """Return the path of an installed Chromium, or None."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return next(filter(None, map(shutil.which, names)), None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip browser tests where no Chromium is installed; in CI let them fail instead."""
    if IN_CI or find_chromium():
        return
    skip = pytest.mark.skip(reason="needs Chromium: install the `chromium` package")
    for item in items:
        if item.get_closest_marker("browser"):
            item.add_marker(skip)


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of the installed Chromium, for Playwright's `executable_path`."""
    path = find_chromium()
    if path is None:
        pytest.fail("no Chromium on the PATH: install the `chromium` package")
    return path
