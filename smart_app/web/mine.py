"""A therapist's own patients: who is due and where there are open reasons, out of what is kept here (P9)."""

from collections import defaultdict
from datetime import timedelta
from typing import Final

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from fhir_alliance.audit import Event
from fhir_alliance.delivery.entries import Entry
from fhir_alliance.errors import AllianceError
from fhir_alliance.visits.standing import Assignment, Standing
from smart_app.web.access import audit
from smart_app.web.frames import frame_of, today
from smart_app.web.gates import launched
from smart_app.web.launches import Launch, Role
from smart_app.web.pages.mine import OwnPatient, mine_page
from smart_app.web.services import services
from smart_app.web.titles import title_of

bp = Blueprint("mine", __name__, url_prefix="/l/<handle>/mine")

# Somebody without a visit for so long is not in treatment with this therapist any more.
_RECENT: Final = timedelta(days=180)


class NoOverview(AllianceError):
    """This site shows no therapist a list of patients."""

    code = "overview.none"
    http_status = 404
    title = "There is no list of your patients here"
    sentence = "This clinic has no such list. Please open each patient in the health record."


@bp.get("")
@launched(Role.CLINICIAN)
def mine(launch: Launch) -> ResponseReturnValue:
    """List the patients that our own store has as this therapist's; no chart is read, and none can be opened here.

    Raises NoOverview where the site does not want it.
    """
    if not launch.ehr.therapist_overview:
        raise NoOverview
    audit(Event.OVERVIEW_READ, launch, of_several=True)
    page = mine_page(
        frame_of(launch),
        _own_patients(launch),
        title=title_of,
        ehr=launch.ehr.title,
        known=bool(launch.context.practitioner),
        now=services().clock(),
        today=today(),
    )
    return render_template("mine.html", page=page)


def _own_patients(launch: Launch) -> tuple[OwnPatient, ...]:
    """Return the patients for whom the practitioner of a launch is the therapist, in the EHR of the launch alone."""
    ehr, therapist, now = launch.ehr.name, launch.context.practitioner, services().clock()
    if not therapist:
        return ()
    asked: dict[str, list[Assignment]] = defaultdict(list)
    for each in services().assignments.of_therapist(ehr, therapist):
        if each.standing is Standing.DUE:
            asked[each.patient].append(each)
    stuck: dict[str, list[Entry]] = defaultdict(list)
    for entry in services().entries.stuck_with(ehr, therapist):
        stuck[entry.patient].append(entry)
    reasons = services().reasons.open_of(ehr, therapist)
    sent = services().caseload.last_sent(ehr, therapist, since=now - _RECENT)
    patients = asked.keys() | stuck.keys() | reasons.keys() | sent.keys()
    # Whose chart is open is named on every page of the launch in any case.
    shown = {**services().caseload.shown(ehr, patients), launch.patient.id: launch.patient}
    return tuple(
        OwnPatient(
            patient=patient,
            shown=shown.get(patient),
            asked=tuple(asked[patient]),
            reasons=reasons.get(patient, ()),
            stuck=tuple(stuck[patient]),
            last_sent=sent.get(patient),
            is_open=patient == launch.patient.id,
        )
        for patient in patients
    )
