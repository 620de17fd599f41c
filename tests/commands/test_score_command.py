"""`fhir-alliance score` prints the Observations of one response, or says everything that is wrong with it."""

import json
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from fhir_alliance.instruments.catalogue import shipped
from fhir_alliance.records.bundle import write_bundle
from fhir_alliance.records.submission import Submission
from smart_app.cli import main
from smart_app.response_scores import MAX_BYTES

Make = Callable[..., Submission]
Response = dict[str, Any]
FULL = {str(item): "7" for item in range(1, 11)} | {"harder": "no"}


def score(response: object, *arguments: str) -> Result:
    """Run the command over standard input."""
    body = response if isinstance(response, bytes) else json.dumps(response).encode()
    return CliRunner().invoke(main, ["score", "-", *arguments], input=body)


def item_of(response: Response, link_id: str) -> Response:
    """Return one item of a response."""
    items = [child for group in response["item"] for child in [group, *group.get("item", [])]]
    return next(item for item in items if item["linkId"] == link_id)


def observations(bundle: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the Observations of a bundle, without when they were issued."""
    found = [deepcopy(entry["resource"]) for entry in bundle["entry"]]
    return [{**each, "issued": ""} for each in found if each["resourceType"] == "Observation"]


@pytest.fixture
def response(make_submission: Make) -> Response:
    """Return the response that we write for a full form of the visit check-in."""
    written: Response = deepcopy(write_bundle(make_submission(FULL, form="full"))["entry"][0]["resource"])
    return written


@pytest.fixture
def lines() -> Response:
    """Return a response to an instrument without words, answered on visual analogue lines."""
    answers = {
        "1": {"valueDecimal": 9.5},
        "2": {"valueInteger": 10},
        "3": {"valueDecimal": 0},
        "4": {"valueDecimal": 8.1},
    }
    return {
        "resourceType": "QuestionnaireResponse",
        "id": "r1",
        "questionnaire": shipped().instrument("srs").forms[0].canonical,
        "status": "completed",
        "authored": "2026-11-12",
        "subject": {"reference": "Patient/p"},
        "item": [{"linkId": link_id, "answer": [answer]} for link_id, answer in answers.items()],
    }


def test_our_response_gives_our_observations(make_submission: Make, response: Response) -> None:
    """What is printed for a response of ours is what we wrote with it, references and identifiers included."""
    result = score(response)

    assert (result.exit_code, result.stderr) == (0, "")
    printed = json.loads(result.stdout)
    assert printed["type"] == "collection"
    assert observations(printed) == observations(write_bundle(make_submission(FULL, form="full")))


def test_file_and_id(tmp_path: Path, response: Response) -> None:
    """A response from the chart is read from its file; the scores derive from it by its id."""
    path = tmp_path / "response.json"
    path.write_text(json.dumps({**response, "id": "qr-7", "status": "amended"}))

    result = CliRunner().invoke(main, ["score", str(path)])

    found = observations(json.loads(result.stdout))
    assert {each["derivedFrom"][0]["reference"] for each in found} == {"QuestionnaireResponse/qr-7"}
    assert {each["status"] for each in found} == {"amended"}


def test_instrument_without_words(lines: Response) -> None:
    """A restricted instrument is scored too, under the names of its definition; nobody is named as who answered."""
    result = score(lines)

    total, panel = observations(json.loads(result.stdout))
    assert total["valueQuantity"]["value"] == 27.6
    assert total["code"]["text"] == "SRS total"
    assert total["method"]["coding"][0]["display"] == "SRS 1.0.0"
    assert panel["code"]["text"] == "SRS"
    assert "performer" not in panel
    assert [each["identifier"] for each in observations(json.loads(score(lines).stdout))] == [
        total["identifier"],
        panel["identifier"],
    ]


def test_draft_says_so(lines: Response) -> None:
    """A score whose rules nobody has verified says it in every Observation."""
    form = shipped().instrument("sai").forms[0]
    system = shipped().instrument("sai").answers_system
    answers = [{"linkId": item, "answer": [{"valueCoding": {"system": system, "code": "5"}}]} for item in "123456"]

    result = score({**lines, "questionnaire": form.canonical, "item": answers})

    found = observations(json.loads(result.stdout))
    assert found[0]["valueQuantity"]["value"] == 30
    assert all("not verified" in each["note"][0]["text"] for each in found)


def test_declined_stays_declined(make_submission: Make) -> None:
    """A form sent without answers on purpose is scored as declined, as it was written."""
    written = write_bundle(make_submission({}, declined=True))

    result = score(written["entry"][0]["resource"])

    assert observations(json.loads(result.stdout)) == observations(written)


@pytest.mark.parametrize("value", ["urn:uuid:seven", "7"])
def test_identifier_that_is_no_key(response: Response, value: str) -> None:
    """A response of somebody else has its scores identified by itself, always alike."""
    response["identifier"]["value"] = value

    first, second = (json.loads(score(response).stdout) for _ in range(2))

    assert observations(first) == observations(second)
    assert observations(first)[0]["derivedFrom"][0]["reference"].startswith("urn:uuid:")


@pytest.mark.parametrize("claim", [{"valueDecimal": 9.5}, {"valueDecimal": 1e300}, {"valueInteger": 3}])
def test_another_score_in_the_response_is_told(response: Response, claim: dict[str, Any]) -> None:
    """A hidden score that the answers do not give is named, ours is printed, and the command succeeds."""
    item_of(response, "score-core")["answer"] = [claim]

    result = score(response)

    assert result.exit_code == 0
    assert result.stderr.splitlines() == [
        "-: item score-core: the response claims another score than its answers give; printed is ours"
    ]
    assert observations(json.loads(result.stdout))[0]["valueQuantity"]["value"] == 7


def test_a_claim_that_cannot_be_scored_is_told(response: Response) -> None:
    """A hidden score where too few items were answered is a claim that nothing supports."""
    for link_id in ("1", "2"):
        del item_of(response, link_id)["answer"]

    result = score(response)

    named = [line.split(":")[1] for line in result.stderr.splitlines()]
    assert named == [" item score-core", " item score-full", " item score-bond-openness"]


def test_unrounded_score_is_no_other_score(response: Response) -> None:
    """A form filler that does not round claims the same score, and one that leaves it out claims nothing."""
    item_of(response, "score-core")["answer"] = [{"valueDecimal": 7.000049}]
    del item_of(response, "score-full")["answer"]

    assert score(response).stderr == ""


def other_system(response: Response) -> None:
    """Answer by a code of another system."""
    item_of(response, "1")["answer"][0]["valueCoding"]["system"] = "urn:other"


FAULTS: list[tuple[Callable[[Response], object], str]] = [
    (lambda r: r.update(questionnaire=r["questionnaire"].replace("1.0.0", "9.9.9")), "questionnaire: no form "),
    (lambda r: r.pop("questionnaire"), "questionnaire: no form None"),
    (lambda r: r.update(status="in-progress"), "status: only a completed or amended response is scored"),
    (lambda r: r.pop("authored"), "authored: is missing"),
    (lambda r: r.update(authored=1794498127), "authored: is missing"),
    (lambda r: r.update(subject=None), "not a QuestionnaireResponse of FHIR R4: null"),
    (lambda r: r.update(authored="2026-11"), "authored: is missing, or does not say the day"),
    (lambda r: r.pop("subject"), "subject: is missing"),
    (lambda r: r.update(subject={"reference": "Group/g"}), "subject: is missing, or not a relative reference"),
    (lambda r: r.update(resourceType="Observation"), "resourceType: is not QuestionnaireResponse"),
    (lambda r: r.update(colour="red"), "not a QuestionnaireResponse of FHIR R4"),
    (lambda r: r["item"].append({"linkId": "13"}), "item 13: is not on the form"),
    (lambda r: r["item"].append({"linkId": "1"}), "item 1: occurs 2 times"),
    (lambda r: r["item"][0].update(answer=[{"valueString": "x"}]), "item today: is a group, which has no answer"),
    (lambda r: item_of(r, "1")["answer"][0]["valueCoding"].update(code="11"), "item 1: is not answered by one of its"),
    (lambda r: item_of(r, "1").update(answer=[{"valueInteger": 7}]), "item 1: is not answered by one of its options"),
    (lambda r: item_of(r, "1")["answer"].append({"valueInteger": 7}), "item 1: has more than one answer"),
    (lambda r: item_of(r, "1")["answer"][0].update(item=[{"linkId": "x"}]), "item 1: has more than one answer, or"),
    (lambda r: item_of(r, "score-core").update(answer=[{"valueString": "7"}]), "item score-core: is a score, which"),
    (lambda r: item_of(r, "harder").pop("answer"), "item talk: is answered, although its condition leaves it out"),
    (other_system, "item 1: is not answered by one of its options, a valueCoding of https://fhir-alliance.org/fhir/"),
]


@pytest.mark.parametrize(("break_it", "reason"), FAULTS)
def test_what_is_no_answer_is_named(make_submission: Make, break_it: Callable[[Response], object], reason: str) -> None:
    """Each way to be no response to the form is named, nothing is printed, and the command fails."""
    submission = make_submission({**FULL, "harder": "yes", "talk": "no"}, form="full")
    response = deepcopy(write_bundle(submission)["entry"][0]["resource"])
    break_it(response)

    result = score(response)

    assert (result.exit_code, result.stdout) == (1, "")
    assert any(line.startswith(f"-: {reason}") for line in result.stderr.splitlines()), result.stderr


@pytest.mark.parametrize("answer", [{"valueDecimal": 10.1}, {"valueDecimal": 0.55}, {"valueBoolean": True}])
def test_point_off_the_line_is_named(lines: Response, answer: dict[str, Any]) -> None:
    """A number beside the line, with too many decimals or of another type is named with what is wanted."""
    lines["item"][0]["answer"] = [answer]

    result = score(lines)

    assert result.stderr == "-: item 1: is not answered by a number from 0 to 10 with at most 1 decimals\n"


def test_every_fault_is_told_and_no_answer(response: Response) -> None:
    """All faults are told at once, and no message repeats what was answered."""
    response["status"] = "stopped"
    item_of(response, "1")["answer"][0]["valueCoding"]["code"] = "my-secret"
    response["item"].append({"linkId": "unknown", "answer": [{"valueString": "my-secret"}]})

    result = score(response)

    assert len(result.stderr.splitlines()) == 3
    assert "my-secret" not in result.stderr


def test_instrument_without_scores(lines: Response) -> None:
    """An instrument whose key is not known has forms, but nothing to print."""
    lines["questionnaire"] = shipped().instrument("star-c").forms[0].canonical
    lines["item"] = []

    assert "star-c has no score, because its key is not known" in score(lines).stderr


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"\xff", "the file is not UTF-8"),
        (b"{", "the file is not JSON as we accept it"),
        (b"[]", "resourceType: is not QuestionnaireResponse"),
        (b'{"id": "a", "id": "b"}', "a key occurs twice"),
        (b'{"a":' * 65 + b"1" + b"}" * 65, "nested too deeply"),
        (b"[" * 100_000, "the file is not JSON as we accept it"),
        (b" " * (MAX_BYTES + 1), "the file is larger than 1024 KiB"),
        (b'{"a": NaN}', "the file is not JSON as we accept it"),
    ],
)
def test_unreadable_file(body: bytes, reason: str) -> None:
    """What is no JSON that every reader would read alike is refused in words."""
    result = score(body)

    assert result.exit_code == 1
    assert reason in result.stderr
