"""What a failure of ours becomes: one log line, while the site's own bytes go out."""

import logging
from typing import Final

LOG: Final = logging.getLogger("byleave.sdk")


def report(what: str, error: BaseException, **details: object) -> None:
    """Log that something of ours failed, and where; never the error's text.

    Texts of errors may quote what a visitor sent; the kind and the line of code do not.
    """
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = "" if trace is None else f"{trace.tb_frame.f_code.co_qualname}:{trace.tb_lineno}"
    LOG.error(what, extra={"error": type(error).__name__, "place": place, **details})


class VariantError(ValueError):
    """A variant that cannot be shown, whatever page it is for."""
