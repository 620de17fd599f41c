"""Before the form: who has the device, and which visit it is about."""

from datetime import timedelta
from typing import Final

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from fhir_alliance.audit import Event
from fhir_alliance.sentences import marked
from fhir_alliance.trajectory.series import Visit
from smart_app.web.access import audit, close
from smart_app.web.forms import sent_form
from smart_app.web.frames import frame_of, plain_frame, today
from smart_app.web.gates import launched
from smart_app.web.launches import HANDED, Launch, Role, choose_visit, confirm_launch
from smart_app.web.pages.handover import confirm_page
from smart_app.web.pages.home import home_page
from smart_app.web.pages.message import closed_page
from smart_app.web.pages.visits import visits_page
from smart_app.web.reading import ChartData, read_own_visits
from smart_app.web.saying import say
from smart_app.web.services import services
from smart_app.web.waiting import is_taken_back, open_waiting, sent_lately, sent_rows, waiting_forms

bp = Blueprint("patient", __name__, url_prefix="/l/<handle>")

# A form about a visit is asked in its last minutes, or by link up to two days after it.
_STILL_ASKED: Final = timedelta(hours=48)
_NOTICES: Final = {
    "gone": marked(
        "That form is not asked any more. Here is what waits now. Answers that you began are kept for a day."
    ),
    "not-today": marked("Thank you. Nothing was sent, and your care does not change. You can still answer later."),
}


@bp.get("/confirm")
@launched(*HANDED, Role.PATIENT, Role.LINK)
def confirm(launch: Launch) -> ResponseReturnValue:
    """Ask whether the device is with the right person; once the form was sent, nothing is asked and nobody named.

    At home only a young patient is asked: many sign in with what a parent has set up, or are sent a link there (P8).
    """
    if sent := sent_form(launch):
        return redirect(url_for("receipts.receipt", handle=launch.handle, key=sent.key), 303)
    if launch.role is Role.LINK and launch.confirmed:  # nobody is named to whom it was not asked
        return redirect(url_for("home.home", handle=launch.handle), 303)
    return render_template(
        "confirm.html", page=confirm_page(plain_frame(), launch.patient, at_home=launch.role not in HANDED)
    )


@bp.post("/confirm")
@launched(*HANDED, Role.PATIENT, Role.LINK)
def say_yes(launch: Launch) -> ResponseReturnValue:
    """Go on to the form once the person said who they are."""
    confirm_launch(launch)
    audit(Event.PATIENT_CONFIRMED, launch)
    first = ".visits" if launch.role in HANDED else "home.home"
    return redirect(url_for(first, handle=launch.handle), 303)


@bp.post("/not-me")
@launched(*HANDED, Role.PATIENT, Role.LINK)
def not_me(launch: Launch) -> ResponseReturnValue:
    """End at once and show nothing more."""
    audit(Event.PATIENT_DENIED, launch)
    return close(render_template("message.html", page=closed_page(plain_frame())))


@bp.get("/visits")
@launched(*HANDED, Role.PATIENT)
def visits(launch: Launch) -> ResponseReturnValue:
    """Show what waits and what was sent; a visit that the EHR named, or a form named before, is not asked about again.

    On a handed-over device nothing is shown of what was sent before (S35).
    """
    named, visit = launch.context.form, launch.context.visit
    if named and visit:
        return redirect(url_for("filling.form", handle=launch.handle), 303)
    data = read_own_visits(launch)
    if named:
        return _ask_visit(launch, data)
    found = waiting_forms(launch, data)
    own = [each for each in found if visit and each.visit.encounter == visit.encounter]
    if own and not launch.context.asked:
        return open_waiting(launch, own[0])
    if not found and launch.role in HANDED:
        return redirect(url_for("filling.form", handle=launch.handle), 303)
    said = _NOTICES.get(request.args.get("said", ""))
    page = home_page(
        frame_of(launch), found, sent=list(sent_rows(launch)), today=today(), notice=say(said) if said else ""
    )
    return render_template("home.html", page=page)


@bp.post("/visit")
@launched(*HANDED, Role.PATIENT)
def visit(launch: Launch) -> ResponseReturnValue:
    """Fix the visit and the form that waits for it; only what was offered, or no visit in particular, can be chosen."""
    wanted, data = request.form.get("encounter"), read_own_visits(launch)
    if launch.context.form:
        choose_visit(launch, next((each for each in _asked_about(launch, data) if each.encounter == wanted), None))
        return redirect(url_for("filling.form", handle=launch.handle), 303)
    found = next((each for each in waiting_forms(launch, data) if each.choice == wanted), None)
    if found is None and wanted != "none":
        return redirect(url_for(".visits", handle=launch.handle, said="gone"), 303)
    return open_waiting(launch, found)


def _ask_visit(launch: Launch, data: ChartData) -> ResponseReturnValue:
    asked = _asked_about(launch, data)
    if not asked and launch.role in HANDED:
        return redirect(url_for("filling.form", handle=launch.handle), 303)
    return render_template("visits.html", page=visits_page(frame_of(launch), asked, today=today()))


def _asked_about(launch: Launch, data: ChartData) -> list[Visit]:
    """Return the visits that a named form can still be about: begun, not longer ago than two days, not answered yet."""
    now, url = services().clock(), launch.context.form.partition("|")[0]
    done = {
        each.get("encounter", {}).get("reference")
        for each in data.responses
        if each.get("status") != "entered-in-error" and str(each.get("questionnaire")).partition("|")[0] == url
    } | {
        each.encounter for each in sent_lately(launch) if each.form.partition("|")[0] == url and not is_taken_back(each)
    }
    return [
        each for each in data.visits if timedelta() <= now - each.start <= _STILL_ASKED and each.encounter not in done
    ]
