"""The form page: what is asked, what was answered, and what its fields say when they come back."""

import json
from dataclasses import replace
from html.parser import HTMLParser

import gallery
import pytest
from course_samples import INSTRUMENT, NOW, TODAY, form
from hypothesis import given, settings
from hypothesis import strategies as st
from kind_samples import MIXED, MIXED_ANSWERS, MIXED_FORM, SRS, kind_form
from page_samples import PATIENT_FRAME, PROBLEM, patient_form, therapist_form

from fhir_alliance.errors import InvalidAnswers
from fhir_alliance.instruments.items import Condition, Test
from fhir_alliance.instruments.words import Rater
from fhir_alliance.scoring.answers import Answers, check_answers
from smart_app.web.pages import FormPage, audience_text, form_page, read_answers
from smart_app.web.pages.conditions import field_name

CORE = form(Rater.PATIENT, "core")
FULL = form(Rater.PATIENT, "full")
CHOICES = {item.link_id: st.sampled_from(["", "skip", *sorted(item.codes)]) for item in FULL.items}


class Filled(HTMLParser):
    """Collects every field that a browser would send."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self._text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "input" and (values["type"] in ("text", "hidden") or "checked" in values):
            self.fields[str(values["name"])] = str(values["value"])
        self._text = str(values["name"]) if tag == "textarea" else ""

    def handle_data(self, data: str) -> None:
        if self._text:
            self.fields[self._text] = data
            self._text = ""


class Checked(HTMLParser):
    """Collects the radio buttons that a browser would send."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "input" and values["type"] == "radio" and "checked" in values:
            self.fields[str(values["name"])] = str(values["value"])


@settings(deadline=None, max_examples=50)
@given(st.fixed_dictionaries(CHOICES))
def test_answers_survive_the_round_trip(fields: dict[str, str]) -> None:
    """Whatever was chosen or skipped is chosen again on the page shown next, and reads back as the same answers."""
    answers = read_answers(FULL, fields)

    html = gallery.TEMPLATES.get_template("form.html").render(
        page=patient_form("full", answers),
        nonce="",
        csrf_token="",
        base="",
        asset=str,
        look="",
        languages=(),
        print=None,
        tablet=None,
    )
    assert Checked(html).fields == {link_id: code for link_id, code in fields.items() if code}
    assert read_answers(FULL, Checked(html).fields) == answers


def test_fields_that_the_form_does_not_ask_are_left_out() -> None:
    """The token, a button's name and items of a longer form are no answers."""
    answers = read_answers(CORE, {"_csrf": "x", "action": "review", "7": "3", "1": "4", "2": "skip", "3": ""})

    assert answers == Answers(given={"1": "4"}, skipped=frozenset({"2"}))


def test_nothing_is_preselected() -> None:
    """A new form suggests no answer."""
    assert Checked(gallery.render("form-full")).fields == {}


def test_only_scored_questions_are_numbered_and_counted() -> None:
    """The closing questions have no number and do not count as answered."""
    page = patient_form("core", Answers(given={"1": "3", "harder": "no"}, skipped=frozenset({"2"})))

    assert [question.number for question in page.questions] == [1, 2, 3, 4, 5, 6, None, None]
    assert (page.answered, len(page.counted)) == (1, 6)
    assert [question.skipped for question in page.questions[:3]] == [False, True, False]


def test_a_follow_up_names_the_answers_that_open_it() -> None:
    """Its condition is in words, in the order the answers are offered, for readers without a script."""
    talk = patient_form("core", Answers()).questions[-1]

    assert talk.condition == "If you chose “a little” or “yes”"
    assert json.loads(talk.when) == [{"every": False, "tests": [["harder", "=", "a-little"], ["harder", "=", "yes"]]}]


def test_conditions_in_words() -> None:
    """Whatever a question depends on is said in words, with the question it hangs on."""
    questions = {question.link_id: question for question in kind_form(MIXED, Answers()).questions}

    assert questions["what / broke"].condition == "If you chose “yes”"
    assert questions["last"].condition == "If “What was it?” has an answer"
    assert kind_form(MIXED, Answers()).questions[0].condition == ""


COMPARED = [
    (Condition(tests=(Test(question="key", operator=">", value="9"),)), "is more than 9"),
    (Condition(tests=(Test(question="key", operator="exists", value="false"),)), "has no answer"),
]


@pytest.mark.parametrize(("condition", "words"), COMPARED)
def test_comparisons_in_words(condition: Condition, words: str) -> None:
    """A comparison is said with the question it is about."""
    layout = (*MIXED_FORM.layout, replace(MIXED_FORM.items[0], link_id="more", conditions=(condition,)))
    words_of = MIXED.wordings["en"]
    more = replace(words_of, items={**words_of.items, "more": {Rater.PATIENT: "More?"}})
    instrument = replace(MIXED, forms=(replace(MIXED_FORM, layout=layout),), wordings={"en": more})

    assert kind_form(instrument, Answers()).questions[-1].condition == f"If “How many minutes did you travel?” {words}"


def test_every_kind_of_answer_survives_the_round_trip() -> None:
    """What was chosen, written, marked or skipped stands in the fields of the page shown next, and reads back."""
    page = gallery.render("form-kinds-filled")

    assert read_answers(MIXED_FORM, Filled(page).fields) == MIXED_ANSWERS


def test_numbers_as_people_write_them() -> None:
    """A decimal comma and space around a number are no fault; what is no number is kept for its writer to see."""
    fields = {"1": " 6,5 ", "2": "lots", "~skip 3": "yes"}
    answers = read_answers(SRS.forms[0], fields)

    with pytest.raises(InvalidAnswers) as raised:
        check_answers(SRS.forms[0], answers)

    assert answers == Answers(given={"1": "6.5", "2": "lots"}, skipped=frozenset({"3"}))
    assert raised.value.problems.keys() == {"2"}
    assert kind_form(SRS, answers).questions[1].value == "lots"


@pytest.mark.parametrize("link_id", ["key", "version", "~skip 1", "action"])
def test_a_question_may_be_called_like_a_field_of_the_page(link_id: str) -> None:
    """Its field has another name, so that neither is taken for the other."""
    first = replace(MIXED_FORM.items[0], link_id=link_id)
    form = replace(MIXED_FORM, layout=(first,))

    assert field_name(link_id) == f"~{link_id}"
    assert read_answers(form, {link_id: "1", f"~{link_id}": "2"}).given == {link_id: "2"}


def test_sections_follow_the_groups() -> None:
    """Questions beside the groups have a section without a heading; a group within a group comes one level down."""
    sections = kind_form(MIXED, Answers()).sections

    assert [(section.heading, section.level) for section in sections] == [
        ("", 2),
        ("How often", 2),
        ("How much", 2),
        ("In numbers", 3),
        ("", 2),
        ("If it was far", 2),
        ("", 2),
    ]


def test_problems_stand_with_their_questions() -> None:
    """Each problem is shown with its question and in the order asked."""
    page = patient_form("core", Answers(), {"harder": PROBLEM, "3": PROBLEM})

    assert [question.link_id for question in page.problems] == ["3", "harder"]


@pytest.mark.parametrize("name", ["core", "full"])
def test_every_item_stands_once_under_its_heading(name: str) -> None:
    """No item is lost or repeated when a form is cut into sections."""
    page = patient_form(name, Answers())

    asked = form(Rater.PATIENT, name)
    assert sorted(question.link_id for question in page.questions) == sorted(item.link_id for item in asked.items)
    assert page.sections[0].heading == "About today's visit"
    assert page.sections[-1].heading == "One last thing"


def test_without_a_visit_no_date_is_named() -> None:
    """A form about no visit in particular does not pretend to know one."""
    page = form_page(
        INSTRUMENT,
        CORE,
        frame=PATIENT_FRAME,
        visit_start=None,
        today=TODAY,
        audience="",
        answers=Answers(),
        key="k",
        version=1,
    )

    html = gallery.TEMPLATES.get_template("form.html").render(
        page=page, nonce="", csrf_token="", base="", asset=str, look="", languages=(), print=None, tablet=None
    )
    assert page.visit_day is None
    assert "How was your visit?" in html


def test_the_visit_is_dated_at_the_site() -> None:
    """A visit late in the evening belongs to that day in the site's time zone, not to the next one in UTC."""
    page: FormPage = form_page(
        INSTRUMENT,
        CORE,
        frame=PATIENT_FRAME,
        visit_start=NOW.replace(day=13, hour=2),
        today=TODAY,
        audience="",
        answers=Answers(),
        key="k",
        version=1,
    )

    assert page.visit_day is not None
    assert page.visit_day.text == "Thu 12 Nov"


def test_the_therapist_is_asked_for_a_guess() -> None:
    """The other rater's form has its own words, and names whose view is guessed."""
    page = therapist_form()

    html = gallery.render("form-therapist")
    assert page.instruction == "Answer as you think your patient would."
    assert page.questions[0].text == "My patient felt at ease with me today."
    assert "How did Thomas see the visit on" in html


def test_the_audience_names_the_therapist_or_says_your_therapist() -> None:
    """Who will see the answers is said even when the therapist's name is not known."""
    named = audience_text(Rater.PATIENT, therapist="Dr. Okafor")
    unnamed = audience_text(Rater.PATIENT, therapist="")

    assert named.startswith("Dr. Okafor will see your answers")
    assert unnamed.startswith("Your therapist will see your answers")
    assert "marked as your guess" in audience_text(Rater.THERAPIST, therapist="Dr. Okafor")
