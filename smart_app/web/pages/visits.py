"""Which visit a form is about that was chosen before: the person says so."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from fhir_alliance.trajectory.series import Visit
from smart_app.web.pages.frame import Frame
from smart_app.web.pages.words import When, local_day, relative_day


@dataclass(frozen=True, kw_only=True)
class VisitChoice:
    """One visit a form can be about; `encounter` is its relative reference."""

    encounter: str
    day: When
    therapist: str


@dataclass(frozen=True, kw_only=True)
class VisitsPage:
    """The visits to choose from, newest first."""

    frame: Frame
    choices: tuple[VisitChoice, ...]


def visits_page(frame: Frame, visits: Sequence[Visit], *, today: date) -> VisitsPage:
    """Return the page; `visits` have no form yet."""
    newest_first = sorted(visits, key=lambda visit: visit.start, reverse=True)
    return VisitsPage(
        frame=frame,
        choices=tuple(
            VisitChoice(
                encounter=visit.encounter,
                day=relative_day(local_day(visit.start, frame.site.time_zone), today=today),
                therapist=visit.therapist_name,
            )
            for visit in newest_first
        ),
    )
