"""Who will see the answers, as the site attests it, from the settings to the page and to what is kept (P1)."""

import hashlib
import html
from collections.abc import Callable
from datetime import date
from typing import Any

from fhir_alliance.instruments.words import Rater
from fhir_alliance.settings import ChartReaders, Readers, Shown
from fhir_alliance.tables import submissions
from smart_app.web.pages import audience_text

from .house import CORE, House

ATTESTED = """
[ehr.harbor.readers]
patient_portal = "hidden"
proxies = "hidden"
chart_readers = "care-team"
attested_by = "Jo Park"
attested_on = 2026-11-24
"""


def attest(site: Any) -> None:
    """Write the attestation into the settings."""
    site.settings.write_text(site.settings.read_text() + ATTESTED)


def test_the_attested_text_is_shown_and_its_digest_kept(make_house: Callable[..., House]) -> None:
    """The page says what was attested, and the submission keeps the digest of exactly this text."""
    house = make_house(change=attest)
    person, page = house.handed()
    readers = Readers(
        patient_portal=Shown.HIDDEN,
        proxies=Shown.HIDDEN,
        chart_readers=ChartReaders.CARE_TEAM,
        attested_by="Jo Park",
        attested_on=date(2026, 11, 24),
    )
    told = audience_text(Rater.PATIENT, therapist="Dr. Ada Okafor", readers=readers)

    review = person.submit(page, page.form("/form"), **CORE, action="review")
    person.submit(review, review.form("/send"))

    (row,) = house.rows(submissions)
    assert told in html.unescape(page.text)
    assert row["audience_digest"] == hashlib.sha256(told.encode()).hexdigest()
