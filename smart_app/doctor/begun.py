"""Which test entry a write probe is about: a new one, or one that is still in review."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self
from uuid import uuid4

from fhir_alliance.ehr.probed import Waiting


@dataclass(frozen=True, kw_only=True)
class Begun:
    """The key of an entry, its visit as a relative reference, when it was made, and what was sent of it before."""

    key: str
    encounter: str | None
    made: datetime
    steps: tuple[str, ...] = ()

    @classmethod
    def now(cls, encounter: str | None, made: datetime) -> Self:
        """Begin a new one, about a visit by its id."""
        return cls(key=str(uuid4()), encounter=encounter and f"Encounter/{encounter}", made=made)

    @classmethod
    def again(cls, waiting: Waiting) -> Self:
        """Go on with one that was in review: it has the content that it had."""
        return cls(
            key=waiting.key,
            encounter=waiting.encounter or None,
            made=datetime.fromisoformat(waiting.made),
            steps=tuple(waiting.steps.split()),
        )

    def waiting(self, patient: str, steps: Sequence[str]) -> Waiting:
        """Return what a later probe needs to go on with it."""
        return Waiting(
            key=self.key,
            patient=patient,
            encounter=self.encounter or "",
            made=self.made.isoformat(),
            steps=" ".join(steps),
        )
