"""The clinician's view: rows joined from visits, scores and answers, and only what they say."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import gallery
import pytest
from course_samples import COURSE, INSTRUMENT, NOW, THERAPIST, TODAY, answers_of, series_of, weekly
from page_samples import SITE, THOMAS_FRAME, WORDING, companions, thomas_chart

from fhir_alliance.instruments.definition import Instrument
from fhir_alliance.instruments.words import Rater
from fhir_alliance.scoring.answers import Answers
from fhir_alliance.trajectory.series import Point, Series, Visit
from smart_app.web.pages.chart import ChartPage, chart_page
from smart_app.web.pages.companions import companion_table
from smart_app.web.pages.notes import INCOMPLETE
from smart_app.web.pages.trend import trend_of
from smart_app.web.pages.visit_rows import join_visits, newest_responses
from smart_app.web.pages.window import COLUMNS
from smart_app.web.pages.words import short_day

VISITS = weekly(14)


def core_series(*points: Point) -> Series:
    """Return the patient's core series."""
    return Series(code="c", scale="core", rater=Rater.PATIENT, therapist=THERAPIST, points=points)


def point(value: str | None, *, encounter: str | None, days_ago: int = 0, response: str | None = None) -> Point:
    """Return one core score."""
    return Point(
        at=NOW - timedelta(days=days_ago),
        value=None if value is None else Decimal(value),
        answered=None,
        encounter=encounter,
        response=response,
    )


def chart_of(
    series: Sequence[Series],
    answers: dict[str, Answers] | None = None,
    visits: Sequence[Visit] = VISITS,
    instrument: Instrument = INSTRUMENT,
) -> ChartPage:
    """Return the view of a series."""
    return chart_page(
        instrument,
        frame=THOMAS_FRAME,
        visits=visits,
        series=series,
        answers=answers or {},
        usual=None,
        first_line="",
        today=TODAY,
    )


def test_scores_stand_newest_first_with_both_raters() -> None:
    """Each visit has the patient's row and, if there is one, the therapist's guess below it."""
    page = thomas_chart(COURSE, "")

    recent = page.scores[0]
    assert [each.visit.number for each in recent.visits] == [14, 13, 12, 10, 9, 8]
    assert [(row.name, row.answered, row.cells[0]) for row in recent.visits[0].rows] == [
        ("Thomas", "6 of 6", "4.8"),
        ("therapist's guess", "6 of 6", "6.8"),
    ]


def test_a_full_form_counts_its_answers_on_the_widest_scale() -> None:
    """Twelve items asked and answered are "12 of 12", though the core score has six."""
    page = thomas_chart(COURSE, "")

    ninth = next(each for each in page.scores[0].visits if each.visit.number == 9)
    assert ninth.rows[0].answered == "12 of 12"
    assert ninth.rows[0].cells == ("8.5", "8.6", "8.6", "9.0", "8.0", "8.7")
    assert ninth.rows[1].cells == ("8.5", "", "", "", "", "")


def test_earlier_visits_are_a_table_of_their_own() -> None:
    """Visits beyond the most recent six are there on request; with six or fewer there is one table."""
    assert [len(table.visits) for table in thomas_chart(COURSE, "").scores] == [6, 6]
    assert [len(table.visits) for table in thomas_chart(COURSE, "", visits=6).scores] == [6]


def test_too_few_answers_are_said_and_never_a_number() -> None:
    """A visit with four of six answers has no core score, a gap in the trend, and its answers in the table."""
    page = thomas_chart(COURSE, "")

    tenth = next(each for each in page.scores[0].visits if each.visit.number == 10)
    assert (tenth.rows[0].answered, tenth.rows[0].cells[0]) == ("4 of 6", "not scored")
    assert page.trend is not None
    assert page.trend.drawing.columns[9].visit.read_out == ("Visit 10, Thu 15 Oct", "Thomas not scored")
    assert page.trend.drawing.columns[9].x in page.trend.drawing.gaps


def test_a_visit_without_a_form_is_shown_as_one() -> None:
    """A missed form is a gap that says so, and counts as a visit that was not answered."""
    page = thomas_chart(COURSE, "")

    assert page.trend is not None
    assert page.trend.drawing.columns[6].visit.read_out[1] == "no answer"
    assert (page.status.answered, page.status.visits) == (12, 14)


def test_items_show_the_last_visits_with_the_lowest_darkest() -> None:
    """The newest visit is at the right; a low answer is darker than a high one; words and blanks have no shade."""
    items = thomas_chart(COURSE, "").items

    by_text = {row.text: row.cells for row in items.rows}
    assert [head.number for head in items.visits] == [8, 9, 10, 12, 13, 14]
    assert len(items.visits) == COLUMNS
    safe = by_text["I felt safe with my therapist today."]
    assert [(cell.text, cell.shade) for cell in safe] == [("9", 0), ("9", 0), ("–", None), ("8", 1), ("6", 2), ("3", 3)]
    assert by_text["Did anything today make it harder to work together?"][-1].text == "a little"


def test_a_skipped_item_is_not_a_blank_one() -> None:
    """That somebody chose to skip is kept apart from an item left empty."""
    items = thomas_chart(COURSE, "", visits=6).items

    hard_to_say = next(row for row in items.rows if row.text == "I could say even what was hard to say.")
    assert hard_to_say.cells[-1].text == "skipped"


def test_a_question_that_was_not_asked_has_an_empty_cell() -> None:
    """An item of the long form is empty where the short form was sent, and so is a follow-up that nothing opened."""
    items = thomas_chart(COURSE, "").items

    by_text = {row.text: [cell.text for cell in row.cells] for row in items.rows}
    assert by_text[WORDING.items["7"][Rater.PATIENT]] == ["", "9", "", "", "", ""]
    assert by_text[WORDING.items["talk"][Rater.PATIENT]] == ["", "", "", "", "", "yes"]


def test_a_visit_of_today_is_not_missed_yet() -> None:
    """Before the patient answers today, there is no gap and the read-out rests on the last answered visit."""
    earlier = {number: both for number, both in COURSE.items() if number < 14}
    guessed = {**earlier, 14: (None, answers_of("7 7 6 7 7 7"))}

    for course, said in ((earlier, "not asked yet"), (guessed, "not asked yet · therapist's guess 6.8")):
        trend = thomas_chart(course, "").trend
        assert trend is not None
        assert trend.drawing.columns[13].visit.read_out == ("Visit 14, Thu 12 Nov", said)
        assert trend.drawing.columns[13].x not in trend.drawing.gaps
        assert [column.visit.number for column in trend.drawing.columns if column.rests] == ["13"]


def test_a_rupture_is_drawn_and_said() -> None:
    """It has a sign under its visit, its words are read out there and stand in the table, and its rule can be read."""
    page = thomas_chart(COURSE, "")

    assert page.trend is not None
    drawing = page.trend.drawing
    assert [(sign.x, sign.is_repair, sign.is_marked) for sign in drawing.signs] == [
        (drawing.columns[12].x, False, True)
    ]
    assert drawing.columns[12].visit.read_out[2] == "marked rupture, open"
    said = {each.visit.number: each.visit.sign for each in page.scores[0].visits if each.visit.sign}
    assert said == {13: "marked rupture, open"}
    assert any(line.startswith("▽ rupture, △ repair") for line in page.method)


def test_a_new_version_is_marked_and_splits_the_line() -> None:
    """Where the score was made with another version the line breaks, with the version's name; unknown is no change."""
    versions = ["1.0.0", "", "1.0.0", "1.1.0", "1.1.0"]
    points = [
        point("7", encounter=each.encounter)._replace(
            at=each.start, measured=f"visit-check-in-{version}" if version else ""
        )
        for each, version in zip(VISITS, versions, strict=False)
    ]

    trend = chart_of([core_series(*points)], visits=VISITS[:5]).trend

    assert trend is not None
    assert [(each.x, each.label) for each in trend.drawing.changes] == [(60.0, "version 1.1.0")]
    assert [stroke.x1 for stroke in trend.drawing.lines[0].strokes] == [10.0, 30.0, 70.0]


def test_the_trend_can_be_of_the_patient_alone() -> None:
    """Without a name for the therapist nothing of their rating is drawn or read out."""
    series, sheets = series_of(COURSE, VISITS)
    rows = join_visits(VISITS, series, sheets, zone=SITE.time_zone, today=TODAY)

    trend = trend_of(INSTRUMENT, "core score", rows, names={Rater.PATIENT: "Thomas"}, usual=None, today=TODAY)

    assert trend is not None
    assert [line.rater for line in trend.drawing.lines] == ["patient"]
    assert trend.drawing.columns[13].visit.read_out[1] == "Thomas 4.8"


def test_the_first_line_keeps_its_ranges_together() -> None:
    """No range is broken over two lines; the words stay the same."""
    line = thomas_chart(COURSE, "Thomas rated the last visit below the usual 6.8 to 8.8 (visits 1 to 5).").first_line

    assert line == "Thomas rated the last visit below the usual 6.8\u00a0to\u00a08.8 (visits\u00a01\u00a0to\u00a05)."


def test_raw_facts_are_the_last_answers_as_given() -> None:
    """A low safety answer and "a little" are shown with the follow-up they opened, and nothing is concluded."""
    facts = thomas_chart(COURSE, "").facts

    assert facts is not None
    assert (facts.visit, facts.day.text) == ("Visit 14", "Thu 12 Nov")
    assert [(fact.question, fact.answer) for fact in facts.facts] == [
        ("I felt safe with my therapist today.", "3"),
        ("Did anything today make it harder to work together?", "a little"),
        ("Would you like to talk about it next time?", "yes"),
    ]


@pytest.mark.parametrize(
    ("sheet", "said"),
    [
        (answers_of("9 9 9 4 9 9", harder="no"), None),
        (answers_of("9 9 9 3 9 9", harder="no"), ["3"]),
        (answers_of("9 9 9 0 9 9"), ["0"]),
        (answers_of("9 9 9 s 9 9", harder="yes"), ["yes"]),
        (answers_of("3 3 3 - 3 3"), None),
    ],
)
def test_only_the_declared_answers_are_facts(sheet: Answers, said: list[str] | None) -> None:
    """Item 4 at 3 or below, and anything but "no", are facts; other low answers are not."""
    series = core_series(point("7", encounter="Encounter/v14", response="QuestionnaireResponse/r"))

    facts = chart_of([series], {"QuestionnaireResponse/r": sheet}).facts

    assert (facts and [fact.answer for fact in facts.facts]) == said


def test_without_scores_nothing_is_drawn() -> None:
    """No trend, no tables and no facts: the first line alone speaks."""
    page = chart_of([], visits=VISITS[:1])

    assert (page.trend, page.scores, page.items.rows, page.facts, page.status.last) == (None, (), (), None, None)


def test_a_score_filed_without_a_visit_has_its_own_place() -> None:
    """It stands at its date, is named as such, and is not added to another visit."""
    page = chart_of([core_series(point("5", encounter=None, days_ago=3))])

    assert page.trend is not None
    assert page.trend.drawing.columns[-2].visit.read_out == ("No visit, Mon 9 Nov", "Thomas 5.0")


def test_a_visit_whose_number_is_not_known_is_one_all_the_same() -> None:
    """It is named without a number, above the column and aloud."""
    page = chart_of([core_series(point("5", encounter="Encounter/v14"))], visits=[replace(VISITS[-1], number=None)])

    assert page.trend is not None
    visit = page.trend.drawing.columns[-1].visit
    assert (visit.number, visit.read_out[0].partition(",")[0]) == ("", "Visit")
    assert page.scores[0].visits[0].visit.number is None
    assert page.scores[0].visits[0].rows[0].answered == ""


def test_the_same_answer_every_time_is_a_flat_line() -> None:
    """Ten equal ratings draw one level and no rupture, and the band has a width all the same."""
    series, sheets = series_of({number: (answers_of("8 8 8 8 8 8"), None) for number in range(1, 11)}, VISITS)

    trend = chart_of(series, sheets, visits=VISITS[:10]).trend

    assert trend is not None
    assert {mark.y for mark in trend.drawing.lines[0].marks} == {40.0}
    assert trend.drawing.signs == ()


def test_only_the_answers_that_are_shown_need_to_be_read() -> None:
    """The newest responses of the patient are named once each, however many scores they gave, and no therapist's."""
    series, _ = series_of(COURSE, VISITS)

    newest = newest_responses(series, 3)

    assert newest == [f"QuestionnaireResponse/patient-{number}" for number in (14, 13, 12)]


def test_visits_to_come_are_left_out() -> None:
    """A visit after today is no missed form."""
    later = replace(VISITS[-1], encounter="Encounter/later", number=15, start=NOW + timedelta(days=7))

    rows = join_visits([*VISITS, later], [], {}, zone=SITE.time_zone, today=TODAY)

    assert [row.number for row in rows] == list(range(1, 15))


def test_the_usual_range_is_labelled_with_its_visits() -> None:
    """The band says its ends and the visits it was made from; before there is one, there is no band."""
    with_range, without = thomas_chart(COURSE, "").trend, thomas_chart(COURSE, "", visits=3).trend

    assert with_range is not None
    assert (with_range.usual, with_range.usual_visits) == ("7.2–8.6", "visits 1 to 5")
    assert without is not None
    assert (without.usual, without.drawing.band) == ("", None)


@pytest.mark.parametrize(
    ("held", "said"),
    [
        ((), ""),
        (("it waits",), "1 form is not in the chart yet: it waits."),
        (("it waits", "it waits"), "2 forms are not in the chart yet, all for one reason: it waits."),
        (("it waits", "it may not"), "2 forms are not in the chart yet, for different reasons."),
    ],
)
def test_what_is_not_in_the_chart_is_one_note(held: tuple[str, ...], said: str) -> None:
    """However many forms wait, one sentence says how many and, when it is one reason, why."""
    page = thomas_chart(COURSE, "", complete=False, held=held)

    assert (page.notes, page.held) == ((INCOMPLETE,), said)


def test_both_patient_forms_are_offered_unless_handing_over_is_off() -> None:
    """The short form comes first; the therapist's own form is not handed over."""
    assert [(offer.form, offer.label) for offer in thomas_chart(COURSE, "").offers] == [
        ("core", "short form"),
        ("full", "long form"),
    ]
    assert thomas_chart(COURSE, "", can_hand_over=False).offers == ()


def test_how_each_score_is_made_can_be_read() -> None:
    """Items, method, least answers and version stand on the page, so that a score can be checked by hand."""
    series, answers = series_of(COURSE, VISITS)

    method = chart_of(series, answers).method
    assert method[0] == "Core score: mean of items 1, 2, 3, 4, 5, 6; at least 5 answered; 0 to 10."
    assert method[-1].startswith("Instrument and version: visit-check-in-1.0.0.")


def test_weights_and_multiplier_are_told_where_there_are_any() -> None:
    """A score whose items do not all count once says what they count."""
    series, answers = series_of(COURSE, VISITS)
    core, *others = INSTRUMENT.scales
    weighed = replace(core, weights={**core.weights, "1": Decimal(2), "4": Decimal("0.5")}, multiplier=Decimal(10))

    page = chart_of(series, answers, instrument=replace(INSTRUMENT, scales=(weighed, *others)))

    assert "; counting item 1 × 2; item 4 × 0.5; the result × 10; at least 5" in page.method[0]
    assert "counting" not in page.method[1]


@pytest.mark.parametrize(("visit", "first"), [(2, "core"), (3, "full"), (5, "core"), (10, "full")])
def test_form_advised_at_this_visit_is_offered_first(visit: int, first: str) -> None:
    """The long form comes first at visits 3 and 4 and at every sixth after them."""
    banner = THOMAS_FRAME.banner
    assert banner is not None
    frame = replace(THOMAS_FRAME, banner=replace(banner, visit_number=visit))

    page = thomas_chart(COURSE, "", frame=frame)

    assert page.offers[0].form == first


def test_other_measures_stand_beside_in_a_table_of_their_own() -> None:
    """The last six days with a total are shown, each measure with its range, and a day without one stays empty."""
    table = companion_table(companions(), language="en", today=TODAY)

    assert [each.short for each in table.days][-1] == short_day(TODAY - timedelta(days=14))
    assert [(row.name, row.between, row.cells) for row in table.rows] == [
        ("PHQ-9", "0 to 27", ("17", "14", "12", "13", "10", "9")),
        ("GAD-7", "0 to 21", ("", "", "", "", "12", "8")),
    ]


def test_no_other_measures_no_table() -> None:
    """Without any, nothing is said about them."""
    assert "Also in the record" not in gallery.render("chart-none")
    assert "Also in the record" in gallery.render("chart")
