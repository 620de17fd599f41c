"""A shape that the models have accepted is not shown to them again, and nothing else gets past them."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from fhir_alliance.errors import InvalidResource
from fhir_alliance.records import shapes
from fhir_alliance.records.bundle import write_bundle
from fhir_alliance.records.shapes import check_own_shape
from fhir_alliance.records.submission import Submission

Make = Callable[..., Submission]


def unknown_element(response: dict[str, Any]) -> None:
    """Add what no response has."""
    response["colour"] = "red"


def words_for_a_moment(response: dict[str, Any]) -> None:
    """Say in words when it was."""
    response["authored"] = "this morning"


def date_without_zone(response: dict[str, Any]) -> None:
    """Leave out the offset that a moment needs."""
    response["authored"] = "2026-03-04T10:00:00"


def number_for_a_text(response: dict[str, Any]) -> None:
    """Give a number where a text belongs."""
    response["item"][0]["linkId"] = 1


def blank(response: dict[str, Any]) -> None:
    """Leave a text empty."""
    response["item"][0]["linkId"] = ""


def number_for_a_code(response: dict[str, Any]) -> None:
    """Give a number where a code belongs, among what comes out of definitions."""
    response["meta"]["security"][0]["code"] = 1


def object_for_an_address(response: dict[str, Any]) -> None:
    """Give an object where a list of addresses belongs."""
    response["meta"]["profile"] = [{"profile": each} for each in response["meta"]["profile"]]


def one_more_level(response: dict[str, Any]) -> None:
    """Put a list into a list."""
    response["meta"]["security"] = [response["meta"]["security"]]


def list_for_an_object(response: dict[str, Any]) -> None:
    """Name the patient in a list."""
    response["subject"] = [response["subject"]]


def truth_for_a_number(response: dict[str, Any]) -> None:
    """Give a truth where a number belongs."""
    response["item"][-1]["answer"][0]["valueDecimal"] = True


def other_type(response: dict[str, Any]) -> None:
    """Call it something else."""
    response["resourceType"] = "Observation"


@pytest.mark.parametrize(
    "break_it",
    [
        unknown_element,
        words_for_a_moment,
        date_without_zone,
        number_for_a_text,
        blank,
        number_for_a_code,
        object_for_an_address,
        one_more_level,
        list_for_an_object,
        truth_for_a_number,
        other_type,
    ],
)
def test_no_other_shape_passes(make_submission: Make, break_it: Callable[[dict[str, Any]], None]) -> None:
    """After a good bundle one of another shape is refused all the same."""
    bundle = json.loads(json.dumps(write_bundle(make_submission())))
    check_own_shape(bundle)
    break_it(bundle["entry"][0]["resource"])

    with pytest.raises(InvalidResource):
        check_own_shape(bundle)


def test_each_shape_once(make_submission: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other answers to the same items have the same shape; an item left out is another one."""
    seen: list[object] = []
    monkeypatch.setattr(shapes, "check_shape", seen.append)
    monkeypatch.setattr(shapes, "_passed", set())
    for answers in ({"1": "7", "2": "6"}, {"1": "1", "2": "3"}, {"1": "1"}):
        check_own_shape(write_bundle(make_submission(answers)))

    assert len(seen) == 2
