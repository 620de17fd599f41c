"""The sandbox's bulk export, as a client that knows Bulk Data Access 2.0 meets it."""

import gzip
import json
from pathlib import Path

import pytest
from flask import Flask

from smart_app.sandbox.bulk.exports import KEPT_SECONDS
from smart_app.sandbox.bulk.server import add_bulk
from smart_app.sandbox.config import SandboxConfig
from smart_app.sandbox.fhir.access import Access
from smart_app.sandbox.fhir.rest import blueprint
from smart_app.sandbox.fhir.store import ResourceStore

from .conftest import Caller, problem
from .samples import BASE, PEOPLE

SCOPES = "system/Patient.rs system/Observation.rs system/Group.rs"
KICK_OFF = "/Group/all/$export"
PATIENTS = [each for each in PEOPLE if each["resourceType"] == "Patient"]


class Time:
    """A clock that a test sets."""

    now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time() -> Time:
    """Return the clock."""
    return Time()


@pytest.fixture
def bulk(store: ResourceStore, tmp_path: Path, time: Time) -> Flask:
    """Run a server that exports in five seconds; `one` and `two` are the tokens of two clients."""
    member = [{"entity": {"reference": f"Patient/{each['id']}"}} for each in PATIENTS[:1]]
    store.load([{"resourceType": "Group", "id": "all", "type": "person", "actual": True, "member": member}])
    config = SandboxConfig(
        base_url=BASE.removesuffix("/fhir"), database=tmp_path / "ehr.sqlite", clients=(), bulk_seconds=5
    )
    grants = {
        name: Access(client_id=name, scopes=tuple(scopes.split()), patient=None, encounter=None, user=None)
        for name, scopes in {"one": SCOPES, "two": SCOPES, "blind": "system/Patient.rs"}.items()
    }
    fhir = blueprint(store, config, grants.get)
    add_bulk(fhir, store, config, clock=time)
    app = Flask(__name__)
    app.register_blueprint(fhir, url_prefix="/fhir")
    return app


def begun(client: Caller) -> str:
    """Begin an export; return the path of its status."""
    answer = client.get(f"{KICK_OFF}?_type=Patient", Prefer="respond-async")
    assert answer.status_code == 202
    return str(answer.headers["Content-Location"].removeprefix(BASE))


def test_an_export_is_ready_after_its_time_and_is_gone_when_ended(bulk: Flask, time: Time) -> None:
    """202 while it runs, 429 for who asks at once again, then the manifest and its files, and 404 after DELETE."""
    client = Caller(bulk, "one")
    status = begun(client)

    first, second = client.get(status), client.get(status)
    time.now += 5
    manifest = client.get(status, Accept="application/json").json
    path = manifest["output"][0]["url"].removeprefix(BASE)
    plain, packed = client.get(path, Accept_Encoding="identity"), client.get(path, Accept_Encoding="gzip")
    ended, after = client.send("DELETE", status), client.get(path)

    assert (first.status_code, first.headers["Retry-After"], second.status_code) == (202, "5", 429)
    assert (manifest["requiresAccessToken"], manifest["output"][0]["count"]) == (True, 1)
    assert json.loads(plain.data)["id"] == PATIENTS[0]["id"]
    assert gzip.decompress(packed.data) == plain.data
    assert (ended.status_code, problem(after)) == (202, (404, "not-found"))


def test_an_export_expires(bulk: Flask, time: Time) -> None:
    """After an hour nobody finds it any more."""
    client = Caller(bulk, "one")
    status = begun(client)

    time.now += 5 + KEPT_SECONDS

    assert client.get(status).status_code == 404


def test_an_export_belongs_to_the_client_that_began_it(bulk: Flask, time: Time) -> None:
    """Without a token, and with that of another client, neither status nor files nor deletion are to be had."""
    status = begun(Caller(bulk, "one"))
    time.now += 5

    assert [Caller(bulk, token).get(status).status_code for token in (None, "two")] == [401, 404]
    assert Caller(bulk, "two").send("DELETE", status).status_code == 404
    assert Caller(bulk, "two").get(f"{status}/Patient.ndjson").status_code == 404
    assert Caller(bulk, "one").get(f"{status}/Patient.ndjson").status_code == 200


@pytest.mark.parametrize(
    ("token", "path", "prefer", "status"),
    [
        ("one", KICK_OFF, "return=minimal", 400),
        ("one", f"{KICK_OFF}?_elements=id", "respond-async", 400),
        ("one", f"{KICK_OFF}?_type=Questionnaire", "respond-async", 400),
        ("one", f"{KICK_OFF}?_outputFormat=text/csv", "respond-async", 400),
        ("one", "/Group/none/$export", "respond-async", 404),
        ("blind", KICK_OFF, "respond-async", 403),
    ],
)
def test_a_kick_off_that_is_wrong_is_refused(bulk: Flask, token: str, path: str, prefer: str, status: int) -> None:
    """A missing preference, an unknown parameter, type, format or group, and a scope that was not granted."""
    assert Caller(bulk, token).get(path, Prefer=prefer).status_code == status
