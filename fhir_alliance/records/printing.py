"""A PDF page whose every letter can be printed right, or none."""

import unicodedata
from collections.abc import Iterable
from contextlib import closing
from datetime import datetime
from importlib.resources import files
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from fpdf import FPDF
    from fpdf.fonts import TTFFont

FONT = "note"
_FILE = ("fontpkg_noto_sans", "files", "NotoSans[wdth,wght].ttf")
# Letters of these blocks stand side by side as they are; others join, stack or run the other way.
_SIMPLE = ((0x20, 0x58F), (0x1E00, 0x22FF))


def open_pdf(title: str, *, at: datetime) -> "FPDF":
    """Return an empty document in A4 with its font; `at` is its date, so that equal contents give equal bytes."""
    from fpdf import FPDF  # heavy, and only what is printed needs it

    pdf = FPDF(format="A4")
    pdf.set_creation_date(at)
    pdf.set_title(title)
    pdf.add_font(FONT, fname=str(files(_FILE[0]).joinpath(*_FILE[1:])))
    return pdf


def finish_pdf(pdf: "FPDF", texts: Iterable[str]) -> bytes | None:
    """Return the document, None when a letter of its texts could not be printed right; it is closed in any case.

    The font has Latin, Greek and Cyrillic letters. A name in another script may not be printed as boxes, or with its
    letters in the wrong order, on a page that leaves the chart.
    """
    with closing(cast("TTFFont", pdf.fonts[FONT])) as font:
        letters = set("".join(texts)) - {"\n"}
        return bytes(pdf.output()) if all(_is_simple(each) and ord(each) in font.cmap for each in letters) else None


def composed(text: str) -> str:
    """Return a text with each letter and its accents as one sign, where there is one."""
    return unicodedata.normalize("NFC", text)


def _is_simple(letter: str) -> bool:
    return any(low <= ord(letter) <= high for low, high in _SIMPLE) and not unicodedata.combining(letter)
