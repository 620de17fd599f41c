"""Examples in the package: what the app really writes, for synthetic people."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from fhir_alliance.conformance.codes import language_of
from fhir_alliance.instruments.definition import Form, Instrument
from fhir_alliance.instruments.items import Item
from fhir_alliance.instruments.words import Rater
from fhir_alliance.records.bundle import write_bundle
from fhir_alliance.records.codes import TEST_DATA, JsonObject, reference
from fhir_alliance.records.patient import read_patient
from fhir_alliance.records.submission import Submission
from fhir_alliance.scoring.answers import Answers, check_answers
from fhir_alliance.scoring.scorer import Scorer
from fhir_alliance.terms import CANONICAL_BASE, US_CORE_PATIENT, US_CORE_PRACTITIONER

_START, _END = datetime(2026, 12, 1, 15, 0, tzinfo=UTC), datetime(2026, 12, 1, 15, 50, tzinfo=UTC)
_PATIENT: JsonObject = {
    "resourceType": "Patient",
    "id": "example-patient",
    "meta": {"profile": [US_CORE_PATIENT], "security": [TEST_DATA]},
    "identifier": [{"system": f"{CANONICAL_BASE}/identifier/example", "value": "patient-1"}],
    "name": [{"use": "official", "family": "Example", "given": ["Pat"]}],
    "gender": "unknown",
    "birthDate": "1990-05-17",
}
_THERAPIST: JsonObject = {
    "resourceType": "Practitioner",
    "id": "example-therapist",
    "meta": {"profile": [US_CORE_PRACTITIONER], "security": [TEST_DATA]},
    "identifier": [{"system": f"{CANONICAL_BASE}/identifier/example", "value": "therapist-1"}],
    "name": [{"family": "Example", "given": ["Toni"]}],
}
_RATERS = {Rater.PATIENT: "Patient/example-patient", Rater.THERAPIST: "Practitioner/example-therapist"}
_VISIT: JsonObject = {
    "resourceType": "Encounter",
    "id": "example-visit",
    "meta": {"security": [TEST_DATA]},
    "status": "finished",
    "class": {
        "system": "http://terminology.hl7.org/CodeSystem/v3-ActCode",
        "code": "AMB",
        "display": "ambulatory",
    },
    "subject": reference(_RATERS[Rater.PATIENT]),
    "participant": [{"individual": reference(_RATERS[Rater.THERAPIST])}],
    "period": {"start": _START.isoformat(), "end": _END.isoformat()},
}


def examples(instruments: Sequence[Instrument]) -> list[JsonObject]:
    """Return the people and the visit, what each form writes, and of each instrument a form that was declined."""
    return [_PATIENT, _THERAPIST, _VISIT, *(each for instrument in instruments for each in _written(instrument))]


def _written(instrument: Instrument) -> Iterator[JsonObject]:
    for form in instrument.forms:
        given = {item.link_id: _middle(item) for item in form.items}
        yield from _resources(_submission(instrument, form, form.name, check_answers(form, Answers(given=given))))
    first = instrument.forms[0]
    yield from _resources(_submission(instrument, first, f"{first.name}-declined", Answers()))


def _middle(item: Item) -> str:
    """Return the answer in the middle of those an item offers."""
    if item.span:
        return f"{(item.span.minimum + item.span.maximum) / 2:f}"
    return item.options[len(item.options) // 2].code


def _submission(instrument: Instrument, form: Form, name: str, answers: Answers) -> Submission:
    """Return a submission whose key follows from its name, so that it is the same each time."""
    return Submission(
        key=str(uuid5(NAMESPACE_URL, f"{form.canonical}#{name}")),
        ehr="example",
        instrument=instrument,
        form=form,
        patient=read_patient(_PATIENT),
        encounter=f"Encounter/{_VISIT['id']}",
        therapist=_RATERS[Rater.THERAPIST],
        source=_RATERS[form.rater],
        author=_RATERS[form.rater],
        launch=name,
        answers=answers,
        declined=answers.empty,
        scores=Scorer(form).score(answers),
        authored=_END,
        scored=_END,
        language=language_of(instrument),
        audience_digest="",
    )


def _resources(submission: Submission) -> Iterator[JsonObject]:
    """Yield what one submission writes, with ids in the place of the references a server resolves."""
    entries = write_bundle(submission)["entry"]
    parts = ["response", *(score.scale.name for score in submission.scores), "panel", "provenance"]
    ids = {entry["fullUrl"]: f"{submission.launch}-{part}" for entry, part in zip(entries, parts, strict=True)}
    targets = {entry["fullUrl"]: f"{entry['request']['url']}/{ids[entry['fullUrl']]}" for entry in entries}
    for entry in entries:
        resource = _resolved(entry["resource"], targets)
        yield {"resourceType": resource.pop("resourceType"), "id": ids[entry["fullUrl"]], **resource}


def _resolved(value: Any, targets: Mapping[str, str]) -> Any:
    """Return a resource with its references resolved; what only looks like one stays."""
    if isinstance(value, list):
        return [_resolved(part, targets) for part in value]
    if not isinstance(value, dict):
        return value
    target = targets.get(value.get("reference", ""))
    return reference(target) if target else {key: _resolved(part, targets) for key, part in value.items()}
