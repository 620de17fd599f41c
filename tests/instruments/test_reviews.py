"""A translation leaves the demo when the site names who has reviewed it."""

import pytest

from fhir_alliance.errors import InvalidSettings
from fhir_alliance.instruments.catalogue import shipped
from fhir_alliance.instruments.questionnaire import build_questionnaire
from fhir_alliance.instruments.reviews import reviewed
from fhir_alliance.instruments.words import Rater


def test_a_named_reviewer_publishes_a_translation() -> None:
    """Only the translation that somebody has reviewed goes out with the form."""
    catalogue = reviewed(shipped(), {"visit-check-in-1.0.0.de": "Dr. Eva Muster, psychotherapist"})
    instrument = catalogue.instrument("visit-check-in")

    item = build_questionnaire(instrument, instrument.form(Rater.PATIENT, "core"))["item"][0]["item"][0]

    languages = [each["extension"][0]["valueCode"] for each in item["_text"]["extension"]]
    assert languages == ["de"]
    assert instrument.wordings["de"].reviewed_by == "Dr. Eva Muster, psychotherapist"
    assert shipped().instrument("visit-check-in").wordings["de"].reviewed_by == ""


def test_words_that_are_not_there() -> None:
    """A reviewer of words that nobody has installed is a mistake in the settings."""
    with pytest.raises(InvalidSettings, match=r"reviewed_by: visit-check-in-1\.0\.0\.it names no words"):
        reviewed(shipped(), {"visit-check-in-1.0.0.it": "Somebody"})
