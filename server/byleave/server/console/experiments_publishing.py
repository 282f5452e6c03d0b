"""Publishing an experiment from the console, and why that cannot be done."""

from typing import Any, Final

from starlette.concurrency import run_in_threadpool

from byleave.segments import DefinitionError
from byleave.server.access import MARKUP_EDITORS
from byleave.server.console import drafting
from byleave.server.console import experiments_form as drafts
from byleave.server.console.display import marked as _
from byleave.server.console.drafting import EXPERIMENTS, MEANWHILE
from byleave.server.console.forms import Form
from byleave.server.console.routing import PageCall
from byleave.server.errors import ConflictError, ForbiddenError, ManagedError

RED: Final = _("It cannot be published yet: the checklist says what is to be mended.")
_HTML: Final = _("A variant is HTML, which only admins publish. Ask one, or use fields.")


async def publish(
    call: PageCall, key: str, wanted: Any, reason: str, *, is_stopping: bool = False
) -> str:
    """Publish, and return why that could not be done; '' when it was."""
    version = Form(call.values).value("expected")
    try:
        await run_in_threadpool(
            drafting.publish,
            call.service,
            EXPERIMENTS,
            key,
            wanted,
            expected=version,
            reason=reason,
            author=call.author,
            is_stopping=is_stopping,
            may_write_html=call.role in MARKUP_EDITORS,
        )
    except ConflictError:
        return MEANWHILE
    except ManagedError:
        return drafts.FILES
    except ForbiddenError:
        return _HTML
    except DefinitionError:
        return RED
    return ""
