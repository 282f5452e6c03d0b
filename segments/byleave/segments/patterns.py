"""Patterns over text: globs of our own, and regular expressions through RE2 alone.

RE2 takes time linear in the text whatever the pattern; the standard library's `re` does not,
and an author's pattern never reaches it.
"""

import re
from collections.abc import Callable
from functools import cache, lru_cache
from importlib import import_module
from types import ModuleType
from typing import Any, Final

#: The longest pattern, in characters.
LONGEST_PATTERN: Final = 256

Matcher = Callable[[str], Any]


@lru_cache(maxsize=1024)
def glob(pattern: str) -> Matcher:
    """Return a function that tells whether a whole text matches a glob.

    `*` stands for any characters and `?` for one. The parts between stars are found from left
    to right and never tried again, so that no pattern takes more than a pass over the text.
    """
    parts = [re.escape(part).replace(r"\?", ".") for part in pattern.split("*")]
    if len(parts) == 1:
        return re.compile(parts[0], re.DOTALL).fullmatch
    middle = "".join(f"(?>.*?{part})" for part in parts[1:-1] if part)
    return re.compile(f"{parts[0]}{middle}.*{parts[-1]}", re.DOTALL).fullmatch


@lru_cache(maxsize=1024)
def regular(pattern: str, *, ignore_case: bool = False) -> Matcher | None:
    """Return a function that searches a text for a regular expression.

    None where the pattern is not one that RE2 takes, or where RE2 is not installed.
    """
    re2 = _re2()
    if re2 is None:
        return None
    options = re2.Options()
    options.case_sensitive = not ignore_case
    options.log_errors = False
    try:
        search: Matcher = re2.compile(pattern, options).search
    except re2.error:
        return None
    return search


def has_re2() -> bool:
    """Return whether regular expressions can be matched at all."""
    return _re2() is not None


@cache
def _re2() -> ModuleType | None:
    """Return the module of the `re2` extra, once somebody needs it."""
    try:
        return import_module("re2")
    except ImportError:
        return None
