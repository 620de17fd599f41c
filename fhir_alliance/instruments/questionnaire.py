"""A form as a FHIR Questionnaire that any SDC renderer can show and score."""

from collections.abc import Iterator
from decimal import Decimal
from itertools import groupby
from typing import Any

import orjson

from fhir_alliance.instruments.definition import Form, Instrument
from fhir_alliance.instruments.expressions import score_expression
from fhir_alliance.instruments.items import Condition, Item, Option, Span
from fhir_alliance.instruments.scale import Scale
from fhir_alliance.instruments.translations import Spoken, spoken
from fhir_alliance.instruments.words import Wording
from fhir_alliance.terms import ALLIANCE, FHIR_EXTENSION, JURISDICTIONS, LOINC, LOINC_NOTICE, PUBLISHER, SDC

JsonObject = dict[str, Any]

PROFILES = [f"{SDC}/sdc-questionnaire", f"{SDC}/sdc-questionnaire-render", f"{SDC}/sdc-questionnaire-behave"]
WORLD: JsonObject = {"coding": [{"system": JURISDICTIONS, "code": "001", "display": "World"}]}
_ITEM_CONTROL = "http://hl7.org/fhir/questionnaire-item-control"
_VERSION_ALGORITHM = "http://hl7.org/fhir/version-algorithm"


def build_questionnaire(
    instrument: Instrument, form: Form, *, language: str = "en", unreviewed: bool = False
) -> JsonObject:
    """Return the Questionnaire of one form (FHIR R4, SDC 3.0 profiles), with hidden read-only scores at its end.

    It is in one language and carries the reviewed translations, with `unreviewed` all of them. A site's own form is
    returned as it was installed.
    """
    if form.own:
        written: JsonObject = orjson.loads(form.own.data)
        return written
    speech = spoken(instrument, language, unreviewed=unreviewed)
    words = speech.words
    return {
        "resourceType": "Questionnaire",
        "id": f"{form.name}-{form.version.replace('.', '-')}",
        "meta": {"profile": PROFILES},
        "language": language,
        "extension": [
            _extension(
                f"{FHIR_EXTENSION}/artifact-versionAlgorithm",
                "Coding",
                {"system": _VERSION_ALGORITHM, "code": "semver"},
            ),
            _extension(f"{FHIR_EXTENSION}/artifact-copyrightLabel", "String", instrument.licence.id),
        ],
        "url": form.url,
        "version": form.version,
        "name": "".join(part.title() for part in form.name.split("-")),
        **speech.say("title", lambda each: form_title(each, form)),
        "status": instrument.status,
        "experimental": not instrument.validated,
        "subjectType": ["Patient"],
        "date": instrument.date,
        "publisher": PUBLISHER,
        "jurisdiction": [WORLD],
        "description": words.caveat or instrument.source,
        "copyright": _copyright(instrument, form, words),
        "code": [
            {"system": ALLIANCE, "code": instrument.code(form.rater), "display": instrument.display(form.rater)},
            *instrument.other_codings(form.rater),
        ],
        "item": [
            *_groups(instrument, form, speech),
            *(_score(instrument, form, scale, speech) for scale in form.scales),
        ],
    }


def _copyright(instrument: Instrument, form: Form, words: Wording) -> str:
    """Return the line of the words, and LOINC's where a code of LOINC is passed on."""
    loinc = any(coding["system"] == LOINC for coding in instrument.other_codings(form.rater))
    return f"{words.copyright} {LOINC_NOTICE}" if loinc else words.copyright


def form_title(words: Wording, form: Form) -> str:
    """Return a form's title in words, e.g. `Visit check-in (patient, short form)`; a site's own form is its title."""
    if form.own:
        return words.title
    return f"{words.title} ({words.raters[form.rater]}, {words.forms[form.form]})"


def score_link_id(scale: Scale) -> str:
    """Return the linkId of the hidden item that holds a scale's score."""
    return scale.calculation.link_id if scale.calculation else f"score-{scale.name}"


def option_coding(instrument: Instrument, option: Option, words: Wording) -> JsonObject:
    """Return an option as a Coding; its number goes with it, so that a response can be scored alone."""
    coding: JsonObject = {
        "system": instrument.answers_system,
        "code": option.code,
        "display": words.option(option.code),
    }
    return coding if option.value is None else {"extension": [_ordinal(option.value)], **coding}


def _groups(instrument: Instrument, form: Form, speech: Spoken) -> Iterator[JsonObject]:
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
            _extension(f"{FHIR_EXTENSION}/questionnaire-choiceOrientation", "Code", "horizontal"),
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
            _extension(f"{FHIR_EXTENSION}/minValue", "Decimal", int(span.minimum)),
            _extension(f"{FHIR_EXTENSION}/maxValue", "Decimal", int(span.maximum)),
            _extension(f"{FHIR_EXTENSION}/maxDecimalPlaces", "Integer", span.decimals),
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
    return _extension(
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


def _score(instrument: Instrument, form: Form, scale: Scale, speech: Spoken) -> JsonObject:
    display = instrument.display(form.rater, scale.name)
    said = speech.say("text", lambda words: instrument.display(form.rater, scale.name, words.language))
    return {
        "extension": [
            _extension(f"{FHIR_EXTENSION}/questionnaire-hidden", "Boolean", value=True),
            _extension(
                f"{SDC}/sdc-questionnaire-calculatedExpression",
                "Expression",
                {
                    "description": said["text"],
                    "language": "text/fhirpath",
                    "expression": score_expression(scale, instrument.items),
                },
            ),
        ],
        "linkId": score_link_id(scale),
        "code": [{"system": ALLIANCE, "code": instrument.code(form.rater, scale.name), "display": display}],
        **said,
        "type": "decimal",
        "readOnly": True,
    }


def _ordinal(value: Decimal) -> JsonObject:
    return _extension(f"{FHIR_EXTENSION}/ordinalValue", "Decimal", int(value))


def _extension(url: str, kind: str, value: object) -> JsonObject:
    return {"url": url, f"value{kind}": value}
