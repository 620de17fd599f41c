"""What one submission writes: response, scores, panel and Provenance that any reader can rely on."""

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from fhir_alliance.errors import InvalidResource
from fhir_alliance.instruments.words import Rater
from fhir_alliance.records.answers import read_answers
from fhir_alliance.records.bundle import write_bundle
from fhir_alliance.records.checks import check_bundle, check_shape
from fhir_alliance.records.codes import number
from fhir_alliance.records.submission import Submission
from fhir_alliance.scoring.answers import Answers

Make = Callable[..., Submission]
FULL = {str(item): "7" for item in range(1, 11)} | {"harder": "a-little", "talk": "yes"}


def written(submission: Submission) -> dict[str, list[dict[str, Any]]]:
    """Return what the bundle writes, by resource type."""
    found: dict[str, list[dict[str, Any]]] = {}
    for entry in write_bundle(submission)["entry"]:
        found.setdefault(entry["resource"]["resourceType"], []).append(entry["resource"])
    return found


def code_of(observation: dict[str, Any]) -> str:
    """Return the code of our own system."""
    return str(observation["code"]["coding"][0]["code"])


@pytest.mark.parametrize("rater", Rater)
@pytest.mark.parametrize("form", ["core", "full"])
def test_has_the_shape_of_fhir(make_submission: Make, rater: Rater, form: str) -> None:
    """Each form of each rater gives a bundle that the FHIR model accepts."""
    check_shape(write_bundle(make_submission(rater=rater, form=form)))


def test_order_and_conditions(make_submission: Make) -> None:
    """Response first, then scores, then the panel, Provenance last; a repeat finds what is there by identifier."""
    entries = write_bundle(make_submission(FULL, form="full"))["entry"]

    kinds = [entry["request"]["url"] for entry in entries]
    assert kinds == ["QuestionnaireResponse", *["Observation"] * 7, "Provenance"]
    assert all("%7C" in entry["request"]["ifNoneExist"] for entry in entries[:-1])
    assert "ifNoneExist" not in entries[-1]["request"]


def test_same_submission_same_bytes(make_submission: Make) -> None:
    """Building twice gives the same bundle, so a resend is the same request."""
    assert json.dumps(write_bundle(make_submission())) == json.dumps(write_bundle(make_submission()))


def test_panel_points_to_scores_and_response(make_submission: Make) -> None:
    """The panel has no value, its members are the scores, and everything derives from the response."""
    bundle = write_bundle(make_submission(FULL, form="full"))
    urls = {entry["fullUrl"]: entry["resource"] for entry in bundle["entry"]}
    panel = next(each for each in urls.values() if each["resourceType"] == "Observation" and "hasMember" in each)

    members = [urls[member["reference"]] for member in panel["hasMember"]]

    assert not any(key.startswith("value") for key in panel)
    assert [code_of(member) for member in members][:2] == ["visit-check-in-core", "visit-check-in-full"]
    assert panel["performer"] == [{"reference": "Patient/maria-lopez"}]
    assert all("performer" not in member for member in members)
    assert {each["derivedFrom"][0]["reference"] for each in (panel, *members)} == {bundle["entry"][0]["fullUrl"]}


def test_score_carries_value_method_and_count(make_submission: Make) -> None:
    """A prorated score says its value in UCUM, the instrument's version, and how many items were answered."""
    score = written(make_submission({"1": "7", "2": "7", "3": "7", "4": "7", "5": "8"}))["Observation"][0]

    assert score["valueQuantity"] == {
        "value": 7.2,
        "unit": "score",
        "system": "http://unitsofmeasure.org",
        "code": "{score}",
    }
    assert score["method"]["coding"][0]["code"] == "visit-check-in-1.0.0"
    assert score["component"][0]["valueQuantity"]["value"] == 5
    assert "5 items answered, of 6" in score["note"][1]["text"]
    assert score["effectiveDateTime"] == "2026-11-12T10:42:07-05:00"


@pytest.mark.parametrize(
    ("given", "skipped", "declined", "reason"),
    [
        ({"1": "7"}, frozenset(), False, "unknown"),
        ({"1": "7"}, frozenset("23456"), False, "asked-declined"),
        ({}, frozenset(), True, "asked-declined"),
    ],
)
def test_not_scorable_is_said_never_zero(
    make_submission: Make, given: dict[str, str], skipped: frozenset[str], declined: bool, reason: str
) -> None:
    """Too few answers give an Observation without a value that says why; left blank and declined differ."""
    found = written(make_submission(given, skipped=skipped, declined=declined))
    score = found["Observation"][0]

    assert score["dataAbsentReason"]["coding"][0]["code"] == reason
    assert "valueQuantity" not in score
    assert "at least 5 needed" in score["note"][-1]["text"]
    assert not any(item["linkId"].startswith("score-") for item in found["QuestionnaireResponse"][0]["item"])


@pytest.mark.parametrize("rater", Rater)
def test_provenance_says_who_made_what_and_from_what(make_submission: Make, rater: Rater) -> None:
    """It is of all that is written; who answered is its author, we assembled it on their behalf from the response."""
    submission = make_submission(FULL, rater=rater, form="full")
    bundle = write_bundle(submission)
    (provenance,) = written(submission)["Provenance"]

    author, assembler = provenance["agent"]
    assert provenance["target"] == [{"reference": entry["fullUrl"]} for entry in bundle["entry"][:-1]]
    assert provenance["recorded"] == submission.scored_text
    assert (author["type"]["coding"][0]["code"], author["who"]) == ("author", {"reference": submission.source})
    assert (assembler["type"]["coding"][0]["code"], assembler["onBehalfOf"]) == (
        "assembler",
        {"reference": submission.author},
    )
    assert provenance["entity"] == [{"role": "source", "what": {"reference": bundle["entry"][0]["fullUrl"]}}]


def test_therapist_has_own_codes_and_performs(make_submission: Make) -> None:
    """The therapist's guess never shares a code with the patient's view, and its panel names who gave it."""
    observations = written(make_submission(rater=Rater.THERAPIST))["Observation"]

    assert [code_of(each) for each in observations] == ["visit-check-in-therapist-core", "visit-check-in-therapist"]
    assert observations[-1]["performer"] == [{"reference": "Practitioner/ada-okafor"}]


@pytest.mark.parametrize(("rater", "tags"), [(Rater.PATIENT, {"patient-supplied"}), (Rater.THERAPIST, set())])
def test_only_what_the_patient_said_is_marked_as_theirs(make_submission: Make, rater: Rater, tags: set[str]) -> None:
    """Response and scores of a patient say that they are the patient's own words; the therapist's do not (O25)."""
    found = written(make_submission(rater=rater))

    told = [found["QuestionnaireResponse"][0], *found["Observation"]]
    assert [{tag["code"] for tag in each["meta"].get("tag", [])} for each in told] == [tags] * len(told)


def test_response_mirrors_the_form(make_submission: Make) -> None:
    """The response is pinned, keeps skipped items without an answer, leaves disabled ones out, and holds the scores."""
    submission = make_submission({"1": "7", "2": "7", "3": "7", "4": "7", "5": "8", "harder": "no"})
    response = written(submission)["QuestionnaireResponse"][0]

    assert response["questionnaire"] == submission.form.canonical
    assert response["identifier"]["value"] == f"urn:uuid:{submission.key}"
    assert [item["linkId"] for item in response["item"]] == ["today", "our-work", "closing", "score-core"]
    assert response["item"][1]["item"][1] == {"linkId": "6", "text": "What we do in our visits could help me."}
    assert [item["linkId"] for item in response["item"][2]["item"]] == ["harder"]
    assert response["item"][3]["answer"] == [{"valueDecimal": 7.2}]


def test_without_encounter(make_submission: Make) -> None:
    """A launch without an encounter writes none, rather than guessing one."""
    found = written(make_submission(encounter=None))

    assert all("encounter" not in each for kind in ("QuestionnaireResponse", "Observation") for each in found[kind])


def test_answers_read_back(make_submission: Make) -> None:
    """What the chart holds reads back as the answers given; foreign codes and items are left out."""
    submission = make_submission(FULL, form="full")
    response = written(submission)["QuestionnaireResponse"][0]
    response["item"][0]["item"][0]["answer"][0]["valueCoding"]["code"] = "12"
    response["item"].append({"linkId": "unknown", "answer": [{"valueString": "7"}]})

    assert read_answers(response, submission.form) == Answers(given={k: v for k, v in FULL.items() if k != "1"})


def test_digest_tells_repeats_from_changes(make_submission: Make) -> None:
    """The same answers later are a repeat; other answers, or a decline, are not."""
    first = make_submission()

    assert first.digest == make_submission(launch="another").digest
    assert first.digest != make_submission({"1": "8"}).digest
    assert first.digest != make_submission(declined=True).digest


def test_numbers_are_kept_or_refused() -> None:
    """A score becomes the JSON number that prints the same; one that a float cannot hold is refused."""
    assert json.dumps([number(Decimal("7.1667")), number(Decimal("8.0000")), number(5)]) == "[7.1667, 8, 5]"
    with pytest.raises(ValueError, match="15 significant digits"):
        number(Decimal("1.234567890123456"))


def break_status(bundle: dict[str, Any]) -> None:
    """Use a status that FHIR does not know, which the model accepts."""
    bundle["entry"][1]["resource"]["status"] = "nope"


def break_obs_6(bundle: dict[str, Any]) -> None:
    """Give a value and a reason why there is none."""
    bundle["entry"][1]["resource"]["dataAbsentReason"] = {"text": "none"}


def break_obs_7(bundle: dict[str, Any]) -> None:
    """Give a component the code of the whole."""
    observation = bundle["entry"][1]["resource"]
    observation["component"][0]["code"] = observation["code"]


def break_us_core_2(bundle: dict[str, Any]) -> None:
    """Take everything that says something."""
    for part in ("valueQuantity", "component"):
        del bundle["entry"][1]["resource"][part]


def break_unit(bundle: dict[str, Any]) -> None:
    """Use a unit of no system."""
    del bundle["entry"][1]["resource"]["valueQuantity"]["system"]


def break_date(bundle: dict[str, Any]) -> None:
    """Date it to the month."""
    bundle["entry"][1]["resource"]["effectiveDateTime"] = "2026-11"


def break_category(bundle: dict[str, Any]) -> None:
    """Leave the survey category out."""
    bundle["entry"][1]["resource"]["category"] = []


def break_subject(bundle: dict[str, Any]) -> None:
    """Write about a group."""
    bundle["entry"][1]["resource"]["subject"] = {"reference": "Group/1"}


def break_pin(bundle: dict[str, Any]) -> None:
    """Leave the version of the questionnaire out."""
    bundle["entry"][0]["resource"]["questionnaire"] = "https://fhir-alliance.org/fhir/Questionnaire/x"


def break_link_ids(bundle: dict[str, Any]) -> None:
    """Answer one item twice."""
    items = bundle["entry"][0]["resource"]["item"]
    items.append(items[0])


def break_urls(bundle: dict[str, Any]) -> None:
    """Give two entries one address."""
    bundle["entry"][1]["fullUrl"] = bundle["entry"][0]["fullUrl"]


@pytest.mark.parametrize(
    ("break_it", "rule"),
    [
        (break_status, "required value set"),
        (break_obs_6, "obs-6"),
        (break_obs_7, "obs-7"),
        (break_us_core_2, "us-core-2"),
        (break_unit, "us-core-3"),
        (break_date, "us-core-1"),
        (break_category, "us-core-survey"),
        (break_subject, "subject is a patient"),
        (break_pin, "pinned, the form is pinned to a version"),
        (break_link_ids, "qrs-2"),
        (break_urls, "bdl-7"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_rules_the_model_does_not_know(
    make_submission: Make, break_it: Callable[[dict[str, Any]], None], rule: str
) -> None:
    """Every rule of FHIR and US Core that we rely on stops a bundle that breaks it."""
    bundle = json.loads(json.dumps(write_bundle(make_submission())))
    break_it(bundle)

    with pytest.raises(InvalidResource, match=rule):
        check_bundle(bundle)


def test_shape_the_model_knows(make_submission: Make) -> None:
    """A bundle that is not FHIR at all is refused before it leaves."""
    bundle = write_bundle(make_submission())
    bundle["entry"][0]["resource"]["colour"] = "red"

    with pytest.raises(InvalidResource):
        check_shape(bundle)
