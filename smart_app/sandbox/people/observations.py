"""The Observations of a completed form: a panel and its scores, as a US Core screening assessment."""

from datetime import timedelta

from smart_app.sandbox.people.coding import (
    CANONICAL,
    UCUM,
    US_CORE,
    Resource,
    alliance_category,
    labels,
    number,
    own_code,
    reference,
)
from smart_app.sandbox.people.forms import CompletedForm
from smart_app.sandbox.people.scores import Scale
from smart_app.sandbox.people.wording import CAVEAT

METHOD = own_code("visit-check-in-1.0.0", "Visit check-in 1.0.0")
PROFILE = f"{US_CORE}/us-core-observation-screening-assessment"
_SCORED_AFTER = timedelta(seconds=4)


def form_observations(form: CompletedForm) -> list[Resource]:
    """Return the panel, then its scores."""
    scores = [_score(form, scale) for scale in form.scales]
    return [_panel(form, scores), *scores]


def _panel(form: CompletedForm, scores: list[Resource]) -> Resource:
    """Return the panel: no value of its own, the scores are its members."""
    panel = _observation(form, part="panel", code=form.rater.code, name=f"{form.rater.name}{form.rater.suffix}")
    panel["performer"] = [form.answered_by()]
    panel["note"] = [{"text": CAVEAT}]
    panel["hasMember"] = [reference("Observation", score["id"]) for score in scores]
    return panel


def _score(form: CompletedForm, scale: Scale) -> Resource:
    """Return one score; without enough answers it says why there is no value, and is never 0."""
    answered, value = scale.answered(form.answers.items), scale.score(form.answers.items)
    score = _observation(form, part=scale.code, code=form.rater.score_code(scale), name=form.rater.score_name(scale))
    score["note"] = [{"text": CAVEAT}, *_counted(scale, answered)]
    if value is not None:
        score["valueQuantity"] = {"value": number(value), "unit": "score", "system": UCUM, "code": "{score}"}
    else:
        score["dataAbsentReason"] = _skipped()
    score["component"] = [
        {
            "code": own_code("items-answered", "Items answered"),
            "valueQuantity": {"value": answered, "unit": "items", "system": UCUM, "code": "{items}"},
        }
    ]
    return score


def _counted(scale: Scale, answered: int) -> list[Resource]:
    """Return the note that says what a score with skipped items rests on, nothing when all were answered."""
    asked = len(scale.items)
    if answered == asked:
        return []
    if answered < scale.at_least:
        return [{"text": f"Not scorable: {answered} of {asked} items answered, at least {scale.at_least} needed."}]
    return [{"text": f"Mean of the {answered} items answered, of {asked}."}]


def _skipped() -> Resource:
    """Return the reason for a missing score: items were skipped without saying why."""
    system = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
    return {"coding": [{"system": system, "code": "unknown", "display": "Unknown"}]}


def _observation(form: CompletedForm, *, part: str, code: str, name: str) -> Resource:
    """Return what panel and scores have in common."""
    return {
        "resourceType": "Observation",
        "id": f"{form.id}-{part}",
        "meta": labels(PROFILE, from_patient=form.from_patient),
        "identifier": [{"system": f"{CANONICAL}/identifier/observation", "value": f"{form.uuid}.{code}"}],
        "status": "final",
        "category": alliance_category(),
        "code": own_code(code, name),
        "subject": form.subject(),
        "encounter": reference("Encounter", form.visit.id),
        "effectiveDateTime": form.authored.isoformat(),
        "issued": (form.authored + _SCORED_AFTER).isoformat(),
        "method": dict(METHOD),
        "derivedFrom": [reference("QuestionnaireResponse", form.id)],
    }
