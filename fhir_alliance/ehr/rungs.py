"""What each rung of the write ladder needs of an EHR, and which one it leaves open (spec row E02)."""

from collections.abc import Iterable, Mapping
from typing import Final, cast

from fhir_alliance.ehr.capabilities import TRANSACTION, create
from fhir_alliance.ehr.scopes import Interaction, allows
from fhir_alliance.settings import Rung

NEEDS: Final[Mapping[Rung, tuple[str, ...]]] = {
    Rung.OBSERVATIONS: (create("QuestionnaireResponse"), create("Observation"), TRANSACTION),
    Rung.FLOWSHEET: (create("Observation"),),
    Rung.NOTE: (create("DocumentReference"),),
    Rung.HOLD: (),
}
"""The facts that each rung rests on, from the highest rung to the lowest."""

PROBE_SCOPES: Final[Mapping[Rung, tuple[str, ...]]] = {
    Rung.OBSERVATIONS: ("system/Patient.r", "system/QuestionnaireResponse.crus", "system/Observation.crus"),
    Rung.FLOWSHEET: ("system/Patient.r", "system/Observation.crus"),
    Rung.NOTE: ("system/Patient.r", "system/DocumentReference.crus"),
    Rung.HOLD: (),
}
"""What a backend client must be granted to write by a rung, find it again, and retract it."""


def highest_rung(facts: frozenset[str]) -> Rung:
    """Return the highest rung for which an EHR states everything."""
    return next(rung for rung in NEEDS if not lacking(rung, facts))


def lacking(rung: Rung, facts: frozenset[str]) -> tuple[str, ...]:
    """Return what a rung needs and an EHR does not state."""
    return tuple(each for each in NEEDS[rung] if each not in facts)


def next_rung(rung: Rung, facts: frozenset[str]) -> Rung:
    """Return the highest rung below one for which an EHR states everything."""
    lower = list(NEEDS)[list(NEEDS).index(rung) + 1 :]
    return next((each for each in lower if not lacking(each, facts)), Rung.HOLD)


def unchangeable(rung: Rung, facts: frozenset[str]) -> list[str]:
    """Return the types that a rung writes, and of which an EHR does not state that they can be changed."""
    written = [need.removesuffix(" create") for need in NEEDS[rung] if need.endswith(" create")]
    return [each for each in written if f"{each} update" not in facts]


def not_granted(scopes: Iterable[str], granted: frozenset[str]) -> list[str]:
    """Return those of some `system/` scopes, written as "system/Type.letters", that are not granted in full."""
    return [each for each in scopes if not all(_allows(granted, each, letter) for letter in each.rpartition(".")[2])]


def _allows(granted: frozenset[str], scope: str, letter: str) -> bool:
    resource_type = scope.partition("/")[2].partition(".")[0]
    return allows(granted, resource_type, cast("Interaction", letter), "system")
