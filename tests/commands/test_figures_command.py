"""`fhir-alliance instruments figures` computes a clinic's own figures, and a person has to look at them."""

import json
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from fhir_alliance.errors import InvalidSettings
from fhir_alliance.instruments.catalogue import shipped
from fhir_alliance.instruments.words import Rater
from fhir_alliance.records.patient import PatientShown
from fhir_alliance.records.response import build_response
from fhir_alliance.records.submission import Submission
from fhir_alliance.trajectory.figures import own_figures
from smart_app.cli import main
from smart_app.demo.site import write_site

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
Given = tuple[int, int, list[int]]


@pytest.fixture
def run(tmp_path: Path) -> Callable[..., Result]:
    """Run the command for a site."""
    (tmp_path / "site").mkdir()
    settings = write_site(tmp_path / "site", ehr_port=18080, app_port=18081).settings

    def run(*paths: Path) -> Result:
        return CliRunner().invoke(main, ["instruments", "figures", "--settings", str(settings), *map(str, paths)])

    return run


@pytest.fixture
def respond(make_submission: Callable[..., Submission]) -> Callable[..., dict[str, Any]]:
    """Make a finished response of a patient, by number, about a visit, by number."""

    def respond(patient: int, visit: int, answers: Iterable[int], rater: Rater = Rater.PATIENT) -> dict[str, Any]:
        at = START + timedelta(days=7 * visit)
        submission = make_submission(
            {str(item): str(answer) for item, answer in enumerate(answers, 1)},
            rater=rater,
            patient=PatientShown(id=f"p{patient}", name="", birth_date="", identifiers=()),
            encounter=f"Encounter/p{patient}-v{visit}",
            authored=at,
            scored=at,
        )
        response = {**build_response(submission), "id": f"p{patient}-v{visit}-{rater}"}
        return {**response, "meta": {"lastUpdated": at.isoformat()}}

    return respond


def given(patients: int) -> list[Given]:
    """Return what some patients answered at two visits: levels of their own, and items that vary about them."""
    chance = Random(7)  # noqa: S311  # test data
    found: list[Given] = []
    for patient in range(patients):
        level = chance.randint(4, 9)
        found += [(patient, visit, [level + chance.randint(-1, 1) for _ in range(6)]) for visit in (1, 2)]
    return found


def ndjson(file: Path, resources: Iterable[dict[str, Any]]) -> Path:
    """Write a file as an export has it."""
    file.parent.mkdir(exist_ok=True)
    file.write_text("".join(f"{json.dumps(each)}\n" for each in resources))
    return file


def test_the_file_counts_when_somebody_has_looked_at_it(
    run: Callable[..., Result], respond: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    """A hundred patients give figures; what is printed is refused as it is, and taken with a name."""
    answered = given(100)
    file = ndjson(tmp_path / "export" / "QuestionnaireResponse.0001.ndjson", (respond(*each) for each in answered))

    result = run(file.parent)

    assert result.exit_code == 0, result.output
    (entry,) = yaml.safe_load(result.output)["figures"]
    first = [sum(items) / 6 for _, visit, items in answered if visit == 1]
    mean = sum(first) / 100
    assert entry["people"] == entry["early"]["people"] == 100
    assert entry["sd"] == pytest.approx((sum((each - mean) ** 2 for each in first) / 99) ** 0.5, abs=0.001)
    assert 0.9 < entry["reliability"] < 1
    assert entry["population"] == "first ratings at this clinic, 2026-03-09 to 2026-03-16"
    assert "# therapist: 0 patients have a rating. 100 first ratings" in result.output
    kept = tmp_path / "figures.yaml"
    kept.write_text(result.output)
    with pytest.raises(InvalidSettings, match="who has looked"):
        own_figures(kept, shipped())
    kept.write_text(result.output.replace("reviewed_by: ''", "reviewed_by: Dr. Okafor"))
    measured = own_figures(kept, shipped()).in_place(shipped())
    assert measured.instrument("visit-check-in").measured_here is not None


def test_each_patient_and_each_version_counts_once(
    run: Callable[..., Result], respond: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    """An older version, a second rating of a visit, drafts, other forms and the order of the lines change nothing."""
    responses = [respond(*each) for each in given(100)]
    plain = run(ndjson(tmp_path / "a.ndjson", responses)).output
    first = responses[0]
    older = {**respond(0, 1, [0] * 6), "meta": {"lastUpdated": "2026-01-01T00:00:00+00:00"}}
    before = {**respond(1, 1, [0] * 6), "id": "before", "authored": "2026-03-09T08:00:00+00:00"}
    draft = {**first, "id": "draft", "status": "in-progress"}
    other = {**first, "id": "other", "questionnaire": "https://example.invalid/Questionnaire/x|1"}
    faulty = {**first, "id": "faulty", "authored": None}

    noisy = run(
        ndjson(tmp_path / "b.ndjson", [older, *reversed(responses), before, draft, other, faulty, older])
    ).output

    assert "# patient: 2 responses were left out: unfinished, undated or faulty." in noisy
    assert noisy.replace("# patient: 2 responses were left out: unfinished, undated or faulty.\n", "") == plain


def test_the_therapists_have_figures_of_their_own(
    run: Callable[..., Result], respond: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    """Raters are never mixed; early ratings are those of the patients alone."""
    responses = [respond(*each) for each in given(100)]
    responses += [respond(*each, rater=Rater.THERAPIST) for each in given(110)]

    output = run(ndjson(tmp_path / "a.ndjson", responses)).output

    patient, therapist = yaml.safe_load(output)["figures"]
    assert (patient["rater"], patient["people"], therapist["rater"], therapist["people"]) == (
        *("patient", 100),
        *("therapist", 110),
    )
    assert "early" not in therapist


@pytest.mark.parametrize(
    ("patients", "lacking"), [(99, {}), (100, {"6": None})], ids=["99-patients", "one-question-left-out"]
)
def test_too_few(
    run: Callable[..., Result],
    respond: Callable[..., dict[str, Any]],
    tmp_path: Path,
    patients: int,
    lacking: dict[str, None],
) -> None:
    """Fewer than a hundred first ratings with every answer give none, and it says how many patients there are."""
    answered = given(patients)
    if lacking:
        answered[0] = (0, 1, answered[0][2][:5])

    result = run(ndjson(tmp_path / "a.ndjson", (respond(*each) for each in answered)))

    assert result.exit_code == 1
    assert f"patient: {patients} patients have a rating. 100 first ratings with every question" in result.output


def test_a_file_of_something_else(run: Callable[..., Result], tmp_path: Path) -> None:
    """A file that is no export is told, and nothing is printed of what it holds."""
    file = tmp_path / "a.ndjson"
    file.write_text('{"resourceType": "Patient", "id": "secret"}\n')

    result = run(file)

    assert result.exit_code == 1
    assert "holds something else: nothing was computed." in result.output
    assert "secret" not in result.output
