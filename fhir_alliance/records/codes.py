"""The small FHIR shapes that every record repeats: codings, references, quantities."""

from decimal import Decimal
from functools import lru_cache
from typing import Any

from fhir_alliance.instruments.definition import Instrument
from fhir_alliance.instruments.words import Rater
from fhir_alliance.terms import (
    ACT_REASON,
    ALLIANCE,
    CONFIDENTIALITY,
    FHIR_EXTENSION,
    OBSERVATION_CATEGORY,
    OBSERVATION_VALUE,
    UCUM,
    US_CORE_TAGS,
)

JsonObject = dict[str, Any]


def concept(system: str, code: str, display: str) -> JsonObject:
    """Return a CodeableConcept of one coding."""
    return {"coding": [{"system": system, "code": code, "display": display}]}


@lru_cache(maxsize=1024)
def score_code(instrument: Instrument, rater: Rater, scale: str = "") -> JsonObject:
    """Return the code of a scale, or of the panel, with its name as text; what others call it comes after it."""
    display = instrument.display(rater, scale)
    own = {"system": instrument.system(scale), "code": instrument.code(rater, scale), "display": display}
    return {"coding": [own, *instrument.other_codings(rater, scale)], "text": display}


def method(instrument: Instrument, display: str) -> JsonObject:
    """Return the instrument and its version as the way a score was made; a site's form is named by its own address."""
    if instrument.own:
        url, version = instrument.forms[0].url, instrument.version
        return {"coding": [{"system": url, "version": version, "code": instrument.method_code, "display": display}]}
    return concept(ALLIANCE, instrument.method_code, display)


def quantity(value: Decimal | int, unit: str) -> JsonObject:
    """Return a UCUM Quantity whose unit is an annotation, e.g. `{score}`."""
    return {"value": number(value), "unit": unit, "system": UCUM, "code": f"{{{unit}}}"}


def number(value: Decimal | int) -> int | float:
    """Return the JSON number of a rounded Decimal.

    A float holds 15 significant digits exactly enough to print back the same decimal; more would be altered silently.
    """
    if isinstance(value, Decimal) and len(value.as_tuple().digits) > 15:
        raise ValueError("a score has at most 15 significant digits")
    return int(value) if value == int(value) else float(value)


def as_json(value: Any) -> Any:
    """Return a value with its exact decimals as JSON numbers."""
    if isinstance(value, dict):
        return {key: as_json(each) for key, each in value.items()}
    if isinstance(value, list):
        return [as_json(each) for each in value]
    return number(value) if isinstance(value, Decimal) else value


def reference(target: str, display: str = "") -> JsonObject:
    """Return a Reference, with a display when one is known."""
    return {"reference": target, **({"display": display} if display else {})}


# A practice decides who sees mental-health answers; until it says otherwise they are restricted.
RESTRICTED: JsonObject = {"system": CONFIDENTIALITY, "code": "R", "display": "restricted"}
PATIENT_SUPPLIED: JsonObject = {"system": US_CORE_TAGS, "code": "patient-supplied", "display": "Patient Supplied"}
TEST_DATA: JsonObject = {"system": ACT_REASON, "code": "HTEST", "display": "test health data"}
PATIENT_ASSERTED: JsonObject = {"system": OBSERVATION_VALUE, "code": "PATAST", "display": "patient asserted"}

# On an item of a response: the person chose not to answer it. An item merely left blank has neither this nor an answer.
DECLINED: JsonObject = {"url": f"{FHIR_EXTENSION}/data-absent-reason", "valueCode": "asked-declined"}

SURVEY = concept(OBSERVATION_CATEGORY, "survey", "Survey")
THERAPEUTIC_ALLIANCE = concept(ALLIANCE, "therapeutic-alliance", "Therapeutic alliance")
CATEGORIES: list[JsonObject] = [SURVEY, THERAPEUTIC_ALLIANCE]
ITEMS_ANSWERED = concept(ALLIANCE, "items-answered", "Items answered")
