"""The table views give the rows a health system expects of our own records, whatever else is in its record."""

import re
from collections import Counter
from collections.abc import Iterator
from datetime import date
from itertools import product
from typing import Any

from fhirpathpy import evaluate
from fhirpathpy.models import models

from fhir_alliance.conformance.canonicals import Edition
from fhir_alliance.conformance.contents import choose
from fhir_alliance.conformance.examples import examples
from fhir_alliance.conformance.views import views
from fhir_alliance.instruments.catalogue import installed

Resource = dict[str, Any]
Row = dict[str, Any]

CHOSEN = choose(installed(None), today=date(2026, 11, 24))
EXAMPLES = {each["id"]: each for each in examples(CHOSEN.ready)}
VIEWS = {each["name"]: each for each in views(Edition(version="0.0.0", date="2026-11-24"), CHOSEN.instruments)}


def key_of(reference: Any, kind: Any = None) -> list[str]:
    """Return the id a relative reference names, nothing when it is of another type (SQL on FHIR, getReferenceKey)."""
    found = [each["reference"].split("/") for each in reference]
    return [found_id for resource_type, found_id in found if kind is None or kind.name == resource_type]


ITEM = "QuestionnaireResponse.item"  # an item within an item has the same elements
FUNCTIONS = {
    "getResourceKey": {"fn": lambda found: [each["id"] for each in found], "arity": {0: []}},
    "getReferenceKey": {"fn": key_of, "arity": {0: [], 1: ["TypeSpecifier"]}},
}


def path(node: Any, expression: str, resource_type: str = "") -> list[Any]:
    """Evaluate one path, in a resource or in what a select has walked to."""
    base = {"base": resource_type, "expression": expression} if resource_type else expression
    return evaluate(node, base, {}, models["r4"], {"userInvocationTable": FUNCTIONS})  # type: ignore[no-any-return]


def rows(name: str, resources: Iterator[Resource] | list[Resource]) -> list[Row]:
    """Run a view over resources, as the processing model of SQL on FHIR says."""
    view = VIEWS[name]
    found = [each for each in resources if each["resourceType"] == view["resource"]]
    kept = [each for each in found if all(path(each, where["path"]) == [True] for where in view["where"])]
    return [row for each in kept for row in selected(each, view["select"], view["resource"])]


def selected(node: Any, selects: list[Resource], here: str) -> list[Row]:
    """Return the rows of selects that stand beside each other: every combination of theirs."""
    each_select = [
        [row for item, there in walked(node, select, here) for row in one(item, select, there)] for select in selects
    ]
    return [{key: value for part in parts for key, value in part.items()} for parts in product(*each_select)]


def walked(node: Any, select: Resource, here: str) -> Iterator[tuple[Any, str]]:
    """Yield the nodes a select makes rows of, each with its path in the resource."""
    if "repeat" in select:
        for below in [each for expression in select["repeat"] for each in path(node, expression, here)]:
            yield below, ITEM
            yield from walked(below, select, ITEM)
    elif "forEach" in select:
        there = f"{here}.{select['forEach']}" if select["forEach"].isalpha() else here
        yield from ((each, there) for each in path(node, select["forEach"], here))
    else:
        yield node, here


def one(node: Any, select: Resource, here: str) -> list[Row]:
    """Return the rows of one node: its columns, beside those of the selects within."""
    columns = {column["name"]: path(node, column["path"], here) for column in select.get("column", [])}
    assert all(len(values) <= 1 for values in columns.values()), columns
    row = {name: next(iter(values), None) for name, values in columns.items()}
    return [row | inner for inner in selected(node, select.get("select", []), here)]


def by(found: list[Row], key: str) -> dict[Any, Row]:
    """Return rows by a key that each has for itself."""
    assert len({row[key] for row in found}) == len(found)
    return {row[key]: row for row in found}


def test_one_row_for_each_score() -> None:
    """A score has its number, unit, instrument and the number of answers; a declined one the reason instead."""
    found = by(rows("alliance_score", list(EXAMPLES.values())), "observation_key")

    scores = [each for each in EXAMPLES.values() if each["resourceType"] == "Observation" and "hasMember" not in each]
    assert found.keys() == {each["id"] for each in scores}
    assert found["visit-check-in-therapist-core-core"] == {
        "observation_key": "visit-check-in-therapist-core-core",
        "patient_key": "example-patient",
        "encounter_key": "example-visit",
        "status": "final",
        "effective": "2026-12-01T15:50:00+00:00",
        "issued": "2026-12-01T15:50:00+00:00",
        "instrument": "visit-check-in-1.0.0",
        "score_code": "visit-check-in-therapist-core",
        "value": 5,
        "unit": "score",
        "absent_reason": None,
        "items_answered": 6,
        "response_key": "visit-check-in-therapist-core-response",
    }
    declined = found["gad-7-patient-all-declined-total"]
    assert (declined["value"], declined["absent_reason"], declined["items_answered"]) == (None, "asked-declined", 0)


def test_panels_join_their_scores() -> None:
    """Every score is the member of one panel, found by its key."""
    members = by(rows("alliance_panel_member", list(EXAMPLES.values())), "member_key")

    assert members.keys() == {row["observation_key"] for row in rows("alliance_score", list(EXAMPLES.values()))}
    assert members["phq-4-patient-all-mood"]["panel_key"] == "phq-4-patient-all-panel"
    assert members["phq-4-patient-all-mood"]["panel_code"] == "phq-4"


def test_one_row_for_each_response() -> None:
    """A response says which form it answers, pinned, and whether patient or therapist did."""
    found = by(rows("alliance_response", list(EXAMPLES.values())), "response_key")

    assert found.keys() == {each["id"] for each in EXAMPLES.values() if each["resourceType"] == "QuestionnaireResponse"}
    patient, therapist = (found[f"visit-check-in-{rater}-full-response"] for rater in ("patient", "therapist"))
    assert patient["questionnaire"].endswith("/visit-check-in-patient-full|1.0.0")
    assert (patient["source_patient_key"], patient["source_practitioner_key"]) == ("example-patient", None)
    assert (therapist["source_patient_key"], therapist["source_practitioner_key"]) == (None, "example-therapist")


def test_one_row_for_each_answer() -> None:
    """Answers of all groups and the scores are rows by linkId; a skipped question is one without a value."""
    found = rows("alliance_answer", list(EXAMPLES.values()))

    full = {row["link_id"]: row for row in found if row["response_key"] == "visit-check-in-patient-full-response"}
    declined = [row for row in found if row["response_key"] == "visit-check-in-patient-core-declined-response"]
    assert set(full) == {*map(str, range(1, 13)), "harder", "talk"} | {
        f"score-{scale.name}" for scale in installed(None).instrument("visit-check-in").scales
    }
    assert (full["12"]["value_code"], full["12"]["value_decimal"]) == ("5", None)
    assert (full["score-full"]["value_code"], full["score-full"]["value_decimal"]) == (None, 5)
    assert {row["link_id"] for row in declined} == {*map(str, range(1, 7)), "harder"}
    assert not any(row["answered"] or row["value_code"] for row in declined)
    assert all(count == 1 for count in Counter((row["response_key"], row["link_id"]) for row in found).values())


def test_other_records_give_no_rows() -> None:
    """A survey with foreign codes, our code outside the category, and another form's response are not ours."""
    score, response = EXAMPLES["gad-7-patient-all-total"], EXAMPLES["gad-7-patient-all-response"]
    strangers = [
        {**score, "code": {"coding": [{"system": "http://loinc.org", "code": "70274-6"}]}},
        {**score, "category": score["category"][1:]},
        {**response, "questionnaire": "https://example.invalid/Questionnaire/gad-7|1"},
    ]

    assert [rows(name, strangers) for name in VIEWS] == [[]] * len(VIEWS)


def test_rows_entered_in_error_stay() -> None:
    """What was taken back is still a row, with its status, so that a count can leave it out."""
    taken_back = {**EXAMPLES["gad-7-patient-all-total"], "status": "entered-in-error"}

    (row,) = rows("alliance_score", [taken_back])

    assert row["status"] == "entered-in-error"


# FHIRPath that every runner of shared views knows (SQL on FHIR 2, ShareableViewDefinition).
SHAREABLE = {"where", "exists", "empty", "not", "first", "ofType", "extension", "getResourceKey", "getReferenceKey"}


def test_paths_are_shareable() -> None:
    """Every column has a type and a name that is its own, and no path needs more than each runner has."""
    for view in VIEWS.values():
        columns = list(columns_of(view["select"]))
        names = [column["name"] for column in columns]
        paths = [each["path"] for each in (*columns, *view["where"])]

        assert len(names) == len(set(names))
        assert all(re.fullmatch(r"[a-z][a-z_]*", column["name"]) and column["type"] for column in columns)
        assert set(re.findall(r"(\w+)\(", " ".join(paths))) <= SHAREABLE


def columns_of(selects: list[Resource]) -> Iterator[Resource]:
    """Walk the columns of selects and those within them."""
    for select in selects:
        yield from select.get("column", [])
        yield from columns_of(select.get("select", []))
