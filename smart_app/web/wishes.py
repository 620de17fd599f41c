"""What is agreed with one patient about being asked: the page on which a clinician says it."""

from datetime import date, timedelta
from typing import Final

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from fhir_alliance.instruments.words import Rater
from fhir_alliance.settings import SITE
from fhir_alliance.visits.due import Pause
from fhir_alliance.visits.wishes import Wish
from smart_app.web.asked import forms_of, instrument_in_use, on_request
from smart_app.web.due import declined_at
from smart_app.web.failures import BadRequest
from smart_app.web.frames import frame_of, today
from smart_app.web.gates import launched
from smart_app.web.launches import Launch, Role
from smart_app.web.pages.wishes import wishes_page
from smart_app.web.services import services
from smart_app.web.titles import title_here

bp = Blueprint("wishes", __name__, url_prefix="/l/<handle>/asking")

LONGEST: Final = timedelta(days=365)
"""A pause that nobody thinks about for longer than a year is no pause."""


@bp.get("")
@launched(Role.CLINICIAN)
def show(launch: Launch) -> ResponseReturnValue:
    """Show what is agreed, to be changed."""
    return _page(launch, services().wishes.of(launch.ehr.name, launch.patient.id))


@bp.post("")
@launched(Role.CLINICIAN)
def change(launch: Launch) -> ResponseReturnValue:
    """Keep what is agreed, and go back to the view; a date that cannot be meant shows the page again."""
    schedule = request.form.get("schedule", "")
    if schedule and schedule not in _others():
        raise BadRequest("no such schedule")
    asked = request.form.get("asked", "")
    if asked not in ("planned", "pause", "never"):
        raise BadRequest("no such choice")
    pause = _pause() if asked == "pause" else None
    unreminded = request.form.get("unreminded") == "yes"
    unasked = frozenset(request.form.getlist("unasked"))
    if not unasked <= set(_forms()):
        raise BadRequest("no such form")
    wish = Wish(pause=pause, never=asked == "never", schedule=schedule, unreminded=unreminded, unasked=unasked)
    if asked == "pause" and pause is None:
        return _page(launch, wish, pausing=True), 422
    about = (launch.ehr.name, launch.patient.id)
    services().wishes.keep(*about, wish, by=launch.user, launch=launch.handle, at=services().clock())
    return redirect(url_for("clinician.chart", handle=launch.handle), 303)


@bp.post("/again")
@launched(Role.CLINICIAN)
def ask_again(launch: Launch) -> ResponseReturnValue:
    """Ask once more what the patient did not want to answer about this visit, and go back to the view."""
    if visit := launch.context.visit:
        services().assignments.ask_again(launch.ehr.name, launch.patient.id, visit.encounter)
    return redirect(url_for("clinician.chart", handle=launch.handle), 303)


def _forms() -> dict[str, str]:
    """Return what this site may ask patients, by canonical without version, as people read it."""
    instruments = {each.name: each for each in (instrument_in_use(), *on_request())}
    return {form.url: title_here(instruments[form.instrument_name], form) for form in forms_of(Rater.PATIENT)}


def _pause() -> Pause | None:
    """Return the pause from today until the day that was given, None when that is no day of the coming year."""
    try:
        last = date.fromisoformat(request.form.get("until", ""))
    except ValueError:
        return None
    return Pause(first=today(), last=last) if today() <= last <= today() + LONGEST else None


def _others() -> list[str]:
    return [name for name in services().settings.schedules if name != SITE]


def _page(launch: Launch, wish: Wish, *, pausing: bool = False) -> str:
    page = wishes_page(
        frame_of(launch),
        wish,
        schedules=_others(),
        forms=_forms(),
        declined=bool(declined_at(launch)),
        reminds=any(each.remind for each in services().settings.schedules.values()),
        first=today(),
        last=today() + LONGEST,
        pausing=pausing,
    )
    return render_template("wishes.html", page=page)
