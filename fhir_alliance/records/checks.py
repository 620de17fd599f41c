"""Everything we are about to send is checked for what model classes do not enforce: required codes and rules."""

from collections.abc import Iterator, Mapping

from fhir_alliance.errors import InvalidResource
from fhir_alliance.records.codes import JsonObject
from fhir_alliance.records.rules import RULES

# Required bindings (FHIR R4 4.0.1) of the elements we write.
_STATUS: Mapping[str, frozenset[str]] = {
    "Observation": frozenset(
        {"registered", "preliminary", "final", "amended", "corrected", "cancelled", "entered-in-error", "unknown"}
    ),
    "QuestionnaireResponse": frozenset({"in-progress", "completed", "amended", "entered-in-error", "stopped"}),
}


def check_bundle(bundle: JsonObject) -> None:
    """Raise InvalidResource naming every rule that an entry of the bundle breaks, each with its path."""
    faults = [
        f"Bundle.entry[{index}].{fault}"
        for index, entry in enumerate(bundle["entry"])
        for fault in _faults(entry["resource"])
    ]
    urls = [entry["fullUrl"] for entry in bundle["entry"]]
    if len(set(urls)) != len(urls):
        faults.append("Bundle.entry.fullUrl: bdl-7, must be unique")
    if faults:
        raise InvalidResource(faults)


def check_shape(bundle: JsonObject) -> None:
    """Raise InvalidResource when the bundle does not have the shape of FHIR R4B; it costs milliseconds, so once each.

    The models know structure, not required codes or most invariants: those are `check_bundle`.
    """
    from fhir.resources.R4B.bundle import Bundle  # heavy, and only a submission needs it

    try:
        Bundle.model_validate(bundle)
    except ValueError as error:
        raise InvalidResource([str(fault["loc"]) for fault in getattr(error, "errors", list)()]) from None


def _faults(resource: JsonObject) -> Iterator[str]:
    kind = resource["resourceType"]
    allowed = _STATUS.get(kind)
    if allowed and resource.get("status") not in allowed:
        yield f"{kind}.status: not a code of its required value set"
    for rule in RULES.get(kind, ()):
        if not rule.holds(resource):
            yield f"{kind}{rule.path}: {rule.id}, {rule.sentence}"
