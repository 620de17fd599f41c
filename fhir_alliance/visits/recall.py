"""After a database was restored from a backup: which reminders may have left before the loss (T84)."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import NAMESPACE_URL, uuid5

from fhir_alliance.settings import EhrSettings
from fhir_alliance.visits.links import Links
from fhir_alliance.visits.messenger import Messenger
from fhir_alliance.visits.reminders import SENT, Reminders, Waiting


class Due(NamedTuple):
    """A reminder whose time has come, by its hours after the form has opened; `at` is when that was."""

    waiting: Waiting
    hours: int
    at: datetime

    @property
    def place(self) -> tuple[int, int]:
        """Where it is kept."""
        return self.waiting.assignment, self.hours

    def key(self, ehr: EhrSettings) -> str:
        """Return what identifies its message; the same when the database has forgotten it."""
        form = f"{ehr.fhir_base}/{self.waiting.patient}/{self.waiting.encounter}/{self.waiting.form_url}"
        return str(uuid5(NAMESPACE_URL, f"{form}/{self.hours}"))


class Recall:
    """Finds out what a database has forgotten; `mark_of` returns what recognises an address of a link."""

    def __init__(
        self, reminders: Reminders, links: Links, messenger: Messenger, mark_of: Callable[[str], str | None]
    ) -> None:
        self._reminders = reminders
        self._links = links
        self._messenger = messenger
        self._mark_of = mark_of

    def surely_unsent(
        self, ehr: EhrSettings, patient: str, due: Sequence[Due], now: datetime, *, since: datetime
    ) -> Sequence[Due]:
        """Return what was not sent before the database was restored; what may have been counts as begun.

        What the EHR has counts as sent, and the link in it works as before. A restore counts `since` a time.
        """
        restored_at = self._reminders.restored_at(since=since)
        doubted = [each for each in due if restored_at is not None and each.at <= restored_at]
        if not doubted:
            return due
        passed_on = self._messenger.passed_on(ehr, patient, [each.key(ehr) for each in doubted])
        if passed_on is None:
            for each in doubted:
                self._reminders.begin(each.place, (), link=None, mark=None, at=now)
        elif found := [each for each in doubted if each.key(ehr) in passed_on]:
            others = [each.place for each in doubted if each not in found]
            for each in found:
                self._remember(ehr, each, others, passed_on[each.key(ehr)], now)
        else:
            return due
        return [each for each in due if each not in doubted]

    def _remember(
        self, ehr: EhrSettings, sent: Due, others: Sequence[tuple[int, int]], address: str, now: datetime
    ) -> None:
        """Write down a reminder that the EHR has, with the link in it; the `others` were in the same message."""
        waiting, mark = sent.waiting, self._mark_of(address)
        made = self._links.of_form(ehr.name, waiting.patient, waiting.encounter, waiting.form_url)
        link, mark = (made.id, mark) if made and mark else (None, None)
        if self._reminders.begin(sent.place, others, link=link, mark=mark, at=sent.at):
            self._reminders.end(sent.place, ehr=ehr.name, patient=waiting.patient, outcome=SENT, at=now)
