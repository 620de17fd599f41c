"""One EHR as a delivery reaches it."""

from collections.abc import Set
from dataclasses import dataclass
from typing import Final

from fhir_alliance.delivery.sending import Sender
from fhir_alliance.ehr.fhir import FhirClient
from fhir_alliance.ehr.scopes import Level, allows

_LEVELS: Final[tuple[Level, ...]] = ("user", "patient", "system")


@dataclass(frozen=True, kw_only=True)
class ChartAccess:
    """One EHR as seen with one access token, which allows some scopes, and what sends with it."""

    client: FhirClient
    fhir_base: str
    scopes: Set[str]
    sender: Sender

    @property
    def tells(self) -> bool:
        """Whether it may be said there who made a record."""
        return any(allows(self.scopes, "Provenance", "c", level) for level in _LEVELS)
