"""Before the form: who has the device, and which visit it is about."""

from datetime import timedelta
from typing import Final

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from fhir_alliance.audit import Event
from fhir_alliance.delivery.receipts import Kind, Receipt, State
from fhir_alliance.instruments.words import Rater
from fhir_alliance.trajectory.series import Visit
from smart_app.web.access import audit, close
from smart_app.web.asked import instrument_in_use
from smart_app.web.frames import frame_of, today
from smart_app.web.gates import launched
from smart_app.web.launches import Launch, Role, choose_visit, confirm_launch
from smart_app.web.pages.frame import Frame
from smart_app.web.pages.handover import confirm_page
from smart_app.web.pages.message import closed_page
from smart_app.web.pages.visits import visits_page
from smart_app.web.pages.words import local_day
from smart_app.web.reading import read_open_visits
from smart_app.web.receipts import shown_as
from smart_app.web.sent import newest_sent
from smart_app.web.services import services

bp = Blueprint("patient", __name__, url_prefix="/l/<handle>")

# A form about a visit is asked in its last minutes, or by link up to two days after it.
_STILL_ASKED: Final = timedelta(hours=48)


@bp.get("/confirm")
@launched(Role.HANDOVER)
def confirm(launch: Launch) -> ResponseReturnValue:
    """Ask whether the device is with the right person."""
    return render_template("confirm.html", page=confirm_page(services().settings.site, launch.patient))


@bp.post("/confirm")
@launched(Role.HANDOVER)
def say_yes(launch: Launch) -> ResponseReturnValue:
    """Go on to the form once the person said who they are."""
    confirm_launch(launch)
    audit(Event.PATIENT_CONFIRMED, launch)
    return redirect(url_for(".visits", handle=launch.handle), 303)


@bp.post("/not-me")
@launched(Role.HANDOVER, Role.PATIENT)
def not_me(launch: Launch) -> ResponseReturnValue:
    """End at once and show nothing more."""
    audit(Event.PATIENT_DENIED, launch)
    return close(render_template("message.html", page=closed_page(Frame(site=services().settings.site))))


@bp.get("/visits")
@launched(Role.HANDOVER, Role.PATIENT)
def visits(launch: Launch) -> ResponseReturnValue:
    """Let the patient choose the visit; one that the EHR named is not asked about again (S35).

    On a handed-over device nothing is shown of what was sent before.
    """
    asked = [] if launch.context.visit else _asked_about(launch)
    at_home = launch.role is Role.PATIENT
    if launch.context.visit or not (asked or at_home):
        return redirect(url_for("filling.form", handle=launch.handle), 303)
    zone = services().settings.site.time_zone
    shown = _sent(launch) if at_home else []
    sent = [(each.key, local_day(each.accepted_at, zone), shown_as(each)) for each in shown]
    page = visits_page(frame_of(launch), asked, sent=sent, today=today())
    return render_template("visits.html", page=page)


@bp.post("/visit")
@launched(Role.HANDOVER, Role.PATIENT)
def visit(launch: Launch) -> ResponseReturnValue:
    """Fix the visit; only one that was offered, or none in particular, can be chosen."""
    wanted = request.form.get("encounter")
    chosen = next((each for each in _asked_about(launch) if each.encounter == wanted), None)
    choose_visit(launch, chosen)
    return redirect(url_for("filling.form", handle=launch.handle), 303)


def _asked_about(launch: Launch) -> list[Visit]:
    """Return the visits that a form can still be about: begun, not longer ago than two days, not answered yet."""
    now = services().clock()
    on_their_way = {each.encounter for each in _sent(launch) if not _is_taken_back(each)}
    return [
        each
        for each in read_open_visits(launch, _patient_forms())
        if timedelta() <= now - each.start <= _STILL_ASKED and each.encounter not in on_their_way
    ]


def _sent(launch: Launch) -> list[Receipt]:
    """Return what the patient sent in the last days, each form's newest version, newest first."""
    since = services().clock() - max(_STILL_ASKED, launch.ehr.change_window)
    return [each for each in newest_sent(launch, since=since) if each.form in _patient_forms()]


def _is_taken_back(found: Receipt) -> bool:
    return found.kind is Kind.WITHDRAWAL and found.state is State.DELIVERED


def _patient_forms() -> set[str]:
    return {form.canonical for form in instrument_in_use().forms_of(Rater.PATIENT)}
