"""A score on its way into a chart where it, or an earlier one of the same response, may be already."""

from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.parse import quote

from fhir_alliance.delivery.chart import foreign
from fhir_alliance.delivery.expected import absent_reason_of, value_of
from fhir_alliance.delivery.outcomes import Stop
from fhir_alliance.delivery.receipts import State
from fhir_alliance.terms import OBSERVATION_IDENTIFIER

Resource = Mapping[str, Any]

_STANDS: Final = frozenset({"final", "amended"})


def new_entry(wanted: Mapping[str, Any], ids: Mapping[str, str]) -> dict[str, Any]:
    """Return how a score that is not in the chart gets there."""
    resource = pointing(wanted["resource"], ids)
    condition = f"identifier={OBSERVATION_IDENTIFIER}%7C{quote(own_identifier(resource), safe=':')}"
    request = {"method": "POST", "url": "Observation", "ifNoneExist": condition}
    return {"fullUrl": wanted["fullUrl"], "resource": resource, "request": request}


def changed_entry(
    wanted: Mapping[str, Any], there: Resource, ids: Mapping[str, str], earlier: Iterable[Resource], base: str
) -> dict[str, Any]:
    """Return how a score becomes what the present version says, where it is as we wrote it (F17, spec row O20)."""
    version = there.get("meta", {}).get("versionId")
    if not version or not any(is_same(there, each, strict=True) for each in earlier):
        raise Stop(State.HELD, "changed-by-ehr")
    # An amended score keeps the time it was first given.
    kept = {"id": there["id"], "effectiveDateTime": there["effectiveDateTime"]}
    target = f"Observation/{there['id']}"
    return {
        "fullUrl": f"{base}/{target}",
        "resource": {**pointing(wanted["resource"], ids), **kept},
        "request": {"method": "PUT", "url": target, "ifMatch": f'W/"{version}"'},
    }


def pointing(resource: dict[str, Any], ids: Mapping[str, str]) -> dict[str, Any]:
    """Return a score that refers to what is in the chart already by what it is called there."""
    told: dict[str, Any] = {
        name: [{"reference": ids.get(each["reference"], each["reference"])} for each in resource[name]]
        for name in ("derivedFrom", "hasMember")
        if name in resource
    }
    return {**resource, **told}


def own_identifier(observation: Resource) -> str:
    """Return our own identifier of an Observation, empty when it has none."""
    ours = [each for each in observation.get("identifier", ()) if each.get("system") == OBSERVATION_IDENTIFIER]
    return str(ours[0].get("value")) if ours else ""


def is_same(there: Resource, said: Resource, *, strict: bool) -> bool:
    """Whether an Observation of the chart says what one of ours says.

    Unless `strict` a score that counts may be final or amended. An EHR may have dropped its components (E03).
    """
    with foreign():
        same = _told(there, strict=strict) == _told(said, strict=strict)
        return same and (not there.get("component") or _counts(there) == _counts(said))


def is_retracted(observation: Resource) -> bool:
    """Whether a score was entered in error."""
    return bool(observation["status"] == "entered-in-error")


def _told(observation: Resource, *, strict: bool) -> tuple[object, ...]:
    status = observation["status"]
    stands = status if strict or status not in _STANDS else "final"
    return stands, value_of(observation), absent_reason_of(observation)


def _counts(observation: Resource) -> list[object]:
    return [value_of(each) for each in observation.get("component", ())]
