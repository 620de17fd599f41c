"""What a clinician can copy into a progress note: the last rating, what is usual for it, and what the two agreed."""

from collections.abc import Sequence
from datetime import date

from fhir_alliance.instruments.scale import Scale
from fhir_alliance.instruments.words import Rater
from fhir_alliance.trajectory.first_line import one_decimal
from fhir_alliance.trajectory.series import UsualRange
from smart_app.web.pages.visit_rows import VisitRow
from smart_app.web.pages.words import day


def text_for_note(
    title: str,
    score: str,
    scale: Scale,
    rows: Sequence[VisitRow],
    *,
    standing: str,
    usual: UsualRange | None,
    agreed: str,
    today: date,
) -> str:
    """Return one or two plain sentences, empty when there is nothing to tell.

    No answers, no reasons, no signs and nothing that the therapist rated: a note is read by more people than the view.
    `title` names the instrument, `score` what `scale` is called, `standing` is what is said beside the title, `agreed`
    what the two agreed at this visit.
    """
    rated = [row for row in rows if (point := row.point(Rater.PATIENT, scale.name)) and point.value is not None]
    told = [_rated(title, score, scale, rated[-1], standing, usual, today)] if rated else []
    return " ".join([*told, *([f"Agreed to try: {agreed}."] if agreed else [])])


def _rated(
    title: str, score: str, scale: Scale, row: VisitRow, standing: str, usual: UsualRange | None, today: date
) -> str:
    point = row.point(Rater.PATIENT, scale.name)
    value = one_decimal(point.value) if point and point.value is not None else ""
    between = f" ({scale.minimum.normalize():f} to {scale.maximum.normalize():f})" if scale.has_range else ""
    named = f"{title} ({standing})" if standing else title
    on = day(row.on, today=today).full  # with its year: a note is read years later
    return f"{named}, {on}: {score} {value}{between}, rated by the patient{_usual(usual)}."


def _usual(usual: UsualRange | None) -> str:
    if usual is None:
        return ""
    low, high = one_decimal(usual.low), one_decimal(usual.high)
    return f"; usual range {low} to {high} (visits {usual.first_visit} to {usual.last_visit})"
