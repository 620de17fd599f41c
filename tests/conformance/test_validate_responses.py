"""A response is held against the form it answers (spec rows Q20-Q23)."""

from typing import Any

import pytest

from fhir_alliance.terms import FHIR_EXTENSION

from .validating import ANSWERS, FORM, RESPONSE, JsonObject, Path_, changed, errors, findings, option

ITEMS: Path_ = ("item", 0, "item")
AT = "QuestionnaireResponse.item[0]"
NO = {"valueCoding": {"system": ANSWERS, "code": "no"}}
WHY: JsonObject = {"linkId": "why", "text": "Why not?", "answer": [{"valueString": "Too short"}]}


@pytest.mark.parametrize(
    ("path", "value", "rule", "at"),
    [
        ((*ITEMS, 1, "linkId"), "else", "form-item", f"{AT}.item[1].linkId"),
        (("item", "+"), WHY, "form-place", "QuestionnaireResponse.item[1]"),
        ((*ITEMS, "+"), WHY, "form-disabled", f"{AT}.item[2]"),
        ((*ITEMS, 0, "text"), "Did it help?", "form-text", f"{AT}.item[0].text"),
        ((*ITEMS, 1, "answer"), [{"valueInteger": 7}, {"valueInteger": 8}], "form-repeats", f"{AT}.item[1].answer"),
        ((*ITEMS, 1, "answer"), [{"valueDecimal": 7}], "form-type", f"{AT}.item[1].answer[0]"),
        ((*ITEMS, 1, "answer"), [{"valueInteger": 11}], "form-range", f"{AT}.item[1].answer[0]"),
        ((*ITEMS, 1, "answer"), [{"valueInteger": -1}], "form-range", f"{AT}.item[1].answer[0]"),
        ((*ITEMS, 0, "answer"), [option("maybe")], "form-option", f"{AT}.item[0].answer[0]"),
        (
            (*ITEMS, 0, "answer"),
            [{"valueCoding": {"system": "https://example.org/else", "code": "yes"}}],
            "form-option",
            f"{AT}.item[0].answer[0]",
        ),
        ((*ITEMS, 0, "answer"), [{"valueString": "yes"}], "form-option", f"{AT}.item[0].answer[0]"),
        ((*ITEMS, 0, "answer"), None, "form-required", "QuestionnaireResponse"),
        (("item", 0, "text"), "Yesterday", "form-text", f"{AT}.text"),
        ((*ITEMS, 0), None, "form-required", "QuestionnaireResponse"),
        (
            ("item", 0, "answer"),
            [{"valueString": "x", "item": RESPONSE["item"][0]["item"]}],
            "form-type",
            f"{AT}.answer[0]",
        ),
    ],
)
def test_what_does_not_fit_the_form_is_found(path: Path_, value: object, rule: str, at: str) -> None:
    """Each way in which a response can leave its form is an error at its place."""
    assert (rule, at) in errors(changed(RESPONSE, path, value), FORM)


def answered_no(*more: JsonObject) -> JsonObject:
    """Return a response whose first answer is no, with more items."""
    response = changed(RESPONSE, (*ITEMS, 0, "answer"), [NO])
    for item in more:
        response = changed(response, (*ITEMS, "+"), item)
    return response


def test_an_enabled_item_is_right() -> None:
    """What the answers enable may be there, no longer than allowed."""
    assert errors(answered_no(WHY), FORM) == []
    too_long = changed(WHY, ("answer", 0, "valueString"), "x" * 21)
    assert errors(answered_no(too_long), FORM) == [("form-length", f"{AT}.item[2].answer[0]")]


def test_only_what_is_enabled_is_required() -> None:
    """A required question that nothing enables may be left out; enabled, it may not."""
    form = changed(FORM, ("item", 0, "item", 1, "required"), True)

    assert errors(RESPONSE, form) == []
    assert errors(answered_no(), form) == [("form-required", "QuestionnaireResponse")]


def test_an_unfinished_response_may_lack_answers() -> None:
    """What is required is required of completed responses only."""
    started = changed(changed(RESPONSE, ("status",), "in-progress"), (*ITEMS, 0), None)

    assert errors(started, FORM) == []


def test_an_item_without_answer_is_as_good_as_none() -> None:
    """A skipped question may stand there or not (spec row Q23)."""
    assert errors(changed(RESPONSE, (*ITEMS, 1, "answer"), None), FORM) == []
    assert errors(changed(RESPONSE, (*ITEMS, 1), None), FORM) == []


def test_a_missing_text_is_a_warning() -> None:
    """The text belongs in the response, but some licences keep it out."""
    found = findings(changed(RESPONSE, (*ITEMS, 1, "text"), None), FORM)

    assert [(each.severity, each.rule) for each in found] == [("warning", "form-text")]


def enabled_when(operator: str, **answer: object) -> JsonObject:
    """Return a form whose question "why" depends on another one."""
    question = "choice" if "answerCoding" in answer else "number"
    condition = {"question": question, "operator": operator, **answer}
    return changed(FORM, ("item", 0, "item", 1, "enableWhen"), [condition])


YES: dict[str, Any] = {"answerCoding": {"system": ANSWERS, "code": "yes"}}


@pytest.mark.parametrize(
    ("operator", "answer", "enabled"),
    [
        ("exists", {"answerBoolean": True}, True),
        ("exists", {"answerBoolean": False}, False),
        ("=", {"answerInteger": 7}, True),
        ("=", {"answerInteger": 8}, False),
        ("!=", {"answerInteger": 8}, True),
        ("=", YES, True),
        ("!=", YES, False),
        (">", {"answerInteger": 6}, True),
        (">", {"answerInteger": 7}, False),
        ("<", {"answerInteger": 8}, True),
        (">=", {"answerInteger": 7}, True),
        ("<=", {"answerInteger": 6}, False),
        (">", {"answerString": "6"}, False),
    ],
)
def test_every_operator_enables(operator: str, answer: dict[str, Any], enabled: bool) -> None:
    """The answers, 7 and yes, enable an item or not by each operator of FHIR R4."""
    response = changed(RESPONSE, (*ITEMS, "+"), WHY)

    found = errors(response, enabled_when(operator, **answer))

    assert found == ([] if enabled else [("form-disabled", f"{AT}.item[2]")])


@pytest.mark.parametrize(("behaviour", "enabled"), [("any", True), ("all", False)])
def test_conditions_are_combined_as_the_form_says(behaviour: str, enabled: bool) -> None:
    """One of two conditions holds: enough for `any`, not for `all`."""
    conditions = [{"question": "number", "operator": "=", "answerInteger": wanted} for wanted in (7, 8)]
    form = changed(FORM, ("item", 0, "item", 1, "enableWhen"), conditions)
    form = changed(form, ("item", 0, "item", 1, "enableBehavior"), behaviour)

    found = errors(changed(RESPONSE, (*ITEMS, "+"), WHY), form)

    assert (found == []) is enabled


def test_items_in_a_disabled_group_are_disabled() -> None:
    """A group that the answers disable takes its questions with it."""
    condition = {"question": "number", "operator": "=", "answerInteger": 8}
    form = changed(FORM, ("item", 0, "enableWhen"), [condition])

    found = errors(RESPONSE, form)

    assert found == [("form-disabled", at) for at in (AT, f"{AT}.item[0]", f"{AT}.item[1]")]


def test_a_limit_of_another_type_limits_nothing() -> None:
    """A number is not held against a limit that is a date."""
    limit = [{"url": f"{FHIR_EXTENSION}/minValue", "valueDate": "2026-01-01"}]
    form = changed(FORM, ("item", 0, "item", 2, "extension"), limit)

    assert errors(RESPONSE, form) == []


def test_a_required_group_has_to_be_there() -> None:
    """A group has no answer: it is there, or it is not."""
    form = changed(FORM, ("item", 0, "required"), True)

    assert errors(RESPONSE, form) == []
    assert ("form-required", "QuestionnaireResponse") in errors(changed(RESPONSE, ("item",), None), form)


def test_questions_below_an_answer_are_found() -> None:
    """An item may be nested under an answer, where its form has it below the question."""
    form = changed(FORM, ("item", 0, "item", 2, "item"), [{"linkId": "more", "text": "More?", "type": "string"}])
    more = [{"valueInteger": 7, "item": [{"linkId": "more", "text": "More?", "answer": [{"valueInteger": 1}]}]}]

    found = errors(changed(RESPONSE, (*ITEMS, 1, "answer"), more), form)

    assert found == [("form-type", f"{AT}.item[1].answer[0].item[0].answer[0]")]


def test_a_form_may_be_named_without_its_version() -> None:
    """A response that names no version is held against the form there is, with a warning."""
    response = changed(RESPONSE, ("questionnaire",), FORM["url"])

    found = findings(changed(response, (*ITEMS, 1, "linkId"), "else"), FORM)

    assert [(each.severity, each.rule) for each in found] == [("warning", "pinned"), ("error", "form-item")]


@pytest.mark.parametrize("form", [None, changed(FORM, ("item", 0, "linkId"), None)], ids=["none", "broken"])
def test_without_a_sound_form_that_is_said(form: JsonObject | None) -> None:
    """A response whose form is not there, or is itself broken, is not held against it, and that is said."""
    found = findings(RESPONSE, *([form] if form else []))

    assert [(each.severity, each.rule) for each in found] == [("information", "form")]


def test_a_form_of_the_catalogue_without_words_is_not_known() -> None:
    """Of a form whose words a site brings, the shipped definition is not enough."""
    response = changed(
        RESPONSE, ("questionnaire",), "https://fhir-alliance.org/fhir/Questionnaire/wai-sr-patient-all|1.0.0"
    )

    assert "form" in {each.rule for each in findings(response)}
