"""What schedules need to know of a record: its Encounters as visits, its responses as forms that were answered."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from fhir_alliance.instruments.definition import Instrument
from fhir_alliance.instruments.words import Rater
from fhir_alliance.records.answers import read_answers
from fhir_alliance.trajectory.series import read_time, therapist_of
from fhir_alliance.visits.due import Answered, SeenVisit
from fhir_alliance.visits.schedule import AskedForm

RawResource = Mapping[str, Any]
_DONE = frozenset({"completed", "amended"})


def seen_visits(encounters: Iterable[RawResource], *, patient: str) -> tuple[SeenVisit, ...]:
    """Return a patient's Encounters as schedules see them; undated and another patient's ones are left out."""
    return tuple(
        SeenVisit(
            encounter=f"Encounter/{each['id']}",
            start=start,
            end=read_time(each["period"].get("end")),
            status=str(each.get("status", "unknown")),
            therapist=therapist_of(each)[0],
            kinds=frozenset(_kinds(each)),
            roles=frozenset(_roles(each)),
            clinics=frozenset(_clinics(each)),
        )
        for each in encounters
        if each.get("subject", {}).get("reference") == f"Patient/{patient}"
        and (start := read_time(each.get("period", {}).get("start")))
    )


def answered_forms(responses: Iterable[RawResource], forms: Mapping[str, AskedForm]) -> tuple[Answered, ...]:
    """Return which of these forms (by canonical without version) were answered or declined, about which visit.

    A response without a time counts for its visit only; one that was taken back does not count.
    """
    return tuple(
        Answered(form=form, encounter=each.get("encounter", {}).get("reference"), at=at)
        for each in responses
        if each.get("status") in _DONE
        and (form := forms.get(str(each.get("questionnaire", "")).partition("|")[0]))
        and (at := read_time(each.get("authored")))
    )


def flags(responses: Iterable[RawResource], instrument: Instrument) -> Iterator[datetime]:
    """Yield when a patient's answer was one that a clinician is shown as it is."""
    forms = {form.canonical: form for form in instrument.forms_of(Rater.PATIENT)}
    for response in responses:
        form, at = forms.get(str(response.get("questionnaire"))), read_time(response.get("authored"))
        if form and at and instrument.noticed(read_answers(response, form).given):
            yield at


def _kinds(encounter: RawResource) -> Iterator[str]:
    concepts = [*encounter.get("type", ()), {"coding": [encounter.get("class", {})]}]
    yield from (coding["code"] for concept in concepts for coding in concept.get("coding", ()) if "code" in coding)


def _roles(encounter: RawResource) -> Iterator[str]:
    concepts = (concept for each in encounter.get("participant", ()) for concept in each.get("type", ()))
    yield from (coding["code"] for concept in concepts for coding in concept.get("coding", ()) if "code" in coding)


def _clinics(encounter: RawResource) -> Iterator[str]:
    places = [
        encounter.get("serviceProvider", {}),
        *(each.get("location", {}) for each in encounter.get("location", ())),
    ]
    yield from (each["reference"] for each in places if "reference" in each)
