"""What a patient and a clinician look at together: the patient's own answers, and what the two agreed to try."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from fhir_alliance.instruments.definition import Instrument
from fhir_alliance.instruments.readiness import words_for
from fhir_alliance.instruments.words import Rater
from fhir_alliance.scoring.answers import Answers
from fhir_alliance.trajectory.series import Series, Visit
from smart_app.web.pages.agreed import Before
from smart_app.web.pages.chart import rater_names
from smart_app.web.pages.frame import Frame
from smart_app.web.pages.notes import notes_of
from smart_app.web.pages.tables import ItemTable, item_table
from smart_app.web.pages.trend import Trend, trend_of
from smart_app.web.pages.visit_rows import join_visits
from smart_app.web.pages.window import COLUMNS, MOST_COLUMNS


@dataclass(frozen=True, kw_only=True)
class TogetherPage:
    """No reasons, no signs, no usual range, nothing that somebody else has rated; `agreed` is newest first."""

    frame: Frame
    notes: tuple[str, ...]
    anchors: tuple[str, str]
    trend: Trend | None
    items: ItemTable
    agreed: tuple[Before, ...]


def together_page(
    instrument: Instrument,
    *,
    frame: Frame,
    visits: Sequence[Visit],
    series: Sequence[Series],
    answers: Mapping[str, Answers],
    agreed: Sequence[Before],
    today: date,
    complete: bool = True,
    withheld: Sequence[str] = (),
    told: Sequence[str] = (),
) -> TogetherPage:
    """Return the page of the last visits out of what the view shows too.

    It says what of the record could not be read: not `complete`, or `withheld`, the types of resources, and what is
    `told` beside that.
    """
    wording = words_for(instrument, frame.language, today=today)
    rows = join_visits(visits, series, answers, zone=frame.site.time_zone, today=today)[-MOST_COLUMNS:]
    own = {Rater.PATIENT: rater_names(frame, wording)[Rater.PATIENT]}
    title = wording.scores[instrument.scales[0].name]
    return TogetherPage(
        frame=frame,
        notes=(*told, *notes_of(complete, withheld, False, any_kept=False)),
        anchors=wording.anchors,
        trend=trend_of(instrument, title, rows, names=own, usual=None, today=today),
        items=item_table(instrument, wording, rows, today=today, columns=COLUMNS),
        agreed=tuple(agreed),
    )
