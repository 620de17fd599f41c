"""A new site: its settings and its key are made by a command, as a whole, and never over something."""

import stat
from pathlib import Path
from typing import Final

import pytest
from click.testing import CliRunner, Result

from fhir_alliance.settings import read_settings
from fhir_alliance.store import open_store
from fhir_alliance.vault import Vault
from smart_app.cli import main

PLACE: Final = "harbor/grants/g1/access_token"
SAID: Final = {
    "--name": 'Praxis "Am Tor" \\ Süd',
    "--public-url": "https://alliance.example.org",
    "--time-zone": "Europe/Berlin",
    "--crisis-line": "Call 112.",
    "--someone-else": "Patient office, 555 0100.",
}


def begin(folder: Path, **changed: str) -> Result:
    """Begin a site in a folder, with some of its words changed."""
    said = SAID | {f"--{name.replace('_', '-')}": value for name, value in changed.items()}
    words = [part for pair in said.items() for part in pair]
    return CliRunner().invoke(main, ["begin", "--settings", str(folder / "alliance.toml"), *words])


def add_ehr(folder: Path) -> None:
    """Append an EHR, as `ehr add --write` does after asking it."""
    with (folder / "alliance.toml").open("a") as file:
        file.write(
            '\n[ehr.harbor]\ntitle = "Harbor"\nfhir_base = "https://ehr.example.org/fhir"\n'
            'issuer = "https://ehr.example.org/fhir"\nauthorization_endpoint = "https://ehr.example.org/authorize"\n'
            'token_endpoint = "https://ehr.example.org/token"\njwks_uri = "https://ehr.example.org/jwks"\n'
        )


def test_what_was_said_can_be_read_back(tmp_path: Path) -> None:
    """With an EHR the settings are read as they were said, quotes and all; the key seals, the database opens."""
    done = begin(tmp_path)
    add_ehr(tmp_path)

    settings = read_settings(tmp_path / "alliance.toml")
    vault = Vault.from_file(settings.vault_key_file)
    engine = open_store(settings.database)
    engine.dispose()

    assert (done.exit_code, done.stderr) == (0, "")
    assert "fhir-alliance ehr add" in done.stdout
    assert settings.site.name == SAID["--name"]
    assert (settings.public_url, str(settings.site.time_zone)) == ("https://alliance.example.org", "Europe/Berlin")
    assert (settings.site.crisis_line, settings.site.someone_else) == ("Call 112.", "Patient office, 555 0100.")
    assert vault.open(vault.seal(b"answer", place=PLACE), place=PLACE) == b"answer"
    assert (tmp_path / "alliance.db").is_file()


def test_only_the_owner_can_read_what_was_written(tmp_path: Path) -> None:
    """Settings and key have the mode 0600, and nothing else was left in the folder."""
    begin(tmp_path)

    assert {path.name for path in tmp_path.iterdir()} == {"alliance.toml", "vault.json"}
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}


@pytest.mark.parametrize("name", ["alliance.toml", "vault.json"])
def test_a_site_is_never_begun_twice(tmp_path: Path, name: str) -> None:
    """A settings file or a key that is there stays byte for byte, nothing is written beside it, and it is told."""
    (tmp_path / name).write_bytes(b"mine")

    done = begin(tmp_path)

    assert done.exit_code == 1
    assert name in done.stderr
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [(name, b"mine")]


def test_all_faults_are_told_and_nothing_is_written(tmp_path: Path) -> None:
    """An address without https, an unknown time zone and empty words are three lines, and the folder stays empty."""
    done = begin(tmp_path, public_url="http://alliance.example.org", time_zone="Mars/Base", crisis_line=" ")

    assert done.exit_code == 1
    assert sorted(line.partition(":")[0] for line in done.stderr.splitlines()) == [
        "public_url",
        "site.crisis_line",
        "site.time_zone",
    ]
    assert list(tmp_path.iterdir()) == []


def test_what_is_not_said_is_asked_for(tmp_path: Path) -> None:
    """Without options the command asks one question after the other."""
    answers = "Harbor\nhttps://a.example.org\nEurope/Berlin\nCall 112.\nOffice.\n"

    done = CliRunner().invoke(main, ["begin", "--settings", str(tmp_path / "alliance.toml")], input=answers)

    assert done.exit_code == 0
    assert "What to do in danger" in done.stdout
    assert 'name = "Harbor"' in (tmp_path / "alliance.toml").read_text()
