"""The smaller pages, and the words all of them use."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from course_samples import NOW, TODAY, answers_of, form, visit
from page_samples import FILLED, MARIA, MODULES, PATIENT_FRAME, SITE, THOMAS_FRAME, WORDING, patient_review

from fhir_alliance.errors import StoreError
from fhir_alliance.instruments.words import Rater
from fhir_alliance.records.submission import PatientShown
from fhir_alliance.scoring.answers import Answers
from smart_app.web.pages import (
    Frame,
    answer_rows,
    clinician_frame,
    closed_page,
    confirm_page,
    error_page,
    handover_page,
    patient_frame,
    visits_page,
)
from smart_app.web.pages.frame import first_name, name_and_initial
from smart_app.web.pages.words import birth_words, birthday_words, day, relative_day, span

NAMELESS = PatientShown(id="x", name="", birth_date="1988", identifiers=())


def test_the_review_says_each_answer_in_words() -> None:
    """Numbers stand for themselves, the ends of the scale with their words; skipped is not the same as no answer."""
    rows = answer_rows(form(Rater.PATIENT, "core"), WORDING, FILLED)

    assert [row.answer for row in rows] == [
        "8",
        "7",
        "skipped",
        "9",
        "10, completely true",
        "0, not true at all",
        "a little",
        "yes",
    ]
    assert [row.answered for row in rows].count(False) == 1


def test_a_question_that_was_not_asked_is_not_reviewed() -> None:
    """After "no", the follow-up does not appear; an item left blank does, as no answer."""
    rows = answer_rows(form(Rater.PATIENT, "core"), WORDING, answers_of("8 - 8 8 8 8", harder="no"))

    assert "talk" not in [row.link_id for row in rows]
    assert rows[1].answer == "no answer"


def test_only_an_empty_form_asks_whether_to_send_it() -> None:
    """One skipped item is no answer; one answer of any kind is enough not to be asked."""
    assert patient_review(Answers(skipped=frozenset({"1"}))).empty
    assert not patient_review(Answers(given={"harder": "no"})).empty


@pytest.mark.parametrize(
    ("on", "words"),
    [
        (date(2026, 11, 12), "today"),
        (date(2026, 11, 11), "yesterday"),
        (date(2026, 11, 3), "Tue 3 Nov"),
        (date(2026, 11, 13), "Fri 13 Nov"),
        (date(2025, 12, 31), "Wed 31 Dec 2025"),
    ],
)
def test_days_are_said_as_people_say_them(on: date, words: str) -> None:
    """Near days by name, others by date, with the year only when it is another one; the full date is always kept."""
    said = relative_day(on, today=TODAY)

    assert said.text == words
    assert said.iso == on.isoformat()
    assert said.full == f"{on:%A} {on.day} {on:%B} {on.year}"


def test_an_absolute_day_stays_absolute() -> None:
    """A form that is read tomorrow must not say "today"."""
    assert day(TODAY, today=TODAY).text == "Thu 12 Nov"


@pytest.mark.parametrize(
    ("written", "whole", "birthday"),
    [("1988-03-04", "4 Mar 1988", "4 March"), ("1988-03", "Mar 1988", ""), ("1988", "1988", ""), ("", "", "")],
)
def test_birth_dates_may_be_vague(written: str, whole: str, birthday: str) -> None:
    """A FHIR date without day or month is shown as far as it is known."""
    assert (birth_words(written), birthday_words(written)) == (whole, birthday)


def test_ranges_have_an_en_dash_and_one_decimal() -> None:
    """Half up, and a real minus sign."""
    assert span(Decimal("-0.25"), Decimal("8.65")) == "−0.3–8.7"


@pytest.mark.parametrize(
    ("name", "first", "short"),
    [
        ("Maria Santos", "Maria", "Maria S."),
        ("Cher", "Cher", "Cher"),
        ("Ana de Cruz", "Ana", "Ana C."),
        ("", "", ""),
    ],
)
def test_names_are_shortened(name: str, first: str, short: str) -> None:
    """First name on the patient's pages, with an initial where the person must recognise themselves."""
    assert (first_name(name), name_and_initial(name)) == (first, short)


def test_the_banner_tells_patients_apart() -> None:
    """Name, birth date, the last four of the record number, and the visit."""
    banner = THOMAS_FRAME.banner

    assert banner is not None
    assert (banner.name, banner.born, banner.mrn_tail, banner.visit_number) == (
        "Thomas Reyes",
        "4 Mar 1988",
        "4821",
        14,
    )
    assert banner.visit_day is not None
    assert banner.visit_day.text == "today"


def test_the_banner_leaves_out_what_is_not_known() -> None:
    """A record without number and a launch without visit still have a banner."""
    banner = clinician_frame(SITE, NAMELESS, visit=None, today=TODAY).banner

    assert banner is not None
    assert (banner.mrn_tail, banner.visit_number, banner.visit_day) == ("", None, None)


def test_a_code_is_grouped_and_its_end_is_said() -> None:
    """The short code is in threes, and the page says until when at the site, and in how many begun minutes."""
    page = handover_page(
        frame=THOMAS_FRAME,
        form_title="Visit check-in",
        url="https://app.example.invalid/handover/abc",
        enter_at="app.example.invalid/handover",
        short_code="k7m-4qx2",
        modules=MODULES,
        expires_at=NOW + timedelta(minutes=14, seconds=59),
        now=NOW,
    )

    assert page.short_code == "k7m-4qx-2"
    assert page.expires == "10:54, in 15 minutes"


def test_confirming_shows_a_part_only_and_no_person_in_the_frame() -> None:
    """Before the answer, the page's frame knows nobody."""
    page = confirm_page(Frame(site=SITE), MARIA)

    assert (page.name, page.birthday, page.frame.person) == ("Maria S.", "4 March", "")


@pytest.mark.parametrize("frame", [THOMAS_FRAME, PATIENT_FRAME])
def test_closed_pages_forget_whose_page_it_was(frame: Frame) -> None:
    """Neither banner nor name survive."""
    for page in (closed_page(frame),):
        assert page.frame == Frame(site=SITE)


def test_an_error_says_what_to_tell_support() -> None:
    """The page has the error's own words, its stable code and the request's id."""
    page = error_page(StoreError("disk full"), frame=patient_frame(SITE, MARIA), reference="3f9c1a")

    assert (page.heading, page.code) == ("Not saved yet", "store.refused · 3f9c1a")
    assert "disk full" not in page.sentence


def test_visits_are_offered_newest_first() -> None:
    """The visit one is most likely to mean comes first."""
    page = visits_page(PATIENT_FRAME, [visit(5, days_ago=7), visit(6, days_ago=1)], today=TODAY)

    assert [(choice.encounter, choice.day.text, choice.therapist) for choice in page.choices] == [
        ("Encounter/v6", "yesterday", "Dr. Okafor"),
        ("Encounter/v5", "Thu 5 Nov", "Dr. Okafor"),
    ]
