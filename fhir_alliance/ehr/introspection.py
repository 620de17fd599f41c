"""What an EHR says of a token that somebody shows us: token introspection (RFC 7662, spec row S31)."""

import hashlib
import re
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from threading import Lock
from typing import Any, Final

from fhir_alliance.ehr.addresses import same_address
from fhir_alliance.ehr.backend import proof
from fhir_alliance.ehr.context import read_context
from fhir_alliance.ehr.doors import Doors
from fhir_alliance.ehr.http import Door
from fhir_alliance.ehr.identity import person
from fhir_alliance.errors import EhrUnreachable, FhirError, LaunchError
from fhir_alliance.settings import EhrSettings

MAX_AGE: Final = timedelta(seconds=60)
"""How long an answer counts: for so long a token that was revoked may still be good here."""

DEADLINE: Final = 10.0
MAX_BYTES: Final = 64 * 1024
_REFUSED_AGE: Final = timedelta(seconds=10)
_MOST: Final = 1000
_CLIENT: Final = re.compile(r"[ -~]{1,255}")
_SCOPES: Final = re.compile(r"[ -~]{0,16384}")


@dataclass(frozen=True, kw_only=True)
class LiveToken:
    """A token that is good now: whose it is, what it allows, and the chart it was given for.

    `user` is the relative reference of who signed in, empty when the EHR does not say, or nobody did.
    """

    client_id: str
    scopes: frozenset[str]
    expires_at: datetime
    patient: str | None
    user: str


class Introspections:
    """Asks each EHR about tokens, and remembers for a while what it said; thread safe, `clock` returns the present.

    Anybody can make us ask, so this has doors of its own: no launch waits for it.
    """

    def __init__(self, clock: Callable[[], datetime], *, deadline: float = DEADLINE) -> None:
        self._doors = Doors(partial(_door, deadline))
        self._clock = clock
        self._lock = Lock()
        self._known: OrderedDict[str, tuple[datetime, LiveToken | None]] = OrderedDict()

    def find(self, ehr: EhrSettings, token: str) -> LiveToken | None:
        """Return what a token stands for at an EHR, None when it is good for nothing there.

        Raises EhrError when the EHR does not say: then nothing is known of the token.
        """
        key = hashlib.sha256(f"{ehr.name} {token}".encode()).hexdigest()
        now = self._clock()
        with self._lock:
            until, found = self._known.get(key, (now, None))
        if until > now:
            return found
        found = self._ask(ehr, token, now)
        until = min(now + MAX_AGE, found.expires_at) if found else now + _REFUSED_AGE
        with self._lock:
            self._known[key] = until, found
            self._known.move_to_end(key)
            while len(self._known) > _MOST:
                self._known.popitem(last=False)
        return found

    def _ask(self, ehr: EhrSettings, token: str, now: datetime) -> LiveToken | None:
        if ehr.introspection_endpoint is None or ehr.asking is None:
            return None
        who = proof(ehr.asking, ehr, now=now)
        form = {"token": token, "token_type_hint": "access_token", **who.form}
        reply = self._doors.of(ehr).request("POST", ehr.introspection_endpoint, form=form, headers=who.headers)
        if not reply.ok:
            raise FhirError(reply.status, "introspection")
        return read_introspection(reply.json(), ehr, now=now)


def _door(deadline: float, ehr: EhrSettings) -> Door:
    urls = [ehr.introspection_endpoint] if ehr.introspection_endpoint else []
    return Door(base_urls=urls, allow_private=ehr.allow_private, deadline=deadline, max_bytes=MAX_BYTES)


def read_introspection(values: Any, ehr: EhrSettings, *, now: datetime) -> LiveToken | None:
    """Read the answer of an introspection endpoint; None when the token is not active, over, or meant for others.

    Raises EhrUnreachable when the answer is none that SMART App Launch 2.2 knows: it must say `active`, and of an
    active token `scope`, `client_id` and `exp`.
    """
    if not isinstance(values, dict) or not isinstance(values.get("active"), bool):
        raise EhrUnreachable("introspection: active")
    if not values["active"]:
        return None
    expires_at, client_id = _expiry(values.get("exp")), _text(values, "client_id", _CLIENT)
    found = LiveToken(
        client_id=client_id,
        scopes=frozenset(_text(values, "scope", _SCOPES).split()),
        expires_at=expires_at,
        patient=_patient(values),
        user=person(values.get("fhirUser"), ehr.fhir_base) or "",
    )
    return found if expires_at > now and _is_meant(values, ehr) else None


def _is_meant(values: Mapping[str, Any], ehr: EhrSettings) -> bool:
    """Whether an access token is of this very EHR, where one authorization server stands before several.

    A refresh token of ours is active too, and where no type is given it could be one.
    """
    audience = values.get("aud", ehr.fhir_base)
    audiences = audience if isinstance(audience, list) else [audience]
    ours = any(client.client_id == values["client_id"] for client in ehr.clients)
    kind = values.get("token_type", None if ours else "Bearer")
    return (
        isinstance(kind, str)
        and kind.lower() == "bearer"
        and values.get("iss", ehr.issuer) == ehr.issuer
        and any(isinstance(each, str) and same_address(each, ehr.fhir_base) for each in audiences)
        and ("fhirUser" not in values or person(values["fhirUser"], ehr.fhir_base) is not None)
    )


def _expiry(value: Any) -> datetime:
    if type(value) is not int:
        raise EhrUnreachable("introspection: exp")
    try:
        return datetime.fromtimestamp(value, UTC)
    except (ValueError, OverflowError, OSError):
        raise EhrUnreachable("introspection: exp") from None


def _text(values: Mapping[str, Any], name: str, pattern: re.Pattern[str]) -> str:
    value = values.get(name)
    if not isinstance(value, str) or not pattern.fullmatch(value):
        raise EhrUnreachable(f"introspection: {name}")
    return value


def _patient(values: Mapping[str, Any]) -> str | None:
    try:
        return read_context(values).patient
    except LaunchError:
        raise EhrUnreachable("introspection: patient or encounter") from None
