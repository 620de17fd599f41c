"""What a patient rated of visits with other therapists: a series each, from a baseline of its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from fhir_alliance.instruments.definition import Instrument
from fhir_alliance.instruments.readiness import words_for
from fhir_alliance.instruments.words import Rater
from fhir_alliance.trajectory.series import Series, UsualRange, Visit
from smart_app.web.pages.chart import rater_names
from smart_app.web.pages.frame import Frame
from smart_app.web.pages.trend import Trend, trend_of
from smart_app.web.pages.visit_rows import join_visits
from smart_app.web.pages.window import MOST_COLUMNS
from smart_app.web.pages.words import kept_together


@dataclass(frozen=True, kw_only=True)
class Other:
    """The last visits with one other therapist, `name` empty where none is known; no trend where none was rated."""

    name: str
    first_line: str
    trend: Trend | None


@dataclass(frozen=True, kw_only=True)
class OthersPage:
    """The other therapists of a patient, the first one first."""

    frame: Frame
    notes: tuple[str, ...]
    parts: tuple[Other, ...]


def other_part(
    instrument: Instrument,
    *,
    frame: Frame,
    name: str,
    first_line: str,
    visits: Sequence[Visit],
    series: Sequence[Series],
    usual: UsualRange | None,
    today: date,
) -> Other:
    """Return the part of one therapist: what the patient rated, without single answers and the therapist's guesses."""
    wording = words_for(instrument, frame.language, today=today)
    rows = join_visits(visits, series, {}, zone=frame.site.time_zone, today=today)[-MOST_COLUMNS:]
    own = {Rater.PATIENT: rater_names(frame, wording)[Rater.PATIENT]}
    title = wording.scores[instrument.scales[0].name]
    trend = trend_of(instrument, title, rows, names=own, usual=usual, today=today)
    return Other(name=name, first_line=kept_together(first_line), trend=trend)
