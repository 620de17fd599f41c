"""An EHR that calls our CDS Hooks services with tokens of its own key, registered at a site."""

import json
import secrets
import uuid
from typing import Any

import requests
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from smart_app.demo.site import Site

from .house import ADA, AOIFE, House

ISSUER = "https://ehr.example.org/cds"


class Caller:
    """One EHR's calling part: its key, and what it signs."""

    def __init__(self, key: ECKey | RSAKey | None = None) -> None:
        self.key = key or ECKey.generate_key("P-384", {"use": "sig", "alg": "ES384"}, auto_kid=True)

    def register(self, site: Site, more: str = "") -> None:
        """Let the site take this caller's tokens."""
        (site.settings.parent / "cds.jwks.json").write_text(json.dumps({"keys": [self.key.as_dict(private=False)]}))
        mine = f'\n[ehr.harbor.cds]\nissuer = "{ISSUER}"\njwks_file = "cds.jwks.json"\n{more}\n'
        site.settings.write_text(site.settings.read_text() + mine)

    def token(self, house: House, path: str, *, header: dict[str, Any] | None = None, **claims: Any) -> str:
        """Sign a call to a path; `...` leaves a part out, and seconds of `exp`, `iat`, `nbf` count from now."""
        now = int(house.now().timestamp())
        values = {"iss": ISSUER, "aud": house.url(path), "jti": secrets.token_hex(), "exp": 240, "iat": 0, **claims}
        timed = {
            name: value + now if name in ("exp", "iat", "nbf") and type(value) is int else value
            for name, value in values.items()
            if value is not ...
        }
        algorithm = "ES384" if isinstance(self.key, ECKey) else "RS384"
        head = {"alg": algorithm, "kid": self.key.kid, "typ": "JWT"} | (header or {})
        head = {name: value for name, value in head.items() if value is not ...}
        return jwt.encode(head, timed, self.key, algorithms=[head["alg"]])

    def post(
        self, house: House, path: str, body: Any, *, token: str | None = None, **headers: str
    ) -> requests.Response:
        """Call a path; without a `token` one is signed for it."""
        proof = {"Authorization": f"Bearer {self.token(house, path) if token is None else token}"}
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = proof | {"Content-Type": "application/json"} | headers
        return requests.post(house.url(path), data=data, headers=sent, timeout=30)

    def cards(self, house: House, hook: str = "patient-view", **changes: Any) -> list[dict[str, Any]]:
        """Return the cards for a chart."""
        reply = self.post(house, f"/cds-services/{hook}", body(house, hook, **changes))
        assert reply.status_code == 200, reply.text
        assert set(reply.json()) == {"cards"}
        return list(reply.json()["cards"])


def body(house: House, hook: str = "patient-view", **changes: Any) -> dict[str, Any]:
    """Return what an EHR says when a chart is opened; parts of the context by their names, `...` leaves one out."""
    context = {"userId": ADA, "patientId": AOIFE, "encounterId": ..., "appointments": ...}
    context |= {name: changes.pop(name) for name in tuple(changes) if name in context}
    said = {
        "hook": hook,
        "hookInstance": str(uuid.uuid4()),
        "fhirServer": house.site.fhir_base,
        "fhirAuthorization": {"access_token": "s3cr3t-of-the-ehr", "token_type": "Bearer", "expires_in": 300},
        "context": {name: value for name, value in context.items() if value is not ...},
        **changes,
    }
    return {name: value for name, value in said.items() if value is not ...}
