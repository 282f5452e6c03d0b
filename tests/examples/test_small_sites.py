"""The small example sites: a visitor agrees, and the page greets them; others see it as it is."""

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
AGENT = "Mozilla/5.0 (X11; Linux x86_64) Chrome/131.0.0.0 Safari/537.36"
FORM = "application/x-www-form-urlencoded"
BROWSERS = {
    "FastAPI": f"""
from starlette.testclient import TestClient
from small_sites.fastapi_site import app
browser = TestClient(app, headers={{"User-Agent": "{AGENT}"}})
get = lambda path: browser.get(path).text
agree = lambda: browser.post("/.byleave/consent", data={{"choice": "accept"}})
""",
    "Flask": f"""
from small_sites.flask_site import app
browser = app.test_client()
browser.environ_base["HTTP_USER_AGENT"] = "{AGENT}"
get = lambda path: browser.get(path).text
agree = lambda: browser.post("/.byleave/consent", data={{"choice": "accept"}})
""",
    "WSGI": f"""
from werkzeug.test import Client
from small_sites.wsgi_site import application
browser = Client(application)
agent = {{"User-Agent": "{AGENT}"}}
get = lambda path: browser.get(path, headers=agent).text
agree = lambda: browser.post("/.byleave/consent", data={{"choice": "accept"}}, headers=agent)
""",
    "Django": f"""
import os
os.environ["DJANGO_SETTINGS_MODULE"] = "small_sites.django_site"
import django
django.setup()
from django.test import Client
browser = Client(HTTP_USER_AGENT="{AGENT}")
get = lambda path: browser.get(path).content.decode()
agree = lambda: browser.post("/.byleave/consent", "choice=accept", content_type="{FORM}")
""",
}


@pytest.mark.parametrize(
    ("site", "path"),
    [("FastAPI", "/"), ("Flask", "/"), ("WSGI", "/"), ("Django", "/"), ("Django", "/async")],
)
def test_a_visitor_who_agrees_is_greeted(site: str, path: str) -> None:
    code = f"""{BROWSERS[site]}
before = get("{path}")
agree()
print(before, "----", get("{path}"))
"""
    # A process of its own: Django has one set of settings in each.
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], cwd=EXAMPLES, capture_output=True, text=True
    )

    assert done.returncode == 0, done.stderr
    before, _, after = done.stdout.partition("----")
    assert "Books about the sea" in before
    assert "Good to see you again" in after
    assert before.replace("Books about the sea", "Good to see you again").split() == after.split()
