"""The published Questionnaire is what R4 and SDC ask for."""

from collections.abc import Iterator
from typing import Any

import pytest
from fhir.resources.R4B.questionnaire import Questionnaire

from fhir_alliance.instruments.catalogue import shipped
from fhir_alliance.instruments.definition import Form, Instrument
from fhir_alliance.instruments.questionnaire import build_questionnaire

CHECK_IN = shipped().instrument("visit-check-in")
FORMS = pytest.mark.parametrize("form", CHECK_IN.forms, ids=lambda form: form.name)
ORDINAL = "http://hl7.org/fhir/StructureDefinition/ordinalValue"


def items_of(resource: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Walk all items."""
    for item in resource.get("item", []):
        yield item
        yield from items_of(item)


@FORMS
def test_passes_the_model(form: Form) -> None:
    """Each form has the shape that FHIR gives a Questionnaire."""
    assert Questionnaire.model_validate(build_questionnaire(CHECK_IN, form)).url == form.url


@FORMS
def test_r4_rules(form: Form) -> None:
    """Groups hold items, linkIds occur once, only R4 types are used, no option is preset (que-1, que-2, que-11)."""
    items = list(items_of(build_questionnaire(CHECK_IN, form)))

    assert len({item["linkId"] for item in items}) == len(items)
    assert {item["type"] for item in items} == {"group", "choice", "decimal"}
    assert all(("item" in item) == (item["type"] == "group") for item in items)
    assert not any("initial" in item or "initialSelected" in str(item) for item in items)


@FORMS
def test_weights_stand_on_the_option_and_in_its_coding(form: Form) -> None:
    """Renderers look in either place for an option's number, so both hold the same."""
    items = [item for item in items_of(build_questionnaire(CHECK_IN, form)) if item["linkId"].isdigit()]

    for item in items:
        for value, option in enumerate(item["answerOption"]):
            weight = {"url": ORDINAL, "valueDecimal": value}
            assert option["extension"] == [weight]
            assert option["valueCoding"]["extension"] == [weight]


def test_unvalidated_is_said(check_in: Instrument) -> None:
    """The Questionnaire says that it is experimental and unvalidated, and carries its licence."""
    resource = build_questionnaire(check_in, check_in.forms[0])

    assert resource["experimental"] is True
    assert resource["description"].startswith("Unvalidated")
    assert "CC BY 4.0" in resource["copyright"]


def test_talk_is_asked_only_when_something_was_harder(check_in: Instrument) -> None:
    """The second closing question depends on the first."""
    talk = next(item for item in items_of(build_questionnaire(check_in, check_in.forms[0])) if item["linkId"] == "talk")

    assert talk["enableBehavior"] == "any"
    assert [when["answerCoding"]["code"] for when in talk["enableWhen"]] == ["a-little", "yes"]


def test_no_extraction_instructions(check_in: Instrument) -> None:
    """Another form filler must not write the scores a second time."""
    assert "extract" not in str(build_questionnaire(check_in, check_in.forms[0])).lower()
