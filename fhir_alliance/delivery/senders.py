"""Whose permission a submission is delivered with: the person's as long as it lasts, then the app's own."""

from collections.abc import Callable, Mapping, Set
from dataclasses import replace
from typing import Final, TypeVar

from fhir_alliance.delivery.grants import Grants
from fhir_alliance.delivery.items import Item
from fhir_alliance.delivery.outcomes import Settlement
from fhir_alliance.delivery.receipts import Kind
from fhir_alliance.ehr.backend_tokens import BackendTokens
from fhir_alliance.ehr.registry import Registry
from fhir_alliance.ehr.rungs import not_granted
from fhir_alliance.errors import FhirError, SignInNeeded
from fhir_alliance.settings import Rung

_NEEDED: Final[Mapping[Rung, tuple[str, ...]]] = {
    Rung.OBSERVATIONS: ("system/Patient.r", "system/QuestionnaireResponse.crs", "system/Observation.cs"),
    Rung.FLOWSHEET: ("system/Patient.r", "system/Observation.cs"),
    Rung.NOTE: ("system/Patient.r", "system/DocumentReference.crs"),
    Rung.HOLD: (),
    Rung.DOCUMENT: ("system/Patient.r", "system/DocumentReference.crs"),
}
_CORRECTING: Final[Mapping[Rung, tuple[str, ...]]] = {
    Rung.OBSERVATIONS: ("system/QuestionnaireResponse.u", "system/Observation.u"),
    Rung.FLOWSHEET: ("system/Observation.u",),
    Rung.NOTE: ("system/DocumentReference.u",),
    Rung.HOLD: (),
    Rung.DOCUMENT: ("system/DocumentReference.u",),
}

_HARVESTED: Final = ("system/Patient.r", "system/QuestionnaireResponse.r", "system/Observation.cus")

_READ: Final = ("system/QuestionnaireResponse.r", "system/Observation.s")
_READ_DOCUMENT: Final = ("system/DocumentReference.r",)

T = TypeVar("T")
Use = Callable[[Item, str, Set[str]], T]
"""Does something for an item with an access token that allows some scopes; SignInNeeded when the EHR refuses it."""


class Senders:
    """Finds what to deliver with. The person's permission comes first: it reaches this one patient only (F14).

    With the app's own the delivery is the same, so the patient is read and compared again before anything is sent.
    """

    def __init__(self, grants: Grants, backend: BackendTokens, registry: Registry) -> None:
        self._grants = grants
        self._backend = backend
        self._registry = registry

    def deliver(self, item: Item, send: Use[Settlement]) -> Settlement:
        """Deliver an item; raises SignInNeeded when neither permission can, and whatever `send` raises."""
        return self._use(item, send, _needed(item))

    def read(self, item: Item, look: Use[T]) -> T:
        """Look at what became of an item; raises SignInNeeded when neither permission can, and what `look` raises."""
        return self._use(item, look, _READ_DOCUMENT if item.rung is Rung.DOCUMENT else _READ)

    def _use(self, item: Item, use: Use[T], needed: tuple[str, ...]) -> T:
        try:
            return self._for_the_person(item, use)
        except SignInNeeded:
            return self._by_itself(replace(item, sender="courier-backend"), use, needed)

    def _for_the_person(self, item: Item, send: Use[T]) -> T:
        token = self._grants.token(item.grant)
        try:
            return send(item, token, self._grants.scopes(item.grant))
        except SignInNeeded:
            renewed = self._grants.token(item.grant, rejected=token)
            return send(item, renewed, self._grants.scopes(item.grant))

    def _by_itself(self, item: Item, send: Use[T], needed: tuple[str, ...]) -> T:
        """Do it with the backend client; what it may not do waits for the person as well."""
        ehr = self._registry.by_name(item.ehr)
        token = self._backend.token(ehr)
        _require(needed, token.scopes)
        try:
            return send(item, token.access_token, token.scopes)
        except SignInNeeded:
            renewed = self._backend.token(ehr, rejected=token.access_token)
            _require(needed, renewed.scopes)
            return send(item, renewed.access_token, renewed.scopes)
        except FhirError as error:
            if error.status == 403:
                raise SignInNeeded(403, "the backend client may not") from None
            raise


def _needed(item: Item) -> tuple[str, ...]:
    if item.harvested_version is not None:
        return _HARVESTED
    correcting = _CORRECTING[item.rung] if item.kind is not Kind.ORIGINAL else ()
    return (*_NEEDED[item.rung], *correcting)


def _require(needed: tuple[str, ...], scopes: frozenset[str]) -> None:
    if not_granted(needed, scopes):
        raise SignInNeeded(403, "the backend client was not granted what a delivery needs")
