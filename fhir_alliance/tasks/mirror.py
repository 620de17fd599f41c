"""Rounds that keep the Tasks of every EHR that gets some; an assignment or an answer never waits for one."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

import structlog

from fhir_alliance.ehr.backend_tokens import BackendTokens
from fhir_alliance.errors import (
    AllianceError,
    ClockDiffers,
    EhrError,
    EhrUnreachable,
    FhirError,
    NotSent,
    SignInNeeded,
    StoreError,
)
from fhir_alliance.instruments.words import Rater
from fhir_alliance.records.task import Asked
from fhir_alliance.rounds import Rounds
from fhir_alliance.settings import EhrSettings
from fhir_alliance.settings.tasks import TaskShape
from fhir_alliance.store import alone
from fhir_alliance.tasks.asking import asked_form
from fhir_alliance.tasks.book import Key, Page, TaskBook, TaskState
from fhir_alliance.tasks.shapes import Shapes
from fhir_alliance.tasks.writer import ChangedElsewhere, Known, bring, digest
from fhir_alliance.visits.assignments import Assignments
from fhir_alliance.visits.reminders import ROOM_ONLY
from fhir_alliance.visits.rooms import Rooms
from fhir_alliance.visits.standing import Assignment

_PAUSE: Final = 15.0
_BACK: Final = timedelta(days=31)  # longer than any form is changed or taken back after it has closed
_LONGEST: Final = timedelta(days=1)
_REST: Final = timedelta(hours=1)
_NO_TASKS: Final = frozenset({401, 403, 404, 405, 501})
_LATER: Final = frozenset({408, 409, 412, 425, 429})
_AT_ONCE: Final = 500
# An EHR launch is a clinician's as well, who hands the form over in the room.
_BY_PATIENTS: Final = (TaskShape.FORM, TaskShape.STANDALONE_LAUNCH)
_STILL_ASKED: Final = (Asked.PLANNED, Asked.DUE, Asked.BEGUN)
_log = structlog.get_logger(__name__)


class TaskMirror(Rounds):
    """Makes and changes Tasks with the backend client; each EHR is written to by one process at a time."""

    def __init__(
        self,
        book: TaskBook,
        assignments: Assignments,
        shapes: Shapes,
        tokens: BackendTokens,
        rooms: Rooms,
        ehrs: Mapping[str, EhrSettings],
        *,
        zone: ZoneInfo,
        clock: Callable[[], datetime],
    ) -> None:
        super().__init__("tasks", pause=_PAUSE, paused="tasks.paused")
        self._book = book
        self._assignments = assignments
        self._shapes = shapes
        self._tokens = tokens
        self._rooms = rooms
        self._zone = zone
        self._ehrs = [ehr for ehr in ehrs.values() if ehr.tasks]
        self._clock = clock
        self._rests: dict[str, datetime] = {}

    def mirror(self, now: datetime) -> int:
        """Bring the Tasks of every EHR up to date; returns how many were written or found to be right.

        An EHR that does not answer, or takes no Tasks at all, is logged and left alone for a while. Raises StoreError.
        """
        done = 0
        for ehr in self._ehrs:
            if self._stopping.is_set() or now < self._rests.get(ehr.name, now):
                continue
            try:
                with alone(self._book.engine, f"tasks {ehr.name}"):
                    done += self._mirror(ehr, now)
            except StoreError:
                raise
            except AllianceError as error:
                _log.warning("tasks.unwritten", ehr=ehr.name, code=error.code)
        return done

    def _make_round(self) -> None:
        self.mirror(self._clock())

    def _mirror(self, ehr: EhrSettings, now: datetime) -> int:
        first = self._book.first(ehr.name, since=now - _BACK)
        if first is None:
            return 0
        done, pages = 0, self._book.pages(ehr.name, since=first)
        for key, task in self._wanted(ehr, first, pages, now):
            if self._stopping.is_set():
                break
            page = pages.get(key) or Page(known=Known(), state=TaskState.UNKNOWN, attempts=0, next_at=now)
            done += self._bring(ehr, key, task, page, now)
        return done

    def _wanted(
        self, ehr: EhrSettings, first: int, pages: Mapping[Key, Page], now: datetime
    ) -> Iterator[tuple[Key, dict[str, Any]]]:
        """Yield the Tasks that do not say what is so; one that nobody can answer any more is not made only now.

        Nor is one made by which a patient could answer elsewhere who answers in the room only.
        """
        after = first - 1
        while True:
            rows = self._assignments.of_ehr(ehr.name, patients=None, raters=tuple(Rater), after=after, most=_AT_ONCE)
            for each in rows:
                asked = asked_form(each, ehr, site=self._shapes.site, now=now)
                for shape in ehr.tasks:
                    page = pages.get((each.id, shape))
                    if (page is None and asked.state not in _STILL_ASKED) or (page and not _may(page, now)):
                        continue
                    task = self._shapes.task(asked, ehr, shape)
                    if not task or (page and page.state is TaskState.WRITTEN and page.known.told == digest(task)):
                        continue
                    if not self._withhold(ehr, each, shape, page, now):
                        yield (each.id, shape), task
            if len(rows) < _AT_ONCE:
                return
            after = rows[-1].id

    def _withhold(self, ehr: EhrSettings, each: Assignment, shape: TaskShape, page: Page | None, now: datetime) -> bool:
        """Whether a Task is not made for a patient who answers in the room only; that is looked at again the next day.

        One that was sent before follows its form on: it is there. Raises what would be the same for all others.
        """
        by_patient = each.rater is Rater.PATIENT and shape in _BY_PATIENTS
        if not by_patient or (page and page.known.told):
            return False
        try:
            if not self._rooms.only(ehr, each.patient, now.astimezone(self._zone).date()):
                return False
            reason, until = ROOM_ONLY, now + _LONGEST
        except (ClockDiffers, EhrUnreachable, NotSent, SignInNeeded):
            raise
        except EhrError as error:
            _log.warning("tasks.age-unknown", ehr=ehr.name, code=error.code)
            reason, until = error.code, now + _REST
        known = page.known if page else Known()
        self._book.keep(ehr.name, (each.id, shape), known, TaskState.WITHHELD, reason=reason, next_at=until)
        return True

    def _bring(self, ehr: EhrSettings, key: Key, task: dict[str, Any], page: Page, now: datetime) -> bool:
        """Bring one Task up to date, or write down why not; raises what would be the same for all others."""
        told = dict.fromkeys((*page.known.told.split(), digest(task)))
        sent, attempts = replace(page.known, told=" ".join(told)), page.attempts + 1
        # What a crash or a silent EHR leaves open may still be written for as long as the EHR may take to answer.
        self._book.keep(ehr.name, key, sent, TaskState.UNKNOWN, attempts=attempts, next_at=now + ehr.answer)
        try:
            known = self._tokens.read(ehr, lambda client: bring(client, task, page.known))
        except ChangedElsewhere as error:
            _log.warning("tasks.left", ehr=ehr.name, code=error.code)
            self._book.keep(ehr.name, key, sent, TaskState.LEFT, reason=error.code, next_at=now)
            return False
        except (ClockDiffers, EhrUnreachable, NotSent, SignInNeeded):
            raise
        except EhrError as error:
            self._put_off(ehr, key, sent, attempts, error, now)
            return False
        self._book.keep(ehr.name, key, known, TaskState.WRITTEN, next_at=now)
        return True

    def _put_off(self, ehr: EhrSettings, key: Key, sent: Known, attempts: int, error: EhrError, now: datetime) -> None:
        status = error.status if isinstance(error, FhirError) else None
        refused = status is not None and 400 <= status < 500 and status not in _LATER
        state = TaskState.REFUSED if refused else TaskState.UNKNOWN
        until = now + min(ehr.answer * 2 ** min(attempts, 20), _LONGEST)
        _log.warning("tasks.refused" if refused else "tasks.unwritten", ehr=ehr.name, code=error.code, status=status)
        self._book.keep(ehr.name, key, sent, state, attempts=attempts, next_at=until, reason=str(status or error.code))
        if status in _NO_TASKS:
            self._rests[ehr.name] = now + _REST
            raise error


def _may(page: Page, now: datetime) -> bool:
    return page.state is not TaskState.LEFT and (page.state is TaskState.WRITTEN or page.next_at <= now)
