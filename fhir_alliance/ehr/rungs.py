"""What each rung of the write ladder needs of an EHR, and which one it leaves open (spec row E02)."""

from collections.abc import Mapping
from typing import Final

from fhir_alliance.ehr.capabilities import TRANSACTION, create
from fhir_alliance.settings import Rung

NEEDS: Final[Mapping[Rung, tuple[str, ...]]] = {
    Rung.OBSERVATIONS: (create("QuestionnaireResponse"), create("Observation"), TRANSACTION),
    Rung.FLOWSHEET: (create("Observation"),),
    Rung.NOTE: (create("DocumentReference"),),
    Rung.HOLD: (),
}
"""The facts that each rung rests on, from the highest rung to the lowest."""


def highest_rung(facts: frozenset[str]) -> Rung:
    """Return the highest rung for which an EHR states everything."""
    return next(rung for rung in NEEDS if not lacking(rung, facts))


def lacking(rung: Rung, facts: frozenset[str]) -> tuple[str, ...]:
    """Return what a rung needs and an EHR does not state."""
    return tuple(each for each in NEEDS[rung] if each not in facts)
