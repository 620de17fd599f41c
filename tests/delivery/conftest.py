"""An EHR on loopback that can misbehave, and the delivery parts wired to it with a clock that stands still."""

import json
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from time import monotonic
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from zoneinfo import ZoneInfo

import orjson
import pytest
from sqlalchemy import Engine, select
from structlog.testing import capture_logs

from fhir_alliance.delivery.correcting import Corrections
from fhir_alliance.delivery.courier import Courier
from fhir_alliance.delivery.grants import Grants
from fhir_alliance.delivery.keeping import Keeping
from fhir_alliance.delivery.outbox import Outbox
from fhir_alliance.delivery.queue import Queue
from fhir_alliance.ehr.identity import User
from fhir_alliance.ehr.registry import Registry
from fhir_alliance.ehr.smart import Granted
from fhir_alliance.records.bundle import write_bundle
from fhir_alliance.records.submission import Submission
from fhir_alliance.settings import ClientSettings, EhrSettings, Settings, SiteSettings
from fhir_alliance.store import open_store
from fhir_alliance.tables import attempts, submissions
from fhir_alliance.vault import Vault
from tests.delivery.corrected import amend, send, withdraw

__all__ = ("amend", "send", "withdraw")

NOW = datetime(2026, 11, 12, 15, 42, 9, tzinfo=UTC)
PATIENT = {
    "resourceType": "Patient",
    "id": "maria-lopez",
    "active": True,
    "name": [{"use": "official", "given": ["Maria"], "family": "Lopez"}],
    "birthDate": "1988-03-04",
    "identifier": [{"system": "urn:oid:2.16.840.1.113883.19.5", "value": "MRN-4821"}],
}
ENCOUNTER = {
    "resourceType": "Encounter",
    "id": "maria-lopez-v14",
    "status": "in-progress",
    "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
    "subject": {"reference": "Patient/maria-lopez"},
}


@dataclass(kw_only=True)
class Fault:
    """How one request is answered instead: `status` None closes the connection without an answer."""

    status: int | None
    commit: bool = False
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


class FakeEhr:
    """A FHIR server and token endpoint in memory; every knob is an attribute that a test may set."""

    def __init__(self) -> None:
        self.resources: dict[str, dict[str, dict[str, Any]]] = {}
        self.posts: list[dict[str, Any]] = []
        self.puts: list[str] = []
        self.put_faults: deque[Fault | None] = deque()
        self.before_put: Callable[[dict[str, Any]], object] = lambda resource: None
        self.bodies: list[str] = []
        self.reads: list[str] = []
        self.faults: deque[Fault] = deque()
        self.read_faults: dict[str, Fault] = {}
        self.tokens = {"token-1"}
        self.refreshes: dict[str, dict[str, Any]] = {}
        self.refreshed: list[str] = []
        self.change: Callable[[dict[str, Any]], None] = lambda resource: None
        self.refuses: Callable[[dict[str, Any]], int | None] = lambda bundle: None
        self.takes: Callable[[int], int | None] = lambda number: None
        self.answers_as = "transaction-response"
        self.singles: list[dict[str, Any]] = []
        self.lose_single = 0
        self.refuse_single = 0
        self.hides: set[str] = set()
        self.on_patient_read: Callable[[], object] | None = None
        self.honours_identifier = True
        self.honours_condition = True
        self.with_location = True
        self.observed = threading.Event()
        self.most = 0
        self._pause = threading.Event()
        self._busy = 0
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"ehr": self}))
        self._server.daemon_threads = False
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        self.put(PATIENT)
        self.put(ENCOUNTER)

    @property
    def origin(self) -> str:
        """The address without a path."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def put(self, resource: dict[str, Any]) -> None:
        """Store a resource under its own id."""
        self.resources.setdefault(resource["resourceType"], {})[resource["id"]] = resource

    def replace(self, resource: dict[str, Any], if_match: str) -> int:
        """Update a resource when `if_match` is its version; returns the status."""
        with self._lock:
            old = self.resources[resource["resourceType"]].get(resource["id"])
            if old is None:
                return 404
            if if_match != f'W/"{old["meta"]["versionId"]}"':
                return 412
            self.edit(resource)
            return 200

    def edit(self, resource: dict[str, Any]) -> None:
        """Store the next version of a resource, as somebody at the EHR would."""
        old = self.resources[resource["resourceType"]][resource["id"]]
        version = str(int(old["meta"]["versionId"]) + 1)
        self.put({**resource, "meta": {**resource["meta"], "versionId": version}})

    def only(self, kind: str) -> dict[str, Any]:
        """Return the one resource of a type."""
        (resource,) = self.resources[kind].values()
        return resource

    def statuses(self) -> list[str]:
        """Return the status of the response and of every score, each once."""
        written = [*self.resources["QuestionnaireResponse"].values(), *self.resources["Observation"].values()]
        return sorted({each["status"] for each in written})

    def count_one_more(self) -> None:
        """Count a request that has come; `most` is how many were there at a time."""
        with self._lock:
            self._busy += 1
            self.most = max(self.most, self._busy)

    def count_one_less(self) -> None:
        """Count it as answered, before the answer leaves: whoever has that may ask at once for the next."""
        with self._lock:
            self._busy -= 1

    def until(self, holds: Callable[[], bool]) -> None:
        """Wait for something that the app does, a minute at most."""
        end = monotonic() + 60
        while not holds():
            assert monotonic() < end
            self._pause.wait(0.02)

    def count(self) -> dict[str, int]:
        """Return how many resources of each written type there are."""
        return {
            kind: len(self.resources.get(kind, {})) for kind in ("QuestionnaireResponse", "Observation", "Provenance")
        }

    def commit(self, bundle: dict[str, Any]) -> list[dict[str, Any]]:
        """Write the entries of a transaction, each only once when it is conditional; returns the entry responses.

        For an entry whose number `takes` gives a status it is not written; 0 stands for none.
        """
        with self._lock:
            return [{"response": self._answer(number, entry)} for number, entry in enumerate(bundle["entry"])]

    def search(self, kind: str, params: dict[str, str]) -> list[dict[str, Any]]:
        """Return the resources of a type that match the parameters this server knows."""
        found = [each for each in self.resources.get(kind, {}).values() if kind not in self.hides]
        if "patient" in params:
            found = [each for each in found if each["subject"]["reference"] == f"Patient/{params['patient']}"]
        if self.honours_identifier and "identifier" in params:
            found = [each for each in found if params["identifier"] in _tokens(each)]
        return found

    def _answer(self, number: int, entry: dict[str, Any]) -> dict[str, Any]:
        status = self.takes(number)
        if status is not None:
            return {"status": str(status)} if status else {}
        return self._create(entry)

    def _create(self, entry: dict[str, Any]) -> dict[str, Any]:
        kind, condition = entry["request"]["url"], entry["request"].get("ifNoneExist")
        known = self._matches(kind, dict(parse_qsl(condition))["identifier"]) if condition else []
        if known:
            return self._response(kind, known[0]["id"], "200")
        number = len(self.resources.get(kind, {})) + 1
        resource = {**json.loads(json.dumps(entry["resource"])), "id": f"{kind.lower()}-{number}"}
        resource["meta"] = {**resource.get("meta", {}), "versionId": "1"}
        self.change(resource)
        self.put(resource)
        return self._response(kind, resource["id"], "201 Created")

    def _matches(self, kind: str, identifier: str) -> list[dict[str, Any]]:
        known = self.resources.get(kind, {}).values()
        return [each for each in known if not self.honours_condition or identifier in _tokens(each)]

    def _response(self, kind: str, resource_id: str, status: str) -> dict[str, Any]:
        location = {"location": f"{kind}/{resource_id}/_history/1"} if self.with_location else {}
        return {"status": status, **location}


def _tokens(resource: dict[str, Any]) -> list[str]:
    identifiers = resource.get("identifier") or []
    several = identifiers if isinstance(identifiers, list) else [identifiers]
    return [f"{each['system']}|{each['value']}" for each in several]


class _Handler(BaseHTTPRequestHandler):
    ehr: FakeEhr
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:  # named by http.server
        self.ehr.count_one_more()
        self._get()

    def do_POST(self) -> None:  # named by http.server
        self.ehr.count_one_more()
        self._post()

    def _get(self) -> None:
        parts = urlsplit(self.path)
        path = parts.path.removeprefix("/fhir/")
        self.ehr.reads.append(path)
        if path.startswith("Patient/") and (act := self.ehr.on_patient_read):
            self.ehr.on_patient_read = None
            act()
        if (fault := self.ehr.read_faults.get(path)) or not self._allowed():
            self._fail(fault or Fault(status=401))
        elif "/" in path:
            kind, _, resource_id = path.partition("/")
            found = self.ehr.resources.get(kind, {}).get(resource_id)
            self._json(200, found) if found else self._fail(Fault(status=404))
        else:
            entries = [{"resource": each} for each in self.ehr.search(path, dict(parse_qsl(parts.query)))]
            self._json(200, {"resourceType": "Bundle", "type": "searchset", "entry": entries})
            if path == "Observation":
                self.ehr.observed.set()

    def _post(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/token":
            self._token(dict(parse_qsl(body.decode())))
            return
        bundle = orjson.loads(body)
        if bundle["resourceType"] != "Bundle":
            self._single(bundle)
            return
        self.ehr.posts.append(bundle)
        self.ehr.bodies.append(body.decode())
        refused = self.ehr.refuses(bundle)
        if not self._allowed():
            self._fail(Fault(status=401))
        elif refused is not None:
            self._fail(Fault(status=refused))
        elif self.ehr.faults:
            fault = self.ehr.faults.popleft()
            if fault.commit:
                self.ehr.commit(bundle)
            self._fail(fault)
        else:
            entries = self.ehr.commit(bundle)
            self._json(200, {"resourceType": "Bundle", "type": self.ehr.answers_as, "entry": entries})

    def do_PUT(self) -> None:  # named by http.server
        self.ehr.count_one_more()
        resource = orjson.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.ehr.puts.append(resource["resourceType"])
        self.ehr.before_put(resource)
        fault = self.ehr.put_faults.popleft() if self.ehr.put_faults else None
        if fault is None or fault.commit:
            status = self.ehr.replace(resource, self.headers["If-Match"])
            fault = fault or Fault(status=status)
        self._fail(fault)

    def _single(self, resource: dict[str, Any]) -> None:
        self.ehr.singles.append(resource)
        if self.ehr.refuse_single:
            self._fail(Fault(status=self.ehr.refuse_single))
            return
        with self.ehr._lock:
            created = self.ehr._create({"resource": resource, "request": {"url": resource["resourceType"]}})
        answer = [{"response": created}]
        if self.ehr.lose_single:
            self.ehr.lose_single -= 1
            self._fail(Fault(status=None))
            return
        location = answer[0]["response"].get("location", "")
        self._send(201, b"", {"Location": f"{self.ehr.origin}/fhir/{location}"})

    def _token(self, form: dict[str, str]) -> None:
        asked = form.get("refresh_token") or form["token"]
        self.ehr.refreshed.append(asked)
        answer = self.ehr.refreshes.pop(asked, None)
        if answer is None:
            self._json(400, {"error": "invalid_grant"})
            return
        self.ehr.tokens = {answer["access_token"]}
        self._json(200, {"token_type": "Bearer", "expires_in": 300, **answer})

    def _allowed(self) -> bool:
        return self.headers.get("Authorization", "").removeprefix("Bearer ") in self.ehr.tokens

    def _fail(self, fault: Fault) -> None:
        if fault.status is None:
            self.ehr.count_one_less()
            self.close_connection = True
            return
        self._send(fault.status, fault.body, fault.headers)

    def _json(self, status: int, value: Any) -> None:
        self._send(status, orjson.dumps(value), {"Content-Type": "application/fhir+json"})

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body)), "Connection": "close"}.items():
            self.send_header(name, value)
        self.ehr.count_one_less()
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Keep the test output quiet."""


@dataclass(kw_only=True)
class Clock:
    """A clock that moves only when told."""

    now: datetime = NOW

    def __call__(self) -> datetime:
        """Return the time it is."""
        return self.now

    def seconds(self) -> float:
        """Return the time as seconds, which never run backwards here."""
        return self.now.timestamp()

    def pass_by(self, **amount: float) -> datetime:
        """Let time pass; returns the new time."""
        self.now += timedelta(**amount)
        return self.now


@dataclass(frozen=True, kw_only=True)
class Site:
    """Everything of one running app that delivery needs."""

    engine: Engine
    vault: Vault
    clock: Clock
    outbox: Outbox
    grants: Grants
    courier: Courier
    registry: Registry
    corrections: Corrections

    def deliver(self, **passed: float) -> int:
        """Let time pass, then deliver what is due; returns how many were tried."""
        return self.courier.deliver_due(self.clock.pass_by(**passed))

    def standing(self, key: str) -> tuple[str, str | None]:
        """Return state and reason of a submission."""
        with self.engine.connect() as connection:
            row = connection.execute(select(submissions).where(submissions.c.key == key)).one()
        return row.state, row.reason

    def sends(self) -> list[tuple[str, str | None, int | None]]:
        """Return step, outcome and status of every send that was written down."""
        with self.engine.connect() as connection:
            rows = connection.execute(select(attempts).order_by(attempts.c.id)).all()
        return [(row.step, row.outcome, row.status) for row in rows]

    def waits(self, key: str) -> timedelta:
        """Return how long a submission waits from now."""
        with self.engine.connect() as connection:
            due = connection.execute(select(submissions).where(submissions.c.key == key)).one().next_attempt_at
        return due - self.clock.now

    def leased_for(self, key: str) -> timedelta:
        """Return how long a submission is still leased."""
        with self.engine.connect() as connection:
            until = connection.execute(select(submissions).where(submissions.c.key == key)).one().leased_until
        return until - self.clock.now

    def grant(
        self,
        *,
        patient: str = "maria-lopez",
        refresh: str | None = None,
        scopes: str = "openid patient/Observation.crus patient/Provenance.c",
    ) -> str:
        """Keep a permission and return its id."""
        granted = Granted(
            access_token="token-1",
            refresh_token=refresh,
            expires_at=self.clock.now + timedelta(days=30),
            scopes=frozenset(scopes.split()),
            patient=patient,
            encounter=None,
            user=User(issuer="https://ehr.example.invalid", subject="u1", reference=f"Patient/{patient}"),
            need_patient_banner=False,
            style_url=None,
            intent=None,
            fhir_context=(),
        )
        return self.grants.keep("harbor", "patient", granted)


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Keep the log out of the test output."""
    with capture_logs():
        yield


@pytest.fixture
def ehr() -> Iterator[FakeEhr]:
    """Run a well-behaved EHR with one patient and one encounter."""
    server = FakeEhr()
    yield server
    server.close()


@pytest.fixture
def make_site(tmp_path: Path, empty_store: str) -> Iterator[Callable[..., Site]]:
    """Wire the delivery parts to the EHR at an address; wired again it is a restart on the same database.

    What is named replaces a part of the EHR's settings.
    """
    engines: list[Engine] = []

    def make(fhir_base: str, token_endpoint: str, **changed: Any) -> Site:
        site = _site(empty_store, tmp_path, fhir_base, token_endpoint, **changed)
        engines.append(site.engine)
        return site

    yield make
    for engine in engines:
        engine.dispose()


@pytest.fixture
def site(make_site: Callable[..., Site], ehr: FakeEhr) -> Site:
    """Wire the delivery parts to the EHR that can misbehave."""
    return make_site(f"{ehr.origin}/fhir", f"{ehr.origin}/token")


def _site(database: str, folder: Path, fhir_base: str, token_endpoint: str, **changed: Any) -> Site:
    client = ClientSettings(client_id="alliance-patient", scopes="patient/Observation.crus")
    harbor = EhrSettings(
        name="harbor",
        title="Harbor",
        fhir_base=fhir_base,
        issuer=fhir_base,
        authorization_endpoint=f"{fhir_base}/authorize",
        token_endpoint=token_endpoint,
        jwks_uri=f"{fhir_base}/jwks",
        frame_ancestors=(),
        allow_private=True,
        clinician=None,
        patient=client,
        backend=None,
    )
    settings = Settings(
        public_url="http://localhost:8081",
        database=database,
        vault_key_file=folder / "vault.json",
        site=SiteSettings(name="Site", crisis_line="988", someone_else="Front desk", time_zone=ZoneInfo("UTC")),
        ehrs={"harbor": replace(harbor, **changed)},
    )
    engine, vault, clock = open_store(settings.database), Vault(current="k1", keys={"k1": bytes(range(32))}), Clock()
    outbox, queue = Outbox(engine, vault, clock), Queue(engine, vault)
    registry = Registry(settings, clock=clock.seconds)
    grants = Grants(engine, vault, registry, clock)
    courier = Courier(outbox, queue, Keeping(engine, vault, clock), grants, registry, clock=clock, jitter=lambda: 0.5)
    return Site(
        engine=engine,
        vault=vault,
        clock=clock,
        outbox=outbox,
        grants=grants,
        courier=courier,
        registry=registry,
        corrections=Corrections(outbox, engine, vault, clock),
    )


@pytest.fixture
def accept(accept_at: Callable[..., str], site: Site) -> Callable[..., str]:
    """Accept one full form at the site and return its key."""
    return partial(accept_at, site)


@pytest.fixture
def accept_at(make_submission: Callable[..., Submission]) -> Callable[..., str]:
    """Accept one full form at a site and return its key."""
    answers = {str(item): "7" for item in range(1, 12)}

    def make(site: Site, grant: str | None = None, **fields: Any) -> str:
        submission = make_submission(**{"given": answers, "form": "full", **fields})
        bundle = orjson.dumps(write_bundle(submission))
        return site.outbox.accept(submission, bundle, grant=grant or site.grant()).key

    return make


@pytest.fixture
def bundle_of() -> Callable[[Submission], dict[str, Any]]:
    """Build the write-back bundle of a submission."""
    return write_bundle


@pytest.fixture
def make_fault() -> type[Fault]:
    """Return how one request is answered instead."""
    return Fault


@pytest.fixture
def records() -> tuple[dict[str, Any], ...]:
    """Return what an EHR has of the patient before the visit."""
    return PATIENT, ENCOUNTER
