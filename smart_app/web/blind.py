"""A therapist's guess stays a guess: what a patient rated about a visit is shown to them once both have rated it.

This is about the clinician's view alone. The chart, our FHIR endpoint and alerts are as they are without it.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

from fhir_alliance.delivery.receipts import Kind, Receipt
from fhir_alliance.instruments.definition import Instrument
from fhir_alliance.instruments.words import Rater
from fhir_alliance.settings import SITE
from smart_app.web.asked import instrument_in_use
from smart_app.web.launches import Launch, Role
from smart_app.web.reading import ChartData
from smart_app.web.sent import newest_sent
from smart_app.web.services import services


def blinded(launch: Launch, data: ChartData, instrument: Instrument) -> tuple[ChartData, bool]:
    """Return what a clinician may see now, and whether something was left out of it until they have rated, too."""
    hidden = frozenset(_hidden(launch, data, instrument))
    if not hidden:
        return data, False
    codes = {
        instrument.code(form.rater, scale.name) for form in instrument.forms_of(Rater.PATIENT) for scale in form.scales
    }
    codes.add(instrument.code(Rater.PATIENT, ""))
    forms = {form.url for form in instrument.forms_of(Rater.PATIENT)}
    seen = replace(
        data,
        observations=tuple(
            each for each in data.observations if _encounter(each) not in hidden or not codes & set(_codes(each))
        ),
        responses=tuple(each for each in data.responses if _encounter(each) not in hidden or _form(each) not in forms),
    )
    return seen, True


def hides(launch: Launch, found: Receipt) -> bool:
    """Whether the answers of a form are not for this clinician's eyes yet."""
    about_patient = launch.role is Role.CLINICIAN and found.rater == Rater.PATIENT and found.encounter is not None
    if not (about_patient and _is_on(instrument_in_use()) and _is_recent(found.accepted_at)):
        return False
    return found.encounter not in _rated_here(launch)


def _hidden(launch: Launch, data: ChartData, instrument: Instrument) -> Iterator[str]:
    """Yield the visits with this clinician that can still be rated, and that only the patient has rated."""
    if not _is_on(instrument):
        return
    by_patient = rated_visits(data, instrument, Rater.PATIENT)
    rated = _rated_here(launch) | rated_visits(data, instrument, Rater.THERAPIST)
    for visit in data.visits:
        mine = visit.therapist == launch.context.practitioner and _is_recent(visit.start)
        if mine and visit.encounter in by_patient and visit.encounter not in rated:
            yield visit.encounter


def _is_on(instrument: Instrument) -> bool:
    return services().settings.site.blind_until_both and bool(instrument.forms_of(Rater.THERAPIST))


def _is_recent(at: datetime) -> bool:
    """Whether a visit can still be rated: for ever hidden would be no use to anybody."""
    return services().clock() - at < services().settings.schedules[SITE].window


def _rated_here(launch: Launch) -> set[str | None]:
    """Return the visits that the therapist has rated through this app, also where the chart does not say so yet."""
    since = services().clock() - services().settings.schedules[SITE].window
    sent = newest_sent(launch, since=since)
    return {each.encounter for each in sent if each.rater == Rater.THERAPIST and each.kind is not Kind.WITHDRAWAL}


def rated_visits(data: ChartData, instrument: Instrument, rater: Rater) -> set[str]:
    """Return the visits that somebody has rated, by their responses and by their scores."""
    forms = {form.url for form in instrument.forms_of(rater)}
    answered = {_encounter(each) for each in data.responses if _form(each) in forms}
    series = data.series(instrument)
    scored = {point.encounter or "" for each in series if each.rater is rater for point in each.points}
    return answered | scored


def _encounter(resource: Any) -> str:
    return str(resource.get("encounter", {}).get("reference", ""))


def _form(response: Any) -> str:
    return str(response.get("questionnaire", "")).partition("|")[0]


def _codes(observation: Any) -> Iterator[str]:
    yield from (str(each.get("code")) for each in observation.get("code", {}).get("coding", ()))
