"""The brand of one EHR in a user-access brand bundle (SMART App Launch 2.2, brands): names only, never a logo.

A bundle is the word of whoever publishes it: an EHR takes its own brand from it and nothing else, so that no portal can
be picked that is not registered. Of what the profiles UserAccessBrandsBundle, UserAccessBrand and UserAccessEndpoint
require, an element that is missing and not shown is no reason to do without a name; one that says that this is another
kind of bundle, a brand that is no longer in use, or an endpoint that is not a FHIR server in operation, is.
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
_REST: Final = "hl7-fhir-rest"
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

    Where several brands share the endpoint, one that is no part of another comes first; a part without a portal of its
    own has that of the whole. Raises EhrError when this is no bundle of brands, or has none of this EHR.
    """
    resources = list(_resources(bundle))
    organizations = [
        each for each in resources if each.get("resourceType") == "Organization" and each.get("active") is not False
    ]
    own = _places(resources, fhir_base)
    named = (each for each in organizations if _is_called(each, identifier))
    reached = sorted(
        (each for each in organizations if own & set(_references(each))), key=lambda each: bool(_whole(each))
    )
    found = next(named, None) or next(iter(reached), None)
    name = _text(found.get("name")) if found else ""
    if found is None or not name:
        raise EhrError("the bundle has no brand of this EHR")
    whole = (_portal(each) for each in organizations if _whole(found) in _names(each))
    return Brand(name=name, portal=_portal(found) or next(whole, ""), place=_place(found))


def _resources(bundle: Any) -> Iterator[Resource]:
    kind = (bundle.get("resourceType"), bundle.get("type")) if isinstance(bundle, dict) else None
    entries = bundle.get("entry") if kind == ("Bundle", "collection") else None
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
        if each.get("resourceType") == "Endpoint"
        and each.get("status", "active") == "active"
        and _is_rest(each.get("connectionType"))
        and same_address(str(each.get("address")), fhir_base)
    ]
    return set().union(*map(_names, own))


def _is_rest(connection: Any) -> bool:
    return connection is None or (isinstance(connection, dict) and connection.get("code") == _REST)


def _names(resource: Resource) -> set[str]:
    """Return how others of the bundle may refer to a resource."""
    return {f"{resource['resourceType']}/{resource.get('id')}", resource["fullUrl"]} - {""}


def _whole(organization: Resource) -> str:
    """Return what an organization is part of, as it refers to it; empty when it is not."""
    whole = organization.get("partOf")
    reference = whole.get("reference") if isinstance(whole, dict) else None
    return reference if isinstance(reference, str) else ""


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
