"""A patient with a link: the birth date opens the form; looking at the link shows nobody and changes nothing."""

import re
from datetime import date
from typing import Final

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from fhir_alliance.sentences import marked
from fhir_alliance.visits.links import PatientLink
from smart_app.web.cookies import SESSION, set_secret
from smart_app.web.frames import plain_frame, today
from smart_app.web.linking import find_link, open_link
from smart_app.web.pages.links import NOTHING_TYPED, LinkStartPage, Typed, mismatch_words
from smart_app.web.pages.words import moment_words
from smart_app.web.saying import say
from smart_app.web.services import services

bp = Blueprint("linked", __name__, url_prefix="/link")

_NOT_A_DATE: Final = marked("That is not a date. Type day, month and year, such as 27, 9 and 1975.")
_NUMBER: Final = re.compile(r"[0-9]{1,4}")


@bp.get("/<link>")
def start(link: str) -> ResponseReturnValue:
    """Say that a form is waiting and until when, and ask for the birth date; a mail program may look before."""
    return _show(find_link(link), link)


@bp.post("/<link>")
def begin(link: str) -> ResponseReturnValue:
    """Open the form for whoever knows the birth date; what is no date at all costs no try."""
    found, typed = find_link(link), _typed()
    born = _date(typed)
    if born is None:
        return _show(found, link, typed=typed, problem=say(_NOT_A_DATE)), 422
    opened = open_link(link, born.isoformat())
    if opened is None:
        # The last try closes the link: then this raises, with the page of every link that does not work.
        again = find_link(link)
        return _show(again, link, typed=typed, problem=mismatch_words(again.tries_left)), 422
    secret, handle = opened
    # Not by way of the launch's first page, which leads here: each round costs a phone a moment.
    response = redirect(url_for("filling.form", handle=handle), 303)
    set_secret(response, SESSION, secret)
    return response


def _typed() -> Typed:
    fields = (request.form.get(name, "").strip()[:4] for name in ("day", "month", "year"))
    return Typed(*fields)


def _date(typed: Typed) -> date | None:
    if not all(_NUMBER.fullmatch(each) for each in typed):
        return None
    try:
        return date(int(typed.year), int(typed.month), int(typed.day))
    except ValueError:
        return None


def _show(found: PatientLink, link: str, *, typed: Typed = NOTHING_TYPED, problem: str = "") -> str:
    site = services().settings.site
    page = LinkStartPage(
        frame=plain_frame(),
        action=url_for(".begin", link=link),
        until=moment_words(found.expires_at, site.time_zone, today=today()),
        typed=typed,
        problem=problem,
    )
    return render_template("link_start.html", page=page)
