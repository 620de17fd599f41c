"""What is due at the visit of a launch: the site's schedule over what the record and our own store know."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from fhir_alliance.delivery.receipts import Kind
from fhir_alliance.instruments.definition import Form
from fhir_alliance.instruments.facts import Advice
from fhir_alliance.instruments.words import Rater
from fhir_alliance.records.answers import read_answers
from fhir_alliance.settings import SITE
from fhir_alliance.trajectory.series import Visit, read_time
from fhir_alliance.visits.assignments import Trigger
from fhir_alliance.visits.due import Answered, Due, History, SeenVisit, Why, counts, due
from fhir_alliance.visits.planning import asked_form, newest_forms, plan
from fhir_alliance.visits.reading import answered_forms
from fhir_alliance.visits.schedule import AskedForm, Rule, Schedule
from smart_app.web.asked import instrument_in_use, instrument_named
from smart_app.web.launches import Launch
from smart_app.web.reading import ChartData
from smart_app.web.sent import newest_sent
from smart_app.web.services import services


def due_at(launch: Launch, data: ChartData) -> tuple[Due, ...] | None:
    """Assign, and return, what is due at the launch's visit; None without a visit, or one that no schedule is for."""
    own = launch.context.visit.encounter if launch.context.visit else ""
    visit = next((each for each in data.seen if each.encounter == own), None)
    schedule = _schedule_of(visit) if visit else None
    if visit is None or schedule is None or not counts(schedule, visit):
        return None
    forms = {url: asked_form(form) for url, form in newest_forms(services().catalogue.instruments).items()}
    history = History(
        visits=data.seen,
        answered=(*answered_forms(data.responses, forms), *_on_their_way(launch, visit, forms)),
        flags=tuple(_flags(data)),
    )
    found = due(schedule, history, visit)
    _assign(launch, visit.encounter, found, Trigger.LAUNCH)
    return found


def assign_by_hand(launch: Launch, form: Form) -> None:
    """Assign the form that a clinician hands over; without a visit there is nothing to assign it to."""
    visit = launch.context.visit
    if visit is not None:
        _assign(launch, visit.encounter, [_by_hand(visit, form)], Trigger.HAND)


def _by_hand(visit: Visit, form: Form) -> Due:
    now, window = services().clock(), services().settings.schedules[SITE].window
    rule = Rule(form=asked_form(form), when=Advice())
    return Due(rule=rule, why=Why.HAND, number=visit.number, opens=now, closes=max(visit.start, now) + window)


def _assign(launch: Launch, encounter: str, found: Sequence[Due], trigger: Trigger) -> None:
    pins = {url: form.canonical for url, form in newest_forms(services().catalogue.instruments).items()}
    services().assignments.assign(launch.ehr.name, launch.patient.id, encounter, found, pins, trigger)


def _schedule_of(visit: SeenVisit) -> Schedule:
    """Return the schedule of the visit's clinic, or else the site's."""
    schedules = services().settings.schedules
    own = (each for name, each in schedules.items() if name != SITE and each.clinics & visit.clinics)
    return plan(next(own, schedules[SITE]), instrument_in_use(), instrument_named)


def _on_their_way(launch: Launch, visit: SeenVisit, forms: Mapping[str, AskedForm]) -> Iterator[Answered]:
    """Yield what was sent about this visit, which the record may not hold yet."""
    for each in newest_sent(launch, since=visit.start):
        form = forms.get(each.form.partition("|")[0])
        if form and each.encounter == visit.encounter and each.kind is not Kind.WITHDRAWAL:
            yield Answered(form=form, encounter=each.encounter, at=each.accepted_at)


def _flags(data: ChartData) -> Iterator[datetime]:
    """Yield when a patient's answer was one that a clinician is shown as it is."""
    instrument = instrument_in_use()
    forms = {form.canonical: form for form in instrument.forms_of(Rater.PATIENT)}
    for response in data.responses:
        form, at = forms.get(str(response.get("questionnaire"))), read_time(response.get("authored"))
        if form and at and instrument.noticed(read_answers(response, form).given):
            yield at
