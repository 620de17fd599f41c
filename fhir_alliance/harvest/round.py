"""One look through one EHR: each response is taken, left, or refused with a reason."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeVar

import structlog

from fhir_alliance.delivery.grants import Grants
from fhir_alliance.delivery.harvested import HarvestedResponses
from fhir_alliance.delivery.outbox import Outbox
from fhir_alliance.delivery.outcomes import hold_reason
from fhir_alliance.delivery.reasons import refusal_reason
from fhir_alliance.delivery.receipts import Source
from fhir_alliance.ehr.backend_tokens import BackendTokens
from fhir_alliance.ehr.fhir import FhirClient
from fhir_alliance.ehr.paging import SearchResult
from fhir_alliance.ehr.registry import Registry
from fhir_alliance.errors import AllianceError, EhrError, NotSent, SignInNeeded, StoreError
from fhir_alliance.harvest.book import Book
from fhir_alliance.harvest.deleted import deleted
from fhir_alliance.harvest.forms import Forms, Refusal
from fhir_alliance.harvest.taking import Taker
from fhir_alliance.harvest.windows import search_responses
from fhir_alliance.records.foreign import SCORED
from fhir_alliance.records.harvested import (
    deleted_after,
    named_key,
    patient_of,
    source_key,
    version_key,
    version_of,
)
from fhir_alliance.settings import EhrSettings

_RETRACTED: Final = "entered-in-error"
_DONE: Final = ("scored", "retracted")
_log = structlog.get_logger(__name__)

RawResource = Mapping[str, Any]
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What a round works with."""

    book: Book
    harvested: HarvestedResponses
    outbox: Outbox
    grants: Grants
    registry: Registry
    tokens: BackendTokens


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What became of one response: "scored", "retracted", or the reason why not; `faults` hold no answers."""

    response: str
    outcome: str
    faults: tuple[str, ...] = ()
    claim_differs: bool = False

    @property
    def words(self) -> tuple[str, ...]:
        """Why it is not scored, in words; nothing for what is, or was taken back."""
        return () if self.outcome in _DONE else (refusal_reason(self.outcome).words,)


class Round:
    """Looks at the responses of one EHR; `waits` says that one has to be looked at again.

    It may be our own, still on its way, or something about it could not be read just now.

    `write` False changes nothing anywhere; `again` looks once more at what was refused before.
    """

    def __init__(
        self, parts: Parts, ehr: EhrSettings, forms: Forms, *, now: datetime, write: bool, again: bool
    ) -> None:
        self._parts = parts
        self._ehr = ehr
        self._forms = forms
        self._now = now
        self._write = write
        self._again = again
        self.waits = False

    def search(self, since: datetime, before: datetime | None) -> SearchResult:
        """Return the responses to our forms that the EHR has changed in a time."""
        return self._read(lambda client: search_responses(client, self._forms.canonicals, since, before))

    def look_at(self, response: RawResource) -> Finding | None:
        """Return what became of a response; None when there is nothing to do, or nothing to say again.

        Raises StoreError, SignInNeeded and NotSent: then the round ends.
        """
        name, version = str(response["id"]), version_of(response)
        try:
            return self._look(response, name, version)
        except Refusal as refusal:
            return self._refuse(response, version, refusal)
        except (StoreError, SignInNeeded, NotSent):
            raise
        except EhrError as error:
            if reason := hold_reason(error):
                return self._refuse(response, version, Refusal(reason))
            self.waits = True
            return Finding(response=name, outcome=error.code)
        except AllianceError as error:
            return self._refuse(response, version, Refusal(error.code))
        except Exception as error:  # one that nobody foresaw must not stop the others: a person looks at it
            _log.error("harvest.broken", ehr=self._ehr.name, code=type(error).__name__, response=name)
            return self._refuse(response, version, Refusal("failed"))

    def look_for_deleted(self) -> list[Finding]:
        """Take back the scores of responses that the EHR has no more; returns which.

        An EHR that does not let this be found out keeps the rest of the round from nothing: that is logged.
        """
        names = self._parts.harvested.scored(self._ehr.name)
        try:
            gone = self._read(lambda client: list(deleted(client, names)))
        except (SignInNeeded, NotSent):
            raise
        except EhrError as error:
            _log.warning("harvest.deleted-unknown", ehr=self._ehr.name, code=error.code)
            return []
        return [finding for name in gone if (finding := self._retract_deleted(name))]

    def _retract_deleted(self, name: str) -> Finding | None:
        try:
            return self._retract(name, None)
        except StoreError:
            raise
        except AllianceError as error:  # what is kept of one cannot be opened: the others are not kept waiting
            _log.error("harvest.broken", ehr=self._ehr.name, code=error.code, response=name)
            return None

    def _look(self, response: RawResource, name: str, version: str) -> Finding | None:
        if not self._is_for_us(response, name, version):
            return None
        retracted = response.get("status") == _RETRACTED
        return self._retract(name, version) if retracted else self._accept(response, name, version)

    def _is_for_us(self, response: RawResource, name: str, version: str) -> bool:
        """Whether a response is a finished or withdrawn one to a form of ours that is not ours, and not known yet."""
        ehr, known = self._ehr.name, self._parts.harvested
        if response not in self._forms or response.get("status") not in {*SCORED, _RETRACTED}:
            return False
        if known.is_ours(ehr, name, named_key(response)):
            return False
        if not version:
            raise Refusal("no-version", ["meta: says neither versionId nor lastUpdated"])
        if known.is_accepted(self._key(name, version)):
            return False
        return self._again or not self._parts.book.is_refused(ehr, name, version)

    def _accept(self, response: RawResource, name: str, version: str) -> Finding | None:
        if "identifier" not in response and self._may_be_ours(response):
            self.waits = True
            return None
        earlier = self._parts.harvested.latest(self._ehr.name, name)
        take = self._read(
            lambda client: Taker(client, self._ehr, self._forms, now=self._now).take(response, amends=bool(earlier))
        )
        if self._write:
            source = Source(response=name, version=version)
            self._parts.outbox.accept(take.submission, take.bundle, grant=self._grant(), source=source)
            if take.claim_differs:
                self._parts.book.claim_differs(
                    self._ehr.name, patient=take.submission.patient.id, key=take.submission.key, at=self._now
                )
        return self._tell(Finding(response=name, outcome="scored", claim_differs=take.claim_differs))

    def _retract(self, name: str, version: str | None) -> Finding | None:
        """Take back the scores of a response that was entered in error, or deleted (None), if there are any."""
        accepted = self._parts.harvested.latest(self._ehr.name, name)
        if accepted is None or accepted.retracted:
            if self._write:
                self._parts.book.forget(self._ehr.name, name)
            return None
        if accepted.bundle is None:
            raise Refusal("not-comparable", ["its scores are in the chart, and not kept here any more"])
        if self._write:
            version = version or deleted_after(accepted.version)
            source, key = Source(response=name, version=version), self._key(name, version)
            self._parts.harvested.retract(accepted, key=key, source=source, grant=self._grant(), now=self._now)
            self._parts.outbox.accepted.set()
        return self._tell(Finding(response=name, outcome="retracted"))

    def _refuse(self, response: RawResource, version: str, refusal: Refusal) -> Finding | None:
        name, patient = str(response["id"]), patient_of(response)
        finding = Finding(response=name, outcome=refusal.reason, faults=refusal.faults)
        if not self._write:
            return finding
        new = self._parts.book.refuse(
            self._ehr.name, name, version, patient=patient, reason=refusal.reason, at=self._now
        )
        return self._tell(finding) if new or self._again else None

    def _tell(self, finding: Finding) -> Finding:
        """Log what became of a response: a linkId that nobody knows may say anything, so no fault is told here."""
        if self._write:
            _log.info(
                "harvest.found",
                ehr=self._ehr.name,
                response=finding.response,
                code=finding.outcome,
                claim_differs=finding.claim_differs,
            )
        return finding

    def _may_be_ours(self, response: RawResource) -> bool:
        """Whether one of our own forms of this patient is on its way, and this may be it without its identifier."""
        patient, form = patient_of(response), str(response.get("questionnaire"))
        return patient is not None and self._parts.harvested.may_be_ours(self._ehr.name, patient, form)

    def _key(self, name: str, version: str) -> str:
        return version_key(source_key(self._ehr.fhir_base, name), version)

    def _grant(self) -> str:
        return self._parts.grants.own(self._ehr.name)

    def _read(self, what: Callable[[FhirClient], T]) -> T:
        return self._parts.tokens.read(self._ehr, what)
