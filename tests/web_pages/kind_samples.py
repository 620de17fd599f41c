"""Forms with every kind of question: lines, words, numbers, texts, tables, and questions that depend on others."""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

from course_samples import TODAY
from page_samples import KEY, PATIENT_FRAME

from fhir_alliance.instruments.catalogue import installed, shipped
from fhir_alliance.instruments.definition import Form, Instrument
from fhir_alliance.instruments.items import Condition, Item, Kind, Look, Option, Span, Test
from fhir_alliance.instruments.layout import Group, Note, questions
from fhir_alliance.instruments.words import Rater
from fhir_alliance.scoring.answers import Answers
from smart_app.web.pages import FormPage, ReviewPage, audience_text, form_page, review_page

# Words of our own in place of licensed ones.
LINES = """\
instrument: srs
version: 1.0.0
language: en
provenance: {author: tests, method: original}
copyright: "© the owner, used with permission."
anchors: {minimum: not at all, maximum: completely}
item_anchors:
  "1": {minimum: My question came up short, maximum: My question was heard in full}
sections: {all: Today}
forms: {all: four lines}
raters: {patient: patient}
instructions: {patient: Mark each line where it fits best.}
items:
  "1": {patient: Being heard}
  "2": {patient: What we worked on}
  "3": {patient: How we worked on it}
  "4": {patient: Today as a whole}
licence: {holder: the owner, reference: letter 1, modes: [screen], item_text_in_ehr: false}
"""


def with_words(name: str, pack: str) -> Instrument:
    """Return an instrument of the catalogue with a site's words."""
    with TemporaryDirectory() as folder:
        (Path(folder) / f"{name}.en.yaml").write_text(pack)
        return installed(Path(folder)).instrument(name)


def _choice(link_id: str, count: int, *, look: Look = Look.BUTTONS, scored: bool = True, **more: object) -> Item:
    options = tuple(Option(code=str(code), value=Decimal(code) if scored else None) for code in range(count))
    return Item(link_id=link_id, section="", construct="x", look=look, options=options, **more)  # type: ignore[arg-type]


def _number(link_id: str, high: int, **more: object) -> Item:
    span = Span(minimum=Decimal(0), maximum=Decimal(high), decimals=0)
    return Item(link_id=link_id, section="", construct="", kind=Kind.INTEGER, span=span, **more)  # type: ignore[arg-type]


def _when(question: str, operator: str, value: str) -> tuple[Condition, ...]:
    return (Condition(tests=(Test(question=question, operator=operator, value=value),)),)


YES_NO = tuple(Option(code=code, value=None) for code in ("true", "false"))
LAYOUT = (
    Note(link_id="hello"),
    Group(
        link_id="table",
        parts=tuple(_choice(f"t{number}", 5, look=Look.TABLE, scored=False) for number in (1, 2, 3)),
    ),
    Group(
        link_id="outer",
        parts=(
            _choice("five", 5),
            _choice("seven", 7, required=True),
            Group(
                link_id="inner", parts=(_number("slider", 10, look=Look.SLIDER), _number("key", 40, look=Look.FIELD))
            ),
            Note(link_id="many", conditions=_when("key", ">", "9")),
        ),
    ),
    Group(link_id="far", parts=(Note(link_id="ask", conditions=_when("key", ">", "20")),)),
    Item(link_id="break", section="", construct="", kind=Kind.BOOLEAN, options=YES_NO),
    Item(
        link_id="what / broke",
        section="",
        construct="",
        kind=Kind.TEXT,
        look=Look.FIELD,
        longest=200,
        conditions=_when("break", "=", "true"),
    ),
    _choice("last", 3, scored=False, conditions=_when("what / broke", "exists", "true")),
)
MIXED_FORM = Form(
    instrument_name="mixed",
    version="1.0.0",
    rater=Rater.PATIENT,
    form="all",
    layout=LAYOUT,
    scales=(),
    own_url="https://clinic.example.invalid/Questionnaire/mixed",
)
_BASE = shipped().instrument("gad-7")
MIXED = replace(
    _BASE,
    name="mixed",
    title="Our own questions",
    validated=False,
    items={item.link_id: item for item in questions(LAYOUT)},
    scales=(),
    forms=(MIXED_FORM,),
    wordings={
        "en": replace(
            _BASE.wordings["en"],
            title="Our own questions",
            anchors=("not at all", "very much"),
            item_anchors={"slider": ("calm", "restless")},
            headings={},
            caveat="Supplied by the clinic.",
            copyright="© the clinic",
            sections={"table": "How often", "outer": "How much", "inner": "In numbers", "far": "If it was far"},
            instructions={Rater.PATIENT: "Answer what you like."},
            options={
                "true": "yes",
                "false": "no",
            },
            items={
                link_id: {Rater.PATIENT: text}
                for link_id, text in {
                    "hello": "These are questions of your clinic's own.",
                    "t1": "We agreed on what matters most to me.",
                    "t2": "I left with something to try.",
                    "t3": "We laughed.",
                    "five": "How clear was the plan?",
                    "seven": "How well did the time suit you?",
                    "slider": "How were you when you came?",
                    "key": "How many minutes did you travel?",
                    "many": "That is far. Ask about visits by video.",
                    "ask": "We can look for somebody near you.",
                    "break": "Did anything interrupt the visit?",
                    "what / broke": "What was it?",
                    "last": "How much did it matter?",
                }.items()
            },
        )
    },
)
MIXED_ANSWERS = Answers(
    given={
        "t1": "3",
        "five": "0",
        "slider": "7",
        "key": "25",
        "break": "true",
        "what / broke": "A phone rang.",
        "last": "1",
    },
    skipped=frozenset({"t2"}),
)
SRS = with_words("srs", LINES)


def kind_form(
    instrument: Instrument, answers: Answers, problems: dict[str, str] | None = None, *, passed_on: Sequence[int] = ()
) -> FormPage:
    """Return the patient's form of an instrument; an answer to a question `passed_on` may open an alert."""
    return form_page(
        instrument,
        instrument.forms[0],
        frame=PATIENT_FRAME,
        visit_start=None,
        today=TODAY,
        audience=audience_text(Rater.PATIENT, therapist="Dr. Okafor", passed_on=passed_on),
        answers=answers,
        key=KEY,
        version=3,
        problems=problems,
    )


def kind_review(instrument: Instrument, answers: Answers) -> ReviewPage:
    """Return the answers to an instrument before they are sent."""
    return review_page(
        instrument,
        instrument.forms[0],
        frame=PATIENT_FRAME,
        visit_start=None,
        today=TODAY,
        answers=answers,
        key=KEY,
        version=4,
    )


KIND_PAGES = {
    "form-words": ("form.html", kind_form(shipped().instrument("gad-7"), Answers(given={"2": "several-days"}))),
    "form-alert": ("form.html", kind_form(shipped().instrument("phq-9"), Answers(), passed_on=[9])),
    "form-lines": ("form.html", kind_form(SRS, Answers(given={"2": "6.5"}, skipped=frozenset({"3"})))),
    "form-kinds": ("form.html", kind_form(MIXED, Answers())),
    "form-kinds-filled": ("form.html", kind_form(MIXED, MIXED_ANSWERS, {"key": "Please write a number from 0 to 40."})),
    "review-lines": ("review.html", kind_review(SRS, Answers(given={"1": "0", "2": "6.5"}, skipped=frozenset({"3"})))),
    "review-kinds": ("review.html", kind_review(MIXED, MIXED_ANSWERS)),
}
