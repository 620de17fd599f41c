"""What schedules need to know of a record: its Encounters as visits, its responses as forms that were answered."""

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from fhir_alliance.instruments.definition import Instrument
from fhir_alliance.instruments.words import Rater
from fhir_alliance.records.harvested import version_of
from fhir_alliance.scoring.responses import read_given
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


def answered_forms(
    responses: Iterable[RawResource],
    forms: Mapping[str, AskedForm],
    unanswered: Container[tuple[str, str]] = frozenset(),
) -> tuple[Answered, ...]:
    """Return which of these forms (by canonical without version) were answered or declined, about which visit.

    A response without a time counts for its visit only; one that was taken back does not count, nor one that is, by id
    and version, among those that are `unanswered`: another program wrote it, and it is no answer to its form.
    """
    return tuple(
        Answered(form=form, encounter=each.get("encounter", {}).get("reference"), at=at)
        for each in responses
        if each.get("status") in _DONE
        and (form := forms.get(str(each.get("questionnaire", "")).partition("|")[0]))
        and (at := read_time(each.get("authored")))
        and not (unanswered and (str(each.get("id")), version_of(each)) in unanswered)
    )


def flags(responses: Iterable[RawResource], instrument: Instrument, *, since: datetime | None) -> Iterator[datetime]:
    """Yield when a patient's answer was one that a clinician is shown as it is, `since` a moment or ever."""
    watched = frozenset(fact.item for fact in instrument.raw_facts)
    forms = {form.canonical: form for form in instrument.forms_of(Rater.PATIENT) if watched & form.by_link_id.keys()}
    for response in responses:
        form = forms.get(str(response.get("questionnaire")))
        at = read_time(response.get("authored")) if form else None
        if (
            form
            and at
            and (since is None or at > since)
            and instrument.noticed(read_given(response, form, among=watched))
        ):
            yield at


def _kinds(encounter: RawResource) -> list[str]:
    return [*_codes(encounter), *_words(_under(encounter, "class"), "code")]


def _roles(encounter: RawResource) -> list[str]:
    return [code for each in _under(encounter, "participant") for code in _codes(each)]


def _clinics(encounter: RawResource) -> list[str]:
    places = [place for each in _under(encounter, "location") for place in _under(each, "location")]
    return _words([*_under(encounter, "serviceProvider"), *places], "reference")


def _codes(part: RawResource) -> list[str]:
    return _words([coding for each in _under(part, "type") for coding in _under(each, "coding")], "code")


def _words(parts: Iterable[RawResource], name: str) -> list[str]:
    """Return what is said under a name, where that is text."""
    return [part[name] for part in parts if isinstance(part.get(name), str)]


def _under(part: RawResource, name: str) -> Sequence[RawResource]:
    """Return the objects of an element, one or a list: a schedule reads around what has another shape than FHIR's."""
    found = part.get(name)
    if found is None:
        return ()
    return [each for each in (found if isinstance(found, list) else [found]) if isinstance(each, dict)]
