"""What is due at the visit of a launch: the site's schedule over what the record and our own store know."""

from fhir_alliance.instruments.definition import Form
from fhir_alliance.instruments.facts import Advice
from fhir_alliance.settings import SITE
from fhir_alliance.trajectory.series import Visit
from fhir_alliance.visits.assignments import Trigger
from fhir_alliance.visits.due import Due, Why
from fhir_alliance.visits.finder import PatientRecord
from fhir_alliance.visits.planning import asked_form
from fhir_alliance.visits.schedule import Rule
from smart_app.web.launches import Launch
from smart_app.web.reading import ChartData
from smart_app.web.services import services


def due_at(launch: Launch, data: ChartData) -> tuple[Due, ...] | None:
    """Assign, and return, what is due at the launch's visit; None without a visit, or one that no schedule is for."""
    visit = launch.context.visit
    if visit is None:
        return None
    about = PatientRecord(ehr=launch.ehr.name, patient=launch.patient.id, visits=data.seen, responses=data.responses)
    return services().finder.find(about, visit.encounter, Trigger.LAUNCH)


def assign_by_hand(launch: Launch, form: Form) -> None:
    """Assign the form that a clinician hands over; without a visit there is nothing to assign it to."""
    visit = launch.context.visit
    if visit is not None:
        about = (launch.ehr.name, launch.patient.id, visit.encounter)
        services().assignments.assign(*about, [_by_hand(visit, form)], services().finder.pins, Trigger.HAND)


def _by_hand(visit: Visit, form: Form) -> Due:
    now, window = services().clock(), services().settings.schedules[SITE].window
    rule = Rule(form=asked_form(form), when=Advice())
    return Due(rule=rule, why=Why.HAND, number=visit.number, opens=now, closes=max(visit.start, now) + window)
