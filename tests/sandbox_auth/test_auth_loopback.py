"""The authorization server over real sockets, with Authlib as the app."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import requests
from authlib.common.security import generate_token
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from flask import Flask
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet
from werkzeug.serving import make_server

import smart_app.sandbox
from smart_app.sandbox.auth.grants import Grants
from smart_app.sandbox.auth.server import blueprint
from smart_app.sandbox.config import SandboxClient, SandboxConfig
from smart_app.sandbox.fhir.store import ResourceStore

CALLBACK = "http://127.0.0.1:9/callback"
SCOPE = "launch openid fhirUser online_access user/Patient.r"


class FreshAssertion(PrivateKeyJWT):
    """private_key_jwt as SMART wants it: four minutes, and a jti of its own for every request."""

    def sign(self, auth: Any, token_endpoint: str) -> str:
        """Return a new assertion; Authlib alone would repeat the jti and allow an hour."""
        self.claims = {"exp": int(time.time()) + 240}
        return str(super().sign(auth, token_endpoint))


class Served:
    """An authorization server on a port of its own, and the app's key."""

    def __init__(self, directory: Path) -> None:
        self.key = ECKey.generate_key("P-384", {"alg": "ES384", "use": "sig"}, auto_kid=True)
        app = Flask(smart_app.sandbox.__name__)
        self.server = make_server("127.0.0.1", 0, app, threaded=True)
        self.base = f"http://127.0.0.1:{self.server.server_port}"
        client = SandboxClient(
            client_id="app",
            name="App",
            scopes=f"{SCOPE} system/Patient.rs",
            grant_types=("authorization_code", "refresh_token", "client_credentials"),
            redirect_uris=(CALLBACK,),
            jwks=dict(KeySet([self.key]).as_dict(private=False)),
        )
        config = SandboxConfig(base_url=self.base, database=directory / "ehr.sqlite", clients=(client,))
        self.store = ResourceStore(config.database)
        self.grants = Grants(config)
        app.register_blueprint(blueprint(config, self.store, self.grants))

    def session(self, scope: str) -> OAuth2Session:
        """Return an Authlib client that knows what discovery says and signs with ES384."""
        session = OAuth2Session(
            "app", self.key, scope=scope, redirect_uri=CALLBACK, code_challenge_method="S256",
            token_endpoint_auth_method="private_key_jwt",
        )  # fmt: skip
        session.register_client_auth_method(
            FreshAssertion(f"{self.base}/auth/token", alg="ES384", headers={"kid": self.key.kid})
        )
        return session


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    """Serve the authorization server on a free loopback port."""
    served = Served(tmp_path)
    thread = threading.Thread(target=served.server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield served
    served.server.shutdown()
    thread.join()
    served.server.server_close()
    served.store.close()


def test_authlib_launches_and_refreshes(served: Served) -> None:
    """A standard client goes from discovery over EHR launch, token and id_token to a refreshed token."""
    found = requests.get(f"{served.base}/fhir/.well-known/smart-configuration", timeout=10).json()
    launch = served.grants.begin_launch(user="Practitioner/vera", patient="ana", encounter="v1")
    verifier = generate_token(48)

    with served.session(SCOPE) as session:
        url, state = session.create_authorization_url(
            found["authorization_endpoint"], aud=found["issuer"], launch=launch, code_verifier=verifier, nonce="n"
        )
        reply = requests.get(url, allow_redirects=False, timeout=10)
        token = session.fetch_token(
            found["token_endpoint"],
            authorization_response=reply.headers["Location"],
            state=state,
            code_verifier=verifier,
        )
        again = session.refresh_token(found["token_endpoint"], refresh_token=token["refresh_token"])
    keys = KeySet.import_key_set(requests.get(found["jwks_uri"], timeout=10).json())

    assert (token["patient"], token["encounter"]) == ("ana", "v1")
    assert jwt.decode(token["id_token"], keys).claims["fhirUser"] == f"{served.base}/fhir/Practitioner/vera"
    assert served.grants.access(again["access_token"])
    assert again["refresh_token"] != token["refresh_token"]


def test_authlib_runs_as_a_backend_service(served: Served) -> None:
    """A standard client gets a system token with private_key_jwt."""
    with served.session("system/Patient.rs") as session:
        token: dict[str, Any] = session.fetch_token(f"{served.base}/auth/token", grant_type="client_credentials")

    assert token["scope"] == "system/Patient.rs"
    assert served.grants.access(token["access_token"])


def test_a_long_request_fits_into_a_form(served: Served) -> None:
    """A request too long for some addresses arrives by POST."""
    params = {"client_id": "app", "redirect_uri": CALLBACK, "state": "s" * 8000}

    reply = requests.post(
        f"{served.base}/auth/authorize",
        data=urlencode(params),
        headers={"Content-Type": "application/x-www-form-urlencoded"},
        allow_redirects=False,
        timeout=10,
    )

    assert reply.status_code == 303
    assert "s" * 8000 in reply.headers["Location"]
