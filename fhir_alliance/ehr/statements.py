"""Reading what an EHR states of itself: its smart-configuration and its CapabilityStatement, and nothing else."""

from typing import Any

from fhir_alliance.ehr.capabilities import stated_facts
from fhir_alliance.ehr.discovery import read_configuration
from fhir_alliance.ehr.http import Door
from fhir_alliance.errors import EhrUnreachable


def read_facts(door: Door, fhir_base: str) -> frozenset[str]:
    """Return the facts that an EHR states now; two reads without a token, nothing is written.

    Raises EhrUnreachable when one of the two is not there, EhrError for a redirect.
    """
    return stated_facts(read_configuration(door, fhir_base), _statement(door, fhir_base))


def _statement(door: Door, fhir_base: str) -> Any:
    reply = door.request("GET", f"{fhir_base}/metadata", headers={"Accept": "application/fhir+json"})
    values = reply.json() if reply.ok else None
    if not isinstance(values, dict) or values.get("resourceType") != "CapabilityStatement":
        raise EhrUnreachable(f"HTTP {reply.status} instead of a CapabilityStatement")
    return values
