"""An EHR on loopback that says whatever a test wants it to say, and a registry that knows it."""

import json
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import parse_qs
from zoneinfo import ZoneInfo

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey

from fhir_alliance.ehr.fhir import FhirClient
from fhir_alliance.ehr.http import Door
from fhir_alliance.ehr.registry import Registry
from fhir_alliance.settings import ClientSettings, EhrSettings, Settings, SiteSettings

NOW = datetime(2026, 11, 12, 10, 42, 7, tzinfo=timezone(timedelta(hours=-5)))
CANARY = "canary-token-7f3a"


@dataclass(kw_only=True)
class Answer:
    """What the EHR says once: a status with a body, or raw bytes written by hand."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    raw: Callable[[BinaryIO, threading.Event], None] | None = None


@dataclass(kw_only=True)
class Seen:
    """One request as it arrived."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes

    @property
    def form(self) -> dict[str, str]:
        """The body of a form post, each name once."""
        return {name: values[0] for name, values in parse_qs(self.body.decode()).items()}


class FakeEhr:
    """A threaded HTTP server; for each method and path it gives its answers in turn, and the last one for ever."""

    def __init__(self) -> None:
        self.seen: list[Seen] = []
        self.clock = NOW
        self.stopped = threading.Event()
        self._answers: dict[tuple[str, str], list[Any]] = defaultdict(list)
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.server.daemon_threads = True
        self._thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)

    @property
    def url(self) -> str:
        """The origin, http until a test says otherwise."""
        return f"http://127.0.0.1:{self.server.server_port}"

    @property
    def base(self) -> str:
        """The FHIR base."""
        return f"{self.url}/fhir"

    def on(self, method: str, path: str, answer: Any = b"", status: int = 200, **headers: str) -> None:
        """Say this next: bytes, JSON, or what a function of the request returns."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self._answers[method, path].append((answer, status, named))

    def raw(self, method: str, path: str, write: Callable[[BinaryIO, threading.Event], None]) -> None:
        """Let a function write the whole answer to the socket, headers and all."""
        self._answers[method, path].append(Answer(raw=write))

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Stop answering, also what is still dripping."""
        self.stopped.set()
        self.server.shutdown()
        self._thread.join()
        self.server.server_close()

    def answer(self, seen: Seen) -> Answer:
        """Return what is to be said to a request."""
        self.seen.append(seen)
        answers = self._answers.get((seen.method, seen.path))
        if not answers:
            return Answer(status=404, body=json.dumps(outcome("not-found")).encode())
        said = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(said, Answer):
            return said
        value, status, headers = said
        value = value(seen) if callable(value) else value
        return Answer(
            status=status, body=value if isinstance(value, bytes) else json.dumps(value).encode(), headers=headers
        )

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        ehr = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def date_time_string(self, timestamp: float | None = None) -> str:
                return format_datetime(ehr.clock)

            def handle_one_request(self) -> None:
                try:
                    super().handle_one_request()
                except OSError:  # the app went away in the middle, as it should when it is fed drop by drop
                    self.close_connection = True

            def reply(self) -> None:
                path, _, query = self.path.partition("?")
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                headers = {name.lower(): value for name, value in self.headers.items()}
                seen = Seen(method=self.command, path=path, query=query, headers=headers, body=body)
                answer = ehr.answer(seen)
                if answer.raw:
                    self.close_connection = True
                    answer.raw(self.wfile, ehr.stopped)
                    return
                self.send_response(answer.status)
                sent = {
                    "Content-Type": "application/fhir+json",
                    "Content-Length": str(len(answer.body)),
                    **answer.headers,
                }
                for name, value in sent.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(answer.body)

            do_GET = do_POST = do_PUT = do_DELETE = reply  # noqa: N815  # the standard library's names

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the standard library's name
                """Say nothing."""

        return Handler


def outcome(*codes: str, severity: str = "error") -> dict[str, Any]:
    """Return an OperationOutcome whose diagnostics name a patient, as real ones do."""
    issues = [{"severity": severity, "code": code, "diagnostics": "Maria Lopez is unknown"} for code in codes]
    return {"resourceType": "OperationOutcome", "issue": issues}


@dataclass(kw_only=True)
class Keys:
    """The keys of an authorization server and of our clients."""

    rsa: RSAKey
    ec: ECKey
    ec384: ECKey
    stranger: RSAKey

    @property
    def jwks(self) -> dict[str, Any]:
        """What the server publishes."""
        return dict(KeySet([self.rsa, self.ec, self.ec384]).as_dict(private=False))


class IdTokens:
    """Makes id_tokens: right ones, and with any part replaced."""

    def __init__(self, keys: Keys, ehr: EhrSettings) -> None:
        self.keys = keys
        self.claims: dict[str, Any] = {
            "iss": ehr.issuer,
            "aud": "alliance-clinician",
            "sub": "user-1",
            "exp": int(NOW.timestamp()) + 300,
            "iat": int(NOW.timestamp()),
            "nonce": "nonce-1",
            "fhirUser": "Practitioner/ada-okafor",
        }

    def make(self, *, header: dict[str, Any] | None = None, key: Any = None, **claims: Any) -> str:
        """Sign an id_token; a claim given as `...` is left out."""
        key = key or self.keys.rsa
        values = {name: value for name, value in {**self.claims, **claims}.items() if value is not ...}
        full = {"alg": "RS256", "kid": key.kid, **(header or {})}
        return jwt.encode({k: v for k, v in full.items() if v is not ...}, values, key, algorithms=[full["alg"]])


@pytest.fixture(scope="session")
def keys() -> Keys:
    """Make the keys once: they take a while."""
    return Keys(
        rsa=RSAKey.generate_key(2048, {"use": "sig"}, auto_kid=True),
        ec=ECKey.generate_key("P-256", {"use": "sig"}, auto_kid=True),
        ec384=ECKey.generate_key("P-384", {"use": "sig", "alg": "ES384"}, auto_kid=True),
        stranger=RSAKey.generate_key(2048, auto_kid=True),
    )


@pytest.fixture
def server() -> Iterator[FakeEhr]:
    """Run an EHR."""
    ehr = FakeEhr()
    ehr.start()
    yield ehr
    ehr.stop()


@pytest.fixture
def sink() -> Iterator[FakeEhr]:
    """Run a server that nothing may ever reach."""
    ehr = FakeEhr()
    ehr.start()
    yield ehr
    ehr.stop()
    assert ehr.seen == []


@pytest.fixture
def door(server: FakeEhr) -> Door:
    """Open the door to the EHR's FHIR base."""
    return Door(base_urls=[server.base], allow_private=True, deadline=5.0)


@pytest.fixture
def client(server: FakeEhr, door: Door) -> FhirClient:
    """Return a FHIR client with a token that must never be seen."""
    return FhirClient(door, server.base, CANARY)


@pytest.fixture
def ehr(server: FakeEhr, tmp_path: Path, keys: Keys) -> EhrSettings:
    """Return the settings of the EHR, with a confidential, a public and a backend client."""
    key_file = tmp_path / "client.json"
    key_file.write_text(json.dumps(keys.ec384.as_dict(private=True)))
    clinician = "launch openid fhirUser online_access user/Patient.r"
    return EhrSettings(
        name="harbor",
        title="Harbor",
        fhir_base=server.base,
        issuer=f"{server.url}/auth",
        authorization_endpoint=f"{server.url}/auth/authorize",
        token_endpoint=f"{server.url}/auth/token",
        jwks_uri=f"{server.url}/auth/jwks",
        frame_ancestors=(),
        allow_private=True,
        clinician=ClientSettings(client_id="alliance-clinician", scopes=clinician, key_file=key_file),
        patient=ClientSettings(client_id="alliance-patient", scopes="launch/patient openid fhirUser patient/Patient.r"),
        backend=ClientSettings(client_id="alliance-backend", scopes="system/Questionnaire.crus", key_file=key_file),
    )


@pytest.fixture
def settings_of() -> Callable[..., Settings]:
    """Return a maker of settings with these EHRs."""

    def make(*ehrs: EhrSettings) -> Settings:
        site = SiteSettings(
            name="Site", crisis_line="988", someone_else="Ms. Gray", time_zone=ZoneInfo("America/New_York")
        )
        return Settings(
            public_url="https://app.example.invalid",
            database="sqlite://",
            vault_key_file=Path("vault.key"),
            site=site,
            ehrs={ehr.name: ehr for ehr in ehrs},
        )

    return make


@pytest.fixture
def registry(ehr: EhrSettings, settings_of: Callable[..., Settings], server: FakeEhr, keys: Keys) -> Registry:
    """Return a registry that knows the EHR, whose keys are published."""
    server.on("GET", "/auth/jwks", keys.jwks)
    return Registry(settings_of(ehr))


@pytest.fixture
def id_tokens(keys: Keys, ehr: EhrSettings) -> IdTokens:
    """Return the maker of id_tokens of the EHR."""
    return IdTokens(keys, ehr)


@pytest.fixture
def now() -> datetime:
    """Return the moment at which the tests stand still; not in UTC."""
    assert NOW.astimezone(UTC) != NOW.replace(tzinfo=UTC)
    return NOW
