"""A submission as a QuestionnaireResponse: the answers as given, and the hidden scores equal to the Observations."""

from functools import lru_cache

from fhir_alliance.instruments.definition import Instrument
from fhir_alliance.instruments.items import Item, Kind, Option
from fhir_alliance.instruments.layout import Computed, Group, mirrored
from fhir_alliance.instruments.question_items import option_coding
from fhir_alliance.instruments.questionnaire import form_title, score_link_id
from fhir_alliance.instruments.words import Rater, Wording
from fhir_alliance.records.codes import DECLINED, PATIENT_SUPPLIED, RESTRICTED, JsonObject, as_json, number, reference
from fhir_alliance.records.submission import Submission
from fhir_alliance.scoring.expressions import answer_of, score_item
from fhir_alliance.scoring.scorer import Score
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
            "profile": [
                US_CORE_RESPONSE,
                f"{SDC}/sdc-questionnaireresponse",
                *((ALLIANCE_RESPONSE,) if submission.instrument.profiled else ()),
            ],
            "security": [RESTRICTED],
            **({"tag": [PATIENT_SUPPLIED]} if form.rater is Rater.PATIENT else {}),
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
        "item": _items(submission, words),
    }


def _items(submission: Submission, words: Wording) -> list[JsonObject]:
    """Return what was asked, and the scores: a site's form says where its scores stand, ours come at the end."""
    scores = {score_link_id(score.scale): score for score in submission.scores}

    def write(part: Item | Computed) -> JsonObject | None:
        return _answer(submission, part, words) if isinstance(part, Item) else _score(submission, scores[part.link_id])

    def head(group: Group) -> JsonObject:
        heading = words.sections.get(group.link_id, "") if words.text_in_ehr else ""
        return {"linkId": group.link_id, **({"text": heading} if heading else {})}

    asked = list(mirrored(submission.form.layout, submission.answers.given, write, head))
    at_end = () if submission.form.own else filter(None, (_score(submission, score) for score in submission.scores))
    return [*asked, *at_end]


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
    option = item.by_code.get(answer)
    if item.kind is not Kind.CHOICE or option is None or option.own:
        written: JsonObject = as_json(answer_of(item, answer))
        return written
    return {"valueCoding": dict(_coding(submission.instrument, option, words.language))}


@lru_cache(maxsize=4096)
def _coding(instrument: Instrument, option: Option, language: str) -> JsonObject:
    """Return a chosen option; where a licence keeps words out of the EHR its code stands for them."""
    words = instrument.wordings[language]
    coding = option_coding(instrument, option, words)
    return coding if words.text_in_ehr else {**coding, "display": option.code}


def _score(submission: Submission, score: Score) -> JsonObject | None:
    if score.value is None:
        return None
    if score.scale.calculation:
        # The text of an item of a response equals its form's (Q21).
        text = submission.instrument.wordings[submission.language].scores[score.scale.name]
        link_id, answers = as_json(score_item(score.scale, score.value)).values()
        return {"linkId": link_id, "text": text, "answer": answers}
    text = submission.instrument.display(submission.form.rater, score.scale.name, submission.language)
    return {
        "linkId": score_link_id(score.scale),
        "text": text,
        "answer": [{"valueDecimal": number(score.value)}],
    }
