"""From a signed call to cards: out of what we know already, without asking the EHR anything (spec row C09)."""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

import structlog

from fhir_alliance.audit import Event, record
from fhir_alliance.cards.asking import Asked, Hook, read_asked
from fhir_alliance.cards.callers import Caller, Callers
from fhir_alliance.cards.content import Card, CardFrame, DueForm, OpenReason, build_cards
from fhir_alliance.cards.feedback import keep_feedback, read_feedback
from fhir_alliance.ehr.addresses import same_address
from fhir_alliance.ehr.app_context import make_app_context
from fhir_alliance.errors import InvalidDefinition
from fhir_alliance.instruments.catalogue import Catalogue
from fhir_alliance.readers.proofs import spend
from fhir_alliance.settings import Settings
from fhir_alliance.store import transaction
from fhir_alliance.talks.kept import Pair
from fhir_alliance.talks.reasons import ReasonBook
from fhir_alliance.vault import Vault
from fhir_alliance.visits.assignments import Assignments, Trigger
from fhir_alliance.visits.looks import Looks
from fhir_alliance.visits.standing import Assignment, Standing

_CLINICIANS: Final = frozenset({"Practitioner", "PractitionerRole"})
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Call:
    """One call to a service, as it came: the bearer token, the address it was made to, the body."""

    hook: Hook
    token: str
    address: str
    body: bytes
    request_id: str


class Desk:
    """Answers calls; thread safe."""

    def __init__(
        self,
        settings: Settings,
        catalogue: Catalogue,
        vault: Vault,
        assignments: Assignments,
        looks: Looks,
        reasons: ReasonBook,
        clock: Callable[[], datetime],
    ) -> None:
        """Raise InvalidSettings with every key file that is none."""
        self.callers = Callers(settings.ehrs)
        self._zone: ZoneInfo = settings.site.time_zone
        self._frame = CardFrame(
            label=f"{settings.site.name}, visit ratings",
            launch_url=f"{settings.public_url}/launch",
            make_uuid=lambda: str(uuid.uuid4()),
        )
        self._catalogue = catalogue
        self._vault = vault
        self._assignments = assignments
        self._looks = looks
        self._clock = clock
        self._reasons = reasons

    def cards(self, call: Call) -> list[Card]:
        """Return the cards for a chart that was opened, and have its visit looked at when nothing is known of it.

        Raises ReaderRefused for who does not prove to be an EHR of ours, BadHook for what cannot be read, StoreError.
        """
        now = self._clock()
        caller = self.callers.verify(call.token, address=call.address, now=now)
        asked = read_asked(call.hook, call.body)
        with transaction(self._looks.engine) as connection:
            spend(connection, caller.owner, caller.jti, expires_at=caller.expires_at, now=now)
        if not self._fits(caller, asked, call):
            return []
        known = self._assignments.of_patient(caller.ehr.name, asked.patient, since=now)
        self._notice(caller, asked, known, now)
        due = list(self._due(caller, asked, known, now))
        cards = build_cards(due, self._frame, reasons=self._open_reasons(caller, asked))
        if cards:
            self._note(caller, asked, call, now)
        return cards

    def take_feedback(self, call: Call) -> None:
        """Keep what became of cards; raises as `cards` does."""
        now = self._clock()
        caller = self.callers.verify(call.token, address=call.address, now=now)
        given = read_feedback(call.body)
        with transaction(self._looks.engine) as connection:
            spend(connection, caller.owner, caller.jti, expires_at=caller.expires_at, now=now)
            keep_feedback(connection, caller.ehr.name, call.hook, given, at=now)

    def _fits(self, caller: Caller, asked: Asked, call: Call) -> bool:
        """Whether the call is about one patient of the very EHR that signed it, for a clinician (T79, T80)."""
        fault = ""
        if asked.fhir_server is not None and not same_address(asked.fhir_server, caller.ehr.fhir_base):
            fault = "cards.foreign-server"
        elif asked.mixed:
            fault = "cards.other-patient"
        if fault:
            _log.error(fault, ehr=caller.ehr.name, request=call.request_id)
        return not fault and asked.user.partition("/")[0] in _CLINICIANS

    def _due(self, caller: Caller, asked: Asked, known: tuple[Assignment, ...], now: datetime) -> Iterator[DueForm]:
        """Yield what is due about the visit that is open; without one, what may be answered now."""
        for each in known:
            fits = each.encounter == _visit(asked) if asked.encounter else each.opens <= now
            if each.standing is not Standing.DUE or not fits:
                continue
            try:
                instrument, _ = self._catalogue.of_form(each.form)
            except InvalidDefinition:  # a version that this site has no more
                continue
            yield DueForm(
                title=instrument.title,
                rater=each.rater,
                opens=each.opens.astimezone(self._zone),
                closes=each.closes.astimezone(self._zone),
                app_context=make_app_context(
                    self._vault, ehr=caller.ehr.name, patient=asked.patient, form=each.form, expires_at=each.closes
                ),
            )

    def _open_reasons(self, caller: Caller, asked: Asked) -> tuple[OpenReason, ...]:
        """Return what the therapist who looks was shown and has not answered; nothing of what others were shown."""
        pair = Pair(ehr=caller.ehr.name, patient=asked.patient, therapist=asked.user)
        return tuple(
            OpenReason(level=each.look, day=each.since.astimezone(self._zone).date())
            for each in self._reasons.open(pair)
        )

    def _notice(self, caller: Caller, asked: Asked, known: tuple[Assignment, ...], now: datetime) -> None:
        """Have a visit about which nothing is assigned looked at in the background, where visits are (W06)."""
        visit = _visit(asked)
        if asked.encounter and caller.ehr.visits and all(each.encounter != visit for each in known):
            self._looks.want(caller.ehr.name, {visit: ""}, Trigger.CARD, at=now)

    def _note(self, caller: Caller, asked: Asked, call: Call, now: datetime) -> None:
        with transaction(self._looks.engine) as connection:
            record(
                connection,
                at=now,
                event=Event.CARDS_GIVEN,
                actor=asked.user,
                ehr=caller.ehr.name,
                patient=asked.patient,
                launch=None,
                outcome=call.hook.value,
                request_id=call.request_id,
            )


def _visit(asked: Asked) -> str:
    return f"Encounter/{asked.encounter}"
