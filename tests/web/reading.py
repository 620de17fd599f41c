"""A program that reads at our FHIR endpoint, registered at a site with its own key."""

import json
import secrets
from typing import Any

import requests
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from smart_app.demo.site import Site

from .house import CORE, House

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
BOTH = "system/QuestionnaireResponse.rs system/Observation.rs"
HOLD = '\n[ehr.harbor.write]\nrung = "hold"\nkeep_days = 30\n'


class Reader:
    """One program: its key, its client id, and the tokens it asks for."""

    def __init__(self, name: str = "registry", *, key: ECKey | RSAKey | None = None, scopes: str = BOTH) -> None:
        self.name = name
        self.client_id = f"{name}-reader"
        self.key = key or ECKey.generate_key("P-384", {"use": "sig", "alg": "ES384"}, auto_kid=True)
        self.scopes = scopes

    @property
    def algorithm(self) -> str:
        """What the key signs with."""
        return "ES384" if isinstance(self.key, ECKey) else "RS384"

    def register(self, site: Site, *, ehr: str = "harbor", source: str = "") -> None:
        """Write the reader into the settings of a site, with its public key in a file unless told otherwise."""
        path = site.settings.parent / f"{self.name}.jwks.json"
        path.write_text(json.dumps({"keys": [self.key.as_dict(private=False)]}))
        entry = (
            f'\n[reader.{self.name}]\nclient_id = "{self.client_id}"\nehr = "{ehr}"\nscopes = "{self.scopes}"\n'
            + (source or f'jwks_file = "{path.name}"')
            + "\n"
        )
        site.settings.write_text(site.settings.read_text() + entry)

    def assertion(self, house: House, *, header: dict[str, Any] | None = None, **claims: Any) -> str:
        """Sign who this is; `...` leaves a claim out, and seconds of `exp`, `iat`, `nbf` count from now."""
        now = int(house.now().timestamp())
        values = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": house.url("/fhir/auth/token"),
            "jti": secrets.token_urlsafe(16),
            "exp": 240,
            **claims,
        }
        timed = {name: value + now if name in ("exp", "iat", "nbf") and type(value) is int else value
                 for name, value in values.items() if value is not ...}  # fmt: skip
        head = {"alg": self.algorithm, "kid": self.key.kid, "typ": "JWT"} | (header or {})
        head = {name: value for name, value in head.items() if value is not ...}
        return jwt.encode(head, timed, self.key, algorithms=[head["alg"]])

    def ask(self, house: House, assertion: str | None = None, **fields: Any) -> requests.Response:
        """Ask for a token; `...` leaves a field out."""
        form = {
            "grant_type": "client_credentials",
            "scope": self.scopes,
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": self.assertion(house) if assertion is None else assertion,
            **fields,
        }
        sent = {name: value for name, value in form.items() if value is not ...}
        return requests.post(house.url("/fhir/auth/token"), data=sent, timeout=30)

    def token(self, house: House, scope: str = "") -> str:
        """Return a token, for all scopes unless told otherwise."""
        return str(self.ask(house, scope=scope or self.scopes).json()["access_token"])


def get(house: House, path: str, token: str = "", **headers: str) -> requests.Response:
    """Read from the endpoint."""
    named = {"Authorization": f"Bearer {token}"} if token else {}
    named |= {name.replace("_", "-"): value for name, value in headers.items()}
    address = path if path.startswith("http") else house.url(f"/fhir/{path}")
    return requests.get(address, headers=named, allow_redirects=False, timeout=30)


def entries(reply: requests.Response) -> list[dict[str, Any]]:
    """Return the resources of a search."""
    assert reply.status_code == 200, reply.text
    return [entry["resource"] for entry in reply.json().get("entry", [])]


def answer(house: House, patient: str) -> str:
    """Let a handed-over patient answer, deliver what is due, and return the submission's key."""
    person, page = house.handed(patient)
    review = person.submit(page, page.form("/form"), **CORE, action="review")
    receipt = person.submit(review, review.form("/send"))
    house.deliver()
    return receipt.url.rpartition("/")[2]


def hold(site: Site) -> None:
    """Let the site write nothing."""
    site.settings.write_text(site.settings.read_text() + HOLD)
