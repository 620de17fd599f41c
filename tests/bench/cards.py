"""What a card costs the EHR that opens a chart, beside the least that the app answers."""

import json
import secrets
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from time import perf_counter

import requests
from joserfc import jwt
from joserfc.jwk import ECKey

from smart_app.demo.run import free_port
from smart_app.demo.site import Site, write_site
from smart_app.demo.walk import CLINICIAN, PATIENT

from .measuring import Row
from .site import ehr, served
from .watched import Watched, frame

CALLS = 100
ISSUER = "https://ehr.example.org/cds"


def card_rows(folder: Path) -> Iterator[Row]:
    """Measure calls with a new token each, by turns with an empty request, for a patient of whom a form is due."""
    ehr_port = free_port(38080)
    site = write_site(folder, ehr_port=ehr_port, app_port=free_port(38081, above=ehr_port))
    key = ECKey.generate_key("P-384", {"use": "sig", "alg": "ES384"}, auto_kid=True)
    (folder / "cds.jwks.json").write_text(json.dumps({"keys": [key.as_dict(private=False)]}))
    cds = f'\n[ehr.harbor.cds]\nissuer = "{ISSUER}"\njwks_file = "cds.jwks.json"\n'
    site.settings.write_text(site.settings.read_text() + cds)
    with ehr(site), served(site):
        clinician = Watched()
        clinician.open(frame(clinician, site))  # finds out what is due
        empty, cards, given = _times(site, key)
    took = f"{cards / empty:.1f}  ({cards * 1e3:.1f} ms to {empty * 1e3:.1f} ms)"
    yield f"median of {CALLS} calls with {given} card : an empty request", took, "< 50 ms"


def _times(site: Site, key: ECKey) -> tuple[float, float, int]:
    """Return the median seconds of an empty request and of a call, and the number of cards in the last answer."""
    address = f"{site.app_url}/cds-services/patient-view"
    empty, calls, given = [], [], 0
    with requests.Session() as session:
        for _ in range(CALLS):
            began = perf_counter()
            session.get(f"{site.app_url}/health", timeout=5).raise_for_status()
            empty.append(perf_counter() - began)
            proof, asked = {"Authorization": f"Bearer {_token(key, address)}"}, _asked()
            began = perf_counter()
            reply = session.post(address, json=asked, headers=proof, timeout=5)
            calls.append(perf_counter() - began)
            given = len(reply.json()["cards"])
    return median(empty), median(calls), given


def _token(key: ECKey, address: str) -> str:
    now = int(time.time())
    claims = {"iss": ISSUER, "aud": address, "iat": now, "exp": now + 60, "jti": secrets.token_hex()}
    return jwt.encode({"alg": "ES384", "typ": "JWT", "kid": key.kid}, claims, key, algorithms=["ES384"])


def _asked() -> dict[str, object]:
    context = {"userId": CLINICIAN, "patientId": PATIENT}
    return {"hook": "patient-view", "hookInstance": str(uuid.uuid4()), "context": context}
