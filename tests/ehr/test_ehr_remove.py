"""`fhir-alliance ehr remove`: its permissions end, its section goes, what is kept stays."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import insert, select

from fhir_alliance.delivery.receipts import NOT_IN_CHART
from fhir_alliance.settings import read_settings
from fhir_alliance.store import open_store, transaction
from fhir_alliance.tables import audit, grants, submissions
from fhir_alliance.vault import Vault
from smart_app.cli import main
from smart_app.demo.site import write_site

if TYPE_CHECKING:
    from tests.ehr.conftest import FakeEhr

AT = datetime(2026, 11, 12, tzinfo=UTC)
LAKE = """
# The other one.
[ehr.lake]
title = "Lake"
fhir_base = "https://lake.example.invalid/fhir"
authorization_endpoint = "https://lake.example.invalid/auth"
token_endpoint = "https://lake.example.invalid/token"
issuer = "https://lake.example.invalid/fhir"
jwks_uri = "https://lake.example.invalid/jwks"
"""


@pytest.fixture
def settings(server: "FakeEhr", tmp_path: Path) -> Path:
    """Write a site with two EHRs, of which the second is to go."""
    path = write_site(tmp_path, ehr_port=1, app_port=2).settings
    text = path.read_text().replace("http://127.0.0.1:1", server.url)
    path.write_text(text + LAKE)
    return path


def keep(settings: Path, **submission: Any) -> None:
    """Keep a permission of each EHR, and perhaps a form for the second."""
    site = read_settings(settings)
    engine, vault = open_store(site.database), Vault.from_file(site.vault_key_file)
    values = {"client": "patient", "user": "u", "scopes": "", "expires_at": AT, "created_at": AT}
    texts = ("patient", "launch", "form", "rater", "instrument_digest", "answers_digest", "language", "audience_digest")
    with transaction(engine) as connection:
        for name in ("harbor", "lake"):
            token = vault.seal(b"token", place=f"{name}/grants/{name}/access_token")
            connection.execute(insert(grants).values(id=name, ehr=name, access_token=token, **values))
        if submission:
            row = {**dict.fromkeys(texts, "x"), "key": "k", "ehr": "lake", "grant_id": "lake", "declined": False}
            times = {"next_attempt_at": AT, "accepted_at": AT, "attempts": 0, "payload": b"", "shown": b""}
            connection.execute(insert(submissions).values(**row, **times, **submission))
    engine.dispose()


def rows(settings: Path, table: Any) -> list[Any]:
    """Return what is kept."""
    engine = open_store(read_settings(settings).database)
    with engine.connect() as connection:
        found = list(connection.execute(select(table)).all())
    engine.dispose()
    return found


def remove(settings: Path, name: str = "lake", *arguments: str, answer: str = "y\n") -> Result:
    """Run the command in this process."""
    command = ["ehr", "remove", name, "--settings", str(settings), "--by", "Jo Park", *arguments]
    return CliRunner().invoke(main, command, input=answer)


def test_its_section_goes_and_its_permissions_end(settings: Path) -> None:
    """The rest of the file stays byte for byte, the other EHR keeps its permissions, and the trail says who did it."""
    before = settings.read_text()
    keep(settings)

    done = remove(settings)

    assert done.exit_code == 0, done.output
    assert "1 permissions were ended" in done.output
    assert settings.read_text() == before.replace(LAKE.removeprefix("\n# The other one.\n"), "")
    assert {row.id: row.ended_at is None for row in rows(settings, grants)} == {"harbor": True, "lake": False}
    (trail,) = rows(settings, audit)
    assert (trail.event, trail.actor, trail.ehr, trail.outcome) == ("ehr.removed", "Jo Park", "lake", "done")


@pytest.mark.parametrize("standing", [{"state": "accepted"}, {"state": "unknown"}, {"state": "held", "reason": "gone"}])
def test_forms_on_their_way_stop_it(settings: Path, standing: dict[str, str]) -> None:
    """While a form is on its way nothing changes, unless it may be held; then it stays in the store."""
    before = settings.read_text()
    keep(settings, **standing)

    refused, unchanged = remove(settings), settings.read_text()
    done = remove(settings, "lake", "--hold")

    assert (refused.exit_code, unchanged) == (1, before)
    assert "1 forms for lake are not in the chart yet" in refused.output
    assert done.exit_code == 0
    assert [row.state for row in rows(settings, submissions)] == [standing["state"]]


@pytest.mark.parametrize(
    "standing",
    [{"state": "delivered"}, {"state": "rejected", "reason": "invalid"}, {"state": "held", "reason": NOT_IN_CHART}],
)
def test_what_has_ended_does_not_stop_it(settings: Path, standing: dict[str, str]) -> None:
    """Forms that are in the chart, or never will be, are no reason to wait."""
    keep(settings, **standing)

    assert remove(settings).exit_code == 0


@pytest.mark.parametrize("answer", ["n\n", ""])
def test_without_a_yes_nothing_changes(settings: Path, answer: str) -> None:
    """Whoever says no, or nothing, leaves everything as it is."""
    before = settings.read_text()

    done = remove(settings, answer=answer)

    assert (done.exit_code, settings.read_text()) == (1, before)


def test_the_only_one_stays(settings: Path) -> None:
    """A site without an EHR could not be served: the last one is not taken out."""
    settings.write_text(settings.read_text().replace(LAKE, ""))
    before = settings.read_text()

    done = remove(settings, "harbor")

    assert (done.exit_code, settings.read_text()) == (1, before)
    assert "the only EHR" in done.output


def test_a_section_that_cannot_be_told_apart_is_left_alone(settings: Path) -> None:
    """An EHR written inline is taken out by a person: nothing is guessed."""
    settings.write_text(settings.read_text().replace("[ehr.lake]", '[ehr."lake"]'))
    before = settings.read_text()

    done = remove(settings)

    assert (done.exit_code, settings.read_text()) == (1, before)
    assert "take it out by hand" in done.output
