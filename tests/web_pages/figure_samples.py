"""Completion figures of two clinics, as the administrator's page shows them."""

from datetime import timedelta

from course_samples import TODAY
from page_samples import NOBODY

from fhir_alliance.visits.figures import WeekFigures
from smart_app.web.pages.figures import figures_page

_MONDAY = TODAY - timedelta(days=TODAY.weekday())
_BY = {
    "language": {"en": 20, "es": 11},
    "device": {"phone": 19, "tablet": 12},
    "mode": {"hand-over": 8, "link": 11, "tablet": 12},
}


def _week(back: int, clinic: str, due: int | None, *parts: int | None, share: bool = True) -> WeekFigures:
    return WeekFigures(
        week=_MONDAY - timedelta(weeks=back),
        ehr="harbor",
        clinic=clinic,
        due=due,
        sent=None if due is None else 14,
        outcomes=dict(zip(("answered", "declined", "expired", "open"), parts, strict=True)),
        late=6 if share else None,
        by=_BY if share else {},
        reasons={"not-today": 5, "visit-cancelled": None} if share else {},
    )


WEEKS = (
    _week(2, "Organization/day-clinic", None, None, None, None, None, share=False),
    _week(2, "Organization/harbor", 44, 31, 5, 8, 0),
    _week(1, "Organization/harbor", 52, 31, None, None, 0),
    _week(0, "", 48, 31, 5, 6, 6),
)

FIGURES_PAGE = figures_page(NOBODY, WEEKS, admin="Jo Park", titles={"harbor": "Harbor EHR"}, today=TODAY)
FIGURES_NONE = figures_page(NOBODY, (), admin="Jo Park", titles={}, today=TODAY)
