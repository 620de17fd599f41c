"""The forms that come with the product, as the Questionnaires they are published as."""

from functools import cache

from fhir_alliance.conformance.validator.findings import JsonObject
from fhir_alliance.errors import InvalidDefinition
from fhir_alliance.instruments.catalogue import shipped
from fhir_alliance.instruments.questionnaire import build_questionnaire


@cache
def shipped_form(canonical: str, language: str) -> JsonObject | None:
    """Return the form of the catalogue with this canonical, with all translations; None when there is none.

    In the language asked for where there are words in it, else in one that is there.
    """
    try:
        instrument, form = shipped().of_form(canonical)
    except InvalidDefinition:
        return None
    if not instrument.wordings:
        return None
    spoken = language if language in instrument.wordings else next(iter(instrument.wordings))
    return build_questionnaire(instrument, form, language=spoken, unreviewed=True)
