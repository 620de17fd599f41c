"""Rounds through the EHRs: every response to a form of ours that is not ours is scored once, or told why not."""

from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog

from fhir_alliance.errors import AllianceError, StoreError
from fhir_alliance.harvest.forms import Forms
from fhir_alliance.harvest.round import Finding, Parts, Round
from fhir_alliance.harvest.windows import in_parts
from fhir_alliance.instruments.definition import Instrument
from fhir_alliance.rounds import Rounds
from fhir_alliance.settings import EhrSettings

OVERLAP: Final = timedelta(hours=2)
"""How far behind the last round the next one begins: an index may lag, and clocks differ (F08)."""

FIRST: Final = timedelta(days=1)
"""How far back the first round goes; older responses are for the command."""

_POLL_SECONDS: Final = 15.0
_log = structlog.get_logger(__name__)


class Harvester(Rounds):
    """Looks through EHRs with their backend clients; `instruments` are those that were ever published here."""

    def __init__(
        self,
        parts: Parts,
        ehrs: Mapping[str, EhrSettings],
        instruments: Callable[[], Collection[Instrument]],
        *,
        clock: Callable[[], datetime],
    ) -> None:
        super().__init__("harvest", pause=_POLL_SECONDS, paused="harvest.paused")
        self._parts = parts
        self._ehrs = ehrs
        self._instruments = instruments
        self._clock = clock
        self._tried: dict[str, datetime] = {}

    def harvest_due(self, now: datetime) -> int:
        """Look through every EHR whose time has come; returns how many were tried.

        One that cannot be read is logged and looked at again after the same time. Raises StoreError.
        """
        due = [each for each in self._ehrs.values() if each.harvest and now - self._last(each) >= each.harvest.every]
        for ehr in due:
            if self._stopping.is_set():
                break
            self._tried[ehr.name] = now
            try:
                self.harvest(ehr.name)
            except StoreError:
                raise
            except AllianceError as error:
                _log.warning("harvest.unread", ehr=ehr.name, code=error.code)
        return len(due)

    def harvest(
        self, name: str, *, since: datetime | None = None, write: bool = True, again: bool = False
    ) -> list[Finding]:
        """Look through one EHR and accept the scores of what is found; returns what became of each response.

        Without `since` it goes on where the last round ended. `write` False changes nothing anywhere; `again` looks
        once more at what was refused before. Raises SignInNeeded without a backend client that the EHR accepts,
        EhrError when the EHR does not play along: what was accepted until then stays, and the next round begins where
        this one did.
        """
        now, known = self._clock(), self._parts.book.last(name)
        start = since or (known.looked_until - OVERLAP if known else now - FIRST)
        look = self.round(name, write=write, again=again)
        reached, findings = start, []
        for responses, until in in_parts(look.search, since=start, now=now):
            findings += [finding for each in responses if (finding := look.look_at(each))]
            # What may be our own form, on its way, is looked at again when it has arrived.
            reached = reached if look.waits else until
        findings += look.look_for_deleted()
        if write:
            self._parts.book.keep_round(name, looked_until=reached, at=now)
        return findings

    def round(self, name: str, *, write: bool = True, again: bool = False) -> Round:
        """Return one look through an EHR, with the forms that are published now."""
        ehr, forms = self._parts.registry.by_name(name), Forms(self._instruments())
        return Round(self._parts, ehr, forms, now=self._clock(), write=write, again=again)

    def _make_round(self) -> None:
        self.harvest_due(self._clock())

    def _last(self, ehr: EhrSettings) -> datetime:
        """Return when an EHR was last tried, by any process."""
        known = self._parts.book.last(ehr.name)
        tried = self._tried.get(ehr.name, datetime.min.replace(tzinfo=UTC))
        return max(tried, known.tried_at) if known else tried
