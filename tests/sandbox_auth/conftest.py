"""A sandbox with its authorization server alone, nine registered apps, three people and a clock that stands still."""

import base64
import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import parse_qs, quote_plus, urlsplit

import pytest
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from flask import Flask
from flask.testing import FlaskClient
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey
from werkzeug.test import TestResponse

import smart_app.sandbox
from smart_app.sandbox.auth.grants import Grants
from smart_app.sandbox.auth.server import blueprint
from smart_app.sandbox.chart.session import sign_in
from smart_app.sandbox.config import SandboxClient, SandboxConfig
from smart_app.sandbox.fhir.store import ResourceStore

BASE = "http://ehr.example.invalid"
FHIR = f"{BASE}/fhir"
NOW = 1_796_000_000.5
VERIFIER = "v" * 43
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
SURVEY = "category=http://terminology.hl7.org/CodeSystem/observation-category|survey"

RSA = RSAKey.generate_key(2048, {"alg": "RS384", "use": "sig"}, auto_kid=True)
EC = ECKey.generate_key("P-384", {"alg": "ES384", "use": "sig"}, auto_kid=True)
STRANGER = RSAKey.generate_key(2048, auto_kid=True)
KEYS = {"RS384": RSA, "ES384": EC}
JWKS: dict[str, object] = dict(KeySet([RSA, EC]).as_dict(private=False))

CLINICIAN = SandboxClient(
    client_id="clinician",
    name="Clinician App",
    scopes=f"launch openid fhirUser online_access user/Patient.r user/Observation.crus?{SURVEY} system/Patient.r",
    grant_types=("authorization_code", "refresh_token"),
    redirect_uris=("https://app.example.invalid/callback", "https://app.example.invalid/other?tenant=1"),
    jwks=JWKS,
)
PATIENT = SandboxClient(
    client_id="patient",
    name="Patient <App>",
    scopes="launch/patient openid fhirUser offline_access patient/Patient.r patient/Observation.crus user/Patient.r",
    grant_types=("authorization_code", "refresh_token"),
    redirect_uris=("https://patient.example.invalid/callback",),
)
SYSTEM = SandboxClient(
    client_id="system",
    name="Health System",
    scopes="system/Observation.rs user/Observation.rs",
    grant_types=("client_credentials",),
    jwks=JWKS,
)
LONE_KEY = replace(SYSTEM, client_id="lone-key", jwks=dict(KeySet([RSA]).as_dict(private=False)))
BRIEF = replace(PATIENT, client_id="brief", grant_types=("authorization_code",))
NAMELESS = SandboxClient(
    client_id="nameless", name="Nobody", scopes="system/Observation.rs", grant_types=("client_credentials",)
)
BACKEND = SandboxClient(
    client_id="backend",
    name="Backend",
    scopes="launch openid",
    grant_types=("client_credentials",),
    redirect_uris=("https://backend.example.invalid/callback",),
    jwks=JWKS,
)
SERVER = replace(CLINICIAN, client_id="server:1", name="Server App", jwks=None, secret="s3cret +%&:é")
REPORT = replace(SYSTEM, client_id="report", jwks=None, secret="report-secret")
PEOPLE: list[dict[str, Any]] = [
    {"resourceType": "Patient", "id": "ana", "name": [{"given": ["Ana"], "family": "Lund"}], "birthDate": "1990-02-03"},
    {"resourceType": "Patient", "id": "bo", "name": [{"text": "Bo Okafor"}]},
    {"resourceType": "Organization", "id": "clinic", "name": "Clinic"},
    {"resourceType": "Practitioner", "id": "vera", "name": [{"given": ["Vera"], "family": "Stein"}]},
]


@dataclass
class Clock:
    """Seconds since 1970, moved by hand."""

    now: float = NOW

    def __call__(self) -> float:
        return self.now


@dataclass
class Sandbox:
    """One authorization server with a browser, and the requests its tests send."""

    grants: Grants
    clock: Clock
    browser: FlaskClient
    app: Flask
    base: str = BASE
    fhir: str = FHIR
    survey: str = SURVEY
    verifier: str = VERIFIER
    stranger: ClassVar[Any] = STRANGER
    report: ClassVar[SandboxClient] = REPORT
    _serial: Iterator[int] = field(default_factory=itertools.count)

    def assertion(
        self, client_id: str, *, alg: str = "RS384", key: Any = None, header: Any = None, **claims: Any
    ) -> str:
        """Sign a client assertion that is right unless told otherwise; a claim of None is left out."""
        now = int(self.clock.now)
        right = {
            "iss": client_id, "sub": client_id, "aud": f"{BASE}/auth/token", "iat": now, "exp": now + 240,
            "jti": f"jti-{next(self._serial)}",
        }  # fmt: skip
        payload = {name: value for name, value in (right | claims).items() if value is not None}
        signer = key or KEYS[alg]
        head = {"alg": alg, "kid": signer.kid} | (header or {})
        head = {name: value for name, value in head.items() if value is not None}
        return jwt.encode(head, payload, signer, algorithms=[alg])

    def proof(self, client_id: str, **changes: Any) -> dict[str, str]:
        """Return the two form fields of private_key_jwt."""
        return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": self.assertion(client_id, **changes)}

    @staticmethod
    def basic(client: SandboxClient = SERVER) -> dict[str, str]:
        """Return the header of client_secret_basic, each half form-urlencoded (RFC 6749 section 2.3.1)."""
        pair = f"{quote_plus(client.client_id)}:{quote_plus(client.secret or '')}"
        return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}

    @staticmethod
    def real_times() -> dict[str, int]:
        """Return assertion times by the real clock, for a sandbox that runs by it."""
        now = int(time.time())
        return {"iat": now, "exp": now + 240}

    @staticmethod
    def key(alg: str) -> Any:
        """Return a registered key with its private half."""
        return KEYS[alg]

    def launch(self, **context: Any) -> str:
        """Begin an EHR launch by Vera on Ana's visit."""
        return self.grants.begin_launch(**{"user": "Practitioner/vera", "patient": "ana", "encounter": "v1"} | context)

    def ehr_request(self, **changes: str | None) -> dict[str, str]:
        """Return the parameters of the clinician's EHR launch; a change to None leaves one out."""
        right = {
            "response_type": "code", "client_id": "clinician", "redirect_uri": CLINICIAN.redirect_uris[0],
            "scope": CLINICIAN.scopes, "state": "s-1", "aud": FHIR, "nonce": "n-1", "launch": self.launch(),
            "code_challenge": create_s256_code_challenge(VERIFIER), "code_challenge_method": "S256",
        }  # fmt: skip
        return {name: value for name, value in (right | changes).items() if value is not None}

    def standalone_request(self, **changes: str | None) -> dict[str, str]:
        """Return the parameters of the patient app's standalone launch."""
        right = {"client_id": "patient", "redirect_uri": PATIENT.redirect_uris[0], "scope": PATIENT.scopes}
        return self.ehr_request(**({**right, "launch": None} | changes))

    def authorize(self, params: dict[str, str]) -> TestResponse:
        """Send an authorization request from the browser."""
        return self.browser.get("/auth/authorize", query_string=params)

    def code(self, **changes: str | None) -> str:
        """Run the EHR launch up to its code."""
        return self.sent_back(self.authorize(self.ehr_request(**changes)))["code"]

    def token(self, **form: str) -> TestResponse:
        """Call the token endpoint."""
        return self.browser.post("/auth/token", data=form)

    def code_form(self, code: str, /, **changes: str | None) -> dict[str, str]:
        """Return the clinician's right token request for `code`."""
        right = {
            "grant_type": "authorization_code", "code": code, "redirect_uri": CLINICIAN.redirect_uris[0],
            "code_verifier": VERIFIER, **self.proof("clinician"),
        }  # fmt: skip
        return {name: value for name, value in (right | changes).items() if value is not None}

    def launched(self, **changes: str | None) -> dict[str, Any]:
        """Run the whole EHR launch and return the token answer."""
        reply = self.token(**self.code_form(self.code(**changes)))
        assert reply.status_code == 200, reply.json
        return dict(reply.json)

    def signed_in(self, reference: str) -> None:
        """Sign somebody in to the EHR's own pages in this browser."""
        response = sign_in(self.app.make_response(""), reference)
        name, _, value = response.headers["Set-Cookie"].partition(";")[0].partition("=")
        self.browser.set_cookie(name, value, domain="localhost")

    def press(self, page: TestResponse, **fields: str) -> TestResponse:
        """Send the form of a page with one button pressed."""
        return self.browser.post("/auth/answer", data={"transaction": self.transaction(page), **fields})

    @staticmethod
    def transaction(page: TestResponse) -> str:
        """Return the one-time id in the form of a page."""
        return page.text.partition('name="transaction" value="')[2].partition('"')[0]

    @staticmethod
    def sent_back(response: TestResponse) -> dict[str, str]:
        """Return the parameters a redirect carries back to the client."""
        assert response.status_code == 303, response.text
        query = urlsplit(response.headers["Location"]).query
        return {name: values[0] for name, values in parse_qs(query).items()}


@pytest.fixture
def config(tmp_path: Path) -> SandboxConfig:
    """Return the settings of a sandbox that knows nine apps."""
    return SandboxConfig(
        base_url=BASE,
        database=tmp_path / "ehr.sqlite",
        clients=(CLINICIAN, PATIENT, SYSTEM, LONE_KEY, BRIEF, NAMELESS, BACKEND, SERVER, REPORT),
    )


@pytest.fixture
def sandbox(config: SandboxConfig) -> Iterator[Sandbox]:
    """Run the authorization server over a store with two patients and one clinician."""
    store = ResourceStore(config.database)
    store.load(PEOPLE)
    clock = Clock()
    grants = Grants(config, clock=clock)
    app = Flask(smart_app.sandbox.__name__)
    app.register_blueprint(blueprint(config, store, grants))
    yield Sandbox(grants=grants, clock=clock, browser=app.test_client(), app=app)
    store.close()
