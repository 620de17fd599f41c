"""The first page of a launch: where each role begins."""

from flask import Blueprint, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from smart_app.web.forms import may_rate
from smart_app.web.frames import plain_frame
from smart_app.web.gates import launched
from smart_app.web.launches import Launch, Role
from smart_app.web.pages.message import Action, MessagePage
from smart_app.web.saying import say
from smart_app.web.services import services
from smart_app.web.waiting import go_on

bp = Blueprint("home", __name__)

_FIRST_PAGE = {
    Role.CLINICIAN: "clinician.chart",
    Role.PATIENT: "patient.visits",
    Role.PROXY: "proxy.who",
    Role.HANDOVER: "patient.confirm",
    Role.BESIDE: "patient.confirm",
    Role.LINK: "filling.form",
}


@bp.get("/")
def front() -> ResponseReturnValue:
    """Say where the app is opened from; somebody with a code may have typed only the host."""
    at_home = any(ehr.patient for ehr in services().settings.ehrs.values())
    page = MessagePage(
        frame=plain_frame(),
        heading=say("How was your visit?"),
        sentence=say("This page is opened from the health record, or with a code from your therapist."),
        action=Action(label=say("I have a code"), url=url_for("handed.enter")),
        other=Action(label=say("Sign in at my portal"), url=url_for("choosing.portals")) if at_home else None,
    )
    return render_template("message.html", page=page)


@bp.get("/l/<handle>/")
@launched(*Role)
def home(launch: Launch) -> ResponseReturnValue:
    """Go where this role begins, or on with the form that a patient was cut off from."""
    if launch.role is Role.PATIENT and (resumed := go_on(launch)):
        return resumed
    return redirect(url_for(_first_page(launch), handle=launch.handle), 303)


def _first_page(launch: Launch) -> str:
    """Return what the EHR wants opened, if a clinician can do that, and otherwise where the role begins (S37)."""
    if launch.role is Role.CLINICIAN and launch.context.hand_over:
        return "clinician.asked"
    if launch.role is Role.CLINICIAN and launch.context.to_form and may_rate(launch):
        return "filling.form"
    return _FIRST_PAGE[launch.role]
