"""Reading what an EHR states of itself: its smart-configuration and its CapabilityStatement, and nothing else."""

from datetime import datetime
from typing import Any

from fhir_alliance.ehr.capabilities import CLOCK, stated_facts
from fhir_alliance.ehr.clocks import clock_fault
from fhir_alliance.ehr.discovery import read_configuration
from fhir_alliance.ehr.http import Door, Reply
from fhir_alliance.errors import EhrUnreachable


def read_facts(door: Door, fhir_base: str, *, now: datetime) -> frozenset[str]:
    """Return the facts that an EHR states, and that its clock is ours; two reads without a token, nothing is written.

    Raises EhrUnreachable when one of the two is not there, EhrError for a redirect.
    """
    configuration = read_configuration(door, fhir_base)
    reply, statement = _statement(door, fhir_base)
    together = () if clock_fault(reply.headers, now=now) else (CLOCK,)
    return stated_facts(configuration, statement).union(together)


def _statement(door: Door, fhir_base: str) -> tuple[Reply, Any]:
    reply = door.request("GET", f"{fhir_base}/metadata", headers={"Accept": "application/fhir+json"})
    values = reply.json() if reply.ok else None
    if not isinstance(values, dict) or values.get("resourceType") != "CapabilityStatement":
        raise EhrUnreachable(f"HTTP {reply.status} instead of a CapabilityStatement")
    return reply, values
