"""Run it with `uvicorn small_sites.fastapi_site:app`."""

import os

from fastapi import FastAPI
from fastapi.responses import HTMLResponse

from byleave.sdk import Personalise
from small_sites import DEFINITIONS, PAGE

app = FastAPI()


@app.get("/", response_class=HTMLResponse)
async def home() -> str:
    """The only page."""
    return PAGE


app.add_middleware(
    Personalise,
    definitions=DEFINITIONS,
    secrets=[os.environ.get("SHOP_SECRET", "only for this example, no secret")],
)
