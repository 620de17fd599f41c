"""`fhir-alliance instruments` tells what is installed and what it needs."""

import json
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from fhir_alliance.instruments import catalogue
from smart_app.cli import main
from smart_app.commands import instruments
from smart_app.demo.site import write_site


def run(*arguments: str) -> Result:
    """Run the command."""
    return CliRunner().invoke(main, ["instruments", *arguments])


def test_list_has_every_instrument() -> None:
    """Each installed instrument has a line with its state."""
    result = run("list")

    lines = {line.split()[0]: line for line in result.output.splitlines()}
    assert result.exit_code == 0
    assert {"wai-sr", "srs", "visit-check-in", "phq-9"} <= lines.keys()
    assert lines["visit-check-in"].endswith("ready")
    assert "why" not in lines["instrument"]


def test_check_says_why() -> None:
    """The check adds the reason to each state."""
    result = run("check")

    line = next(line for line in result.output.splitlines() if line.startswith("haq-ii"))
    assert "Not verified: answers" in line


def test_faulty_instrument_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A definition that cannot be read is told with file, line and reason, and the command fails."""
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "1.0.0.yaml").write_text("instrument: x\n")
    found = catalogue.read_catalogue(tmp_path)
    monkeypatch.setattr(instruments, "installed", lambda *_: found)

    result = run("list")

    assert result.exit_code == 1
    assert "broken/1.0.0.yaml:1: title: Missing data for required field." in result.output


def test_show_as_table() -> None:
    """The table names scores, ranges and how well each fact is known."""
    output = run("show", "wai-sr").output

    assert "12–60" in output
    assert "Rivet and Blueprint" in output
    assert "0.8 (alpha)  11.9, provisional  SD in 36,070 users" in output


def test_show_tells_weights_where_there_are_any(monkeypatch: pytest.MonkeyPatch) -> None:
    """A score whose items do not all count once, or that is multiplied, says so below the table."""
    invented = catalogue.read_catalogue(Path(__file__).parents[1] / "scoring" / "definitions")
    monkeypatch.setattr(instruments, "installed", lambda *_: invented)

    weighted, signed = run("show", "weighted").output, run("show", "signed").output

    assert "weighted-mean counts items 1, 2 × 2; item 3 × 0.5\n" in weighted
    assert "\nhalf counts the result × 0.5\n" in signed
    assert "mean counts" not in signed


def test_show_as_yaml_is_the_definition() -> None:
    """The definition file is shown as it is."""
    assert yaml.safe_load(run("show", "srs", "--as", "yaml").output)["instrument"] == "srs"


def test_show_as_fhir_is_what_is_published() -> None:
    """A ready instrument is shown as its Questionnaires."""
    bundle = json.loads(run("show", "gad-7", "--as", "fhir").output)

    assert [entry["resource"]["resourceType"] for entry in bundle["entry"]] == ["Questionnaire"]


def test_show_names_the_languages_there_are() -> None:
    """A language nobody has written the words in is refused, with those that are there."""
    result = run("show", "visit-check-in", "--as", "fhir", "--language", "xx")

    assert result.exit_code == 1
    assert "no words in xx; installed are: de, en, es, fr, hi" in result.output


@pytest.mark.parametrize(("name", "words"), [("wai-sr", "needs wording"), ("nothing", "no instrument nothing")])
def test_show_refuses_what_may_not_be_shown(name: str, words: str) -> None:
    """Neither a restricted form nor one that is not installed can be shown as FHIR."""
    result = run("show", name, "--as", "fhir")

    assert result.exit_code == 1
    assert words in result.output


def test_committed_page_is_the_generated_one() -> None:
    """The page beside the definitions says what they say; `make catalogue` writes it anew."""
    committed = Path(__file__).parents[2] / "questionnaires" / "README.md"

    assert run("page").output == committed.read_text("utf-8")


def test_check_with_settings_names_a_reviewer_of_nothing(tmp_path: Path) -> None:
    """The settings of a site are held against what is installed: a reviewer of words that are not there is told."""
    site = write_site(tmp_path, ehr_port=1, app_port=2)
    text = site.settings.read_text("utf-8")
    reviewed = '[instruments.reviewed_by]\n"visit-check-in-1.0.0.it" = "Dr. Eva Muster"\n\n[ehr.harbor]\n'
    site.settings.write_text(text.replace("[ehr.harbor]\n", reviewed, 1), "utf-8")

    result = run("check", "--settings", str(site.settings))

    assert result.exit_code == 1
    assert "visit-check-in-1.0.0.it names no words that are installed" in result.output
