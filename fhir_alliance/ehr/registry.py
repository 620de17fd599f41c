"""The registered EHRs: only what is written in the settings is ever spoken to."""

import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from joserfc.jwk import KeySet

from fhir_alliance.ehr.addresses import same_address
from fhir_alliance.ehr.breaker import Availability, Breaker
from fhir_alliance.ehr.discovery import MAX_AGE, Discovered, discover
from fhir_alliance.ehr.http import Door
from fhir_alliance.ehr.keys import KeyCache
from fhir_alliance.errors import EhrUnreachable, UnknownIssuer
from fhir_alliance.settings import EhrSettings, Settings


class Registry:
    """The EHRs of the settings, each with its own connections and keys; thread safe.

    Endpoints are those pinned in the settings: discovery may block a launch, it never redirects one (T05).
    """

    def __init__(self, settings: Settings, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._ehrs = dict(settings.ehrs)
        self._clock = clock
        self._lock = threading.Lock()
        self._doors: dict[str, Door] = {}
        self._keys: dict[str, KeyCache] = {}
        self._discovered: dict[str, tuple[float, Discovered]] = {}

    def by_issuer(self, iss: str) -> EhrSettings:
        """Return the EHR whose FHIR base a launch named in `iss`, before anything is sent anywhere.

        Compared are scheme, host, port and path; one final slash is tolerated. Raises UnknownIssuer for everything
        else, above all for what only looks alike (T01, T02).
        """
        for ehr in self._ehrs.values():
            if same_address(iss, ehr.fhir_base):
                return ehr
        raise UnknownIssuer

    def by_name(self, name: str) -> EhrSettings:
        """Return the EHR of that name in the settings; raises UnknownIssuer."""
        if name not in self._ehrs:
            raise UnknownIssuer
        return self._ehrs[name]

    def door(self, ehr: EhrSettings) -> Door:
        """Return the door to an EHR: its FHIR base, token endpoints and keys, and nothing else, are reached by it."""
        with self._lock:
            if ehr.name not in self._doors:
                urls = (ehr.fhir_base, ehr.token_endpoint, ehr.jwks_uri, ehr.revocation_endpoint)
                self._doors[ehr.name] = Door(
                    base_urls=[url for url in urls if url],
                    allow_private=ehr.allow_private,
                    deadline=ehr.answer.total_seconds(),
                    breaker=Breaker(self._clock),
                )
            return self._doors[ehr.name]

    def availability(self) -> dict[str, Availability]:
        """Return how each EHR that was spoken to has been answering, by name."""
        with self._lock:
            doors = dict(self._doors)
        return {name: door.availability for name, door in doors.items()}

    def check(self, ehr: EhrSettings) -> Discovered:
        """Return what an EHR says of itself, asked again every ten minutes, before a launch is begun with it.

        Raises what `discover` raises; a refusal is not remembered, so that it ends as soon as the EHR is right again.
        """
        with self._lock:
            known = self._discovered.get(ehr.name)
        if known is None or self._clock() - known[0] > MAX_AGE:
            known = self._clock(), discover(self.door(ehr), ehr)
            with self._lock:
                self._discovered[ehr.name] = known
        return known[1]

    def jwks(self, ehr: EhrSettings, kid: str | None = None) -> KeySet:
        """Return the keys an EHR signs with, fetched again at most once a minute when `kid` is not among them.

        Raises EhrUnreachable when they cannot be fetched.
        """
        door = self.door(ehr)
        with self._lock:
            cache = self._keys.setdefault(ehr.name, KeyCache(partial(_fetch_keys, door, ehr.jwks_uri), self._clock))
        return cache.get(kid)


def _fetch_keys(door: Door, url: str) -> Any:
    reply = door.request("GET", url)
    if not reply.ok:
        raise EhrUnreachable(f"HTTP {reply.status} instead of keys")
    return reply.json()
