"""Answers that were corrected later are marked in words wherever their scores stand, and no number is another."""

import io
import re

import gallery
from course_samples import COURSE, NOW
from page_samples import thomas_chart
from page_states import CLINICIAN_PAGES
from pypdf import PdfReader

from smart_app.web.pages import ChartPage
from smart_app.web.sheet import chart_pdf

MARK = re.compile(r'<span aria-hidden="true">&nbsp;†</span><span class="vh">, corrected later</span>')


def pdf_of(page: ChartPage) -> str:
    """Return the words of a view's PDF."""
    pdf = chart_pdf(page, at=NOW)
    assert pdf is not None
    return " ".join(PdfReader(io.BytesIO(pdf)).pages[0].extract_text().split())


def test_both_tables_mark_it() -> None:
    """The patient's row and column of each corrected visit have the mark, others none, and a legend says what it is."""
    page = CLINICIAN_PAGES["chart-corrected"][1]
    text = gallery.render("chart-corrected")
    scores, items = (text.partition(head)[2] for head in ("<h2>Scores by visit</h2>", "answers, newest last</h2>"))

    assert isinstance(page, ChartPage)
    marked = [(each.visit.number, row.name) for each in page.scores[0].visits for row in each.rows if row.amended]
    assert marked == [(13, "Thomas"), (9, "Thomas")]
    assert [each.number for each in page.items.visits if each.amended] == [9, 13]
    assert len(MARK.findall(scores.partition("</table>")[0])) == len(MARK.findall(items.partition("</table>")[0])) == 2
    assert (
        scores.partition("</table>")[2]
        .strip()
        .startswith('</div>\n<p class="legend soft" aria-hidden="true">† corrected')
    )
    assert (
        items.partition("</table>")[2]
        .strip()
        .startswith('</div>\n<p class="legend soft" aria-hidden="true">† corrected')
    )


def test_no_number_is_another() -> None:
    """Scores, answers, signs, notes and the drawing are those of the same course without a correction."""
    plain, marked = thomas_chart(COURSE, ""), thomas_chart(COURSE, "", amended=(9, 13))
    cells = [
        [[row.cells for row in each.rows] for table in page.scores for each in table.visits] for page in (plain, marked)
    ]

    assert cells[0] == cells[1]
    assert plain.items.rows == marked.items.rows
    assert (plain.notes, plain.for_note, plain.facts) == (marked.notes, marked.for_note, marked.facts)
    assert plain.trend is not None
    assert marked.trend is not None
    assert plain.trend.drawing.lines == marked.trend.drawing.lines


def test_the_chart_says_it() -> None:
    """What is read out of a visit says who corrected it in a line of its own, for which there is room."""
    plain, marked = thomas_chart(COURSE, ""), thomas_chart(COURSE, "", amended=(9, 13))

    assert plain.trend is not None
    assert marked.trend is not None
    assert [each.visit.read_out[2:] for each in marked.trend.drawing.columns if each.visit.read_out[2:]] == [
        ("corrected later: Thomas",),
        ("marked rupture, open", "corrected later: Thomas"),
    ]
    assert (plain.trend.said, marked.trend.said) == (3, 4)


def test_the_paper_says_it() -> None:
    """The PDF has the mark at the same places, and says what it is once, there only."""
    plain, marked = pdf_of(thomas_chart(COURSE, "")), pdf_of(thomas_chart(COURSE, "", amended=(9, 13)))

    assert marked.count("Thomas † ") == 2
    assert "5 Nov †" in marked.partition("Answers, newest last")[2]
    assert marked.count("† corrected later. ") == 1
    assert "†" not in plain


def test_nothing_is_said_without_a_correction() -> None:
    """A course that nobody corrected has neither mark nor legend."""
    assert "†" not in gallery.render("chart")
    assert "corrected later" not in gallery.render("chart")
