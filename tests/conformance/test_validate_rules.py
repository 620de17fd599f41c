"""Each rule of FHIR R4, US Core and SDC finds the resource that breaks it, with its path, and no other."""

import json

import pytest

from fhir_alliance.terms import FHIR_EXTENSION, SDC

from .validating import (
    BUNDLE,
    DEFINITIONS_FOLDER,
    FORM,
    OBSERVATION,
    PROVENANCE,
    RESPONSE,
    JsonObject,
    Path_,
    changed,
    errors,
    findings,
    option,
)

CHOICE: Path_ = ("item", 0, "item", 0)
WHY: Path_ = ("item", 0, "item", 1)
NUMBER: Path_ = ("item", 0, "item", 2)
AT_CHOICE = "Questionnaire.item[0].item[0]"
AT_WHY = "Questionnaire.item[0].item[1]"
AT_NUMBER = "Questionnaire.item[0].item[2]"

ORDINAL = f"{FHIR_EXTENSION}/ordinalValue"
TRANSLATION = f"{FHIR_EXTENSION}/translation"
XHTML = 'xmlns="http://www.w3.org/1999/xhtml"'

Case = tuple[JsonObject, Path_, object, str, str]

DISPLAY = {"linkId": "words", "text": "Thank you", "type": "display"}

STRUCTURE: list[Case] = [
    (OBSERVATION, ("colour",), "red", "structure", "Observation.colour"),
    (FORM, (*CHOICE, "colour"), "red", "structure", f"{AT_CHOICE}.colour"),
    (OBSERVATION, ("code",), None, "structure", "Observation.code"),
    (FORM, (*CHOICE, "linkId"), None, "structure", f"{AT_CHOICE}.linkId"),
    (PROVENANCE, ("agent",), None, "structure", "Provenance.agent"),
    (OBSERVATION, ("category",), {"text": "one"}, "structure", "Observation.category"),
    (OBSERVATION, ("subject",), "Patient/p", "structure", "Observation.subject"),
    (FORM, ("title",), 5, "structure", "Questionnaire.title"),
    (FORM, ("title",), "", "structure", "Questionnaire.title"),
    (FORM, (*CHOICE, "required"), "true", "structure", f"{AT_CHOICE}.required"),
    (OBSERVATION, ("valueQuantity", "value"), "5", "structure", "Observation.valueQuantity.value"),
    (OBSERVATION, ("valueCoding",), {"code": "x"}, "structure", "Observation.valueCoding"),
    (OBSERVATION, ("note",), [], "structure", "Observation.note"),
    (FORM, ("date",), "24.11.2026", "structure", "Questionnaire.date"),
    (OBSERVATION, ("effectiveDateTime",), "2026-11-24T10:00:00", "structure", "Observation.effectiveDateTime"),
    (FORM, ("url",), "has a space", "structure", "Questionnaire.url"),
    (FORM, ("_title",), {"colour": 1}, "structure", "Questionnaire._title.colour"),
    (BUNDLE, ("entry", 0, "resource", "colour"), "red", "structure", "Bundle.entry[0].resource.colour"),
]

ELEMENTS: list[Case] = [
    (OBSERVATION, ("status",), "bogus", "binding", "Observation.status"),
    (FORM, (*NUMBER, "type"), "number", "binding", f"{AT_NUMBER}.type"),
    (OBSERVATION, ("valueQuantity", "comparator"), "~", "binding", "Observation.valueQuantity.comparator"),
    (PROVENANCE, ("entity", 0, "role"), "bogus", "binding", "Provenance.entity[0].role"),
    (BUNDLE, ("entry", 0, "resource", "status"), "bogus", "binding", "Bundle.entry[0].resource.status"),
    (OBSERVATION, ("id",), "has a space", "id", "Observation.id"),
    (OBSERVATION, ("id",), "x" * 65, "id", "Observation.id"),
    (OBSERVATION, ("effectiveDateTime",), "2026-02-30", "date", "Observation.effectiveDateTime"),
    (OBSERVATION, ("issued",), "2026-02-30T10:00:00Z", "date", "Observation.issued"),
    (OBSERVATION, ("encounter",), {}, "ele-1", "Observation.encounter"),
    (OBSERVATION, ("encounter",), {"reference": "Patient/p"}, "reference-target", "Observation.encounter"),
    (
        RESPONSE,
        ("author",),
        {"reference": "https://ehr.example.org/fhir/Location/1/_history/2"},
        "reference-target",
        "QuestionnaireResponse.author",
    ),
    (OBSERVATION, ("encounter",), {"type": "Patient", "display": "P"}, "reference-target", "Observation.encounter"),
    (OBSERVATION, ("encounter",), {"reference": "#inside"}, "ref-1", "Observation.encounter"),
    (OBSERVATION, ("contained",), [{"resourceType": "Device", "id": "d"}], "dom-3", "Observation.contained[0]"),
    (
        FORM,
        (*CHOICE, "answerOption", 0, "extension"),
        [{"url": ORDINAL, "valueString": "1"}],
        "extension",
        f"{AT_CHOICE}.answerOption[0].extension[0].valueString",
    ),
    (
        FORM,
        (*CHOICE, "answerOption", 0, "extension"),
        [{"url": ORDINAL, "id": "a"}],
        "ext-1",
        f"{AT_CHOICE}.answerOption[0].extension[0]",
    ),
    (
        FORM,
        ("extension", "+"),
        {"url": "https://example.org/both", "valueString": "x", "extension": [{"url": "y", "valueString": "y"}]},
        "ext-1",
        "Questionnaire.extension[1]",
    ),
    (
        FORM,
        ("_title",),
        {"extension": [{"url": TRANSLATION, "extension": [{"url": "lang", "valueCode": "de"}]}]},
        "extension",
        "Questionnaire.title.extension[0]",
    ),
    (
        FORM,
        ("_title",),
        {"extension": [{"url": TRANSLATION, "valueString": "Ein Formular"}]},
        "extension",
        "Questionnaire.title.extension[0].valueString",
    ),
    (
        FORM,
        (*CHOICE, "_text", "extension", 0, "extension", "+"),
        {"url": "lang", "valueBoolean": True},
        "extension",
        f"{AT_CHOICE}.text.extension[0].extension[2].valueBoolean",
    ),
    (
        FORM,
        (*CHOICE, "_text", "extension", 0, "extension", 0),
        {"url": "lang", "valueBoolean": True},
        "extension",
        f"{AT_CHOICE}.text.extension[0].extension[0].valueBoolean",
    ),
    (OBSERVATION, ("text",), {"status": "generated", "div": "no markup"}, "txt-1", "Observation.text"),
    (OBSERVATION, ("text",), {"status": "generated", "div": f"<div {XHTML}>x</p>"}, "txt-1", "Observation.text"),
    (OBSERVATION, ("text",), {"status": "generated", "div": "<div>x</div>"}, "txt-1", "Observation.text"),
    (
        OBSERVATION,
        ("text",),
        {"status": "generated", "div": f"<div {XHTML}><script>x</script></div>"},
        "txt-1",
        "Observation.text",
    ),
    (
        OBSERVATION,
        ("text",),
        {"status": "generated", "div": f'<div {XHTML}><b onclick="x()">x</b></div>'},
        "txt-1",
        "Observation.text",
    ),
    (
        OBSERVATION,
        ("text",),
        {"status": "generated", "div": f"<!DOCTYPE a [<!ENTITY b 'c'>]><div {XHTML}>&b;</div>"},
        "txt-1",
        "Observation.text",
    ),
    (OBSERVATION, ("text",), {"status": "generated", "div": f"<div {XHTML}> </div>"}, "txt-2", "Observation.text"),
]

INVARIANTS: list[Case] = [
    (FORM, ("item", 0, "item"), None, "que-1", "Questionnaire.item[0]"),
    (FORM, (*WHY, "linkId"), "choice", "que-2", "Questionnaire"),
    (FORM, WHY, {**DISPLAY, "code": [{"code": "x"}]}, "que-3", AT_WHY),
    (FORM, WHY, {**DISPLAY, "required": True}, "que-6", AT_WHY),
    (FORM, WHY, {**DISPLAY, "readOnly": True}, "que-9", AT_WHY),
    (FORM, WHY, {**DISPLAY, "item": [DISPLAY]}, "que-1", AT_WHY),
    (FORM, (*CHOICE, "type"), "boolean", "que-5", AT_CHOICE),
    (FORM, (*CHOICE, "maxLength"), 5, "que-10", AT_CHOICE),
    (FORM, (*CHOICE, "answerValueSet"), "https://example.org/set|1", "que-4", AT_CHOICE),
    (FORM, (*NUMBER, "enableWhen"), [{"question": "choice", "operator": "exists", "answerString": "x"}], "que-7", ""),
    (FORM, ("item", 0, "initial"), [{"valueString": "x"}], "que-8", "Questionnaire.item[0]"),
    (FORM, (*CHOICE, "initial"), [{"valueString": "x"}], "que-11", AT_CHOICE),
    (
        FORM,
        (*NUMBER, "enableWhen"),
        [{"question": "choice", "operator": "exists", "answerBoolean": True}] * 3,
        "que-12",
        AT_NUMBER,
    ),
    (FORM, (*NUMBER, "initial"), [{"valueInteger": 1}, {"valueInteger": 2}], "que-13", AT_NUMBER),
    (OBSERVATION, ("dataAbsentReason",), {"text": "unknown"}, "obs-6", "Observation"),
    (OBSERVATION, ("component", 0, "code"), OBSERVATION["code"], "obs-7", "Observation"),
    (OBSERVATION, ("referenceRange",), [{"type": {"text": "x"}}], "obs-3", "Observation.referenceRange[0]"),
    (
        OBSERVATION,
        ("valueQuantity",),
        {"value": 1, "code": "{score}"},
        "qty-3",
        "Observation.valueQuantity",
    ),
    (BUNDLE, ("entry", 1, "fullUrl"), BUNDLE["entry"][0]["fullUrl"], "bdl-7", "Bundle"),
    (BUNDLE, ("entry", 1, "request"), None, "bdl-3", "Bundle"),
]

WITHOUT_PARTS = changed(OBSERVATION, ("component",), None)
WITH_EXPRESSION = changed(
    FORM,
    (*NUMBER, "extension", 0),
    {"url": f"{SDC}/sdc-questionnaire-initialExpression", "valueExpression": {"language": "text/fhirpath"}},
)

PROFILES: list[Case] = [
    (OBSERVATION, ("effectiveDateTime",), "2026-11", "us-core-1", "Observation.effectiveDateTime"),
    (WITHOUT_PARTS, ("valueQuantity",), None, "us-core-2", "Observation"),
    (OBSERVATION, ("valueQuantity", "system"), "https://example.org", "us-core-3", "Observation.valueQuantity"),
    (OBSERVATION, ("category",), [{"text": "survey"}], "us-core-survey", "Observation.category"),
    (OBSERVATION, ("subject",), None, "us-core-subject", "Observation.subject"),
    (OBSERVATION, ("subject",), {"reference": "Group/g"}, "us-core-subject", "Observation.subject"),
    (FORM, ("extension",), None, "sdc-2", "Questionnaire"),
    (FORM, ("url",), "https://example.org/a#b", "sdc-url", "Questionnaire.url"),
    (FORM, (*WHY, "linkId"), "x" * 256, "que-15", f"{AT_WHY}.linkId"),
    (
        FORM,
        (*CHOICE, "answerOption", 0, "valueCoding"),
        {"code": "yes"},
        "sdc-coding",
        f"{AT_CHOICE}.answerOption[0].valueCoding",
    ),
    (
        FORM,
        (*CHOICE, "extension"),
        [{"url": f"{SDC}/sdc-questionnaire-answerExpression", "valueExpression": {"language": "text/fhirpath"}}],
        "sdc-1",
        AT_CHOICE,
    ),
    (
        FORM,
        (*WHY, "extension"),
        [{"url": f"{SDC}/sdc-questionnaire-enableWhenExpression", "valueExpression": {"language": "text/fhirpath"}}],
        "sdc-behave-2",
        AT_WHY,
    ),
    (FORM, (*NUMBER, "extension", 0, "valueInteger"), 11, "sdc-behave-range", AT_NUMBER),
    (WITH_EXPRESSION, (*NUMBER, "initial"), [{"valueInteger": 1}], "sdc-behave-1", AT_NUMBER),
    (
        FORM,
        (*CHOICE, "extension"),
        [{"url": f"{FHIR_EXTENSION}/minValue", "valueInteger": 0}],
        "sdc-behave-options",
        AT_CHOICE,
    ),
    (RESPONSE, ("questionnaire",), None, "us-core-questionnaire", "QuestionnaireResponse.questionnaire"),
    (RESPONSE, ("authored",), None, "us-core-authored", "QuestionnaireResponse.authored"),
    (RESPONSE, ("authored",), None, "min", "QuestionnaireResponse.authored"),
    (RESPONSE, ("item", 0, "item", "+"), RESPONSE["item"][0]["item"][1], "qrs-2", "QuestionnaireResponse"),
    (
        RESPONSE,
        ("item", 0, "answer"),
        [{"valueString": "x"}],
        "qrs-1",
        "QuestionnaireResponse.item[0]",
    ),
]


@pytest.mark.parametrize(
    "resource", [FORM, RESPONSE, OBSERVATION, PROVENANCE, BUNDLE], ids=lambda each: each["resourceType"]
)
def test_a_valid_resource_has_no_error(resource: JsonObject) -> None:
    """What is right is found right: no rule is stricter than its source."""
    assert errors(resource, FORM) == []


@pytest.mark.parametrize(
    "case", STRUCTURE + ELEMENTS + INVARIANTS + PROFILES, ids=lambda case: f"{case[3]}-{case[1][-1]}"
)
def test_a_broken_resource_is_found(case: Case) -> None:
    """One change breaks one rule: it is named with its path."""
    resource, path, value, rule, at = case

    found = errors(changed(resource, path, value), FORM)

    assert rule in [name for name, _ in found]
    assert not at or (rule, at) in found


@pytest.mark.parametrize("case", ELEMENTS, ids=lambda case: f"{case[3]}-{case[1][-1]}")
def test_an_element_rule_finds_one_thing(case: Case) -> None:
    """A broken element gives one error and not a cascade of them."""
    resource, path, value, _, _ = case

    assert len(errors(changed(resource, path, value), FORM)) == 1


SIBLINGS = [
    {"resourceType": "Device", "id": "d", "parent": {"reference": "#whole"}},
    {"resourceType": "Device", "id": "whole", "parent": {"reference": "#"}},
]


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("text",), {"status": "generated", "div": f"<div {XHTML}>Score: <b>7.5</b><!-- a comment --></div>"}),
        (("text",), {"status": "generated", "div": f'<div {XHTML}><img src="#picture" alt="" /></div>'}),
        (("meta",), {"profile": [None], "_profile": [{"extension": [{"url": "https://e.org/x", "valueString": "x"}]}]}),
        (("contained",), [{"resourceType": "Device", "id": "d", "parent": {"reference": "#"}}]),
        (("contained",), [{"resourceType": "Device", "id": "d"}]),
        (("contained",), SIBLINGS),
        (("subject",), {"reference": "https://ehr.example.org/fhir/Patient/p"}),
        (("subject",), {"type": "Patient", "display": "P"}),
        (("_status",), {"extension": [{"url": "https://example.org/x", "valueString": "x"}]}),
    ],
)
def test_what_is_unusual_and_right(path: Path_, value: object) -> None:
    """What FHIR allows is no error, though it is seldom seen."""
    device = {"device": {"reference": "#d"}} if path == ("contained",) else {}

    assert errors({**changed(OBSERVATION, path, value), **device}) == []


def test_what_hl7_publishes_is_valid() -> None:
    """The definitions of FHIR's own types, one in six, are FHIR resources without an error."""
    published = json.loads((DEFINITIONS_FOLDER / "profiles-types.json").read_bytes())

    found = {each["fullUrl"]: errors(each["resource"]) for each in published["entry"][::6]}

    assert len(found) > 5
    assert {url: faults for url, faults in found.items() if faults} == {}


def test_a_broken_format_is_told_once() -> None:
    """A day that does not exist and that no format allows is one fault, not two."""
    assert errors(changed(FORM, ("date",), "2026-13-40")) == [("structure", "Questionnaire.date")]


def test_rules_wait_for_the_structure() -> None:
    """With a broken structure the rules of that resource are not guessed at, and that is said; others are checked."""
    broken = changed(BUNDLE, ("entry", 0, "resource", "colour"), "red")
    broken = changed(broken, ("entry", 1, "resource", "entity", 0, "what"), {"reference": "#gone"})

    found = {(each.rule, each.path) for each in findings(broken)}

    assert ("rules", "Bundle.entry[0].resource") in found
    assert ("ref-1", "Bundle.entry[1].resource.entity[0].what") in found


@pytest.mark.parametrize(
    ("resource", "path", "value", "rule"),
    [
        (FORM, (*CHOICE, "answerOption"), [option("yes")], "sdc-behave-choice"),
        (FORM, ("name",), "not a name", "que-0"),
        (changed(RESPONSE, ("meta", "profile"), RESPONSE["meta"]["profile"][1:]), ("subject",), None, "sdcqr-1"),
    ],
)
def test_what_is_odd_is_a_warning(resource: JsonObject, path: Path_, value: object, rule: str) -> None:
    """What should be otherwise and may be so is a warning."""
    found = findings(changed(resource, path, value), FORM)

    assert [(each.severity, each.rule) for each in found] == [("warning", rule)]


@pytest.mark.parametrize("kind", ["Observaton", None, 5])
def test_an_unknown_type_is_an_error(kind: object) -> None:
    """A misspelt or missing resourceType is told."""
    assert errors({"resourceType": kind})[0][0] == "type"


def test_a_type_of_another_standard_is_not_checked() -> None:
    """A ViewDefinition is real, only not of FHIR R4."""
    (found,) = findings({"resourceType": "ViewDefinition"})

    assert (found.severity, found.rule) == ("information", "type")


def test_an_expression_that_cannot_be_evaluated_is_told() -> None:
    """A rule the engine cannot run is reported as not checked, never as kept."""
    team = {"resourceType": "CareTeam", "participant": [{"onBehalfOf": {"display": "x"}, "member": {"display": "y"}}]}

    found = findings(team)

    assert [(each.severity, each.rule) for each in found] == [("information", "ctm-1")]
