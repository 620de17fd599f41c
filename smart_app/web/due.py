"""What is due: at the visit of a launch, and for a patient at home; each found by the way of every other trigger."""

from fhir_alliance.errors import EhrError
from fhir_alliance.instruments.definition import Form
from fhir_alliance.instruments.facts import Advice
from fhir_alliance.instruments.words import Rater
from fhir_alliance.settings import SITE
from fhir_alliance.trajectory.series import Visit
from fhir_alliance.visits.assignments import Trigger
from fhir_alliance.visits.due import NO_VISIT, Due, Why
from fhir_alliance.visits.finder import PatientRecord
from fhir_alliance.visits.planning import asked_form
from fhir_alliance.visits.reading import seen_visits
from fhir_alliance.visits.reminders import Reminded
from fhir_alliance.visits.schedule import Rule
from fhir_alliance.visits.standing import Assignment, Standing
from smart_app.web.launches import Launch
from smart_app.web.reading import ChartData, with_ehr
from smart_app.web.services import services


def due_at(launch: Launch, data: ChartData) -> tuple[Due, ...] | None:
    """Assign, and return, what is due at the launch's visit; None without a visit, or one that no schedule is for."""
    visit = launch.context.visit
    if visit is None:
        return None
    return services().finder.find(record_of(launch, data), visit.encounter, Trigger.LAUNCH)


def declined_at(launch: Launch) -> frozenset[str]:
    """Return the canonicals, without version, of what was answered with "not today" about the launch's visit."""
    visit = launch.context.visit
    found = services().assignments.of_visit(launch.ehr.name, launch.patient.id, visit.encounter) if visit else ()
    declined = (each for each in found if each.standing is Standing.DECLINED and each.submission is None)
    return frozenset(each.form.partition("|")[0] for each in declined)


def reminded_at(launch: Launch) -> tuple[Reminded, ...]:
    """Return when the patient was reminded of a form about the launch's visit."""
    visit = launch.context.visit
    return services().reminders.of_visit(launch.ehr.name, launch.patient.id, visit.encounter) if visit else ()


def waiting(launch: Launch, data: ChartData) -> tuple[Assignment, ...]:
    """Return what the patient can answer now, the latest visit first; what is found due is assigned on the way.

    Nothing more is asked about a visit that the record says did not take place.
    """
    now, record = services().clock(), record_of(launch, data)
    longest = max(each.window for each in services().settings.schedules.values())
    for visit in data.seen:
        is_late = max(visit.start, visit.end or visit.start) + longest <= now
        if visit.status in NO_VISIT or (visit.start <= now and not is_late):
            services().finder.find(record, visit.encounter, Trigger.LAUNCH)
    started = {visit.encounter: visit.start for visit in data.seen if visit.start <= now}
    found = [
        each
        for each in services().assignments.of_patient(record.ehr, record.patient, since=now)
        if each.rater is Rater.PATIENT and each.encounter in started and each.opens <= now and each.is_open(now)
    ]
    return tuple(sorted(found, key=lambda each: started[each.encounter], reverse=True))


def assign_by_hand(launch: Launch, form: Form) -> None:
    """Assign the form that a clinician hands over, by its visit's schedule; without a visit there is nothing to do."""
    visit = launch.context.visit
    if visit is not None:
        about, name = (launch.ehr.name, launch.patient.id, visit.encounter), _schedule_at(launch, visit)
        found, pins = [_by_hand(visit, form, name)], services().finder.pins
        services().assignments.assign(*about, found, pins, Trigger.HAND, schedule=name)


def _schedule_at(launch: Launch, visit: Visit) -> str:
    """Return the schedule of a visit; its clinic stands in the record alone, and an EHR that is silent stops nobody."""
    about = (launch.ehr.name, launch.patient.id)
    known = services().assignments.of_visit(*about, visit.encounter)
    if planned := next((each.schedule for each in known if each.planned), None):
        return planned
    try:
        found = with_ehr(launch, lambda client: client.read("Encounter", visit.encounter.partition("/")[2]))
    except EhrError:
        return SITE
    seen = seen_visits([found], patient=launch.patient.id)
    return services().finder.schedule_of(*about, seen[0]) if seen else SITE


def record_of(launch: Launch, data: ChartData) -> PatientRecord:
    """Return what schedules need to know of the patient of a launch."""
    return PatientRecord(
        ehr=launch.ehr.name,
        patient=launch.patient.id,
        visits=data.seen,
        responses=data.responses,
        numbered=data.numbered,
    )


def _by_hand(visit: Visit, form: Form, schedule: str) -> Due:
    now, window = services().clock(), services().settings.schedules[schedule].window
    rule = Rule(form=asked_form(form), when=Advice())
    return Due(rule=rule, why=Why.HAND, number=visit.number, opens=now, closes=max(visit.start, now) + window)
