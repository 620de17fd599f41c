"""A submission as a QuestionnaireResponse: the answers as given, and the hidden scores equal to the Observations."""

from collections.abc import Iterator
from decimal import Decimal
from itertools import groupby

from fhir_alliance.instruments.items import Item
from fhir_alliance.instruments.questionnaire import form_title, option_coding, score_link_id
from fhir_alliance.instruments.words import Wording
from fhir_alliance.records.codes import PATIENT_SUPPLIED, RESTRICTED, JsonObject, number, reference
from fhir_alliance.records.submission import Submission
from fhir_alliance.terms import FHIR_EXTENSION, SDC, URN, US_CORE_RESPONSE


def build_response(submission: Submission) -> JsonObject:
    """Return the completed response; a skipped item stands there without an answer, a disabled one not at all."""
    words = submission.instrument.wordings[submission.language]
    form = submission.form
    return {
        "resourceType": "QuestionnaireResponse",
        "meta": {
            "profile": [US_CORE_RESPONSE, f"{SDC}/sdc-questionnaireresponse"],
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
        "item": [*_groups(submission, words), *_scores(submission)],
    }


def _groups(submission: Submission, words: Wording) -> Iterator[JsonObject]:
    for section, items in groupby(submission.form.items, key=lambda item: item.section):
        asked = [_answer(submission, item, words) for item in items if _asked(submission, item)]
        yield {"linkId": section, "text": words.sections[section], "item": asked}


def _asked(submission: Submission, item: Item) -> bool:
    condition = item.enabled_by
    return condition is None or submission.answers.given.get(condition.question) in condition.any_of


def _answer(submission: Submission, item: Item, words: Wording) -> JsonObject:
    asked: JsonObject = {"linkId": item.link_id}
    if words.text_in_ehr:
        asked["text"] = words.items[item.link_id][submission.form.rater]
    code = submission.answers.given.get(item.link_id)
    if code is not None:
        asked["answer"] = [_value(submission, item, code, words)]
    return asked


def _value(submission: Submission, item: Item, answer: str, words: Wording) -> JsonObject:
    if item.span:
        return {"valueDecimal": number(Decimal(answer))}
    option = next(option for option in item.options if option.code == answer)
    coding = option_coding(submission.instrument, option, words)
    return {"valueCoding": coding if words.text_in_ehr else {**coding, "display": option.code}}


def _scores(submission: Submission) -> Iterator[JsonObject]:
    for score in submission.scores:
        if score.value is not None:
            yield {
                "linkId": score_link_id(score.scale),
                "text": submission.instrument.display(submission.form.rater, score.scale.name, submission.language),
                "answer": [{"valueDecimal": number(score.value)}],
            }
