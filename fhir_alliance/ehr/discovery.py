"""What an authorization server says of itself, held against what was registered: a change blocks every launch."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urljoin

from fhir_alliance.ehr.http import Door
from fhir_alliance.errors import ChangedEhr, EhrUnreachable, LaunchError
from fhir_alliance.settings import EhrSettings

MAX_AGE: Final = 600.0
"""Seconds for which an answer is believed."""

_PATH: Final = "/.well-known/smart-configuration"
_REQUIRED: Final = ("authorization_endpoint", "token_endpoint")
_LISTS: Final = ("capabilities", "grant_types_supported", "code_challenge_methods_supported")
# Where codes, secrets and keys go to and come from (T05).
_PINNED: Final = ("authorization_endpoint", "token_endpoint", "jwks_uri", "issuer", "revocation_endpoint")


@dataclass(frozen=True, kw_only=True)
class Discovered:
    """The capabilities an EHR states, e.g. `launch-ehr` (SMART App Launch 2.2, conformance)."""

    capabilities: frozenset[str]


def discover(door: Door, ehr: EhrSettings) -> Discovered:
    """Read an EHR's smart-configuration, below the whole of its FHIR base.

    Raises LaunchError when it lacks what a launch needs (S256 above all), ChangedEhr when an endpoint is not the
    registered one, EhrUnreachable when there is no usable answer.
    """
    reply = door.request("GET", f"{ehr.fhir_base}{_PATH}", headers={"Accept": "application/json"})
    values = reply.json() if reply.ok else None
    if not isinstance(values, dict):
        raise EhrUnreachable(f"HTTP {reply.status} instead of a smart-configuration")
    _require(values)
    moved = [
        name for name in _PINNED if name in values and getattr(ehr, name) not in (None, _absolute(ehr, values[name]))
    ]
    if moved:
        raise ChangedEhr(f"{ehr.name}: {', '.join(moved)}")
    return Discovered(capabilities=frozenset(str(each) for each in values["capabilities"]))


def _require(values: Mapping[str, Any]) -> None:
    lacking = [name for name in _REQUIRED if not isinstance(values.get(name), str)]
    lacking += [name for name in _LISTS if not isinstance(values.get(name), list)]
    if not lacking and "sso-openid-connect" in values["capabilities"]:
        lacking = [name for name in ("issuer", "jwks_uri") if not isinstance(values.get(name), str)]
    if lacking:
        raise LaunchError(f"smart-configuration lacks {', '.join(lacking)}")
    if "S256" not in values["code_challenge_methods_supported"]:
        raise LaunchError("smart-configuration does not offer S256")


def _absolute(ehr: EhrSettings, url: object) -> str:
    """Resolve a relative endpoint against the FHIR base."""
    return urljoin(f"{ehr.fhir_base}/", str(url))
