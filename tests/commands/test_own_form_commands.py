"""A site's own forms on the command line: listed, checked, shown, and their responses scored."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from fhir_alliance.instruments.catalogue import installed
from fhir_alliance.records.response import build_response
from fhir_alliance.records.submission import Submission
from smart_app.cli import main

EXAMPLES = str(Path(__file__).parents[2] / "docs" / "examples")
FAULTY = str(Path(__file__).parents[1] / "instruments" / "site_forms")


def test_check_shows_the_digest() -> None:
    """The check of a site's folder says that its form is ready, and the digest that it is pinned by."""
    instrument = installed(None, own_forms=Path(EXAMPLES)).instrument("session-feedback")

    result = CliRunner().invoke(main, ["instruments", "check", "--questionnaires", EXAMPLES])

    assert result.exit_code == 0
    row = next(line for line in result.stdout.splitlines() if line.startswith("session-feedback  1.0.0"))
    assert row.split() == ["session-feedback", "1.0.0", "7", "patient", "en", "own", "the", "site's", "own", "ready"]
    assert f"session-feedback  {instrument.digest}" in result.stdout


def test_list_leaves_the_digest_out() -> None:
    """The list is one line for each instrument."""
    result = CliRunner().invoke(main, ["instruments", "list", "--questionnaires", EXAMPLES])

    assert "session-feedback  1.0.0" in result.stdout
    assert "SHA-256" not in result.stdout


def test_faults_are_told() -> None:
    """Each faulty file is told with its reason, the rest is listed, and the exit code says that there are faults."""
    result = CliRunner().invoke(main, ["instruments", "check", "--questionnaires", FAULTY])

    assert result.exit_code == 1
    assert "site_forms/date.json: item[2].type (born): questions of the type date are not supported" in result.stderr
    assert "visit-check-in" in result.stdout


def test_what_is_ignored_is_told(tmp_path: Path) -> None:
    """What of a form is not used is said by the check, which still is a success."""
    form = json.loads((Path(EXAMPLES) / "session-feedback.json").read_text("utf-8"))
    form["extension"].append({"url": "https://clinic.example.org/colour", "valueString": "blue"})
    (tmp_path / "own.json").write_text(json.dumps(form))

    result = CliRunner().invoke(main, ["instruments", "check", "--questionnaires", str(tmp_path)])

    assert result.exit_code == 0
    assert "the extension https://clinic.example.org/colour is ignored (1×)" in result.stdout


@pytest.mark.parametrize(
    ("shape", "said"),
    [
        ("table", "agreement  expression  iif(%agreement.count() >= 3"),
        ("table", "0–100"),
        ("fhir", '"url": "https://clinic.example.org/fhir/Questionnaire/session-feedback"'),
    ],
)
def test_show(shape: str, said: str) -> None:
    """A form is shown with its expressions and ranges, or as the file that the site wrote."""
    result = CliRunner().invoke(
        main, ["instruments", "show", "session-feedback", "--as", shape, "--questionnaires", EXAMPLES]
    )

    assert result.exit_code == 0
    assert said in result.stdout


def test_no_definition_file() -> None:
    """A site's form has no definition file of ours to show."""
    result = CliRunner().invoke(
        main, ["instruments", "show", "session-feedback", "--as", "yaml", "--questionnaires", EXAMPLES]
    )

    assert result.exit_code == 1
    assert "show it as fhir" in result.stderr


def test_score_a_response(make_submission: Callable[..., Submission], tmp_path: Path) -> None:
    """A response to a site's form is scored by the form's expressions, with the form's codes."""
    instrument = installed(None, own_forms=Path(EXAMPLES)).instrument("session-feedback")
    given = {"heard": "fully", "direction": "fully", "method": "fully", "hope": "10"}
    response = build_response(make_submission(given, instrument=instrument, form="all"))
    file = tmp_path / "response.json"
    file.write_text(json.dumps(response))

    result = CliRunner().invoke(main, ["score", str(file), "--questionnaires", EXAMPLES])

    assert result.exit_code == 0, result.stderr
    found = [entry["resource"] for entry in json.loads(result.stdout)["entry"]]
    assert [each["valueQuantity"]["value"] for each in found[:2]] == [4, 100]


def test_check_by_the_settings(tmp_path: Path) -> None:
    """The settings name the folder, and say whether a form may ask for free text."""
    from smart_app.demo.site import write_site

    site = write_site(tmp_path, ehr_port=1024, app_port=1025)
    (tmp_path / "forms").mkdir()
    form = json.loads((Path(EXAMPLES) / "session-feedback.json").read_text("utf-8"))
    form["item"].append({"linkId": "more", "text": "Anything else?", "type": "text"})
    (tmp_path / "forms" / "own.json").write_text(json.dumps(form))
    plain = 'questionnaire_folder = "forms"\n' + site.settings.read_text("utf-8")
    switched_on = plain + '[free_text]\nreader = "Dr. Okafor"\nwithin = "a day"\n'
    results = []

    for text in (plain, switched_on):
        site.settings.write_text(text, "utf-8")
        results.append(CliRunner().invoke(main, ["instruments", "check", "--settings", str(site.settings)]))

    assert [result.exit_code for result in results] == [1, 0]
    assert "asks for a free text (text), which this site has not switched on" in results[0].stderr
