"""A form that was changed or taken back after it had been written: what its resources become, and by whom."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from fhir_alliance.records.codes import JsonObject, concept, reference
from fhir_alliance.records.provenance import software
from fhir_alliance.terms import DATA_OPERATION, PARTICIPANT_TYPE

STRUCK: Final = "entered-in-error"
_SCORED: Final = ("QuestionnaireResponse", "Observation")
# The server's own, and references that it made to resources of the same bundle.
_OF_THE_SERVER: Final = frozenset({"id", "meta", "text", "derivedFrom", "hasMember"})
# What some servers forget without a word (seen in the field: spec part 6); without it nothing else is meant.
_MAY_BE_MISSING: Final = frozenset({"method", "note", "component", "language", "issued"})

Resource = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Change:
    """One resource as we wrote it last, None when we have not, and as it has to be."""

    before: Resource | None = field(repr=False)
    after: Resource = field(repr=False)

    @property
    def kind(self) -> str:
        """Its type."""
        return str(self.after["resourceType"])


def changes_of(versions: Sequence[Sequence[Resource]], after: Sequence[Resource]) -> tuple[Change, ...]:
    """Return what changes in a chart that has taken these versions of a form, each given by its resources.

    What was written stays in its place: corrected it is `amended` (O20), and what the new version does not hold any
    more, or all of it for a form that is taken back, is `entered-in-error`, never deleted (O21).
    """
    before: dict[str, Resource] = {}
    for version in versions:
        before = _corrected(before, version)
    return tuple(Change(before=before.get(key), after=now) for key, now in _corrected(before, after).items())


def at_first_time(bundle: Resource, first: Resource) -> JsonObject:
    """Return the bundle of other answers with its Observations at the time of the first ones: that is what they rate.

    The response keeps its own time (spec row O20).
    """
    times = [each["effectiveDateTime"] for each in _observations(first)]
    if not times:
        return dict(bundle)
    entries = [
        {**entry, "resource": {**entry["resource"], "effectiveDateTime": times[0]}}
        if entry["resource"]["resourceType"] == "Observation"
        else entry
        for entry in bundle["entry"]
    ]
    return {**bundle, "entry": entries}


def scored_resources(bundle: Resource) -> list[JsonObject]:
    """Return the response of a write-back bundle and its Observations, the panel last."""
    return [entry["resource"] for entry in bundle["entry"] if entry["resource"]["resourceType"] in _SCORED]


def as_amended(resource: Resource) -> JsonObject:
    """Return a resource as the correction of one that was there before (O20)."""
    return {**resource, "status": "amended"}


def says_the_same(ours: Resource, theirs: Resource) -> bool:
    """Whether a resource of the chart says what we wrote and nothing else.

    Left out is what a server adds by itself, and may forget; times are compared as instants and numbers by value.
    """
    found = _told(theirs)
    told = {name: value for name, value in _told(ours).items() if name in found or name not in _MAY_BE_MISSING}
    return bool(_meaning(told) == _meaning(found))


def changed(theirs: Resource, before: Resource, after: Resource) -> JsonObject:
    """Return their resource with ours in it as it is now, and without what we had written before and no longer do."""
    kept = {name: value for name, value in theirs.items() if name in _OF_THE_SERVER or name not in before}
    return {**kept, **_told(after)}


def correction_provenance(
    targets: list[str], *, asked_by: str, recorded: datetime, taken_back: bool, cause: str
) -> JsonObject:
    """Return the Provenance of a correction: who asked for it, why, and that our software made it."""
    code, display = ("NULLIFY", "nullify") if taken_back else ("UPDATE", "revise")
    return {
        "resourceType": "Provenance",
        "target": [reference(target) for target in targets],
        "recorded": recorded.isoformat(timespec="seconds"),
        "activity": concept(DATA_OPERATION, code, display),
        "reason": [{"text": _CAUSES[cause]}],
        "agent": [
            {"type": concept(PARTICIPANT_TYPE, "author", "Author"), "who": reference(asked_by)},
            {
                "type": concept(PARTICIPANT_TYPE, "assembler", "Assembler"),
                "who": software(),
                "onBehalfOf": reference(asked_by),
            },
        ],
    }


_CAUSES: Final = {
    "changed-mind": "The person who answered changed their mind.",
    "mistake": "There was a mistake in it.",
    "wrong-person": "Entered for the wrong person.",
}


def _corrected(before: Mapping[str, Resource], version: Sequence[Resource]) -> dict[str, Resource]:
    new = {_key(each): each for each in version}
    kept = {key: as_amended(new[key]) if key in new else {**old, "status": STRUCK} for key, old in before.items()}
    return {**kept, **{key: each for key, each in new.items() if key not in before}}


def _key(resource: Resource) -> str:
    identifier = resource["identifier"]
    return str((identifier[0] if isinstance(identifier, list) else identifier)["value"])


def _observations(bundle: Resource) -> list[JsonObject]:
    return [each for each in scored_resources(bundle) if each["resourceType"] == "Observation"]


def _told(resource: Resource) -> JsonObject:
    return {name: value for name, value in resource.items() if name not in _OF_THE_SERVER}


def _meaning(value: Any) -> Any:
    if isinstance(value, Mapping):
        if "reference" in value:
            return {"reference": value["reference"]}
        return {name: _meaning(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_meaning(each) for each in value]
    if isinstance(value, int | float) and not isinstance(value, bool):
        return Decimal(str(value))
    return _instant(value) if isinstance(value, str) else value


def _instant(text: str) -> datetime | str:
    """Return a text that is a moment with an offset as that moment, any other as it is."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return text
    return at if at.tzinfo else text
