"""The same small shop in FastAPI, Flask, Django and plain WSGI, each with one line of Byleave."""

from pathlib import Path
from typing import Final

#: What all of them may show, and to whom.
DEFINITIONS: Final = Path(__file__).with_name("byleave")

PAGE: Final = """<!doctype html><title>Harbour Books</title>
<h1 data-byleave-slot="hero">Books about the sea</h1>
<form method="post" action="/.byleave/consent"><button name="choice" value="accept">Agree</button>
</form>"""
