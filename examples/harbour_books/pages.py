"""The pages of the shop, one function each."""

from datetime import UTC, datetime
from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from harbour_books import catalogue, forms, plans
from harbour_books.covers import cover

CONSENT_COOKIE: Final = "byleave_consent"
SUNDAY: Final = 6


def shared(request: Request) -> dict[str, Any]:
    """What every page's frame needs: the account, the date, and whether to ask for consent."""
    state = request.app.state
    today = datetime.fromtimestamp(state.clock() / 1000, UTC)
    has_chosen = CONSENT_COOKIE in request.cookies
    is_reopened = request.query_params.get("consent") == "reopen"
    return {
        "account": state.accounts.plan(request.cookies),
        "year": today.year,
        "is_open_today": today.weekday() != SUNDAY,
        "with_consent": state.consent_banner,
        "asks_consent": state.consent_banner and (is_reopened or not has_chosen),
        "has_chosen": has_chosen,
    }


def show(request: Request, template: str, *, status: int = 200, **context: Any) -> Response:
    """A page from its template; never shared, because the frame knows the account."""
    response: Response = request.app.state.templates.TemplateResponse(
        request, template, context, status_code=status
    )
    response.headers["Cache-Control"] = "private, no-cache"
    return response


async def home(request: Request) -> Response:
    """The front page."""
    return show(
        request,
        "home.html",
        featured=catalogue.featured(),
        arrivals=catalogue.newest(count=6),
        count=len(catalogue.BOOKS),
    )


async def books(request: Request) -> Response:
    """The catalogue, whole or one subject of it."""
    subject = request.query_params.get("subject", "")
    if subject and subject not in catalogue.SUBJECTS:
        raise HTTPException(404)
    return show(request, "books.html", subject=subject, books=catalogue.on_shelf(subject))


async def book(request: Request) -> Response:
    """One book."""
    chosen = known_book(request)
    return show(request, "book.html", book=chosen, others=catalogue.others_like(chosen, count=4))


async def cover_image(request: Request) -> Response:
    """The cover of one book, drawn on demand."""
    chosen = known_book(request)
    return Response(
        cover(chosen.title, chosen.author),
        media_type="image/svg+xml",
        headers={"Cache-Control": "public, max-age=86400"},
    )


def known_book(request: Request) -> catalogue.Book:
    """The book that the address names.

    Raises:
        HTTPException: 404 when we do not stock it.
    """
    chosen = catalogue.BY_SLUG.get(request.path_params["slug"])
    if chosen is None:
        raise HTTPException(404)
    return chosen


async def schools(request: Request) -> Response:
    """How the School plan works."""
    return show(request, "schools.html")


async def pricing(request: Request) -> Response:
    """The reading plans; `readers`, from the plan finder, picks one out."""
    readers = request.query_params.get("readers", "")
    is_number = readers.isascii() and readers.isdigit() and len(readers) < 7
    fitting = plans.plan_for(max(1, int(readers))) if is_number else None
    return show(
        request,
        "pricing.html",
        plans=plans.PLANS,
        comparison=plans.COMPARISON,
        fitting=fitting,
    )


async def sign_up(request: Request) -> Response:
    """The sign-up form; a good one opens the account and leads to the welcome page."""
    if request.method != "POST":
        values = {"plan": request.query_params.get("plan", "")}
        return show(request, "sign_up.html", plans=plans.PLANS, form=forms.Form(values))
    form = forms.check_sign_up(await forms.read(request))
    if form.errors:
        return show(request, "sign_up.html", status=422, plans=plans.PLANS, form=form)
    plan, state = plans.BY_KEY[form.value("plan")], request.app.state
    state.record(request.scope, "sign_up", {})
    state.record(request.scope, "purchase", {"amount": plan.first_year_pounds})
    response = RedirectResponse("/welcome", status_code=303)
    state.accounts.open(response, plan, is_secure=request.url.scheme == "https")
    return response


async def welcome(request: Request) -> Response:
    """What happens next, for a customer; anybody else is asked to sign up."""
    if request.app.state.accounts.plan(request.cookies) is None:
        return RedirectResponse("/sign-up", status_code=303)
    return show(request, "welcome.html")


async def sign_out(request: Request) -> Response:
    """Forget the account on this device."""
    response = RedirectResponse("/", status_code=303)
    request.app.state.accounts.close(response)
    return response


async def support(request: Request) -> Response:
    """Ways to reach the shop, with a form."""
    if request.method == "POST":
        form = forms.check_support(await forms.read(request))
        if not form.errors:
            request.app.state.record(request.scope, "support_contact", {})
            return RedirectResponse("/support?sent=yes", status_code=303)
        status = 422
    else:
        form, status = forms.Form(reservation(request.query_params.get("book", ""))), 200
    is_sent = request.query_params.get("sent") == "yes"
    return show(
        request, "support.html", status=status, form=form, topics=forms.TOPICS, is_sent=is_sent
    )


def reservation(slug: str) -> dict[str, str]:
    """The form filled in for keeping a book; empty when we do not stock it."""
    chosen = catalogue.BY_SLUG.get(slug)
    if chosen is None:
        return {}
    return {"topic": "reserve", "message": f"Please keep a copy of “{chosen.title}” for me."}


async def privacy(request: Request) -> Response:
    """What is stored, why, and for how long."""
    return show(request, "privacy.html")


async def not_found(request: Request, _: Exception) -> Response:
    """The page for an address that leads nowhere."""
    return show(request, "not_found.html", status=404)
