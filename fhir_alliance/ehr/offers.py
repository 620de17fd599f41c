"""What a launch needs an EHR to offer, held against what it states before a browser is sent there (spec row S08)."""

from collections.abc import Set
from typing import Final

from fhir_alliance.ehr.launches import Kind, Role
from fhir_alliance.errors import NotOffered
from fhir_alliance.settings import ClientSettings

_FAMILIES: Final = (
    {"launch-ehr", "launch-standalone"},
    {"client-public", "client-confidential-symmetric", "client-confidential-asymmetric"},
    {"permission-patient", "permission-user"},
)
"""An EHR that names nothing of a family says nothing of it; where it names some, what it leaves out it does not do."""

_PERMISSIONS: Final = {"clinician": "permission-user", "patient": "permission-patient"}


def require_offered(offers: Set[str], client: ClientSettings, *, role: Role, kind: Kind) -> None:
    """Raise NotOffered with the capabilities that a launch needs, and an EHR that names others like them does not."""
    needed = {f"launch-{kind}", _proof(client), _PERMISSIONS[role]}
    lacking = [name for family in _FAMILIES if family & offers for name in family & needed - offers]
    if lacking:
        raise NotOffered(f"smart-configuration does not offer {', '.join(lacking)}")


def _proof(client: ClientSettings) -> str:
    """Return the capability by which a client proves itself (spec rows S21-S23)."""
    if client.key_file is not None:
        return "client-confidential-asymmetric"
    return "client-confidential-symmetric" if client.secret_file or client.secret_variable else "client-public"
