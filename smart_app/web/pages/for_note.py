"""What a clinician can copy into a progress note: the last rating, what is usual for it, and what the two agreed."""

from collections.abc import Sequence
from datetime import date

from fhir_alliance.instruments.scale import Scale
from fhir_alliance.instruments.words import Rater
from fhir_alliance.trajectory.first_line import one_decimal
from fhir_alliance.trajectory.series import UsualRange
from smart_app.web.pages.visit_rows import VisitRow
from smart_app.web.pages.words import between, day
from smart_app.web.saying import say


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
    return " ".join([*told, *([say("Agreed to try: %(text)s.", text=agreed)] if agreed else [])])


def _rated(
    title: str, score: str, scale: Scale, row: VisitRow, standing: str, usual: UsualRange | None, today: date
) -> str:
    point = row.point(Rater.PATIENT, scale.name)
    value = say(one_decimal(point.value)) if point and point.value is not None else ""
    value += f" ({between(scale.minimum, scale.maximum)})" if scale.has_range else ""
    named = f"{title} ({standing})" if standing else title
    on = day(row.on, today=today).full  # with its year: a note is read years later
    said = {"form": named, "day": on, "score": score, "value": value}
    if usual is None:
        return say("%(form)s, %(day)s: %(score)s %(value)s, rated by the patient.", **said)
    return say(
        "%(form)s, %(day)s: %(score)s %(value)s, rated by the patient; usual range %(low)s to %(high)s (visits "
        "%(first)s to %(last)s).",
        **said,
        low=say(one_decimal(usual.low)),
        high=say(one_decimal(usual.high)),
        first=usual.first_visit,
        last=usual.last_visit,
    )
