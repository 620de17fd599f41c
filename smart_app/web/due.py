"""What is due at the visit of a launch: the site's schedule over what the record and our own store know."""

from collections.abc import Iterator
from datetime import datetime

from fhir_alliance.instruments.words import Rater
from fhir_alliance.records.answers import read_answers
from fhir_alliance.settings import SITE
from fhir_alliance.trajectory.series import read_time
from fhir_alliance.visits.due import Answered, Due, History, SeenVisit, counts, due
from fhir_alliance.visits.planning import asked_form, plan
from fhir_alliance.visits.reading import answered_forms
from fhir_alliance.visits.schedule import Schedule
from smart_app.web.asked import instrument_in_use, instrument_named
from smart_app.web.launches import Launch
from smart_app.web.reading import ChartData
from smart_app.web.services import services


def due_at(launch: Launch, data: ChartData) -> tuple[Due, ...] | None:
    """Return what is due at the launch's visit; None without a visit, or for one that no schedule is for."""
    visit = next(
        (each for each in data.seen if launch.context.visit and each.encounter == launch.context.visit.encounter), None
    )
    if visit is None:
        return None
    schedule = _schedule_of(visit)
    if not counts(schedule, visit):
        return None
    forms = {form.url: asked_form(form) for each in services().catalogue.instruments for form in each.forms}
    history = History(
        visits=data.seen,
        answered=(*answered_forms(data.responses, forms), *_on_their_way(launch, visit)),
        flags=tuple(_flags(data)),
    )
    return due(schedule, history, visit)


def _schedule_of(visit: SeenVisit) -> Schedule:
    """Return the schedule of the visit's clinic, or else the site's."""
    schedules = services().settings.schedules
    own = (each for name, each in schedules.items() if name != SITE and each.clinics & visit.clinics)
    return plan(next(own, schedules[SITE]), instrument_in_use(), instrument_named)


def _on_their_way(launch: Launch, visit: SeenVisit) -> Iterator[Answered]:
    """Yield what was sent about this visit, which the record may not hold yet."""
    for each in services().outbox.sent(ehr=launch.ehr.name, patient=launch.patient.id, since=visit.start):
        if each.encounter == visit.encounter:
            _, form = services().catalogue.of_form(each.form)
            yield Answered(form=asked_form(form), encounter=each.encounter, at=each.accepted_at)


def _flags(data: ChartData) -> Iterator[datetime]:
    """Yield when a patient's answer was one that a clinician is shown as it is."""
    instrument = instrument_in_use()
    forms = {form.canonical: form for form in instrument.forms_of(Rater.PATIENT)}
    for response in data.responses:
        form, at = forms.get(str(response.get("questionnaire"))), read_time(response.get("authored"))
        if form and at and instrument.noticed(read_answers(response, form).given):
            yield at
