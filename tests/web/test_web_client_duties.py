"""What the Inferno client suite `smart_client_stu2_2` checks, as checks of every request that our app really sends."""

import base64
import hashlib
import json
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
import structlog
from joserfc import jwt
from joserfc.jwk import KeySet
from werkzeug.wrappers import Request, Response

from fhir_alliance.settings import read_settings
from smart_app.publishing import publish_all

from .house import House, Person
from .proofs import SECRET, proving

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
KINDS = {"alp": "public", "alcs": "secret", "alca": "private_key_jwt", "bsca": "private_key_jwt"}
LAUNCHING = ("alp", "alcs", "alca")


@dataclass(kw_only=True)
class Sent:
    """One request of the app, or of a browser that it sent, with the answer."""

    method: str
    path: str
    fields: dict[str, str]
    headers: dict[str, str]
    status: int
    answer: bytes

    @property
    def reply(self) -> dict[str, Any]:
        """The JSON that was answered."""
        return dict(json.loads(self.answer))


@dataclass(kw_only=True)
class Flow:
    """Everything that one kind of client sent, in order, and what it is registered with."""

    kind: str
    registered: dict[str, Any]
    fhir_base: str
    token_endpoint: str
    launch: str
    keys: KeySet
    sent: list[Sent] = field(default_factory=list)

    def to(self, path: str, **fields: str) -> list[Sent]:
        """Return the requests to a path whose fields are these."""
        return [one for one in self.sent if one.path == path and fields.items() <= one.fields.items()]

    @property
    def authorizations(self) -> list[Sent]:
        """Requests that browsers took to the authorize endpoint: an EHR launch, then a standalone one."""
        return self.to("/auth/authorize")

    @property
    def tokens(self) -> list[Sent]:
        """Requests to the token endpoint."""
        return self.to("/auth/token")


def recording(house: House, sent: list[Sent]) -> None:
    """Note every request that arrives at the house's EHR."""
    answer = house.ehr.wsgi_app

    def noting(environ: dict[str, Any], start: Callable[..., Any]) -> Any:
        environ["wsgi.input"] = body = BytesIO(environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)))
        request = Request(environ)
        fields = request.form.to_dict() or request.args.to_dict()
        body.seek(0)
        reply = Response.from_app(answer, environ)
        sent.append(
            Sent(
                method=request.method,
                path=request.path,
                fields=fields,
                headers=dict(request.headers.items()),
                status=reply.status_code,
                answer=reply.get_data(),
            )
        )
        return reply(environ, start)

    house.ehr.wsgi_app = noting  # type: ignore[method-assign]  # as Flask's own documentation has it


@pytest.fixture(scope="module", params=list(KINDS))
def flow(
    request: pytest.FixtureRequest,
    opener: Callable[..., AbstractContextManager[House]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Flow]:
    """Let one kind of client do its whole work: launch, refresh and a token that ended early, or publishing."""
    name = "backend" if request.param == "bsca" else "clinician"
    change = proving(KINDS[request.param], name)
    with structlog.testing.capture_logs(), opener(tmp_path_factory.mktemp("duties"), change=change) as house:
        config = json.loads(house.site.sandbox.read_text())
        published = requests.get(house.url("/.well-known/jwks.json"), timeout=10).json()
        flow = Flow(
            kind=request.param,
            registered=next(one for one in config["clients"] if one["client_id"] == f"alliance-{name}"),
            fhir_base=house.site.fhir_base,
            token_endpoint=house.site.token_endpoint,
            launch="",
            keys=KeySet.import_key_set(published),
        )
        recording(house, flow.sent)
        _publish(house) if name == "backend" else _launch(house, flow)
        yield flow


def _publish(house: House) -> None:
    for _ in range(2):
        list(publish_all(read_settings(house.site.settings)))


def _launch(house: House, flow: Flow) -> None:
    person = Person()
    house.sign_in(person)
    begin = house.launch_url(person)
    flow.launch = begin.partition("launch=")[2].partition("&")[0]
    chart = person.open(begin)
    house.ehr.extensions["sandbox_grants"].expire_access_tokens()
    assert person.open(chart.url).status == 200
    asked = person.open(house.url("/again/harbor"))
    picked = person.submit(asked, asked.forms[0], person="Patient/maria-lopez")
    assert person.submit(picked, picked.forms[0], decision="allow").status == 200


def registration(flow: Flow) -> None:
    """Check that the redirect URL is ours, as the launch URL is, and that what signs is in the published key set."""
    (redirect,) = flow.registered.get("redirect_uris", ["/callback/harbor"])

    assert redirect.endswith("/callback/harbor")
    assert flow.kind == "bsca" or flow.registered["launch_url"].endswith("/launch")
    for key in flow.registered.get("jwks", {}).get("keys", []):
        assert flow.keys.get_by_kid(key["kid"]).as_dict(private=False)["x"] == key["x"]


def authorization_request(flow: Flow) -> None:
    """Check that the request is whole and says only what was registered and received."""
    by_ehr, standalone = flow.authorizations

    for sent in (by_ehr, standalone):
        assert sent.fields["response_type"] == "code"
        assert sent.fields["client_id"] == flow.registered["client_id"]
        assert sent.fields["redirect_uri"] in flow.registered["redirect_uris"]
        assert sent.fields["aud"] == flow.fhir_base
        assert sent.fields["code_challenge_method"] == "S256"
        assert len(sent.fields["code_challenge"]) == 43
        assert len(sent.fields["state"]) == 43
    assert by_ehr.fields["launch"] == flow.launch
    assert "launch" in by_ehr.fields["scope"].split()
    assert "launch" not in standalone.fields
    assert "launch/patient" in standalone.fields["scope"].split()
    assert by_ehr.fields["state"] != standalone.fields["state"]


def code_exchange(flow: Flow) -> None:
    """Check that the code comes back with its redirect URI and the verifier of its challenge."""
    exchanges = flow.to("/auth/token", grant_type="authorization_code")

    assert len(exchanges) == len(flow.authorizations)
    for asked, sent in zip(flow.authorizations, exchanges, strict=True):
        digest = hashlib.sha256(sent.fields["code_verifier"].encode()).digest()
        assert base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == asked.fields["code_challenge"]
        assert sent.fields["redirect_uri"] == asked.fields["redirect_uri"]
        assert sent.fields["code"]


def refresh_request(flow: Flow) -> None:
    """Check that the refresh token is the one of this very session, and no wider scope is asked for."""
    (refresh,) = flow.to("/auth/token", grant_type="refresh_token")

    assert refresh.fields["refresh_token"] == flow.tokens[0].reply["refresh_token"]
    assert "scope" not in refresh.fields


def credentials_request(flow: Flow) -> None:
    """Check that each request says what for, by system scopes."""
    assert flow.tokens == flow.to("/auth/token", grant_type="client_credentials")
    assert all(scope.startswith("system/") for sent in flow.tokens for scope in sent.fields["scope"].split())


def public_client(flow: Flow) -> None:
    """Check that who asks is said in the body, and nothing proves it."""
    for sent in flow.tokens:
        assert sent.fields["client_id"] == flow.registered["client_id"]
        assert "Authorization" not in sent.headers
        assert "client_assertion" not in sent.fields


def symmetric_client(flow: Flow) -> None:
    """Check that the Basic header is exactly the pair, and the body holds neither half."""
    pair = base64.b64encode(f"{flow.registered['client_id']}:{SECRET}".encode()).decode()

    for sent in flow.tokens:
        assert sent.headers["Authorization"] == f"Basic {pair}"
        assert not {"client_id", "client_secret", "client_assertion"} & set(sent.fields)


def asymmetric_client(flow: Flow) -> None:
    """Check that every request has its own assertion: by a published key, for this endpoint, for five minutes."""
    assertions = [sent.fields["client_assertion"] for sent in flow.tokens]
    read = [jwt.decode(each, flow.keys, algorithms=["ES384", "RS384"]) for each in assertions]

    assert all(sent.fields["client_assertion_type"] == ASSERTION_TYPE for sent in flow.tokens)
    assert all("client_id" not in sent.fields and "Authorization" not in sent.headers for sent in flow.tokens)
    assert {each.header["typ"] for each in read} == {"JWT"}
    assert all(flow.keys.get_by_kid(each.header["kid"]) for each in read)
    for claims in (each.claims for each in read):
        assert claims["iss"] == claims["sub"] == flow.registered["client_id"]
        assert claims["aud"] == flow.token_endpoint
        assert time.time() < claims["exp"] <= time.time() + 300
    assert len({each.claims["jti"] for each in read}) == len(read) >= 2


def token_use(flow: Flow) -> None:
    """Check that every FHIR request carries a token issued to us, and that one that ended is renewed."""
    issued = {sent.reply["access_token"] for sent in flow.tokens}
    calls = [one for one in flow.sent if one.path.startswith("/fhir/") and "/.well-known/" not in one.path]
    ended = [one for one in calls if one.status == 401]

    assert calls
    assert {one.headers["Authorization"].removeprefix("Bearer ") for one in calls} == issued
    assert flow.kind == "bsca" or {one.headers["Authorization"] for one in ended} == {
        f"Bearer {flow.tokens[0].reply['access_token']}"
    }


DUTIES: list[tuple[str, tuple[str, ...], Callable[[Flow], None]]] = [
    ("smart_client_registration_{}_verification", tuple(KINDS), registration),
    ("smart_client_authorization_request_verification", LAUNCHING, authorization_request),
    ("smart_client_token_request_{}_verification: code", LAUNCHING, code_exchange),
    ("smart_client_token_request_{}_verification: refresh", LAUNCHING, refresh_request),
    ("smart_client_token_request_{}_verification: scope", ("bsca",), credentials_request),
    ("smart_client_token_request_{}_verification: client_id", ("alp",), public_client),
    ("smart_client_token_request_{}_verification: Basic", ("alcs",), symmetric_client),
    ("smart_client_token_request_{}_verification: assertion", ("alca", "bsca"), asymmetric_client),
    ("smart_client_token_use_verification", tuple(KINDS), token_use),
]


def test_the_duties_of_a_client_hold(flow: Flow) -> None:
    """Every duty that Inferno has for this kind of client holds for every request it sent."""
    faults = {}

    for name, kinds, check in DUTIES:
        if flow.kind in kinds:
            try:
                check(flow)
            except (AssertionError, LookupError, ValueError) as fault:
                faults[name.format(flow.kind)] = repr(fault)

    assert faults == {}


def test_every_redirect_stays_with_the_registered_server(flow: Flow) -> None:
    """No request of the flow named another endpoint than the registered ones."""
    origin = urlsplit(flow.fhir_base).netloc

    assert {one.headers["Host"] for one in flow.sent} == {origin}
