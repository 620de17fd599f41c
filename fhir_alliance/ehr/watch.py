"""The worker that reads once a day what each EHR states, and says when it is no longer what it was (F19)."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Final

import structlog
from sqlalchemy import Engine

from fhir_alliance.audit import Event, record
from fhir_alliance.ehr.findings import Change, Kind, keep, last
from fhir_alliance.ehr.registry import Registry
from fhir_alliance.ehr.statements import read_facts
from fhir_alliance.errors import EhrError
from fhir_alliance.rounds import Rounds
from fhir_alliance.settings import EhrSettings
from fhir_alliance.store import transaction

EVERY: Final = timedelta(days=1)
AGAIN: Final = timedelta(hours=1)
"""How long to wait after an EHR that could not be read."""

_POLL_SECONDS: Final = 60.0
_log = structlog.get_logger(__name__)


class Watch(Rounds):
    """Reads statements, two requests without a token, and never writes to an EHR."""

    def __init__(
        self, engine: Engine, registry: Registry, ehrs: Mapping[str, EhrSettings], *, clock: Callable[[], datetime]
    ) -> None:
        super().__init__("watch", pause=_POLL_SECONDS, paused="watch.paused")
        self._engine = engine
        self._registry = registry
        self._ehrs = tuple(ehrs.values())
        self._clock = clock
        self._failed: dict[str, datetime] = {}

    def check_due(self, now: datetime) -> int:
        """Read every EHR whose last reading is a day old; returns how many were read.

        One that cannot be read is logged and left for an hour; what was known of it stays. Raises StoreError.
        """
        return sum(self._check(ehr, now) for ehr in self._ehrs if not self._stopping.is_set() and self._due(ehr, now))

    def _make_round(self) -> None:
        self.check_due(self._clock())

    def _due(self, ehr: EhrSettings, now: datetime) -> bool:
        failed = self._failed.get(ehr.name)
        if failed is not None and now - failed < AGAIN:
            return False
        with self._engine.connect() as connection:
            known = last(connection, ehr.name, Kind.STATED)
        return known is None or now - known.checked_at >= EVERY

    def _check(self, ehr: EhrSettings, now: datetime) -> bool:
        try:
            facts = read_facts(self._registry.door(ehr), ehr.fhir_base, now=now)
        except EhrError as error:
            self._failed[ehr.name] = now
            _log.warning("ehr.unread", ehr=ehr.name, code=error.code)
            return False
        self._failed.pop(ehr.name, None)
        with transaction(self._engine) as connection:
            change = keep(connection, ehr.name, Kind.STATED, facts, at=now)
            if change is None:
                return True
            record(
                connection,
                at=now,
                event=Event.EHR_CHANGED,
                actor="watch",
                ehr=ehr.name,
                patient=None,
                launch=None,
                outcome=_outcome(change),
                request_id=None,
            )
        _log.warning("ehr.changed", ehr=ehr.name, code=_outcome(change), detail=change.words)
        return True


def _outcome(change: Change) -> str:
    return "allows-less" if change.gone else "allows-more"
