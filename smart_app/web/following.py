"""A visit that changes in the record while a form about it is filled in: moved, or called off."""

from dataclasses import replace

from fhir_alliance.errors import EhrError
from fhir_alliance.trajectory.series import read_time
from fhir_alliance.visits.due import NO_VISIT
from smart_app.web.forms import VisitLater, VisitOff
from smart_app.web.launches import Launch, Role, choose_visit
from smart_app.web.reading import with_ehr
from smart_app.web.services import services


def follow_visit(launch: Launch) -> bool:
    """Let the form of a patient at home follow its visit in the record; returns whether it has another date now.

    Raises VisitOff when the visit did not take place, VisitLater when it is still to come. An EHR that does not answer
    stops nobody.
    """
    visit = launch.context.visit
    if visit is None or launch.role is not Role.PATIENT:
        return False
    try:
        found = with_ehr(launch, lambda client: client.read("Encounter", visit.encounter.partition("/")[2]))
    except EhrError:
        return False
    if found.get("subject", {}).get("reference") != f"Patient/{launch.patient.id}":
        return False
    if found.get("status") in NO_VISIT:
        about = (launch.ehr.name, launch.patient.id, visit.encounter)
        services().assignments.cancel_visit(*about, why=str(found["status"]))
        raise VisitOff("called off")
    start = read_time(found.get("period", {}).get("start"))
    if start is None or start == visit.start:
        return False
    if start > services().clock():
        raise VisitLater("moved")
    choose_visit(launch, replace(visit, start=start), form=launch.context.asked)
    return True
