"""The brand of one EHR in a user-access brand bundle (SMART App Launch 2.2, brands): names only, never a logo.

A bundle is the word of whoever publishes it: an EHR takes its own brand from it and nothing else, so that no portal can
be picked that is not registered.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from fhir_alliance.ehr.addresses import same_address
from fhir_alliance.errors import EhrError

MAX_ENTRIES: Final = 10_000
LONGEST: Final = 80
"""Letters of a name that are shown: more is no name."""

_PORTAL: Final = "http://hl7.org/fhir/StructureDefinition/organization-portal"
_UNSEEN: Final = re.compile(r"[^\S ]|[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")
"""What would not be seen, or would turn the words after it around."""


@dataclass(frozen=True, kw_only=True)
class Brand:
    """What a patient knows an EHR by: the organization, its portal and its town; empty where it is not said."""

    name: str
    portal: str = ""
    place: str = ""


Resource = Mapping[str, Any]


def read_brand(bundle: Any, *, fhir_base: str, identifier: Any = None) -> Brand:
    """Return the brand of the EHR at a FHIR base: the one that it names by `identifier`, else the one of its endpoint.

    Raises EhrError when this is no bundle of brands, or has none of this EHR.
    """
    resources = list(_resources(bundle))
    organizations = [each for each in resources if each.get("resourceType") == "Organization"]
    own = _places(resources, fhir_base)
    named = (each for each in organizations if _is_called(each, identifier))
    reached = (each for each in organizations if own & set(_references(each)))
    found = next(named, None) or next(reached, None)
    name = _text(found.get("name")) if found else ""
    if found is None or not name:
        raise EhrError("the bundle has no brand of this EHR")
    return Brand(name=name, portal=_portal(found), place=_place(found))


def _resources(bundle: Any) -> Iterator[Resource]:
    entries = bundle.get("entry") if isinstance(bundle, dict) and bundle.get("resourceType") == "Bundle" else None
    if not isinstance(entries, list) or len(entries) > MAX_ENTRIES:
        raise EhrError("this is no bundle of brands")
    for entry in entries:
        resource = entry.get("resource") if isinstance(entry, dict) else None
        if isinstance(resource, dict):
            url = entry.get("fullUrl")
            yield {**resource, "fullUrl": url if isinstance(url, str) else ""}


def _places(resources: Iterable[Resource], fhir_base: str) -> set[str]:
    """Return how organizations refer to the endpoints that are this EHR."""
    own = [
        each
        for each in resources
        if each.get("resourceType") == "Endpoint" and same_address(str(each.get("address")), fhir_base)
    ]
    return {f"Endpoint/{each.get('id')}" for each in own} | {each["fullUrl"] for each in own if each["fullUrl"]}


def _references(organization: Resource) -> Iterator[str]:
    given = [*_list(organization, "endpoint"), *(each.get("valueReference") for each in _in_portal(organization))]
    yield from (str(each.get("reference")) for each in given if isinstance(each, dict))


def _is_called(organization: Resource, identifier: Any) -> bool:
    if not isinstance(identifier, dict) or not isinstance(identifier.get("value"), str):
        return False
    return any(
        each.get("value") == identifier["value"] and each.get("system") == identifier.get("system")
        for each in _list(organization, "identifier")
    )


def _in_portal(organization: Resource) -> list[dict[str, Any]]:
    return [
        part
        for each in _list(organization, "extension")
        if each.get("url") == _PORTAL
        for part in _list(each, "extension")
    ]


def _portal(organization: Resource) -> str:
    names = (_text(each.get("valueString")) for each in _in_portal(organization) if each.get("url") == "portalName")
    return next(filter(None, names), "")


def _place(organization: Resource) -> str:
    addresses = ((_text(each.get("city")), _text(each.get("state"))) for each in _list(organization, "address"))
    return ", ".join(filter(None, next(addresses, ())))


def _list(holder: Resource, name: str) -> list[dict[str, Any]]:
    found = holder.get(name)
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _text(value: Any) -> str:
    """Return one line of words that can be shown, cut where no name is as long."""
    words = " ".join(_UNSEEN.sub(" ", value).split()) if isinstance(value, str) else ""
    return words if len(words) <= LONGEST else f"{words[: LONGEST - 1].rstrip()}…"
