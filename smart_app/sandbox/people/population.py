"""Everything in the synthetic record: the clinic, its people, their visits, forms and scores."""

from collections.abc import Iterator
from datetime import date, datetime

from smart_app.sandbox.people.cast import THERAPISTS, Person, people, relatives
from smart_app.sandbox.people.coding import Resource
from smart_app.sandbox.people.forms import completed_forms
from smart_app.sandbox.people.observations import form_observations
from smart_app.sandbox.people.outcomes import outcome_observations
from smart_app.sandbox.people.registry import (
    encounter,
    organization,
    patient,
    practitioner,
    practitioner_role,
    programme,
    related_person,
)
from smart_app.sandbox.people.responses import response
from smart_app.sandbox.people.visits import Visit, visits


def population(today: date, *, now: datetime | None = None) -> list[Resource]:
    """Return the whole synthetic record as FHIR resources: the same for the same day, visits end at `today`.

    With `now`, no visit of today begins later than that.
    """
    resources = [organization()]
    for therapist in THERAPISTS.values():
        resources += [practitioner(therapist), practitioner_role(therapist)]
    for person in people():
        resources += _record(person, today, now)
    return [*resources, *map(related_person, relatives()), programme()]


def _record(person: Person, today: date, now: datetime | None) -> Iterator[Resource]:
    """Yield one patient's record in the order it came about."""
    yield patient(person)
    for visit in visits(person, today, now=now):
        yield from _visit_record(visit)


def _visit_record(visit: Visit) -> Iterator[Resource]:
    """Yield what one visit left behind."""
    yield encounter(visit)
    yield from outcome_observations(visit)
    for form in completed_forms(visit):
        yield response(form)
        yield from form_observations(form)
