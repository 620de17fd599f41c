"""What an authorization server says of itself, held against what was registered: a change blocks every launch."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urljoin

from fhir_alliance.ehr.http import Door
from fhir_alliance.errors import ChangedEhr, EhrUnreachable, NotOffered
from fhir_alliance.settings import EhrSettings

MAX_AGE: Final = 600.0
"""Seconds for which an answer is believed."""

OPTIONAL: Final = ("revocation_endpoint", "introspection_endpoint")
"""What an EHR need not have."""

PINNED: Final = ("authorization_endpoint", "token_endpoint", "jwks_uri", "issuer", *OPTIONAL)
"""Where codes, secrets and keys go to and come from (T05)."""

_PATH: Final = "/.well-known/smart-configuration"
_REQUIRED: Final = ("authorization_endpoint", "token_endpoint")
_LISTS: Final = ("capabilities", "grant_types_supported")
_METHODS: Final = "code_challenge_methods_supported"


@dataclass(frozen=True, kw_only=True)
class Discovered:
    """The capabilities an EHR states, e.g. `launch-ehr` (SMART App Launch 2.2, conformance).

    `names_itself` when it says that every answer to an authorization has its issuer as `iss` (RFC 9207, 3).
    """

    capabilities: frozenset[str]
    names_itself: bool


@dataclass(frozen=True, kw_only=True)
class Change:
    """A pinned endpoint, and what the EHR states instead: another one, which blocks launches, or none any more."""

    name: str
    registered: str
    stated: str | None


def discover(door: Door, ehr: EhrSettings) -> Discovered:
    """Read an EHR's smart-configuration and hold it against what was registered.

    Raises NotOffered when it lacks what a launch needs (S256 above all), ChangedEhr when an endpoint is not the
    registered one, EhrUnreachable when there is no usable answer.
    """
    values = read_configuration(door, ehr.fhir_base)
    require(values, without_s256=ehr.without_s256)
    moved = [change.name for change in changes(values, ehr) if change.stated is not None]
    if moved:
        raise ChangedEhr(f"{ehr.name}: {', '.join(moved)}")
    return Discovered(
        capabilities=frozenset(str(each) for each in values["capabilities"]),
        names_itself=values.get("authorization_response_iss_parameter_supported") is True,
    )


def read_configuration(door: Door, fhir_base: str) -> dict[str, Any]:
    """Return the smart-configuration below the whole of a FHIR base (spec row S04), as it is.

    Raises EhrUnreachable when there is no usable answer, EhrError for a redirect.
    """
    reply = door.request("GET", f"{fhir_base}{_PATH}", headers={"Accept": "application/json"})
    values = reply.json() if reply.ok else None
    if not isinstance(values, dict):
        raise EhrUnreachable(f"HTTP {reply.status} instead of a smart-configuration")
    return values


def require(values: Mapping[str, Any], *, without_s256: bool = False) -> None:
    """Raise NotOffered when a smart-configuration lacks what a launch needs (spec row S05).

    With `without_s256` it need not name any PKCE method; one that names others only is refused all the same (T15).
    """
    methods = values.get(_METHODS)
    silent = without_s256 and not methods
    lacking = [name for name in _REQUIRED if not isinstance(values.get(name), str)]
    lacking += [name for name in _LISTS if not isinstance(values.get(name), list)]
    lacking += [] if silent or isinstance(methods, list) else [_METHODS]
    if not lacking and "sso-openid-connect" in values["capabilities"]:
        lacking = [name for name in ("issuer", "jwks_uri") if not isinstance(values.get(name), str)]
    if lacking:
        raise NotOffered(f"smart-configuration lacks {', '.join(lacking)}")
    if not silent and "S256" not in values[_METHODS]:
        raise NotOffered("smart-configuration does not offer S256")


def endpoints(values: Mapping[str, Any], fhir_base: str) -> dict[str, str]:
    """Return the endpoints that a smart-configuration states, absolute, by their names in the settings."""
    return {name: _absolute(fhir_base, str(values[name])) for name in PINNED if values.get(name) is not None}


def changes(values: Mapping[str, Any], ehr: EhrSettings) -> list[Change]:
    """Return every pinned endpoint that a smart-configuration does not state as it was registered."""
    stated = endpoints(values, ehr.fhir_base)
    pinned = {name: getattr(ehr, name) for name in PINNED}
    return [
        Change(name=name, registered=registered, stated=stated.get(name))
        for name, registered in pinned.items()
        if registered is not None and registered != stated.get(name)
    ]


def _absolute(fhir_base: str, url: str) -> str:
    """Resolve a relative endpoint against the FHIR base; what is no address stays as it is, and fits nothing."""
    try:
        return urljoin(f"{fhir_base}/", url)
    except ValueError:
        return url
