"""The clinician's view as PDF: one page whatever the course, and never with letters that it cannot print."""

import io
from dataclasses import replace

import pytest
from course_samples import NOW
from page_states import CLINICIAN_PAGES
from pypdf import PdfReader

from fhir_alliance.trajectory.seen import Name
from smart_app.web.pages import ChartPage
from smart_app.web.pages.filing import for_everybody
from smart_app.web.sheet import chart_pdf

CHARTS = {name: page for name, (_, page) in CLINICIAN_PAGES.items() if isinstance(page, ChartPage)}


@pytest.mark.parametrize("name", CHARTS)
def test_every_view_is_one_page(name: str) -> None:
    """No visit, two, or hundreds: one page, with the patient, the first line and what the form is not."""
    pdf = chart_pdf(CHARTS[name], at=NOW)

    assert pdf is not None
    (page,) = PdfReader(io.BytesIO(pdf)).pages
    text = page.extract_text()
    assert all(said in text for said in ("Thomas Reyes", "4821", "Unvalidated"))
    assert CHARTS[name].first_line[:20].split(".")[0] in text


def test_reasons_and_what_was_agreed_are_on_it() -> None:
    """Each open reason has its level, its sentence and its rule; one that was answered stays off the paper."""
    pdf = chart_pdf(CHARTS["chart-reasons"], at=NOW)

    assert pdf is not None
    (page,) = PdfReader(io.BytesIO(pdf)).pages
    text = " ".join(page.extract_text().split())
    said = "The last 2 answered visits (13 and 14) lie below the usual range of visits 1–5, the last one by 2.3."
    assert f"worth a look: {said}" in text
    assert "Rule: below the usual range, rule set v2; core score. You could ask: “How has it been" in text
    assert "ask this visit: Fell from 8.5 to 4.8" in text
    assert "Agreed at this visit: Talk about the two of us." in text
    assert "No answers from the last 2 visits" not in text


def test_every_reason_at_once_is_one_page() -> None:
    """Twice as many reasons as there are push the questions off the page, not the page off the paper."""
    chart = CHARTS["chart-reasons"]
    many = replace(chart, talk=replace(chart.talk, reasons=chart.talk.reasons * len(Name)))

    pdf = chart_pdf(many, at=NOW)

    assert pdf is not None
    (page,) = PdfReader(io.BytesIO(pdf)).pages
    text = " ".join(page.extract_text().split())
    assert text.count("ask this visit: Fell from") == len(Name)
    assert "more questions are in the health record." in text
    assert chart.caveat in text


def test_who_rated_is_printed_whole_where_there_is_room() -> None:
    """Other languages have longer words than English: columns take what they need, and a value is never cut off."""
    chart, name = CHARTS["chart-to-file"], "Vermutung der Therapeutin oder des Therapeuten"
    (table, *_), long = chart.scores, "Tasks and collaboration with somebody else"
    visits = tuple(
        each._replace(rows=tuple(row._replace(name=name, cells=row.cells[:1]) for row in each.rows))
        for each in table.visits
    )
    narrow = replace(table, columns=table.columns[:1], visits=visits)
    domains = tuple(replace(each, name=long) for each in chart.domains)

    pdf = chart_pdf(replace(chart, scores=(narrow,), domains=domains), at=NOW)

    assert pdf is not None
    (page,) = PdfReader(io.BytesIO(pdf)).pages
    text = " ".join(page.extract_text().split())
    assert name in text
    assert "…; 8 Oct: " in text


def test_columns_are_as_wide_as_their_words() -> None:
    """Every head is printed whole where all of them fit; where they do not, who rated and when still is."""
    chart = CHARTS["chart-last-year"]
    (table, *_) = chart.scores
    crowded = replace(table, columns=tuple(f"{name} with somebody else" for name in table.columns))

    roomy, tight = (
        " ".join(PdfReader(io.BytesIO(pdf)).pages[0].extract_text().split())
        for scores in (chart.scores, (crowded,))
        if (pdf := chart_pdf(replace(chart, scores=scores), at=NOW))
    )

    heads = [f"{name[0].upper()}{name[1:]}" for name in table.columns]
    assert f"Visit Rated by Answered {' '.join(heads)} Thu 12 Nov Thomas" in roomy
    assert "…" in tight
    assert "Thu 12 Nov Thomas 6 of 6" in tight


def test_answers_and_their_days_are_printed_whole() -> None:
    """With twelve visits on the page, each has its number above its day, and no answer in words is cut off."""
    chart = CHARTS["chart"]
    newest, rows = chart.items.visits[-1], chart.items.rows[-2:]
    twelve = replace(
        chart.items,
        visits=tuple(newest._replace(number=number) for number in range(3, 15)),
        rows=tuple(replace(row, cells=(row.cells[-1]._replace(text="a little"),) * 12) for row in rows),
    )

    pdf = chart_pdf(replace(chart, items=twelve), at=NOW)

    assert pdf is not None
    text = " ".join(PdfReader(io.BytesIO(pdf)).pages[0].extract_text().split()).partition("Answers, newest last")[2]
    assert text.startswith(" Visit 3 4 5 6 7 8 9 10 11 12 13 14 ")
    assert " ".join([newest.day.short] * 12) in text
    assert text.count("a little") == 24


def test_equal_views_give_equal_bytes() -> None:
    """Nothing in the file depends on when or where it was drawn but the time that is told."""
    assert chart_pdf(CHARTS["chart"], at=NOW) == chart_pdf(CHARTS["chart"], at=NOW)


def test_questions_that_do_not_fit_are_counted() -> None:
    """A form with a hundred questions keeps to its page, and says how many are not on it."""
    chart = CHARTS["chart"]
    many = replace(chart, items=replace(chart.items, rows=chart.items.rows * 8))

    pdf = chart_pdf(many, at=NOW)

    assert pdf is not None
    (page,) = PdfReader(io.BytesIO(pdf)).pages
    assert "more questions are in the health record." in page.extract_text()


def test_a_name_that_cannot_be_printed_right_gives_no_page() -> None:
    """A name in letters that join or run the other way is never printed as boxes."""
    chart = CHARTS["chart"]
    assert chart.frame.banner is not None
    banner = replace(chart.frame.banner, name="مريم")

    assert chart_pdf(replace(chart, frame=replace(chart.frame, banner=banner)), at=NOW) is None


def test_a_page_to_be_filed_is_of_its_day() -> None:
    """Made at another hour of the day it is the same bytes; it names no hour and no visit without a rating."""
    page = for_everybody(CHARTS["chart-reasons"])
    midnight = NOW.replace(hour=0, minute=0, second=0, microsecond=0)

    pdf = chart_pdf(page, at=midnight, filed=True)

    assert pdf is not None
    text = " ".join(PdfReader(io.BytesIO(pdf)).pages[0].extract_text().split())
    assert "Single answers are not part of this page." in text
    assert ":" not in text.partition("made ")[2].partition("Last")[0]
    kept_back = ("worth a look", "ask this visit", "rupture", "kept here", "Answered 1", "I felt")
    assert [said for said in kept_back if said in text] == []
