"""What a site's own form writes: its structure, its value types, its codes, and answers that read back."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fhir_alliance.instruments.catalogue import installed
from fhir_alliance.instruments.definition import Instrument
from fhir_alliance.records.answers import answer_faults, read_answers
from fhir_alliance.records.bundle import write_bundle
from fhir_alliance.records.checks import check_shape
from fhir_alliance.records.submission import Submission
from fhir_alliance.scoring.answers import Answers

Make = Callable[..., Submission]
EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
EXAMPLE = installed(None, own_forms=EXAMPLES).instrument("session-feedback")
SCORES = "https://clinic.example.org/fhir/CodeSystem/scores"
GIVEN = {
    "heard": "fully",
    "direction": "mostly",
    "method": "partly",
    "hope": "7",
    "practice": "2.5",
    "interrupted": "true",
    "about": "between",
    "minutes": "15",
}


def resources(submission: Submission) -> dict[str, list[dict[str, Any]]]:
    """Return what is written by resource type, after everything we check before sending."""
    bundle = write_bundle(submission)
    check_shape(bundle)
    found: dict[str, list[dict[str, Any]]] = {}
    for entry in bundle["entry"]:
        found.setdefault(entry["resource"]["resourceType"], []).append(entry["resource"])
    return found


def own(make: Make, given: dict[str, str] = GIVEN, instrument: Instrument = EXAMPLE, **more: Any) -> Submission:
    """Make a submission of a site's form."""
    return make(given, instrument=instrument, form="all", **more)


def answers_in(items: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the structure of a response: an answer, or what a group holds, by linkId."""
    return {
        item["linkId"]: answers_in(item["item"]) if "item" in item else (item.get("answer") or [None])[0]
        for item in items
    }


def test_response_mirrors_the_form(make_submission: Make) -> None:
    """Groups, order, value types and scores are those of the form; what was not answered stands there without."""
    [response] = resources(own(make_submission))["QuestionnaireResponse"]

    found = answers_in(response["item"])
    assert list(found) == ["together", "visit", "trouble", "agreement", "overall"]
    assert list(found["together"]) == ["heard", "direction", "method", "ease"]
    assert found["together"]["ease"] is None
    assert found["visit"] == {
        "hope": {"valueInteger": 7},
        "helped": None,
        "practice": {"valueDecimal": 2.5},
        "interrupted": {"valueBoolean": True},
    }
    assert found["trouble"]["minutes"] == {"valueInteger": 15}
    assert found["agreement"] == {"valueDecimal": 3}
    assert response["_questionnaire"]["extension"][0]["valueString"] == "Session feedback"
    assert response["questionnaire"] == EXAMPLE.forms[0].canonical


def test_coding_is_as_the_option_was_written(make_submission: Make) -> None:
    """An answer keeps system, code and display of its option, and its number with it."""
    [response] = resources(own(make_submission))["QuestionnaireResponse"]

    heard = response["item"][0]["item"][0]
    assert heard["text"] == "I could say what I came to say."
    assert heard["answer"] == [
        {
            "valueCoding": {
                "extension": [{"url": "http://hl7.org/fhir/StructureDefinition/ordinalValue", "valueDecimal": 4}],
                "system": "https://clinic.example.org/fhir/CodeSystem/agreement",
                "code": "fully",
                "display": "fully",
            }
        }
    ]


def test_group_that_was_not_asked_is_not_there(make_submission: Make) -> None:
    """A group whose condition does not hold leaves no trace."""
    [response] = resources(own(make_submission, {"interrupted": "false", "hope": "1"}))["QuestionnaireResponse"]

    assert "trouble" not in answers_in(response["item"])


def test_observations_have_the_site_s_codes(make_submission: Make) -> None:
    """Scores and panel are named by the codes of the form, made by the form, and said not to be checked by us."""
    *scores, panel = resources(own(make_submission))["Observation"]

    assert [each["code"]["coding"] for each in (*scores, panel)] == [
        [{"system": SCORES, "code": "session-feedback-agreement", "display": "Session feedback, agreement"}],
        [{"system": SCORES, "code": "session-feedback-overall", "display": "Session feedback, overall"}],
        [{"system": SCORES, "code": "session-feedback", "display": "Session feedback"}],
    ]
    assert [each["valueQuantity"]["value"] for each in scores] == [3, 73]
    assert panel["method"]["coding"] == [
        {
            "system": "https://clinic.example.org/fhir/Questionnaire/session-feedback",
            "version": "1.0.0",
            "code": "session-feedback-1.0.0",
            "display": "Session feedback 1.0.0",
        }
    ]
    assert all(len(each["meta"]["profile"]) == 1 and len(each["category"]) == 1 for each in (*scores, panel))
    assert all("not checked by FHIR Alliance" in each["note"][0]["text"] for each in (*scores, panel))


def test_failed_score_says_error(make_submission: Make) -> None:
    """A score that could not be computed is an error, and the answers are written all the same."""
    submission = own(make_submission)
    failed = tuple(score._replace(value=None, failed=True) for score in submission.scores)

    found = resources(replace(submission, scores=failed))

    assert [each["dataAbsentReason"]["coding"][0]["code"] for each in found["Observation"][:2]] == ["error"] * 2
    assert "could not be computed" in found["Observation"][0]["note"][1]["text"]
    assert "agreement" not in answers_in(found["QuestionnaireResponse"][0]["item"])
    assert "heard" in answers_in(found["QuestionnaireResponse"][0]["item"])["together"]


@pytest.mark.parametrize(
    ("given", "skipped", "reason", "sentence"),
    [
        ({"hope": "7"}, frozenset(), "unknown", "left blank"),
        ({"hope": "7"}, frozenset(EXAMPLE.items) - {"hope"}, "asked-declined", "on purpose"),
        ({**GIVEN, "ease": "no", "hope": "0"}, frozenset(), "", ""),
    ],
)
def test_no_score_says_why(
    make_submission: Make, given: dict[str, str], skipped: frozenset[str], reason: str, sentence: str
) -> None:
    """A score that the answers do not give says whether they were left blank or skipped."""
    score = resources(own(make_submission, given, skipped=skipped))["Observation"][0]

    assert score.get("dataAbsentReason", {"coding": [{"code": ""}]})["coding"][0]["code"] == reason
    assert sentence in score["note"][-1]["text"]


def test_no_score_though_everything_was_answered(make_submission: Make) -> None:
    """Where a form gives no score for complete answers, nobody is said to have left any out."""
    submission = own(make_submission, {**GIVEN, "ease": "no", "helped": "plan"})
    none = tuple(score._replace(value=None) for score in submission.scores)

    score = resources(replace(submission, scores=none))["Observation"][0]

    assert score["note"][-1]["text"] == "The form gives no score for these answers."


def test_answers_read_back(make_submission: Make) -> None:
    """What was written is read back as it was answered, also what was skipped, and has no faults."""
    submission = own(make_submission, GIVEN, skipped=frozenset({"ease"}))
    [response] = resources(submission)["QuestionnaireResponse"]

    assert read_answers(response, EXAMPLE.forms[0]) == Answers(given=GIVEN, skipped=frozenset({"ease"}))
    assert list(answer_faults(response, EXAMPLE, EXAMPLE.forms[0])) == []


def test_missing_answer_is_a_fault(make_submission: Make) -> None:
    """A response without an answer that its form requires says which one is missing (Q22)."""
    [response] = resources(own(make_submission, given={k: v for k, v in GIVEN.items() if k != "about"}))[
        "QuestionnaireResponse"
    ]

    faults = list(answer_faults(response, EXAMPLE, EXAMPLE.forms[0]))

    assert faults == ["item about: needs an answer"]


def test_foreign_answers_do_not_count(make_submission: Make) -> None:
    """A code of another system, and a value of another type, are no answer to a site's form."""
    [response] = resources(own(make_submission))["QuestionnaireResponse"]
    together, visit = response["item"][0]["item"], response["item"][1]["item"]
    together[0]["answer"][0]["valueCoding"]["system"] = "https://elsewhere.example.invalid"
    visit[0]["answer"] = [{"valueBoolean": True}]
    visit[3]["answer"] = [{"valueString": "true"}]

    found = read_answers(response, EXAMPLE.forms[0]).given

    assert found.keys() & {"heard", "hope", "interrupted"} == set()
    assert "direction" in found


def test_form_without_scores(make_submission: Make, tmp_path: Path) -> None:
    """A form that scores nothing writes its answers and no Observation; texts and plain options keep their types."""
    form = json.loads((EXAMPLES / "session-feedback.json").read_text("utf-8"))
    form["item"] = [
        {"linkId": "t", "text": "Say more.", "type": "text"},
        {"linkId": "n", "text": "?", "type": "choice", "answerOption": [{"valueInteger": 1}, {"valueInteger": 2}]},
        {"linkId": "w", "text": "?", "type": "choice", "answerOption": [{"valueString": "a"}, {"valueString": "b"}]},
    ]
    folder = tmp_path / "forms"
    folder.mkdir()
    (folder / "own.json").write_text(json.dumps(form))
    instrument = installed(None, own_forms=folder, free_text="Read by the clinic.").instrument("own")
    given = {"t": "A phone rang.", "n": "2", "w": "a"}

    found = resources(own(make_submission, given, instrument))

    [response] = found["QuestionnaireResponse"]
    assert "Observation" not in found
    assert answers_in(response["item"]) == {
        "t": {"valueString": "A phone rang."},
        "n": {"valueInteger": 2},
        "w": {"valueString": "a"},
    }
    assert read_answers(response, instrument.forms[0]).given == given
