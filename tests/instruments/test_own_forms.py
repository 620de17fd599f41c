"""A site's own Questionnaire becomes an instrument, or is refused with its file, the place in it and the reason."""

import hashlib
import json
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from fhir_alliance.instruments.catalogue import Catalogue, installed
from fhir_alliance.instruments.definition import Instrument
from fhir_alliance.instruments.items import Kind, Look
from fhir_alliance.instruments.layout import Computed, Group, Note
from fhir_alliance.instruments.questionnaire import build_questionnaire, form_title
from fhir_alliance.instruments.readiness import State, readiness
from fhir_alliance.instruments.words import Rater
from fhir_alliance.scoring.answers import asked_only
from smart_app.web.pages.questions import look_of

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
FAULTY = Path(__file__).parent / "site_forms"
FAULTS = {
    "bound-as-text": "item[2] (n): http://hl7.org/fhir/StructureDefinition/minValue is no number",
    "half-a-place": "maxDecimalPlaces is no whole number",
    "integer-as-text": "item[2].answerOption[0].valueInteger (n): is no integer",
    "nothing": "item: has no questions",
    "when-text-for-boolean": "item[3].enableWhen[0] (n): answerBoolean is no answer to a",
    "Big Name": "the name of the file is the name of the form: use lower-case letters",
    "boolean-as-text": "item[0].required (mood): is no boolean",
    "coding-type": "item[2].type (old): questions of the type coding are not supported",
    "constraint": "questionnaire-constraint is not supported, and may not be ignored",
    "cut-off": "not JSON",
    "date": "item[2].type (born): questions of the type date are not supported",
    "date-option": "item[2].answerOption[0] (when): is none of valueCoding, valueInteger, valueString",
    "deep": "nested too deeply",
    "display-with-code": "item[2] (says): is a text, which has no items (que-1) and no code (que-3)",
    "display-with-items": "item[2] (says): is a text, which has no items (que-1)",
    "empty-group": "item[2] (nothing): is a group without items (que-1)",
    "enable-when-expression": "enableWhenExpression is not supported, and may not be ignored",
    "expression-bare-path": "item[1].extension[1] (total): the expression cannot be used: item at 1 starts a path",
    "expression-broken": "the expression cannot be used: it ends too early",
    "expression-cql": "the language of an expression must be text/fhirpath",
    "expression-slow-pattern": "the pattern '(a+)+'",
    "expression-trace": "trace() at 11 is not available here",
    "expression-unknown-variable": "%patient at 1 is not known here",
    "form-without-code": "code: needs a code with a system",
    "free-text": "item[2] (say): asks for a free text (text), which this site has not switched on",
    "hidden-question": "item[2] (n): is hidden, which only a score can be",
    "initial": "item[2].initial (n): has an answer from the start",
    "key-twice": "a key occurs twice",
    "list": "resourceType: is not Questionnaire",
    "long-link-id": "is longer than 255 characters",
    "long-text": "item[0].text: is longer than 8192 characters",
    "many-decimals": "item[2] (n): maxDecimalPlaces is not 0 to 4",
    "many-questions": "item: asks more than 90 questions",
    "modifier": "item[2]: the modifier extension",
    "no-items": "item: asks no question",
    "no-text": "item[0].text (mood): has no text",
    "no-url": "url: is missing",
    "no-version": "version: is missing",
    "not-a-number": "not JSON",
    "not-utf-8": "the file is not UTF-8",
    "null": "item[0].prefix: null stands for no value",
    "one-code-for-two": "code: two of the form and its scores have one code",
    "one-option": "item[2] (one): has fewer than two options",
    "open-choice": "questions of the type open-choice are not supported",
    "options-and-set": "item[0] (mood): has answerOption and answerValueSet (que-4)",
    "options-on-boolean": "item[2] (n): has options, which only a choice has",
    "other-resource": "resourceType: is not Questionnaire",
    "other-subject": "subjectType: must be Patient",
    "our-option": "is of a code system of FHIR Alliance",
    "our-score": "item[1].code[0].system (total): is of a code system of FHIR Alliance",
    "our-url": "url: is one of FHIR Alliance's own",
    "quantity": "questions of the type quantity are not supported",
    "question-in-question": "item[2].item[0] (m): is inside a question",
    "range-is-text": "minValue has no valueDecimal or valueInteger",
    "range-upside-down": "minValue is not below maxValue (Q07)",
    "read-only": "item[2].readOnly (n): nobody could answer it",
    "repeats": "item[2].repeats (n): more than one answer",
    "same-code-twice": "item[2] (same): has two options with one code",
    "score-half-a-range": "needs both minValue and maxValue",
    "score-in-conditional-group": "is calculated in a group with a condition",
    "score-is-text": "item[1].type (total): is calculated, but neither decimal nor integer",
    "score-many-decimals": "a score has at most 4 decimal places",
    "score-shown": "is calculated and not hidden",
    "score-two-expressions": "has two calculatedExpression",
    "score-with-condition": "item[1].enableWhen (total): is calculated and has a condition",
    "score-without-code": "item[1].code (total): needs a code with a system",
    "selected": "item[2].answerOption[0] (set): is selected from the start",
    "slider-step": "a slider's step can only be 1",
    "slider-without-ends": "is a slider without minValue and maxValue",
    "status-unknown": "status: is none of draft, active, retired",
    "twice": "item: the linkId 'mood' occurs 2 times (que-2)",
    "uncoded-option": "item[2].answerOption[0].valueCoding (w): needs a code and a system",
    "unknown-element": "item[0].wording: Extra inputs are not permitted",
    "url-with-version": "url: is no address such as",
    "version-with-signs": "version: has other signs than letters",
    "value-set-elsewhere": "item[2] (set): has an answerValueSet that is not contained",
    "variable-later": "%b at 1 is not known here",
    "variable-name": "extension[0]: 'resource' cannot be the name of a variable",
    "weighted-word": "item[2].answerOption[0] (w): has a weight",
    "when-circle": "item: a is asked only because of itself",
    "when-circle-in-group": "item: inside is asked only because of itself",
    "when-exists-code": "item[2].enableWhen[0] (n): the operator exists needs an answerBoolean (que-7)",
    "when-no-behaviour": "item[2] (n): has several enableWhen and no enableBehavior (que-12)",
    "when-no-option": "item[2].enableWhen[0] (n): answerCoding is no answer to mood",
    "when-operator": "item[2].enableWhen[0] (n): '~' is no operator",
    "when-order-of-codes": "item[2].enableWhen[0] (n): > compares numbers only",
    "when-other-type": "item[4].enableWhen[0] (l): answerString is no answer to k",
    "when-score": "item[2].enableWhen[0] (n): 'total' is no question of the form",
    "when-unknown": "item[2].enableWhen[0] (n): 'nowhere' is no question of the form",
    "wrong-shape": "item: Input should be a valid list",
}
ALL_FAULTY = installed(None, own_forms=FAULTY)
EXAMPLE = installed(None, own_forms=EXAMPLES).instrument("session-feedback")
Put = Callable[..., Catalogue]


@pytest.fixture
def put(tmp_path: Path) -> Put:
    """Install forms by their name, and return the catalogue."""

    def install(*, free_text: str = "", **forms: dict[str, Any]) -> Catalogue:
        folder = tmp_path / "forms"
        folder.mkdir(exist_ok=True)
        for name, form in forms.items():
            (folder / f"{name}.json").write_text(json.dumps(form), "utf-8")
        return installed(None, own_forms=folder, free_text=free_text)

    return install


def example() -> dict[str, Any]:
    """Return the example as a site would edit it."""
    form: dict[str, Any] = json.loads((EXAMPLES / "session-feedback.json").read_text("utf-8"))
    return form


@pytest.mark.parametrize("path", sorted(FAULTY.iterdir()), ids=lambda path: path.stem)
def test_faulty_form(path: Path) -> None:
    """Each faulty file is refused, naming it, the place and the reason."""
    own = [fault for fault in ALL_FAULTY.faults if fault.startswith(f"site_forms/{path.name}:")]

    assert any(FAULTS[path.stem] in fault for fault in own), own


def test_rest_still_works() -> None:
    """However many forms are faulty, what ships is there."""
    assert ALL_FAULTY.instruments == installed(None).instruments


def test_example_has_no_faults() -> None:
    """The form of the documentation can be used as it is, and nothing of it is ignored."""
    catalogue = installed(None, own_forms=EXAMPLES)

    assert catalogue.faults == ()
    assert catalogue.remarks == ()
    assert readiness(EXAMPLE, today=date(2026, 11, 24)).state is State.READY


def test_example_is_an_instrument() -> None:
    """Every part of the file has its place: texts, table, slider, conditions, scores where they stand."""
    form = EXAMPLE.forms[0]
    kinds = {item.link_id: (item.kind, item.look) for item in form.items}

    assert form.canonical == "https://clinic.example.org/fhir/Questionnaire/session-feedback|1.0.0"
    assert [type(part) for part in form.layout] == [Note, Group, Group, Group, Computed, Computed]
    assert kinds["heard"] == (Kind.CHOICE, Look.TABLE)
    assert kinds["hope"] == (Kind.INTEGER, Look.SLIDER)
    assert kinds["practice"] == (Kind.DECIMAL, Look.FIELD)
    assert kinds["interrupted"] == (Kind.BOOLEAN, Look.BUTTONS)
    assert form.by_link_id["about"].required
    assert EXAMPLE.wordings["en"].anchors_of("hope") == ("not hopeful", "very hopeful")
    assert EXAMPLE.code(Rater.PATIENT, "overall") == "session-feedback-overall"
    assert EXAMPLE.display(Rater.PATIENT) == "Session feedback"
    assert form_title(EXAMPLE.wordings["en"], form) == "Session feedback"
    assert "not checked by FHIR Alliance" in EXAMPLE.wordings["en"].caveat


@pytest.mark.parametrize(
    ("given", "asked"),
    [
        ({}, set()),
        ({"interrupted": "false"}, set()),
        ({"interrupted": "true"}, {"about", "minutes"}),
        ({"interrupted": "true", "minutes": "30"}, {"about", "minutes", "thanks"}),
        ({"interrupted": "true", "about": "between"}, {"about", "minutes", "thanks"}),
        ({"interrupted": "true", "about": "room", "minutes": "29"}, {"about", "minutes"}),
        ({"interrupted": "false", "about": "between"}, set()),
    ],
)
def test_conditions_of_groups_hold_inside(given: dict[str, str], asked: set[str]) -> None:
    """What is in a group is asked only when the group is, and its own condition holds as well."""
    [group] = [part for part in EXAMPLE.forms[0].layout if isinstance(part, Group) and part.link_id == "trouble"]
    kept = asked_only(EXAMPLE.forms[0], given)

    found = {part.link_id for part in group.parts if all(each.holds(kept) for each in part.conditions)}  # type: ignore[union-attr]

    assert found == asked


def test_file_is_pinned_and_published_unchanged() -> None:
    """The digest is that of the file, and what is published is what is in it."""
    data = (EXAMPLES / "session-feedback.json").read_bytes()

    assert EXAMPLE.digest == hashlib.sha256(data).hexdigest()
    assert EXAMPLE.digest in EXAMPLE.source
    assert build_questionnaire(EXAMPLE, EXAMPLE.forms[0]) == json.loads(data)


def test_free_text_when_switched_on(put: Put) -> None:
    """A site that has switched free text on may ask for it, up to a length."""
    form = example()
    form["item"][2]["item"] += [
        {"linkId": "more", "text": "Anything else?", "type": "text"},
        {"linkId": "word", "text": "In one word?", "type": "string", "maxLength": 20},
    ]

    instrument = put(own=form, free_text="What you write is read by the front desk.").instrument("own")

    items = instrument.items
    assert instrument.wordings["en"].instructions[Rater.PATIENT] == "What you write is read by the front desk."
    assert EXAMPLE.wordings["en"].instructions[Rater.PATIENT] == ""
    assert (items["more"].kind, items["more"].longest) == (Kind.TEXT, 1000)
    assert items["word"].longest == 20


@pytest.mark.parametrize(("status", "state"), [("draft", State.DRAFT), ("retired", State.RETIRED)])
def test_not_ready(put: Put, status: str, state: State) -> None:
    """A draft and a retired form are installed, and may not be used; the reason is said."""
    instrument = put(own={**example(), "status": status}).instrument("own")

    found = readiness(instrument, today=date(2026, 11, 24))

    assert found.state is state
    assert found.reason


def test_self_harm_item_needs_alerts(put: Put) -> None:
    """A form with the PHQ-9's item on self-harm is not asked where nobody would act on the answer (S4)."""
    form = example()
    form["item"][1]["item"][0]["code"] = [{"system": "http://loinc.org", "code": "44260-8"}]

    instrument = put(own=form).instrument("own")

    assert instrument.alert_items == ("heard",)
    assert readiness(instrument, today=date(2026, 11, 24)).state is State.NEEDS_ALERT_WORKFLOW


def test_what_is_ignored_is_said(put: Put) -> None:
    """Extensions that are not used are named once, extraction among them: the scores are written by us alone."""
    form = example()
    extract = "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-questionnaire-observationExtract"
    for item in form["item"][-2:]:
        item["extension"].append({"url": extract, "valueBoolean": True})
    xhtml = "http://hl7.org/fhir/StructureDefinition/rendering-xhtml"
    form["_title"] = {"extension": [{"url": xhtml, "valueString": "<b>x</b>"}]}
    form["item"][1]["item"][0]["answerOption"][0]["valueCoding"]["display"] = "never"

    catalogue = put(own=form)

    assert catalogue.faults == ()
    assert catalogue.remarks == (
        f"forms/own.json: Questionnaire: the extension {xhtml} is ignored (1×)",
        f"forms/own.json: Questionnaire: the extension {extract} is ignored (2×)",
        "forms/own.json: item[1] (together): is no table, because its questions have not all the same options",
    )
    assert catalogue.instrument("own").title == "Session feedback"


def test_same_code_with_other_words(put: Put) -> None:
    """Where one code means two things, and where it is a word of the page's own, answers tell them apart."""
    form = example()
    choice = {
        "type": "choice",
        "answerOption": [
            {"valueCoding": {"system": "https://clinic.example.org/x", "code": "fully", "display": "all of it"}},
            {"valueCoding": {"system": "https://clinic.example.org/x", "code": "skip", "display": "none"}},
        ],
    }
    form["item"].append({"linkId": "extra", "text": "How much?", **choice})

    instrument = put(own=form).instrument("own")

    words = instrument.wordings["en"]
    assert [option.code for option in instrument.items["extra"].options] == ["extra: fully", "extra: skip"]
    assert words.option("extra: fully") == "all of it"
    assert words.option("heard: fully") == "fully"


def test_contained_value_sets(put: Put) -> None:
    """Options may stand in a value set that the form contains and that lists them."""
    form = example()
    system = "https://clinic.example.org/colours"
    form["contained"] = [
        {
            "resourceType": "ValueSet",
            "id": "listed",
            "status": "active",
            "compose": {"include": [{"system": system, "concept": [{"code": "r", "display": "red"}, {"code": "g"}]}]},
        },
        {
            "resourceType": "ValueSet",
            "id": "expanded",
            "status": "active",
            "expansion": {
                "timestamp": "2026-11-24",
                "contains": [{"system": system, "code": "r", "display": "red"}, {"system": system, "code": "b"}],
            },
        },
        {
            "resourceType": "ValueSet",
            "id": "whole",
            "status": "active",
            "compose": {"include": [{"system": system}]},
        },
    ]
    for name in ("listed", "expanded"):
        form["item"].append({"linkId": name, "text": "Which?", "type": "choice", "answerValueSet": f"#{name}"})

    instrument = put(own=form).instrument("own")
    form["item"].append({"linkId": "whole", "text": "Which?", "type": "choice", "answerValueSet": "#whole"})
    faults = put(own=form).faults

    assert [option.code for option in instrument.items["listed"].options] == ["r", "g"]
    assert [option.code for option in instrument.items["expanded"].options] == ["r", "b"]
    assert instrument.items["listed"].options[0].own == {
        "valueCoding": {"system": system, "code": "r", "display": "red"}
    }
    assert any("does not list its codes" in fault for fault in faults)


def test_numbers_and_words_as_options(put: Put) -> None:
    """Options that are integers count themselves, those that are texts nothing."""
    form = example()
    form["item"] += [
        {
            "linkId": "n",
            "text": "How many?",
            "type": "choice",
            "answerOption": [{"valueInteger": 0}, {"valueInteger": 5}],
        },
        {
            "linkId": "w",
            "text": "Which?",
            "type": "choice",
            "answerOption": [{"valueString": "a"}, {"valueString": "b"}],
        },
    ]

    instrument = put(own=form).instrument("own")

    items = instrument.items
    assert [(option.code, option.value, option.own) for option in items["n"].options] == [
        ("0", Decimal(0), {"valueInteger": 0}),
        ("5", Decimal(5), {"valueInteger": 5}),
    ]
    assert [option.value for option in items["w"].options] == [None, None]
    assert look_of(items["n"], instrument.wordings["en"]) == "points"
    assert look_of(items["w"], instrument.wordings["en"]) == "words"


def test_conditions_on_plain_options(put: Put) -> None:
    """A condition may be on an option that is a number or a text, and on a text that was written."""
    form = example()
    plain = [{"valueString": "a"}, {"valueString": "b"}]
    form["item"] += [
        {"linkId": "w", "text": "Which?", "type": "choice", "answerOption": plain},
        {"linkId": "t", "text": "Which?", "type": "string"},
        {
            "linkId": "then",
            "text": "Why?",
            "type": "boolean",
            "enableBehavior": "all",
            "enableWhen": [
                {"question": "w", "operator": "!=", "answerString": "a"},
                {"question": "t", "operator": "=", "answerString": "yes"},
                {"question": "practice", "operator": ">", "answerDecimal": 1.5},
                {"question": "practice", "operator": "<=", "answerInteger": 3},
            ],
        },
    ]

    then = put(own=form, free_text="Read by the clinic.").instrument("own").items["then"]

    assert then.is_asked({"w": "b", "t": "yes", "practice": "3.0"})
    assert not then.is_asked({"w": "b", "t": "yes", "practice": "1.5"})
    assert not then.is_asked({"w": "a", "t": "yes", "practice": "2"})


def test_numbers_without_bounds(put: Put) -> None:
    """A number is bounded also where its form does not say how; a slider by whole steps takes whole numbers."""
    form = example()
    form["item"][2]["item"][0]["type"] = "decimal"
    form["item"][2]["item"][0]["extension"].append(
        {"url": "http://hl7.org/fhir/StructureDefinition/questionnaire-sliderStepValue", "valueInteger": 1}
    )
    form["item"].append({"linkId": "n", "text": "How many?", "type": "integer"})

    catalogue = put(own=form)

    items = catalogue.instrument("own").items
    assert [remark for remark in catalogue.remarks if "item[6] (n): does not say minValue" in remark]
    assert items["n"].accepts("-999999")
    assert not items["n"].accepts("1000000")
    assert not items["n"].accepts("0.5")
    assert not items["hope"].accepts("0.5")


def test_texts_of_a_question_follow_it(put: Put) -> None:
    """A help text inside a question stands after it, under its conditions."""
    form = example()
    form["item"][3]["item"][1]["item"] = [{"linkId": "help", "text": "Roughly is fine.", "type": "display"}]

    layout = put(own=form).instrument("own").forms[0].layout

    group = layout[3]
    assert isinstance(group, Group)
    note = group.parts[2]
    assert isinstance(note, Note)
    assert note.conditions == group.parts[1].conditions  # type: ignore[union-attr]


def test_critical_extension_that_is_honoured(put: Put) -> None:
    """A form may say that an extension must be understood, when it is."""
    form = example()
    form["modifierExtension"] = [
        {
            "url": "http://hl7.org/fhir/uv/sdc/StructureDefinition/sdc-rendering-criticalExtension",
            "valueUri": "http://hl7.org/fhir/StructureDefinition/questionnaire-itemControl",
        }
    ]

    assert put(own=form).faults == ()


def test_one_form_in_two_files(put: Put) -> None:
    """A version that two files give is taken from the first, and the second is told."""
    form = example()

    catalogue = put(first=form, second={**form, "title": "Other"})

    assert [each.name for each in catalogue.instruments if each.own] == ["first"]
    assert catalogue.faults == (f"forms/second.json: {form['url']}|1.0.0 is already in first.json",)


def test_two_versions(put: Put) -> None:
    """Two versions of one form stand side by side, so that older answers can still be read."""
    form = example()

    catalogue = put(now={**form, "version": "2026-11"}, before=form)

    assert catalogue.of_form(f"{form['url']}|1.0.0")[0].name == "before"
    assert catalogue.instrument("now").version == "2026-11"


def test_shipped_names_stay(put: Put) -> None:
    """A file with the name of an instrument that ships is refused."""
    catalogue = put(**{"gad-7": example()})

    assert catalogue.faults == ("forms/gad-7.json: gad-7 is an instrument that ships: give the file another name",)


def test_large_file_and_broken_link(tmp_path: Path) -> None:
    """A file that is too large, or none, is refused unread; what is no JSON is not looked at."""
    folder = tmp_path / "forms"
    folder.mkdir()
    with (folder / "large.json").open("wb") as file:
        file.truncate(50 * 1024 * 1024)
    (folder / "nowhere.json").symlink_to(folder / "missing")
    (folder / "notes.txt").write_text("x")

    faults = installed(None, own_forms=folder).faults

    assert len(faults) == 2
    assert "large.json:1: the file is larger than" in faults[0]
    assert "nowhere.json:1: is no file" in faults[1]


def test_language(put: Put) -> None:
    """The language is the form's own, without its region."""
    assert list(put(own={**example(), "language": "de-AT"}).instrument("own").wordings) == ["de"]


def test_every_answer_is_one(check_in: Instrument) -> None:
    """The options of a form tell apart whatever they can be told by: each code is accepted by its own question."""
    for item in EXAMPLE.items.values():
        assert all(item.accepts(option.code) for option in item.options)
