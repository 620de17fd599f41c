"""The questions of a form as items of a FHIR Questionnaire."""

from collections.abc import Iterator
from decimal import Decimal
from itertools import groupby
from typing import Any

from fhir_alliance.instruments.definition import Form, Instrument
from fhir_alliance.instruments.items import Condition, Item, Option, Span
from fhir_alliance.instruments.translations import Spoken
from fhir_alliance.instruments.words import Wording
from fhir_alliance.terms import FHIR_EXTENSION

JsonObject = dict[str, Any]

_ITEM_CONTROL = "http://hl7.org/fhir/questionnaire-item-control"


def question_groups(instrument: Instrument, form: Form, speech: Spoken) -> Iterator[JsonObject]:
    """Yield a group for each section of a form, with its questions."""
    for section, items in groupby(form.items, key=lambda item: item.section):
        yield {
            "linkId": section,
            **_heading(section, speech),
            "type": "group",
            "item": [_question(instrument, form, item, speech) for item in items],
        }


def _heading(section: str, speech: Spoken) -> JsonObject:
    return speech.say("text", lambda words: words.sections[section])


def _question(instrument: Instrument, form: Form, item: Item, speech: Spoken) -> JsonObject:
    said = speech.say("text", lambda words: words.items[item.link_id][form.rater])
    text = {"linkId": item.link_id, **said, "required": False}
    if item.span:
        return {**text, **_line(item.span), "item": [_end(item, place, speech) for place in _ENDS]}
    question: JsonObject = {
        **text,
        "extension": [
            _control("radio-button"),
            extension(f"{FHIR_EXTENSION}/questionnaire-choiceOrientation", "Code", "horizontal"),
        ],
        "type": "choice",
        "answerOption": [_option(instrument, option, speech) for option in item.options],
    }
    if item.conditions:
        question |= _enabled(instrument, item.conditions[0], speech.words)
    return question


def _line(span: Span) -> JsonObject:
    """Return a visual analogue line: a decimal between its two ends."""
    return {
        "extension": [
            _control("slider"),
            extension(f"{FHIR_EXTENSION}/minValue", "Decimal", int(span.minimum)),
            extension(f"{FHIR_EXTENSION}/maxValue", "Decimal", int(span.maximum)),
            extension(f"{FHIR_EXTENSION}/maxDecimalPlaces", "Integer", span.decimals),
        ],
        "type": "decimal",
    }


# The two ends of a line, as SDC's slider names them.
_ENDS = ("lower", "upper")


def _end(item: Item, place: str, speech: Spoken) -> JsonObject:
    """Return what one end of a line means, as a text within its question."""
    return {
        "extension": [_control(place)],
        "linkId": f"{item.link_id}-{place}",
        **speech.say("text", lambda words: words.anchors_of(item.link_id)[_ENDS.index(place)]),
        "type": "display",
    }


def _control(code: str) -> JsonObject:
    return extension(
        f"{FHIR_EXTENSION}/questionnaire-itemControl",
        "CodeableConcept",
        {"coding": [{"system": _ITEM_CONTROL, "code": code}]},
    )


def _option(instrument: Instrument, option: Option, speech: Spoken) -> JsonObject:
    coding = option_coding(instrument, option, speech.words)
    if option.code in speech.words.options:
        coding |= speech.beside("display", lambda words: words.option(option.code))
    # Renderers differ in where they look for an option's weight: it stands on the option and inside its Coding.
    weight = {} if option.value is None else {"extension": [_ordinal(option.value)]}
    return {**weight, "valueCoding": coding}


def _enabled(instrument: Instrument, condition: Condition, words: Wording) -> JsonObject:
    """Return when a question of a definition is asked: after any of some options of one before it."""
    return {
        "enableWhen": [
            {
                "question": test.question,
                "operator": test.operator,
                "answerCoding": {
                    "system": instrument.answers_system,
                    "code": test.value,
                    "display": words.option(test.value),
                },
            }
            for test in condition.tests
        ],
        "enableBehavior": "any",
    }


def option_coding(instrument: Instrument, option: Option, words: Wording) -> JsonObject:
    """Return an option as a Coding; its number goes with it, so that a response can be scored alone."""
    coding: JsonObject = {
        "system": instrument.answers_system,
        "code": option.code,
        "display": words.option(option.code),
    }
    return coding if option.value is None else {"extension": [_ordinal(option.value)], **coding}


def _ordinal(value: Decimal) -> JsonObject:
    return extension(f"{FHIR_EXTENSION}/ordinalValue", "Decimal", int(value))


def extension(url: str, kind: str, value: object) -> JsonObject:
    """Return an extension whose value is of a FHIR type, e.g. `Decimal`."""
    return {"url": url, f"value{kind}": value}
