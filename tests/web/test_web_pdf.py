"""The clinician's view as a PDF: one page, of this patient, kept nowhere."""

import io

from pypdf import PdfReader

from .house import THOMAS, House


def test_the_view_as_one_page(house: House) -> None:
    """It names the patient, says the same first line, has one page, and no browser keeps it."""
    person, chart = house.clinician(patient=THOMAS)

    reply = person.send("GET", chart.url.replace("/chart", "/chart.pdf"))

    assert reply.headers["Content-Type"] == "application/pdf"
    assert reply.headers["Cache-Control"] == "no-store"
    (page,) = PdfReader(io.BytesIO(reply.content)).pages
    text = page.extract_text()
    assert "Thomas Reyes" in text
    assert "Last answer" in text
    assert "unvalidated" in text
