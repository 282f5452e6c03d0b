"""A small bookshop with reading plans, the site that Byleave's tutorial and demo personalise.

The shop is a plain Starlette application and works without Byleave. Its books, people, prices
and places are invented. `uvicorn --app-dir examples --factory harbour_books:create_app` opens it.
"""

from harbour_books.app import create_app

__all__ = ["create_app"]
