"""A form as a FHIR Questionnaire that any SDC renderer can show and score."""

import orjson

from fhir_alliance.instruments.definition import Form, Instrument
from fhir_alliance.instruments.expressions import score_expression
from fhir_alliance.instruments.question_items import JsonObject, extension, question_groups
from fhir_alliance.instruments.scale import Scale
from fhir_alliance.instruments.translations import Spoken, spoken
from fhir_alliance.instruments.words import Wording
from fhir_alliance.terms import ALLIANCE, FHIR_EXTENSION, JURISDICTIONS, LOINC, LOINC_NOTICE, PUBLISHER, SDC

PROFILES = [f"{SDC}/sdc-questionnaire", f"{SDC}/sdc-questionnaire-render", f"{SDC}/sdc-questionnaire-behave"]
WORLD: JsonObject = {"coding": [{"system": JURISDICTIONS, "code": "001", "display": "World"}]}
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
            extension(
                f"{FHIR_EXTENSION}/artifact-versionAlgorithm",
                "Coding",
                {"system": _VERSION_ALGORITHM, "code": "semver"},
            ),
            extension(f"{FHIR_EXTENSION}/artifact-copyrightLabel", "String", instrument.licence.id),
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
            *question_groups(instrument, form, speech),
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


def _score(instrument: Instrument, form: Form, scale: Scale, speech: Spoken) -> JsonObject:
    display = instrument.display(form.rater, scale.name)
    said = speech.say("text", lambda words: instrument.display(form.rater, scale.name, words.language))
    return {
        "extension": [
            extension(f"{FHIR_EXTENSION}/questionnaire-hidden", "Boolean", value=True),
            extension(
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
