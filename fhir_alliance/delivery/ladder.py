"""The way a submission takes into one EHR, decided once when it is accepted."""

from dataclasses import dataclass, field
from datetime import datetime

import orjson

from fhir_alliance.records.flowsheet import build_rows
from fhir_alliance.records.submission import Submission
from fhir_alliance.settings import Rung, WriteSettings


@dataclass(frozen=True, kw_only=True)
class Way:
    """The rung, and below the first: the pieces to write (None: nothing is) and how long the payload is kept.

    A submission never changes its rung, so that no score is written by two of them (spec row E05).
    """

    rung: Rung = Rung.OBSERVATIONS
    pieces: bytes | None = field(default=None, repr=False)
    kept_until: datetime | None = None

    @property
    def leads_into_chart(self) -> bool:
        """Whether anything is written at all."""
        return self.rung is Rung.OBSERVATIONS or self.pieces is not None


def way_into(submission: Submission, write: WriteSettings, *, now: datetime) -> Way:
    """Return the way of a submission into an EHR that is accepted now."""
    pieces = build_rows(submission, write.rows, category=write.category) if write.rung is Rung.FLOWSHEET else []
    return Way(
        rung=write.rung,
        pieces=orjson.dumps(pieces) if pieces else None,
        kept_until=now + write.keep if write.keep else None,
    )
