"""The form of a write probe: a form that the site asks, answered by nobody."""

from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Final

from fhir_alliance.instruments.definition import Form
from fhir_alliance.instruments.items import Item, Kind
from fhir_alliance.instruments.readiness import State, readiness
from fhir_alliance.instruments.words import Rater
from fhir_alliance.records.submission import PatientShown, Submission
from fhir_alliance.scoring.answers import Answers, check_answers
from fhir_alliance.scoring.scorer import Scorer
from fhir_alliance.settings import LANGUAGE, Settings
from smart_app.web.asked import site_catalogue

_WORDS: Final = "Test entry"


def entries(
    settings: Settings, ehr: str, patient: PatientShown, *, encounter: str | None, key: str, now: datetime
) -> Iterator[Submission]:
    """Yield the patient's usual form of each instrument that the site asks, the one of each visit first.

    Every one is complete, with an answer from the middle; `key` is the submission's.
    """
    catalogue = site_catalogue(settings)
    for name in (settings.instruments.each_visit, *settings.instruments.on_request):
        instrument = catalogue.instrument(name)
        usable = readiness(instrument, today=now.date(), alerts=settings.alerts is not None).state is State.READY
        for form in instrument.forms_of(Rater.PATIENT)[:1] if usable else ():
            answers = _answers(form)
            yield Submission(
                key=key,
                ehr=ehr,
                instrument=instrument,
                form=form,
                patient=patient,
                encounter=encounter,
                therapist=None,
                source=patient.reference,
                author=patient.reference,
                launch="",
                answers=answers,
                declined=False,
                scores=Scorer(form).score(answers),
                authored=now.astimezone(settings.site.time_zone),
                scored=now,
                language=LANGUAGE,
                audience_digest="",
            )


def _answers(form: Form) -> Answers:
    return check_answers(form, Answers(given={item.link_id: _answer(item) for item in form.items}))


def _answer(item: Item) -> str:
    """Return an answer that the item accepts, from the middle of those it offers."""
    if span := item.span:
        half = ((span.maximum - span.minimum) / span.step) // Decimal(2)
        return f"{span.minimum + half * span.step:f}"
    return _WORDS[: item.longest] if item.kind is Kind.TEXT else item.options[len(item.options) // 2].code
