"""Reminding patients of forms that wait: by the clock alone, never because of an answer or a score."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from typing import Final, NamedTuple, Protocol

import structlog

from fhir_alliance.errors import AllianceError, EhrError, StoreError
from fhir_alliance.rounds import Rounds
from fhir_alliance.settings import EhrSettings, Settings
from fhir_alliance.visits.assignments import Assignments
from fhir_alliance.visits.links import Links
from fhir_alliance.visits.links import Standing as LinkStanding
from fhir_alliance.visits.message_words import Saying
from fhir_alliance.visits.messenger import Message, Messenger
from fhir_alliance.visits.quiet import after_quiet
from fhir_alliance.visits.recall import Due, Recall
from fhir_alliance.visits.reminders import ROOM_ONLY, SENT, Reminders, Waiting
from fhir_alliance.visits.rooms import Rooms
from fhir_alliance.visits.standing import Standing
from fhir_alliance.visits.wishes import Wishes

LATE: Final = timedelta(hours=2)
"""A reminder that could not be sent for so long is left out: it would come at a time that nobody has planned."""

_POLL_SECONDS: Final = 60.0
_HOUR: Final = timedelta(hours=1)
_log = structlog.get_logger(__name__)


class Addresses(Protocol):
    """Where a patient answers."""

    def link(self) -> tuple[str, str]:
        """Return what recognises a new address of a link, and the address."""

    def mark_of(self, address: str) -> str | None:
        """Return what recognises an address of a link, None when it is no such address."""

    def portal(self, ehr: str) -> str:
        """Return where patients of an EHR sign in."""


class Keepers(NamedTuple):
    """What is known of forms, patients and links."""

    assignments: Assignments
    reminders: Reminders
    wishes: Wishes
    links: Links
    rooms: Rooms


class _Way(NamedTuple):
    """Where a reminder leads: to a link, by its id and what recognises the address, or to the portal."""

    address: str
    saying: Saying
    expires: datetime
    link: str | None = None
    mark: str | None = None


class Chaser(Rounds):
    """Sends what is due; a patient gets one message at a time, however many forms wait.

    Each reminder is tried once. What fails, or is cut off by a crash, is not sent again: one too few rather than two.
    """

    def __init__(
        self,
        settings: Settings,
        keepers: Keepers,
        messenger: Messenger,
        addresses: Addresses,
        *,
        clock: Callable[[], datetime],
    ) -> None:
        super().__init__("chaser", pause=_POLL_SECONDS, paused="reminders.paused")
        self._settings = settings
        self._keepers = keepers
        self._messenger = messenger
        self._addresses = addresses
        self._clock = clock
        self._recall = Recall(keepers.reminders, keepers.links, messenger, addresses.mark_of)
        self._schedules = {name: each for name, each in settings.schedules.items() if each.remind}

    def remind_due(self, now: datetime) -> int:
        """Send every reminder that is due, once; returns how many were tried. Raises StoreError."""
        tried = 0
        for ehr in self._settings.ehrs.values() if self._schedules else ():
            by_patient: dict[str, list[Due]] = defaultdict(list)
            for each in self._keepers.reminders.waiting(ehr.name, list(self._schedules), now=now):
                by_patient[each.patient] += self._due(each, now)
            for patient, due in by_patient.items():
                if self._stopping.is_set():
                    return tried
                tried += self._remind(ehr, patient, due, now)
        return tried

    def _make_round(self) -> None:
        self.remind_due(self._clock())

    def _due(self, waiting: Waiting, now: datetime) -> list[Due]:
        """Return the reminders whose time is now; one at night waits for the morning."""
        schedule, zone = self._schedules[waiting.schedule], self._settings.site.time_zone
        if after_quiet(now, schedule.quiet, zone) != now:
            return []
        times = {each // _HOUR: after_quiet(waiting.opens + each, schedule.quiet, zone) for each in schedule.remind}
        return [
            Due(waiting, hours, at)
            for hours, at in times.items()
            if at <= now < at + LATE and hours not in waiting.hours
        ]

    def _remind(self, ehr: EhrSettings, patient: str, due: Sequence[Due], now: datetime) -> bool:
        """Send one message about what is due; returns whether that was tried.

        To whom answers in the room only nothing is sent; that is written down, so that nobody looks again.
        """
        today = now.astimezone(self._settings.site.time_zone).date()
        if not due or not self._keepers.wishes.of(ehr.name, patient).reminds_on(today):
            return False
        due = self._recall.surely_unsent(ehr, patient, due, now, since=now - LATE)
        for each in due:
            way = self._way(ehr, each.waiting) if self._is_unanswered(ehr, each.waiting) else None
            if way is None:
                continue
            others = [other.place for other in due if other != each]
            kept_in = self._room_only(ehr, patient, today)
            if kept_in is None:
                return False
            link, mark = (None, None) if kept_in else (way.link, way.mark)
            if not self._keepers.reminders.begin(each.place, others, link=link, mark=mark, at=now):
                return False
            outcome = ROOM_ONLY if kept_in else self._send(ehr, patient, way, each.key(ehr), now)
            self._keepers.reminders.end(each.place, ehr=ehr.name, patient=patient, outcome=outcome, at=now)
            return not kept_in
        return False

    def _room_only(self, ehr: EhrSettings, patient: str, today: date) -> bool | None:
        """Whether a patient answers in the room only; None while the EHR does not tell how old they are."""
        try:
            return self._keepers.rooms.only(ehr, patient, today)
        except EhrError as error:
            _log.warning("reminder.age-unknown", ehr=ehr.name, code=error.code)
            return None

    def _send(self, ehr: EhrSettings, patient: str, way: _Way, key: str, now: datetime) -> str:
        message = Message(
            key=key,
            patient=f"Patient/{patient}",
            saying=way.saying,
            link=way.address,
            authored=now,
            expires=way.expires,
        )
        try:
            self._messenger.send(ehr, message)
        except StoreError:
            raise
        except AllianceError as error:
            _log.warning("reminder.failed", ehr=ehr.name, code=error.code)
            return error.code
        return SENT

    def _is_unanswered(self, ehr: EhrSettings, waiting: Waiting) -> bool:
        found = self._keepers.assignments.of_visit(ehr.name, waiting.patient, waiting.encounter)
        return any(each.id == waiting.assignment and each.standing is Standing.DUE for each in found)

    def _way(self, ehr: EhrSettings, waiting: Waiting) -> _Way | None:
        """Return where a form can be answered from home: by its link, else in the portal, None by neither.

        A link that was taken back or closed was so for a reason: then nothing is sent.
        """
        made = self._keepers.links.of_form(ehr.name, waiting.patient, waiting.encounter, waiting.form_url)
        if made is not None and made.live:
            mark, address = self._addresses.link()
            return _Way(address, Saying.LINK, made.expires_at, link=made.id, mark=mark)
        if ehr.patient is None or (made is not None and made.standing is not LinkStanding.EXPIRED):
            return None
        return _Way(self._addresses.portal(ehr.name), Saying.SIGN_IN, waiting.closes)
