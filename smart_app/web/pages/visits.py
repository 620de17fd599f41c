"""What a patient at home sees first: forms that wait, and what was sent."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from fhir_alliance.trajectory.series import Visit
from smart_app.web.pages.frame import Frame
from smart_app.web.pages.review import ReceiptState
from smart_app.web.pages.words import When, local_day, relative_day


@dataclass(frozen=True, kw_only=True)
class VisitChoice:
    """One visit a form can be about; `encounter` is its relative reference."""

    encounter: str
    day: When
    therapist: str


@dataclass(frozen=True, kw_only=True)
class SentForm:
    """One form that was sent; `key` leads to its receipt."""

    key: str
    day: When
    state: ReceiptState


@dataclass(frozen=True, kw_only=True)
class VisitsPage:
    """The visits to choose from, newest first, and the forms already sent."""

    frame: Frame
    choices: tuple[VisitChoice, ...]
    sent: tuple[SentForm, ...]


def visits_page(
    frame: Frame, visits: Sequence[Visit], *, sent: Sequence[tuple[str, date, ReceiptState]], today: date
) -> VisitsPage:
    """Return the page; `visits` have no form yet, `sent` is (key, day, state) of each form sent."""
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
        sent=tuple(SentForm(key=key, day=relative_day(on, today=today), state=state) for key, on, state in sent),
    )
