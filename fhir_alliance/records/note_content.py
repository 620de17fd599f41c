"""The content of a note: its words as text, and as a PDF page where every letter of them can be printed."""

import base64
import hashlib
import unicodedata
from contextlib import closing
from datetime import datetime
from importlib.resources import files
from typing import TYPE_CHECKING, cast

from fhir_alliance.records.codes import JsonObject
from fhir_alliance.records.submission import PatientShown

if TYPE_CHECKING:
    from fpdf.fonts import TTFFont

_FONT = ("fontpkg_noto_sans", "files", "NotoSans[wdth,wght].ttf")
# Letters of these blocks stand side by side as they are; others join, stack or run the other way.
_SIMPLE = ((0x20, 0x58F), (0x1E00, 0x22FF))


def note_content(text: str, *, title: str, patient: PatientShown, at: str) -> list[JsonObject]:
    """Return the content of a DocumentReference: the text, and the PDF when the patient can be named on it.

    `at` (a FHIR dateTime) is the date in the file, so that equal arguments give equal bytes.
    """
    pdf = note_pdf(text, title=title, patient=patient, at=datetime.fromisoformat(at))
    plain = _attachment("text/plain; charset=utf-8", text.encode(), title)
    return [plain, _attachment("application/pdf", pdf, title)] if pdf else [plain]


def note_pdf(text: str, *, title: str, patient: PatientShown, at: datetime) -> bytes | None:
    """Return one document in A4 with the patient above the words; None when a letter could not be printed right.

    The font has Latin, Greek and Cyrillic letters. A name in another script is exact in the text alone: a page that is
    printed and leaves the chart may not name the patient by boxes or by letters in the wrong order.
    """
    from fpdf import FPDF  # heavy, and only a note needs it

    number = f", record number {patient.identifiers[0][1]}" if patient.identifiers else ""
    head = unicodedata.normalize("NFC", f"{patient.name}, born {patient.birth_date or 'unknown'}{number}")
    body = unicodedata.normalize("NFC", text)
    pdf = FPDF(format="A4")
    pdf.set_creation_date(at)
    pdf.set_title(title)
    pdf.add_font("note", fname=str(files(_FONT[0]).joinpath(*_FONT[1:])))
    with closing(cast("TTFFont", pdf.fonts["note"])) as font:
        letters = set(head + body) - {"\n"}
        if not all(_is_simple(each) and ord(each) in font.cmap for each in letters):
            return None
        pdf.add_page()
        pdf.set_font("note", size=11)
        pdf.multi_cell(0, 6, f"{head}\n\n{body}", align="L")
        return bytes(pdf.output())


def _is_simple(letter: str) -> bool:
    return any(low <= ord(letter) <= high for low, high in _SIMPLE) and not unicodedata.combining(letter)


def _attachment(kind: str, data: bytes, title: str) -> JsonObject:
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
