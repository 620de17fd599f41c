"""The way a submission takes into one EHR, decided once when it is accepted."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

import orjson

from fhir_alliance.delivery.receipts import NOT_IN_CHART, OWN_RATING
from fhir_alliance.instruments.words import Rater
from fhir_alliance.records.flowsheet import build_rows
from fhir_alliance.records.note import build_note, note_part
from fhir_alliance.records.submission import Submission
from fhir_alliance.settings import Rung, WriteSettings
from fhir_alliance.trajectory.series import UsualRange


@dataclass(frozen=True, kw_only=True)
class Way:
    """The rung, until when what the EHR cannot give back is kept, and below the first rung the pieces to write.

    Without pieces `stays` says why nothing is written. A submission never changes its rung, so that no score is written
    by two of them (spec row E05).
    """

    rung: Rung = Rung.OBSERVATIONS
    pieces: bytes | None = field(default=None, repr=False)
    stays: str | None = None
    kept_until: datetime | None = None


def way_into(
    submission: Submission, write: WriteSettings, *, now: datetime, usual: Mapping[str, UsualRange] | None = None
) -> Way:
    """Return the way of a submission into an EHR that is accepted now; `usual` are ranges that a note may tell."""
    kept_until = now + write.keep if write.keep else None
    if write.rung is Rung.OBSERVATIONS:
        return Way(kept_until=kept_until)
    pieces = _pieces(submission, write, usual or {})
    own = write.rung is Rung.NOTE and submission.form.rater is Rater.THERAPIST
    return Way(
        rung=write.rung,
        pieces=orjson.dumps(pieces) if pieces else None,
        stays=None if pieces else OWN_RATING if own else NOT_IN_CHART,
        kept_until=kept_until,
    )


def _pieces(submission: Submission, write: WriteSettings, usual: Mapping[str, UsualRange]) -> Any:
    """Return what is written: the Observations of a flowsheet, or a note with the words that it adds to its visit's."""
    if write.rung is Rung.FLOWSHEET:
        return build_rows(submission, write.rows, category=write.category)
    part = note_part(submission, usual) if write.rung is Rung.NOTE else None
    return part and {"note": build_note(submission, write.note_type), "part": asdict(part)}
