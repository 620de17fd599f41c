"""Who has reviewed a translation, as the site records it: until then it is for the demo only."""

from collections.abc import Mapping
from dataclasses import replace

from fhir_alliance.errors import InvalidSettings
from fhir_alliance.instruments.catalogue import Catalogue
from fhir_alliance.instruments.definition import Instrument


def reviewed(catalogue: Catalogue, reviewers: Mapping[str, str]) -> Catalogue:
    """Return the catalogue with the named reviewers; keys are such as `visit-check-in-1.0.0.de`.

    Raises InvalidSettings for a key that names no words that are installed.
    """
    known = {f"{each.method_code}.{language}" for each in catalogue.instruments for language in each.wordings}
    if unknown := sorted(reviewers.keys() - known):
        raise InvalidSettings([f"instruments.reviewed_by: {key} names no words that are installed" for key in unknown])
    return replace(catalogue, instruments=tuple(_reviewed(each, reviewers) for each in catalogue.instruments))


def _reviewed(instrument: Instrument, reviewers: Mapping[str, str]) -> Instrument:
    wordings = {
        language: replace(words, reviewed_by=reviewers.get(f"{instrument.method_code}.{language}", words.reviewed_by))
        for language, words in instrument.wordings.items()
    }
    return replace(instrument, wordings=wordings)
