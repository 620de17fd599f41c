"""The table of `fhir-alliance doctor`: what an EHR says it allows, and what follows."""

from collections.abc import Iterator
from typing import Any

from fhir_alliance.ehr.backend import backend_token
from fhir_alliance.ehr.capabilities import capability_rows
from fhir_alliance.ehr.discovery import read_configuration
from fhir_alliance.ehr.registry import Registry
from fhir_alliance.errors import EhrUnreachable, FhirError
from fhir_alliance.settings import EhrSettings, Settings
from smart_app.web.services import utc_now

_CAVEAT = "This is what the EHR says of itself. It may allow more or less: only a real write confirms it (E01)."


def doctor_table(settings: Settings, ehr: EhrSettings) -> Iterator[str]:
    """Yield the lines of the table; nothing is written to the EHR. Raises EhrError when it cannot be read."""
    registry = Registry(settings)
    configuration = read_configuration(registry.door(ehr), ehr.fhir_base)
    granted = _granted(registry, ehr)
    rows = capability_rows(configuration, _statement(registry, ehr), granted)
    for row in rows:
        yield f"{row.spec}  {row.what:<44} {row.says:<8} {row.follows}"
    yield _CAVEAT


def _statement(registry: Registry, ehr: EhrSettings) -> Any:
    """Return the CapabilityStatement; anybody may read it, so no token goes along."""
    headers = {"Accept": "application/fhir+json"}
    reply = registry.door(ehr).request("GET", f"{ehr.fhir_base}/metadata", headers=headers)
    values = reply.json() if reply.ok else None
    if not isinstance(values, dict) or values.get("resourceType") != "CapabilityStatement":
        raise EhrUnreachable(f"HTTP {reply.status} instead of a CapabilityStatement")
    return values


def _granted(registry: Registry, ehr: EhrSettings) -> frozenset[str] | None:
    if ehr.backend is None:
        return None
    try:
        return backend_token(registry, ehr, ehr.backend, ehr.backend.scopes, now=utc_now()).scopes
    except FhirError:
        return None
