"""A submission as a QuestionnaireResponse: the answers as given, and the hidden scores equal to the Observations."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from fhir_alliance.instruments.items import Item, Kind
from fhir_alliance.instruments.layout import Group, Part
from fhir_alliance.instruments.questionnaire import form_title, option_coding, score_link_id
from fhir_alliance.instruments.words import Wording
from fhir_alliance.records.codes import DECLINED, PATIENT_SUPPLIED, RESTRICTED, JsonObject, number, reference
from fhir_alliance.records.submission import Submission
from fhir_alliance.terms import ALLIANCE_RESPONSE, FHIR_EXTENSION, SDC, URN, US_CORE_RESPONSE


def build_response(submission: Submission) -> JsonObject:
    """Return the completed response.

    An item left blank stands there without an answer, one skipped on purpose says so; one not asked is not there.
    """
    words = submission.instrument.wordings[submission.language]
    form = submission.form
    return {
        "resourceType": "QuestionnaireResponse",
        "meta": {
            "profile": [US_CORE_RESPONSE, f"{SDC}/sdc-questionnaireresponse", ALLIANCE_RESPONSE],
            "security": [RESTRICTED],
            "tag": [PATIENT_SUPPLIED],
        },
        "language": submission.language,
        "identifier": {"system": URN, "value": f"urn:uuid:{submission.key}"},
        "questionnaire": form.canonical,
        "_questionnaire": {"extension": [{"url": f"{FHIR_EXTENSION}/display", "valueString": form_title(words, form)}]},
        "status": "completed",
        "subject": reference(submission.patient.reference),
        **({"encounter": reference(submission.encounter)} if submission.encounter else {}),
        "authored": submission.authored_text,
        "author": reference(submission.author),
        "source": reference(submission.source),
        "item": [*_parts(submission, form.layout, words), *_scores(submission)],
    }


def _parts(submission: Submission, parts: Iterable[Part], words: Wording) -> Iterator[JsonObject]:
    """Yield what was asked, grouped as the form groups it (R4: items of the response mirror those of the form)."""
    for part in parts:
        if isinstance(part, Item) and part.is_asked(submission.answers.given):
            yield _answer(submission, part, words)
        elif isinstance(part, Group) and (inner := list(_parts(submission, part.parts, words))):
            heading = words.sections.get(part.link_id, "") if words.text_in_ehr else ""
            yield {"linkId": part.link_id, **({"text": heading} if heading else {}), "item": inner}


def _answer(submission: Submission, item: Item, words: Wording) -> JsonObject:
    asked: JsonObject = {"linkId": item.link_id}
    if words.text_in_ehr:
        asked["text"] = words.items[item.link_id][submission.form.rater]
    code = submission.answers.given.get(item.link_id)
    if code is not None:
        asked["answer"] = [_value(submission, item, code, words)]
    elif submission.declined or item.link_id in submission.answers.skipped:
        asked["extension"] = [DECLINED]
    return asked


def _value(submission: Submission, item: Item, answer: str, words: Wording) -> JsonObject:
    if item.kind in _VALUES:
        name, read = _VALUES[item.kind]
        return {name: read(answer)}
    option = next(option for option in item.options if option.code == answer)
    coding = option_coding(submission.instrument, option, words)
    return {"valueCoding": coding if words.text_in_ehr else {**coding, "display": option.code}}


# The value types of answers that are no Coding.
_VALUES: Mapping[Kind, tuple[str, Callable[[str], Any]]] = {
    Kind.BOOLEAN: ("valueBoolean", lambda answer: answer == "true"),
    Kind.INTEGER: ("valueInteger", int),
    Kind.DECIMAL: ("valueDecimal", lambda answer: number(Decimal(answer))),
    Kind.TEXT: ("valueString", str),
}


def _scores(submission: Submission) -> Iterator[JsonObject]:
    for score in submission.scores:
        if score.value is not None:
            yield {
                "linkId": score_link_id(score.scale),
                "text": submission.instrument.display(submission.form.rater, score.scale.name, submission.language),
                "answer": [{"valueDecimal": number(score.value)}],
            }
