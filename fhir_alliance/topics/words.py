"""What the Subscriptions R5 Backport 1.1 calls its parts (spec rows W07 and W08)."""

from typing import Final

_BACKPORT: Final = "http://hl7.org/fhir/uv/subscriptions-backport/StructureDefinition"
PROFILE: Final = f"{_BACKPORT}/backport-subscription"
FILTER: Final = f"{_BACKPORT}/backport-filter-criteria"
CONTENT: Final = f"{_BACKPORT}/backport-payload-content"
HEARTBEAT: Final = f"{_BACKPORT}/backport-heartbeat-period"
