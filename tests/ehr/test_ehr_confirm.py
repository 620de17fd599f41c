"""`fhir-alliance ehr confirm`: an EHR that has moved is pinned anew, by a person and nothing else."""

import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select

from fhir_alliance.errors import InvalidSettings
from fhir_alliance.settings import read_settings
from fhir_alliance.store import open_store
from fhir_alliance.tables import audit
from smart_app.cli import main
from smart_app.confirming import confirm as pin
from smart_app.confirming import moved
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


def confirm(settings: Path, *arguments: str, answer: str = "", by: str = "Jo Park") -> Result:
    """Run the command in this process."""
    command = ["ehr", "confirm", "harbor", "--settings", str(settings), "--by", by, *arguments]
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


@pytest.fixture
def two(settings: Path) -> Path:
    """Let the site want two people."""
    settings.write_text(settings.read_text().replace("[site]", "[site]\nconfirm_by = 2"))
    return settings


def test_a_second_person_pins_what_the_first_confirmed(server: "FakeEhr", two: Path) -> None:
    """One name alone changes nothing, twice neither; another name pins it, and the trail has all three (T85)."""
    before = two.read_text()
    server.on("GET", PATH, now_stated(server, token_endpoint=f"{server.url}/new/token"))

    first = confirm(two, "--yes")
    again = confirm(two, "--yes", by=" jo  PARK ")
    kept = two.read_text()
    second = confirm(two, "--yes", by="Ana Ruiz")

    assert (first.exit_code, second.exit_code) == (0, 0)
    assert "somebody other than Jo Park has to confirm" in first.output
    assert "nothing is changed yet" in again.output
    assert kept == before
    assert "Pinned." in second.output
    assert f'token_endpoint = "{server.url}/new/token"' in two.read_text()
    assert [row[:2] for row in audited(two)] == [
        ("ehr.vouched", "Jo Park"),
        ("ehr.vouched", " jo  PARK "),
        ("ehr.confirmed", "Ana Ruiz"),
    ]


@pytest.mark.parametrize(
    "then", [{"token_endpoint": "/third/token"}, {"token_endpoint": "/new/token", "jwks_uri": "/new/jwks"}]
)
def test_two_people_confirm_the_same(server: "FakeEhr", two: Path, then: dict[str, str]) -> None:
    """An EHR that has moved on in between, or moves more, needs two people anew."""
    before = two.read_text()
    server.on("GET", PATH, now_stated(server, token_endpoint=f"{server.url}/new/token"))
    server.on("GET", PATH, now_stated(server, **{name: f"{server.url}{path}" for name, path in then.items()}))

    confirm(two, "--yes")
    second = confirm(two, "--yes", by="Ana Ruiz")

    assert "nothing is changed yet" in second.output
    assert two.read_text() == before


def test_an_old_word_is_no_word(server: "FakeEhr", two: Path) -> None:
    """What somebody confirmed more than a day ago does not count for the second, and a word is used once."""
    server.on("GET", PATH, now_stated(server, token_endpoint=f"{server.url}/new/token"))
    site = read_settings(two)
    ehr = site.ehrs["harbor"]
    found = moved(site, ehr)
    noon = datetime(2026, 11, 24, 12, tzinfo=UTC)

    said = [
        pin(two, site, ehr, found, by=by, at=noon + timedelta(hours=hours))
        for by, hours in [("A", 0), ("B", 25), ("A", 26), ("C", 27)]
    ]

    assert said == [False, False, True, False]


@pytest.mark.parametrize("number", ["0", "3", '"2"', "true"])
def test_one_or_two_people(settings: Path, number: str) -> None:
    """Anything else is a fault of the settings."""
    settings.write_text(settings.read_text().replace("[site]", f"[site]\nconfirm_by = {number}"))

    with pytest.raises(InvalidSettings) as caught:
        read_settings(settings)

    assert "site.confirm_by" in caught.value.faults[0]
