"""Whatever is wrong with the server, in whatever way the site is built, its pages are its own."""

import logging

import pytest
from benchmarks.broken_servers import FAULTS
from benchmarks.faults import INTEGRATIONS, PAGE, visits


@pytest.mark.parametrize("integration", INTEGRATIONS)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_broken_server_leaves_the_site_as_it_is(
    integration: str, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    found, _ = visits(integration, fault, requests=1, background=False)

    assert found.errors == []
    assert found.answers == {(200, PAGE)}
    assert [line for line in caplog.records if line.levelno >= logging.ERROR] != []


@pytest.mark.long
@pytest.mark.parametrize("integration", INTEGRATIONS)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_server_that_stays_broken_leaves_every_page_as_it_is(
    integration: str, fault: str
) -> None:
    found, _ = visits(integration, fault, requests=100, background=True)

    assert found.errors == []
    assert found.answers == {(200, PAGE)}


def test_there_are_as_many_faults_as_are_promised() -> None:
    assert len(set(FAULTS)) == 24
    assert len(INTEGRATIONS) == 5
