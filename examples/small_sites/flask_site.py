"""Run it with `flask --app small_sites.flask_site run`."""

import os

from flask import Flask

from byleave.sdk.wsgi import Personalise
from small_sites import DEFINITIONS, PAGE

app = Flask(__name__)


@app.get("/")
def home() -> str:
    """The only page."""
    return PAGE


Personalise(
    app,
    definitions=DEFINITIONS,
    secrets=[os.environ.get("SHOP_SECRET", "only for this example, no secret")],
)
