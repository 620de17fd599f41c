"""The content of a note: its words as text, and as a PDF page where every letter of them can be printed."""

import base64
import hashlib
from datetime import datetime

from fhir_alliance.records.codes import JsonObject
from fhir_alliance.records.printing import FONT, composed, finish_pdf, open_pdf
from fhir_alliance.records.submission import PatientShown


def note_content(text: str, *, title: str, patient: PatientShown, at: str) -> list[JsonObject]:
    """Return the content of a DocumentReference: the text, and the PDF when the patient can be named on it.

    `at` (a FHIR dateTime) is the date in the file, so that equal arguments give equal bytes.
    """
    pdf = note_pdf(text, title=title, patient=patient, at=datetime.fromisoformat(at))
    plain = attachment("text/plain; charset=utf-8", text.encode(), title)
    return [plain, attachment("application/pdf", pdf, title)] if pdf else [plain]


def note_pdf(text: str, *, title: str, patient: PatientShown, at: datetime) -> bytes | None:
    """Return one document in A4 with the patient above the words; None when a letter could not be printed right.

    A name in a script that the font does not have is exact in the text alone.
    """
    number = f", record number {patient.identifiers[0][1]}" if patient.identifiers else ""
    said = composed(f"{patient.name}, born {patient.birth_date or 'unknown'}{number}\n\n{text}")
    pdf = open_pdf(title, at=at)
    pdf.add_page()
    pdf.set_font(FONT, size=11)
    pdf.multi_cell(0, 6, said, align="L")
    return finish_pdf(pdf, [said])


def attachment(kind: str, data: bytes, title: str) -> JsonObject:
    """Return one content of a DocumentReference, with its size and digest."""
    digest = hashlib.sha1(data, usedforsecurity=False).digest()  # FHIR R4 says SHA-1
    return {
        "attachment": {
            "contentType": kind,
            "data": base64.b64encode(data).decode(),
            "size": len(data),
            "hash": base64.b64encode(digest).decode(),
            "title": title,
        }
    }
