"""What was accepted but cannot be read from the chart, as resources that stand for themselves."""

import re
from collections.abc import Collection, Mapping
from typing import Any, Final

from fhir_alliance.records.codes import JsonObject
from fhir_alliance.records.corrections import as_amended
from fhir_alliance.records.harvested import named_key
from fhir_alliance.terms import OBSERVATION_IDENTIFIER

_KINDS: Final = ("QuestionnaireResponse", "Observation")
# A reference to a resource of the EHR: neither an address, nor to what is kept with it.
_OF_THE_EHR: Final = re.compile(r"(?!QuestionnaireResponse/|Observation/)[A-Z][A-Za-z]+/[A-Za-z0-9.-]{1,64}")


def kept_resources(bundle: Mapping[str, Any], *, key: str) -> tuple[JsonObject, ...]:
    """Return the response and Observations of a write-back bundle.

    The response has the submission's key as its id, each Observation the key with a number; they refer to each other
    by these, as they would in a chart.
    """
    kept = [
        (_id(number, key), entry)
        for number, entry in enumerate(bundle["entry"])
        if entry["resource"]["resourceType"] in _KINDS
    ]
    own = {entry["fullUrl"]: f"{entry['resource']['resourceType']}/{name}" for name, entry in kept}
    resources = [{**entry["resource"], "id": name} for name, entry in kept]
    return tuple(_pointing(each, own) for each in resources)


def kept_version(bundle: Mapping[str, Any], *, key: str, version: int) -> tuple[JsonObject, ...]:
    """Return them as a version of a form: one after the first has corrected what was kept under the same ids."""
    kept = kept_resources(bundle, key=key)
    return kept if version == 1 else tuple(as_amended(each) for each in kept)


def without_filed(resources: Collection[JsonObject], filed: Collection[JsonObject]) -> list[JsonObject]:
    """Leave out the Observations that an EHR holds in another form (`filed`), known by their identifiers.

    When any is left out their panel is too: its members would not be there.
    """
    values = {_identifier(each) for each in filed if each["resourceType"] == "Observation"}
    left = [each for each in resources if each["resourceType"] != "Observation" or _identifier(each) not in values]
    return left if len(left) == len(resources) else [each for each in left if "hasMember" not in each]


def is_of_form(resource: Mapping[str, Any], keys: Collection[str]) -> bool:
    """Whether a response or an Observation of a chart belongs to one of our forms, by the forms' first keys."""
    if resource.get("resourceType") == "QuestionnaireResponse":
        return named_key(resource) in keys
    ours = (each for each in resource.get("identifier", ()) if each.get("system") == OBSERVATION_IDENTIFIER)
    return any(str(each.get("value")).partition(".")[0] in keys for each in ours)


def away_from(resource: JsonObject, *, fhir_base: str) -> JsonObject:
    """Return a resource for readers elsewhere: what it says of the EHR's resources are addresses below `fhir_base`."""
    found: JsonObject = _absolute(resource, fhir_base)
    return found


def _id(number: int, key: str) -> str:
    return f"{key}.{number}" if number else key


def _identifier(observation: Mapping[str, Any]) -> str:
    return str(observation["identifier"][0]["value"])


def _pointing(resource: JsonObject, own: Mapping[str, str]) -> JsonObject:
    pointing: JsonObject = {
        name: [{"reference": own[each["reference"]]} for each in resource[name]]
        for name in ("derivedFrom", "hasMember")
        if name in resource
    }
    return {**resource, **pointing}


def _absolute(value: Any, base: str) -> Any:
    if isinstance(value, dict):
        target = value.get("reference")
        inner = {name: _absolute(each, base) for name, each in value.items()}
        named = isinstance(target, str) and _OF_THE_EHR.fullmatch(target)
        return {**inner, "reference": f"{base}/{target}"} if named else inner
    return [_absolute(each, base) for each in value] if isinstance(value, list) else value
