"""The delivery parts of the app in front of a FHIR server that is not ours, and what that server holds then."""

from datetime import UTC, datetime, timedelta
from typing import Any

import requests

from fhir_alliance.delivery.courier import Courier
from fhir_alliance.delivery.grants import Grants
from fhir_alliance.delivery.keeping import Keeping
from fhir_alliance.delivery.outbox import Outbox
from fhir_alliance.delivery.queue import Queue
from fhir_alliance.ehr.identity import User
from fhir_alliance.ehr.registry import Registry
from fhir_alliance.ehr.smart import Granted
from fhir_alliance.settings import Settings
from fhir_alliance.store import open_store
from fhir_alliance.vault import Vault

PATIENT = {
    "resourceType": "Patient",
    "id": "maria-lopez",
    "active": True,
    "name": [{"use": "official", "given": ["Maria"], "family": "Lopez"}],
    "birthDate": "1988-03-04",
    "identifier": [{"system": "urn:oid:2.16.840.1.113883.19.5", "value": "MRN-4821"}],
}
OPEN = "not-looked-at"
ENCOUNTER = {
    "resourceType": "Encounter",
    "id": "maria-lopez-v14",
    "status": "in-progress",
    "class": {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "AMB"},
    "subject": {"reference": "Patient/maria-lopez"},
}


class App:
    """The delivery parts of one run of the app; another run on the same database is a restart."""

    def __init__(self, settings: Settings) -> None:
        self.ahead = timedelta()
        self.engine = open_store(settings.database)
        vault, registry = Vault.from_file(settings.vault_key_file), Registry(settings)
        self.grants = Grants(self.engine, vault, registry, self.clock)
        self.outbox = Outbox(self.engine, vault, self.clock)
        keeping = Keeping(self.engine, vault, self.clock)
        self.courier = Courier(self.outbox, Queue(self.engine, vault), keeping, self.grants, registry, clock=self.clock)

    def clock(self) -> datetime:
        """Return the present, or what a test says it is."""
        return datetime.now(UTC) + self.ahead

    def grant(self, token: str = OPEN) -> str:
        """Keep a permission to use a token, of which nobody said how long it lives."""
        user = User(issuer="https://ehr.example.invalid", subject="maria", reference="Patient/maria-lopez")
        granted = Granted(
            access_token=token,
            refresh_token=None,
            expires_at=self.clock() + timedelta(days=1),
            scopes=frozenset({"patient/Observation.crus", "patient/Provenance.c"}),
            user=user,
            patient="maria-lopez",
            encounter=None,
            need_patient_banner=False,
            style_url=None,
            intent=None,
            fhir_context=(),
        )
        return self.grants.keep("harbor", "patient", granted)


def search(base: str, kind: str, token: str = OPEN) -> list[dict[str, Any]]:
    """Return what the other server holds of one type about the patient."""
    headers = {"Authorization": f"Bearer {token}"}
    found = requests.get(f"{base}/{kind}", params={"patient": "maria-lopez"}, headers=headers, timeout=10).json()
    resources = [entry["resource"] for entry in found.get("entry", [])]
    return [each for each in resources if each["resourceType"] == kind]


def values(observations: list[dict[str, Any]]) -> list[tuple[str, float | None]]:
    """Return code and value of each Observation, in order."""
    found = [(one["code"]["coding"][0]["code"], one.get("valueQuantity", {}).get("value")) for one in observations]
    return sorted((code, None if value is None else float(value)) for code, value in found)
