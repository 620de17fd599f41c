"""The app's own tokens: kept in memory, one per EHR, asked for again a little before they end."""

from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Lock
from typing import Final, TypeVar

from fhir_alliance.ehr.backend import BackendToken, backend_token
from fhir_alliance.ehr.breaker import turn
from fhir_alliance.ehr.fhir import FhirClient
from fhir_alliance.ehr.registry import Registry
from fhir_alliance.errors import ClockDiffers, EhrError, FhirError, SignInNeeded
from fhir_alliance.settings import EhrSettings

# A token that ends while a request is on its way is refused: it is renewed a little early.
_EARLY: Final = timedelta(seconds=30)
# A client that an EHR refuses is refused again at once: a full outbox must not ask for each of its forms.
_REFUSED: Final = timedelta(minutes=1)

T = TypeVar("T")


class BackendTokens:
    """Hands out tokens of the backend clients (spec row S50); thread safe, `clock` returns the present."""

    def __init__(self, registry: Registry, clock: Callable[[], datetime]) -> None:
        self._registry = registry
        self._clock = clock
        self._lock = Lock()
        self._flights: dict[str, Lock] = {}
        self._tokens: dict[str, BackendToken] = {}
        self._refused: dict[str, tuple[datetime, EhrError]] = {}

    def token(self, ehr: EhrSettings, *, rejected: str | None = None) -> BackendToken:
        """Return a token that is still good, another than the one the EHR has just `rejected`.

        Raises SignInNeeded when there is no backend client, or the EHR refuses it, ClockDiffers when that is for the
        time of its proof; FhirError when its token endpoint
        fails, and EhrError when no usable answer came.
        """
        with self._lock:
            flight = self._flights.setdefault(ehr.name, Lock())
        with turn(flight):
            known = self._tokens.get(ehr.name)
            if known and known.access_token != rejected and known.expires_at - _EARLY > self._clock():
                return known
            self._tokens[ehr.name] = self._ask(ehr)
            return self._tokens[ehr.name]

    def read(self, ehr: EhrSettings, what: Callable[[FhirClient], T]) -> T:
        """Read with the app's own token, which is renewed once when the EHR has just refused it.

        Raises what `token` raises, and whatever the EHR's answer raises.
        """
        token = self.token(ehr)
        try:
            return what(self._client(ehr, token))
        except SignInNeeded:
            return what(self._client(ehr, self.token(ehr, rejected=token.access_token)))

    def _client(self, ehr: EhrSettings, token: BackendToken) -> FhirClient:
        return FhirClient(self._registry.door(ehr), ehr.fhir_base, token.access_token)

    def _ask(self, ehr: EhrSettings) -> BackendToken:
        now = self._clock()
        if ehr.backend is None:
            raise SignInNeeded(401, "no backend client")
        if (refused := self._refused.get(ehr.name)) and abs(now - refused[0]) < _REFUSED:
            raise refused[1].with_traceback(None)
        try:
            return backend_token(self._registry, ehr, ehr.backend, ehr.backend.scopes, now=now)
        except ClockDiffers as error:
            self._refused[ehr.name] = now, error
            raise
        except FhirError as error:
            if not 400 <= error.status < 500 or error.status in (408, 429):
                raise
            refusal = SignInNeeded(401, f"backend client refused: {error.detail}")
            self._refused[ehr.name] = now, refusal
            raise refusal from None
