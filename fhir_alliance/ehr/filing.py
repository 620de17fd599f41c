"""Whether a clinician may file the view in one EHR's charts: what it has to state and to grant, and what is missing."""

from collections.abc import Iterator, Set
from typing import Final

from fhir_alliance.ehr.capabilities import create
from fhir_alliance.ehr.scopes import Interaction, allows
from fhir_alliance.settings import Rung, WriteSettings

FACTS: Final = (create("DocumentReference"), "DocumentReference read", "DocumentReference search-type")
"""What an EHR has to state: that it takes a document, and lets us find it again before one is sent twice."""
_LETTERS: Final[tuple[Interaction, ...]] = ("c", "r", "u", "s")


def hindrances(write: WriteSettings, facts: Set[str], scopes: Set[str]) -> Iterator[str]:
    """Yield why the view cannot be filed, nothing when it can; `scopes` are those granted to a clinician.

    On the rung "hold" patients are told that what they rate is not in their health record (P1), so it is not put there.
    """
    if write.rung is Rung.HOLD:
        yield 'rung "hold" promises patients that nothing goes into their health record'
    yield from (f"the EHR does not state {fact}" for fact in FACTS if fact not in facts)
    lacking = [letter for letter in _LETTERS if not allows(scopes, "DocumentReference", letter, "user")]
    if lacking:
        yield f"the clinician client lacks user/DocumentReference.{''.join(lacking)}"
