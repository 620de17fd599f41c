"""Somebody signed in for a patient: the alliance is the patient's own view, so only the patient answers."""

from flask import Blueprint, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from fhir_alliance.audit import Event
from smart_app.web.access import audit, close
from smart_app.web.cookies import SESSION, set_secret
from smart_app.web.frames import plain_frame
from smart_app.web.gates import launched
from smart_app.web.handovers import hand_to_patient
from smart_app.web.launches import Launch, Role
from smart_app.web.pages.frame import first_name
from smart_app.web.pages.handover import ProxyPage
from smart_app.web.pages.message import MessagePage
from smart_app.web.saying import say
from smart_app.web.young import answering_of_launch

bp = Blueprint("proxy", __name__, url_prefix="/l/<handle>")


@bp.get("/who")
@launched(Role.PROXY)
def who(launch: Launch) -> ResponseReturnValue:
    """Say why nobody answers for somebody else, and ask whether the patient is there; earlier answers are not shown."""
    page = ProxyPage(
        frame=plain_frame(),
        patient=first_name(launch.patient.name),
        beside=answering_of_launch(launch).beside,
    )
    return render_template("proxy.html", page=page)


@bp.post("/here")
@launched(Role.PROXY)
def here(launch: Launch) -> ResponseReturnValue:
    """Go to the patient's own session, which begins with the question whether the device is with the right person.

    Where the site wants no answers on this person's device, the page says so again.
    """
    if not answering_of_launch(launch).beside:
        return redirect(url_for(".who", handle=launch.handle), 303)
    secret, handle = hand_to_patient(launch)
    response = redirect(url_for("home.home", handle=handle), 303)
    set_secret(response, SESSION, secret)
    return response


@bp.post("/not-here")
@launched(Role.PROXY)
def not_here(launch: Launch) -> ResponseReturnValue:
    """End without a form."""
    audit(Event.FORM_DECLINED, launch)
    name = first_name(launch.patient.name)
    page = MessagePage(
        frame=plain_frame(),
        heading=say("Nothing was sent"),
        sentence=say("%(name)s can answer another time: by signing in alone, or at the next visit.", name=name),
    )
    return close(render_template("message.html", page=page))
