"""In what we write, zero, skipped on purpose, left blank and not asked are four different things."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from fhir_alliance.instruments.catalogue import shipped
from fhir_alliance.records.answers import read_answers
from fhir_alliance.records.observations import build_scores
from fhir_alliance.records.response import build_response
from fhir_alliance.records.submission import Submission
from fhir_alliance.scoring.answers import Answers

Make = Callable[..., Submission]
ZEROS = {str(item): "0" for item in range(1, 7)}
DECLINED = {"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "asked-declined"}


def said_by(response: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the items of a response by linkId."""
    found: dict[str, dict[str, Any]] = {}
    for item in response["item"]:
        found |= {item["linkId"]: item, **said_by({"item": item.get("item", [])})}
    return found


def test_scores(make_submission: Make) -> None:
    """Zeros score 0; skips and blanks have no value and different reasons; what the form does not ask has no score."""
    sent = {
        "zero": make_submission(ZEROS),
        "skipped": make_submission({"1": "0"}, skipped=frozenset("23456")),
        "blank": make_submission({"1": "0"}),
    }

    scores = {name: list(build_scores(each, response="urn:uuid:r")) for name, each in sent.items()}

    assert all(
        [score["code"]["coding"][0]["code"] for score in each] == ["visit-check-in-core"] for each in scores.values()
    )
    assert scores["zero"][0]["valueQuantity"]["value"] == 0
    assert "dataAbsentReason" not in scores["zero"][0]
    reasons = {
        name: each[0].get("dataAbsentReason", {}).get("coding", [{}])[0].get("code") for name, each in scores.items()
    }
    assert reasons == {"zero": None, "skipped": "asked-declined", "blank": "unknown"}


def test_response(make_submission: Make) -> None:
    """Zero is an answer, a skip says that it is one, a blank says nothing, and what was not asked is not there."""
    submission = make_submission({"1": "0", "harder": "no"}, skipped=frozenset({"2", "talk"}))

    said = said_by(build_response(submission))

    assert said["1"]["answer"][0]["valueCoding"]["code"] == "0"
    assert said["2"]["extension"] == [DECLINED]
    assert not {"answer", "extension"} & said["3"].keys()
    assert not {"talk", "7", "score-full"} & said.keys()
    assert "answer" not in said["2"]


def test_response_reads_back_as_it_was_given(make_submission: Make) -> None:
    """The four stay apart on the way through the chart, even when it adds an id to what we wrote."""
    answers = Answers(given={"1": "0", "4": "10", "harder": "yes"}, skipped=frozenset({"2", "talk"}))
    submission = make_submission(answers.given, skipped=answers.skipped)
    response = deepcopy(build_response(submission))
    said_by(response)["2"]["extension"][0]["id"] = "x1"

    assert read_answers(response, submission.form) == answers


@pytest.mark.parametrize("number", [{"valueDecimal": 0.5}, {"valueInteger": 0}, {"valueDecimal": 10}])
def test_number_on_a_line_reads_back(number: dict[str, Any]) -> None:
    """On a visual analogue line zero is an answer too, whichever kind of number another form filler writes."""
    response = {"item": [{"linkId": "1", "answer": [number]}, {"linkId": "2", "answer": []}, {"linkId": "3"}]}

    assert read_answers(response, shipped().instrument("srs").forms[0]).given == {"1": str(next(iter(number.values())))}


def test_number_is_no_choice(make_submission: Make) -> None:
    """A number where an option is asked for is no answer, as it is none to the scorer."""
    response = {"item": [{"linkId": "1", "answer": [{"valueInteger": 7}]}]}

    assert read_answers(response, make_submission().form) == Answers()


def test_declined_as_a_whole(make_submission: Make) -> None:
    """A form sent without answers on purpose says so at every question that was asked."""
    submission = make_submission({}, declined=True)

    said = said_by(build_response(submission))

    assert [link_id for link_id, item in said.items() if item.get("extension") == [DECLINED]] == [*"123456", "harder"]
