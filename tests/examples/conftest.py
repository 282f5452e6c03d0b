"""The example shop, open on a Sunday, with and without its question about consent."""

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from harbour_books import create_app

SUNDAY_MS = 1_796_558_400_000  # 2026-12-06T12:00Z


@pytest.fixture(scope="module")
def shop() -> Starlette:
    return create_app(clock=lambda: SUNDAY_MS)


@pytest.fixture(scope="module")
def asking_shop() -> Starlette:
    return create_app(consent_banner=True)


@pytest.fixture
def client(shop: Starlette) -> TestClient:
    return TestClient(shop, follow_redirects=False)


@pytest.fixture
def asking(asking_shop: Starlette) -> TestClient:
    return TestClient(asking_shop, follow_redirects=False)
