"""The QuestionnaireResponse of a completed form."""

from collections.abc import Iterator

from smart_app.sandbox.people.coding import ANSWERS as ANSWER_SYSTEM
from smart_app.sandbox.people.coding import CANONICAL, FHIR_EXTENSION, US_CORE, Resource, labels, number, reference
from smart_app.sandbox.people.forms import CompletedForm
from smart_app.sandbox.people.wording import ANSWERS, CLOSING, GROUPS, HARDER, TALK

VERSION = "1.0.0"
PROFILE = f"{US_CORE}/us-core-questionnaireresponse"


def response(form: CompletedForm) -> Resource:
    """Return the QuestionnaireResponse: what was asked and answered, skipped items without an answer."""
    return {
        "resourceType": "QuestionnaireResponse",
        "id": form.id,
        "meta": labels(PROFILE, from_patient=form.from_patient),
        "identifier": {"system": "urn:ietf:rfc:3986", "value": f"urn:uuid:{form.uuid}"},
        "questionnaire": f"{CANONICAL}/Questionnaire/{form.questionnaire}|{VERSION}",
        "_questionnaire": {"extension": [{"url": f"{FHIR_EXTENSION}/display", "valueString": form.title}]},
        "status": "completed",
        "subject": form.subject(),
        "encounter": reference("Encounter", form.visit.id),
        "authored": form.authored.isoformat(),
        "author": form.answered_by(),
        "source": form.answered_by(),
        "item": [*_groups(form), _closing(form), *_score_items(form)],
    }


def _groups(form: CompletedForm) -> Iterator[Resource]:
    """Yield the groups of rated items that are on this form."""
    for link_id, heading, items in GROUPS:
        if form.full or not link_id.startswith("more-"):
            yield {"linkId": link_id, "text": heading, "item": [_item(form, item) for item in items]}


def _item(form: CompletedForm, item: int) -> Resource:
    """Return one rated item."""
    rated = form.answers.items.get(item)
    return _question(str(item), form.rater.items[item], None if rated is None else str(rated))


def _closing(form: CompletedForm) -> Resource:
    """Return the closing group: the second question is asked only when the first asks for it."""
    asked = [("harder", HARDER, form.answers.harder)]
    if form.answers.harder != "no":
        asked.append(("talk", TALK, form.answers.talk))
    link_id, heading = CLOSING
    return {"linkId": link_id, "text": heading, "item": [_question(*question) for question in asked]}


def _question(link_id: str, text: str, code: str | None) -> Resource:
    """Return one question with its coded answer, or without one when it was skipped."""
    question: Resource = {"linkId": link_id, "text": text}
    if code is not None:
        coding: Resource = {"system": ANSWER_SYSTEM, "code": code, "display": ANSWERS[code]}
        if code.isdigit():
            coding["extension"] = [{"url": f"{FHIR_EXTENSION}/ordinalValue", "valueDecimal": int(code)}]
        question["answer"] = [{"valueCoding": coding}]
    return question


def _score_items(form: CompletedForm) -> Iterator[Resource]:
    """Yield the form's hidden score items, those that could be scored."""
    for scale in form.scales:
        value = scale.score(form.answers.items)
        if value is not None:
            name = form.rater.score_name(scale)
            yield {"linkId": f"score-{scale.code}", "text": name, "answer": [{"valueDecimal": number(value)}]}
