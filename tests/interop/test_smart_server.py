"""A server that is not ours and means it: Backend Services, five-second tokens, scopes, absolute references."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
import requests
import structlog
from joserfc.jwk import ECKey

from fhir_alliance.delivery.receipts import Receipt, State
from fhir_alliance.ehr.backend import BackendToken, backend_token
from fhir_alliance.ehr.fhir import FhirClient
from fhir_alliance.ehr.probed import Verdict
from fhir_alliance.ehr.registry import Registry
from fhir_alliance.errors import FhirError
from fhir_alliance.instruments.definition import Instrument
from fhir_alliance.records.bundle import write_bundle
from fhir_alliance.records.submission import Submission
from fhir_alliance.settings import Rung, Settings, WriteSettings, read_settings
from fhir_alliance.store import open_store
from fhir_alliance.trajectory.series import read_series
from smart_app.demo.site import write_site
from smart_app.doctor.probing import WriteProbe
from smart_app.publishing import publish_all
from tests.ports import own_port
from tests.sekmet import running_sekmet

from .delivering import ENCOUNTER, PATIENT, App, search, values
from .gate import Gate

ALL = "system/*.cruds"
ANSWERS = {str(item): "7" for item in range(1, 7)}


@dataclass(frozen=True, kw_only=True)
class Server:
    """The other server behind its gate, and the settings of a site whose EHR it is."""

    gate: Gate
    settings: Settings

    @property
    def base(self) -> str:
        """The FHIR base."""
        return f"{self.gate.url}/fhir"

    def token(self, scope: str = ALL, settings: Settings | None = None) -> BackendToken:
        """Return a token as the app gets it by Backend Services."""
        used = settings or self.settings
        ehr = used.ehrs["harbor"]
        assert ehr.backend
        return backend_token(Registry(used), ehr, ehr.backend, scope, now=datetime.now(UTC))

    def patient(self, kind: str) -> list[dict[str, Any]]:
        """Return what the server holds of one type about the patient."""
        return search(self.base, kind, self.token().access_token)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Run the server with one patient and one encounter, and the app's backend client registered by its key."""
    folder, port = tmp_path_factory.mktemp("smart"), own_port()
    read = read_settings(write_site(folder, ehr_port=1, app_port=2).settings)
    key = ECKey.import_key(orjson.loads((folder / "backend.jwk").read_bytes()))
    client = {"client_id": "alliance-backend", "jwks": {"keys": [key.as_dict(private=False)]}, "scopes": ALL}
    auth = {"types": ["smart"], "smart_clients": [client], "token_lifetime": 5, "enforce_scopes": True}
    gate = Gate(port)
    base = f"{gate.url}/fhir"
    ehr = replace(read.ehrs["harbor"], fhir_base=base, issuer=base, token_endpoint=f"{gate.url}/auth/token")
    opened = Server(gate=gate, settings=replace(read, ehrs={"harbor": ehr}))
    behaviour = {"absolute_references": True}
    with gate.open(), running_sekmet(folder, base=base, port=port, server_auth=auth, server_behaviour=behaviour):
        headers = {"Authorization": f"Bearer {opened.token().access_token}"}
        for resource in (PATIENT, ENCOUNTER):
            place = f"{base}/{resource['resourceType']}/{resource['id']}"
            requests.put(place, json=resource, headers=headers, timeout=10).raise_for_status()
        yield opened


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Keep the log out of the test output."""
    with structlog.testing.capture_logs():
        yield


@pytest.fixture
def app(server: Server, tmp_path: Path) -> Iterator[App]:
    """Open the delivery parts with a database of this test's own."""
    app = App(replace(server.settings, database=f"sqlite:///{tmp_path / 'alliance.db'}"))
    yield app
    app.engine.dispose()
    server.gate.before = lambda method, path: None


@pytest.fixture
def accept(app: App, make_submission: Callable[..., Submission]) -> Callable[[str, str], str]:
    """Accept a visit under a key, with a token to deliver it."""

    def accepted(key: str, token: str) -> str:
        now = datetime.now(UTC)
        submission = make_submission(ANSWERS, key=key, authored=now, scored=now)
        app.outbox.accept(submission, orjson.dumps(write_bundle(submission)), grant=app.grant(token))
        return key

    return accepted


def key_of(number: int) -> str:
    """Return one of this module's submission keys."""
    return f"7b0f9c1e-6c8f-4a51-9f0e-1d6c7a1c9{number:03}"


def receipt(app: App, key: str) -> Receipt:
    """Return where a submission is."""
    return app.outbox.receipt(key, ehr="harbor", patient="maria-lopez")


def ours(server: Server, kind: str, key: str) -> list[dict[str, Any]]:
    """Return the resources of one submission that the server holds."""
    return [one for one in server.patient(kind) if key in orjson.dumps(one["identifier"]).decode()]


def test_a_form_is_published_with_a_token_that_ends_on_the_way(server: Server) -> None:
    """A token lives five seconds: publishing asks for another, every form is there once, and again nothing changes."""
    created = 0

    def before(method: str, path: str) -> None:
        nonlocal created
        created += (method, path) == ("POST", "/fhir/Questionnaire")
        if created == 2:
            created += 1
            server.gate.outlive(server.gate.passed[-1].token)

    server.gate.before = before
    since = len(server.gate.passed)
    first = [each.outcome for each in publish_all(server.settings)]
    server.gate.before = lambda method, path: None
    second = [each.outcome for each in publish_all(server.settings)]

    calls = server.gate.calls(since)
    client = FhirClient(
        Registry(server.settings).door(server.settings.ehrs["harbor"]), server.base, server.token().access_token
    )
    held = [(one["url"], one["version"]) for one in client.search("Questionnaire", []).resources]
    assert (set(first), set(second)) == ({"created"}, {"unchanged"})
    assert len(held) == len(set(held)) == len(first)
    assert [call for call in calls if call[2] == 401] == [("POST", "/fhir/Questionnaire", 401)]
    assert sum(call[1] == "/auth/token" for call in calls) >= 3


@pytest.mark.parametrize(("number", "part"), [(1, "POST /fhir"), (2, "GET /fhir/QuestionnaireResponse")])
def test_a_token_that_ends_in_a_delivery_leaves_one_set(
    server: Server, app: App, accept: Callable[[str, str], str], number: int, part: str
) -> None:
    """Before the write or after it: the submission waits, told why, and with a new token exactly one set is there."""
    token = server.token().access_token
    key = accept(key_of(number), token)
    server.gate.before = lambda method, path: (
        server.gate.outlive(token) if f"{method} {path}".startswith(part) else None
    )

    app.courier.deliver_due(app.clock())
    waiting = receipt(app, key)
    server.gate.before = lambda method, path: None
    renewed = app.outbox.renew(ehr="harbor", patient="maria-lopez", grant=app.grant(server.token().access_token))
    app.courier.deliver_due(app.clock() + timedelta(minutes=1))

    scores = ours(server, "Observation", key)
    assert (waiting.state, waiting.reason, renewed) == (State.HELD, "needs-sign-in", 1)
    assert receipt(app, key).state is State.DELIVERED
    assert len(ours(server, "QuestionnaireResponse", key)) == 1
    assert values(scores) == [("visit-check-in", None), ("visit-check-in-core", 7.0)]


@pytest.mark.parametrize(
    ("number", "scope", "writes"), [(3, "system/*.rs", 2), (4, "system/*.c", 0), (5, "system/Patient.rs", 0)]
)
def test_what_the_scopes_do_not_allow_is_held_without_a_storm(
    server: Server, app: App, accept: Callable[[str, str], str], number: int, scope: str, writes: int
) -> None:
    """A refused read stops before the write, a refused write is tried once more with less, and the reason is told."""
    key = accept(key_of(number), server.token(scope).access_token)
    since = len(server.gate.passed)

    tried = [app.courier.deliver_due(app.clock() + timedelta(hours=hours)) for hours in (0, 1, 24)]

    calls = server.gate.calls(since)
    assert tried == [1, 0, 0]
    assert (receipt(app, key).state, receipt(app, key).reason) == (State.HELD, "not-allowed")
    assert [call[2] for call in calls if call[0] == "POST"] == [403] * writes
    assert len(calls) <= 4
    assert ours(server, "QuestionnaireResponse", key) == []


def test_scopes_beyond_the_registration_bring_no_token(server: Server) -> None:
    """What the client may not have at all is an error of the token endpoint, told by its code."""
    with pytest.raises(FhirError) as caught:
        server.token("user/Patient.rs")

    assert caught.value.detail == "HTTP 400 invalid_scope"


def test_a_key_the_server_does_not_know_brings_no_token(server: Server, tmp_path: Path) -> None:
    """Another site's key proves nothing under our name."""
    other = read_settings(write_site(tmp_path, ehr_port=1, app_port=2).settings)
    ehr = replace(server.settings.ehrs["harbor"], backend=other.ehrs["harbor"].backend)

    with pytest.raises(FhirError) as caught:
        server.token(settings=replace(server.settings, ehrs={"harbor": ehr}))

    assert caught.value.detail == "HTTP 401 invalid_client"


def test_absolute_references_make_the_same_series(
    server: Server, app: App, accept: Callable[[str, str], str], check_in: Instrument
) -> None:
    """The server writes its address into every reference, and the view still finds patient, visit and response."""
    token = server.token().access_token
    key = accept(key_of(6), token)
    app.courier.deliver_due(app.clock())

    raw = ours(server, "Observation", key)
    client = FhirClient(Registry(server.settings).door(server.settings.ehrs["harbor"]), server.base, token)
    read = client.search("Observation", [("patient", "maria-lopez")]).resources
    own = [one for one in read if key in orjson.dumps(one["identifier"]).decode()]
    (series,) = read_series(own, [], check_in, patient="maria-lopez")
    (point,) = series.points

    assert {one["subject"]["reference"] for one in raw} == {f"{server.base}/Patient/maria-lopez"}
    assert (point.value, point.encounter) == (7, "Encounter/maria-lopez-v14")
    assert str(point.response).startswith("QuestionnaireResponse/")


@pytest.mark.parametrize(
    ("rung", "kinds"),
    [(Rung.OBSERVATIONS, ["Observation", "Observation", "QuestionnaireResponse"]), (Rung.NOTE, ["DocumentReference"])],
)
def test_a_write_probe_leaves_nothing_that_stands(server: Server, tmp_path: Path, rung: Rung, kinds: list[str]) -> None:
    """A test entry is written, found, read and retracted with tokens of five seconds; all of it is entered in error."""
    ehr = server.settings.ehrs["harbor"]
    assert ehr.backend
    probed_ehr = replace(ehr, backend=replace(ehr.backend, scopes=ALL), write=WriteSettings(rung=rung))
    settings = replace(server.settings, ehrs={"harbor": probed_ehr}, database=f"sqlite:///{tmp_path / 'alliance.db'}")
    before = {each["id"] for kind in set(kinds) for each in server.patient(kind)}
    engine = open_store(settings.database)
    probe = WriteProbe(settings, probed_ehr, engine, by="Jo Park", clock=lambda: datetime.now(UTC))

    shown = probe.patient("maria-lopez", encounter="maria-lopez-v14")
    probed = probe.run(shown, birth_date="1988-03-04", encounter="maria-lopez-v14")

    engine.dispose()
    new = [each for kind in sorted(set(kinds)) for each in server.patient(kind) if each["id"] not in before]
    assert probed.settled
    told = {
        (each.step, each.why) for each in probed.tried if each.what != "Provenance" and each.verdict != Verdict.WORKS
    }
    # This server finds others' responses by an identifier, too, now and then: that is what has to be told of it then.
    assert told <= {("search by identifier", "identifier-ignored")}
    assert [each["resourceType"] for each in new] == kinds
    assert {each["status"] for each in new} == {"entered-in-error"}
