"""`fhir-alliance ehr confirm`: an EHR that has moved is pinned anew, by a person and nothing else."""

import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select

from fhir_alliance.settings import read_settings
from fhir_alliance.store import open_store
from fhir_alliance.tables import audit
from smart_app.cli import main
from smart_app.demo.site import write_site
from tests.ehr.test_ehr_commands import PATH, call, stated

if TYPE_CHECKING:
    from tests.ehr.conftest import FakeEhr


@pytest.fixture
def settings(server: "FakeEhr", tmp_path: Path) -> Path:
    """Write a site whose only EHR runs, with a remark beside one of its endpoints."""
    path = write_site(tmp_path, ehr_port=1, app_port=2).settings
    text = path.read_text().replace("http://127.0.0.1:1", server.url)
    path.write_text(text.replace("\ntoken_endpoint = ", "\n# where codes go\ntoken_endpoint = "))
    return path


def now_stated(server: "FakeEhr", **changed: object) -> dict[str, object]:
    """Return what the EHR states, as registered but for what is changed."""
    return stated(server, **{"revocation_endpoint": f"{server.url}/auth/revoke", **changed})


def confirm(settings: Path, *arguments: str, answer: str = "") -> Result:
    """Run the command in this process."""
    command = ["ehr", "confirm", "harbor", "--settings", str(settings), "--by", "Jo Park", *arguments]
    return CliRunner().invoke(main, command, input=answer)


def audited(settings: Path) -> list[tuple[str, str, str, str]]:
    """Return what the trail says."""
    engine = open_store(read_settings(settings).database)
    with engine.connect() as connection:
        rows = connection.execute(select(audit)).all()
    engine.dispose()
    return [(row.event, row.actor, row.ehr, row.outcome) for row in rows]


def test_what_has_moved_is_pinned(server: "FakeEhr", settings: Path) -> None:
    """Both addresses are shown; only theirs change in the file, and the trail says who confirmed it (T05, T85)."""
    before = settings.read_text()
    old = tomllib.loads(before)["ehr"]["harbor"]["token_endpoint"]
    server.on("GET", PATH, now_stated(server, token_endpoint=f"{server.url}/new/token", issuer=f"{server.base}/"))

    done = confirm(settings, answer="y\n")

    assert done.exit_code == 0, done.output
    assert f"registered  {old}" in done.output
    assert f"stated now  {server.url}/new/token" in done.output
    assert "Restart the app" in done.output
    issuer = tomllib.loads(before)["ehr"]["harbor"]["issuer"]
    expected = before.replace(f'token_endpoint = "{old}"', f'token_endpoint = "{server.url}/new/token"')
    assert settings.read_text() == expected.replace(f'issuer = "{issuer}"', f'issuer = "{server.base}/"')
    assert call("check", "--settings", str(settings)).exit_code == 0
    assert audited(settings) == [("ehr.confirmed", "Jo Park", "harbor", "issuer token_endpoint")]


@pytest.mark.parametrize("answer", ["n\n", ""])
def test_without_a_yes_nothing_changes(server: "FakeEhr", settings: Path, answer: str) -> None:
    """Whoever says no, or nothing, leaves the file and the trail as they are."""
    before = settings.read_text()
    server.on("GET", PATH, now_stated(server, token_endpoint=f"{server.url}/new/token"))

    done = confirm(settings, answer=answer)

    assert done.exit_code == 1
    assert settings.read_text() == before
    assert audited(settings) == []


def test_nothing_to_confirm(server: "FakeEhr", settings: Path) -> None:
    """An EHR that states what is registered is said to."""
    server.on("GET", PATH, now_stated(server))

    done = confirm(settings, "--yes")

    assert (done.exit_code, done.output) == (0, "harbor states what is registered.\n")


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        (
            {"token_endpoint": 'https://ehr.example.invalid/"\nallow_private = true'},
            "token_endpoint: what the EHR states",
        ),
        ({"revocation_endpoint": None}, "revocation_endpoint: what the EHR states"),
        ({"code_challenge_methods_supported": ["plain"]}, "does not offer S256"),
    ],
)
def test_what_cannot_be_confirmed(server: "FakeEhr", settings: Path, changed: dict[str, object], reason: str) -> None:
    """What may not be registered, or is no longer there, is not pinned, whoever says yes."""
    before = settings.read_text()
    server.on("GET", PATH, now_stated(server, **changed))

    done = confirm(settings, "--yes")

    assert done.exit_code == 1
    assert reason in done.output
    assert settings.read_text() == before


def test_a_file_written_in_another_way_is_left_alone(server: "FakeEhr", settings: Path) -> None:
    """Where an endpoint does not stand as a plain value in its section, a person edits it: nothing is guessed."""
    old = tomllib.loads(settings.read_text())["ehr"]["harbor"]["token_endpoint"]
    settings.write_text(settings.read_text().replace(f'token_endpoint = "{old}"', f"token_endpoint = '{old}'"))
    before = settings.read_text()
    server.on("GET", PATH, now_stated(server, token_endpoint=f"{server.url}/new/token"))

    done = confirm(settings, "--yes")

    assert done.exit_code == 1
    assert "edit it by hand" in done.output
    assert settings.read_text() == before
    assert audited(settings) == []
