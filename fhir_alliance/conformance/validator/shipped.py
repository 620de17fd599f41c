"""What comes with the product: its forms as they are published, its profiles and its codes."""

from datetime import date
from functools import cache
from importlib.metadata import version

from fhir_alliance.conformance.canonicals import Edition
from fhir_alliance.conformance.contents import choose
from fhir_alliance.conformance.profiles import profiles
from fhir_alliance.conformance.terminology import alliance_terminology
from fhir_alliance.conformance.validator.findings import JsonObject
from fhir_alliance.errors import InvalidDefinition
from fhir_alliance.instruments.catalogue import installed, shipped
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


@cache
def shipped_definitions() -> tuple[JsonObject, ...]:
    """Return our profiles, value sets and codes: what our own records claim can be checked without the package."""
    chosen = choose(installed(None), today=date.min)
    edition = Edition(version=version("fhir-alliance"), date=chosen.newest)
    return (*profiles(edition), *alliance_terminology(edition, chosen.instruments))
