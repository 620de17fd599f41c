"""What cards cost the EHR that opens a chart or books a visit, beside the least that the app answers."""

import json
import secrets
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from statistics import quantiles
from time import perf_counter
from typing import Any

import requests
from joserfc import jwt
from joserfc.jwk import ECKey

from smart_app.demo.site import Site, write_site
from smart_app.demo.walk import CLINICIAN
from tests.ports import own_port

from .measuring import Row
from .site import ehr, served
from .watched import Watched, frame

CALLS = 200
# A patient who has just fallen: the therapist has forms due and reasons open.
PATIENT = "thomas-reyes"
CONTEXTS: dict[str, dict[str, Any]] = {
    "patient-view": {},
    "appointment-book": {"appointments": [{"participant": [{"actor": {"reference": f"Patient/{PATIENT}"}}]}]},
}
ISSUER = "https://ehr.example.org/cds"


def card_rows(folder: Path) -> Iterator[Row]:
    """Measure calls with a new token each, by turns with an empty request, for a patient with forms due and reasons."""
    ehr_port = own_port()
    site = write_site(folder, ehr_port=ehr_port, app_port=own_port())
    key = ECKey.generate_key("P-384", {"use": "sig", "alg": "ES384"}, auto_kid=True)
    (folder / "cds.jwks.json").write_text(json.dumps({"keys": [key.as_dict(private=False)]}))
    cds = f'\n[ehr.harbor.cds]\nissuer = "{ISSUER}"\njwks_file = "cds.jwks.json"\n'
    site.settings.write_text(site.settings.read_text() + cds)
    with ehr(site), served(site):
        clinician = Watched()
        clinician.open(frame(clinician, site, PATIENT))  # finds out what is due and what there is to look at
        for hook, context in CONTEXTS.items():
            empty, calls, given = _times(site, key, hook, context)
            what = f"{CALLS} calls of {hook} with {given} cards : an empty request"
            for called, place, goal in (("p50", 50, "< 50 ms"), ("p99", 99, "< 400 ms")):
                base, took = (quantiles(each, n=100)[place - 1] for each in (empty, calls))
                yield f"{called} of {what}", f"{took / base:.1f}  ({took * 1e3:.1f} ms to {base * 1e3:.1f} ms)", goal


def _times(site: Site, key: ECKey, hook: str, context: dict[str, Any]) -> tuple[list[float], list[float], str]:
    """Return the seconds of each empty request and of each call, and what cards the last answer had."""
    address = f"{site.app_url}/cds-services/{hook}"
    empty, calls, given = [], [], ""
    with requests.Session() as session:
        for _ in range(CALLS):
            began = perf_counter()
            session.get(f"{site.app_url}/health", timeout=5).raise_for_status()
            empty.append(perf_counter() - began)
            proof, asked = {"Authorization": f"Bearer {_token(key, address)}"}, _asked(hook, context)
            began = perf_counter()
            reply = session.post(address, json=asked, headers=proof, timeout=5)
            calls.append(perf_counter() - began)
            cards = reply.json()["cards"]
            open_ones = sum("Ratings of the visits" in each["summary"] for each in cards)
            given = f"{len(cards) - open_ones} due and {open_ones} reason"
    return empty, calls, given


def _token(key: ECKey, address: str) -> str:
    now = int(time.time())
    claims = {"iss": ISSUER, "aud": address, "iat": now, "exp": now + 60, "jti": secrets.token_hex()}
    return jwt.encode({"alg": "ES384", "typ": "JWT", "kid": key.kid}, claims, key, algorithms=["ES384"])


def _asked(hook: str, context: dict[str, Any]) -> dict[str, object]:
    about = {"userId": CLINICIAN, "patientId": PATIENT, **context}
    return {"hook": hook, "hookInstance": str(uuid.uuid4()), "context": about}
