"""The commands: what they print, how they end, and that a wrong setting is said in words."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from fhir_alliance.conformance.codes import language_of
from fhir_alliance.instruments.questionnaire import build_questionnaire
from fhir_alliance.settings import read_settings
from smart_app.cli import main
from smart_app.demo.site import Site, write_site
from smart_app.publishing import ready_instruments
from tests.packs import wai_b3_in_german


def call(*arguments: str) -> Result:
    """Run one command in this process."""
    return CliRunner().invoke(main, list(arguments))


@pytest.mark.parametrize("command", ["serve", "worker", "publish"])
def test_wrong_settings_are_listed(tmp_path: Path, command: str) -> None:
    """Every fault is a line on standard error, nothing starts, and the exit code is 1."""
    settings = write_site(tmp_path, ehr_port=1, app_port=2).settings
    settings.write_text(settings.read_text().replace("America/New_York", "Mars/Base").replace("Harbor Clinic", ""))

    done = call(command, "--settings", str(settings))

    assert done.exit_code == 1
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 2
    assert "site.time_zone" in done.stderr


def test_publishing_again_changes_nothing(site: Site) -> None:
    """With all forms there, each is printed as unchanged."""
    done = call("publish", "--settings", str(site.settings))

    lines = done.output.splitlines()
    assert done.exit_code == 0
    assert len(lines) == sum(len(instrument.forms) for instrument in ready_instruments(read_settings(site.settings)))
    assert all(line.startswith("unchanged") for line in lines)


def test_publishing_to_an_ehr_that_is_away_fails_in_words(tmp_path: Path) -> None:
    """No answer, or an EHR that is not registered: one sentence, no stack, exit code 1."""
    settings = str(write_site(tmp_path, ehr_port=1, app_port=2).settings)

    away, unknown = call("publish", "--settings", settings), call("publish", "--settings", settings, "--ehr", "other")

    assert (away.exit_code, unknown.exit_code) == (1, 1)
    assert away.stderr.startswith("ehr.unreachable")
    assert unknown.stderr.startswith("launch.unknown-issuer")


def test_an_instrument_without_its_words_is_not_published(tmp_path: Path) -> None:
    """A site that asks a restricted instrument without a pack is told which, and why, and nothing is sent."""
    settings = write_site(tmp_path, ehr_port=1, app_port=2).settings
    settings.write_text(settings.read_text().replace('["gad-7", "phq-4"]', '["gad-7", "wai-sr"]'))

    done = call("publish", "--settings", str(settings))

    assert done.exit_code == 1
    assert done.stdout == ""
    assert done.stderr.startswith("instruments: wai-sr 1.0.0 cannot be used (needs wording): Write to the executive")


def test_words_in_another_language_only(tmp_path: Path) -> None:
    """An instrument that a site has in German only is published in German."""
    settings = write_site(tmp_path, ehr_port=1, app_port=2).settings
    (tmp_path / "wording").mkdir()
    (tmp_path / "wording" / "wai-b3.de.yaml").write_text(wai_b3_in_german(), "utf-8")
    settings.write_text(f'wording_folder = "wording"\n{settings.read_text()}')

    ready = {each.name: each for each in ready_instruments(read_settings(settings))}

    form = ready["wai-b3"].forms[0]
    assert build_questionnaire(ready["wai-b3"], form, language=language_of(ready["wai-b3"]))["language"] == "de"


def test_a_demo_without_a_free_port_says_so() -> None:
    """The last port of all is taken by nobody, and there is none after it for the app."""
    done = call("demo", "--once", "--ehr-port", "65535")

    assert done.exit_code == 1
    assert "No free port was found" in done.stderr
