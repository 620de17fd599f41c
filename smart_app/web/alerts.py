"""Alerts in the chart: shown to every clinician who opens it, and taken on by one of them."""

from datetime import timedelta
from typing import Final

from flask import Blueprint, redirect, url_for
from flask.typing import ResponseReturnValue

from smart_app.web.failures import request_id
from smart_app.web.frames import today
from smart_app.web.gates import launched
from smart_app.web.launches import Launch, Role
from smart_app.web.pages.alerts import AlertBox, alert_box
from smart_app.web.services import services

bp = Blueprint("alerts", __name__, url_prefix="/l/<handle>/alerts")

# An alert that somebody has taken on stays in sight for a day, so that a colleague sees that it is done.
_STILL_SHOWN: Final = timedelta(hours=24)


@bp.post("/<int:alert>")
@launched(Role.CLINICIAN)
def acknowledge(launch: Launch, alert: int) -> ResponseReturnValue:
    """Note that this clinician has seen an alert and will act; nobody is told of it by mail any more."""
    services().alerts.acknowledge(
        alert,
        ehr=launch.ehr.name,
        patient=launch.patient.id,
        user=launch.user,
        launch=launch.handle,
        request_id=request_id(),
    )
    return redirect(url_for("clinician.chart", handle=launch.handle), 303)


def alerts_of(launch: Launch) -> list[AlertBox]:
    """Return the alerts of the patient of a launch, whoever the patient's therapist is."""
    since = services().clock() - _STILL_SHOWN
    zone = services().settings.site.time_zone
    found = services().alerts.of_patient(launch.ehr.name, launch.patient.id, since=since)
    return [alert_box(each, user=launch.user, zone=zone, today=today()) for each in found]
