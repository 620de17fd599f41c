"""An EHR's permissions: kept sealed, refreshed once however many ask at the same time."""

from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Lock
from typing import Any, Final, Literal
from uuid import uuid4
from weakref import WeakValueDictionary

import structlog
from sqlalchemy import ColumnElement, Engine, RowMapping, bindparam, insert, select, union, update

from fhir_alliance.delivery.receipts import State
from fhir_alliance.ehr.breaker import turn
from fhir_alliance.ehr.client_marks import client_mark, same_client
from fhir_alliance.ehr.launches import Granted
from fhir_alliance.ehr.registry import Registry
from fhir_alliance.ehr.smart import Refreshed, refresh, revoke
from fhir_alliance.errors import AllianceError, SignInNeeded
from fhir_alliance.fixed import Fixed
from fhir_alliance.settings import ClientSettings, EhrSettings
from fhir_alliance.store import alone, transaction
from fhir_alliance.tables import grants, launches, submissions
from fhir_alliance.vault import Vault

Client = Literal["clinician", "patient"]

# A token that ends while a request is on its way is refused: it is renewed a little early.
_EARLY: Final = timedelta(seconds=30)
# Between a permission and the launch it is for lies a moment in which nobody uses it yet.
_SETTLING: Final = timedelta(minutes=1)
# Every page that asks the EHR begins with it.
_BY_ID: Final = Fixed(select(grants).where(grants.c.id == bindparam("of_id")))
_log = structlog.get_logger(__name__)


class Grants:
    """Keeps what `finish_launch` was granted, and hands out access tokens that are still good."""

    def __init__(self, engine: Engine, vault: Vault, registry: Registry, clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._vault = vault
        self._registry = registry
        self._clock = clock
        # One refresh at a time per grant, in this process and among several: a rotated refresh token works once, a
        # second use may end the whole grant (T35).
        self._flights: WeakValueDictionary[str, Lock] = WeakValueDictionary()
        self._lock = Lock()

    def keep(self, ehr: str, client: Client, granted: Granted) -> str:
        """Store a permission given to one of our registered clients, bound to it and to the EHR; returns its id."""
        grant, settings = str(uuid4()), self._registry.by_name(ehr)
        values = {
            "id": grant,
            "ehr": ehr,
            "client": client,
            "patient": granted.patient,
            "user": granted.user.reference,
            "created_at": self._clock(),
            "fhir_base": settings.fhir_base,
            "client_mark": client_mark(_client(settings, client)),
            **self._sealed(ehr, grant, granted),
        }
        with transaction(self._engine) as connection:
            connection.execute(insert(grants).values(**values))
        return grant

    def own(self, ehr: str) -> str:
        """Return the id of the app's own permission at an EHR, which binds to its address and backend client (F44).

        It holds no token and has ended from the start, so that what is accepted with it is delivered by the backend
        client, or waits for somebody to sign in. Raises SignInNeeded when there is no backend client.
        """
        return self._ended_one(ehr, client_mark(_client(self._registry.by_name(ehr), "backend")))

    def of_nobody(self, ehr: str) -> str:
        """Return the id of the permission of an answer for which nobody signed in (a patient's link).

        It is the app's own where there is a backend client; else one without a client, with which everything waits for
        the next sign-in for this patient.
        """
        backend = self._registry.by_name(ehr).backend
        return self._ended_one(ehr, client_mark(backend) if backend else None)

    def _ended_one(self, ehr: str, mark: str | None) -> str:
        base = self._registry.by_name(ehr).fhir_base
        mine: dict[str, str | None] = {"ehr": ehr, "client": "backend", "fhir_base": base, "client_mark": mark}
        known = select(grants.c.id).where(*(grants.c[name] == value for name, value in mine.items())).limit(1)
        now = self._clock()
        rest = {"user": "", "scopes": "", "access_token": b"", "expires_at": now, "created_at": now, "ended_at": now}
        with transaction(self._engine) as connection:
            grant = connection.scalar(known)
            if grant is None:
                grant = str(uuid4())
                connection.execute(insert(grants).values(id=grant, **mine, **rest))
        return grant

    def token(self, grant: str, *, rejected: str | None = None) -> str:
        """Return an access token, refreshed when it has ended or is the one the EHR has just `rejected`.

        Raises SignInNeeded when there is none to be had, NotSent while another refresh of it does not end, and whatever
        the EHR's token endpoint raises.
        """
        row = self._row(grant)
        if (token := self._good(row, rejected)) is not None:
            return token
        with turn(self._flight(grant)), alone(self._engine, f"refresh {grant}"):
            row = self._row(grant)
            if (token := self._good(row, rejected)) is not None:
                return token
            return self._refresh(row)

    def scopes(self, grant: str) -> frozenset[str]:
        """Return what a permission allows; SignInNeeded when it has ended."""
        return frozenset(self._row(grant)["scopes"].split())

    def is_of_same_client(self, grant: str) -> bool:
        """Whether the settings still name the client, with a key of then, that a permission was given to (F44)."""
        with self._engine.connect() as connection:
            row = connection.execute(select(grants).where(grants.c.id == grant)).mappings().one()
        client = _clients(self._registry.by_name(row["ehr"]))[row["client"]]
        return row["client_mark"] is None or (client is not None and same_client(row["client_mark"], client))

    def end(self, grant: str) -> None:
        """Stop using a permission; what is still to be delivered with it then waits for a new sign-in."""
        self._end(grants.c.id == grant)

    def end_all(self, ehr: str) -> int:
        """End every permission of an EHR, before it is taken out of the settings; returns how many there were."""
        return self._end(grants.c.ehr == ehr)

    def end_unused(self, *, idle: timedelta, absolute: timedelta) -> int:
        """End every permission that no launch uses and no submission waits with; returns how many there were.

        A launch uses its permission until it ends, was left alone for `idle`, or is `absolute` old.
        """
        now = self._clock()
        alive = (launches.c.seen_at >= now - idle) & (launches.c.created_at >= now - absolute)
        done = (State.DELIVERED, State.REJECTED, State.REPLACED)
        needed = union(
            select(launches.c.grant_id).where(launches.c.ended_at.is_(None), alive),
            select(submissions.c.grant_id).where(submissions.c.state.not_in(done)),
        )
        return self._end((grants.c.created_at < now - _SETTLING) & grants.c.id.not_in(needed))

    def _flight(self, grant: str) -> Lock:
        """Return the lock of one grant: an EHR that stalls holds up nobody else's."""
        with self._lock:
            return self._flights.setdefault(grant, Lock())

    def _end(self, chosen: ColumnElement[bool]) -> int:
        """End permissions here, forget their tokens, and then tell the EHR."""
        ending = chosen & grants.c.ended_at.is_(None)
        forgotten = {"ended_at": self._clock(), "access_token": b"", "refresh_token": None}
        with transaction(self._engine) as connection:
            rows = connection.execute(select(grants).where(ending)).mappings().all()
            connection.execute(update(grants).where(grants.c.id.in_([row["id"] for row in rows])).values(forgotten))
        for row in rows:
            self._revoke(row)
        return len(rows)

    def _revoke(self, row: RowMapping) -> None:
        """Give a permission back; the refresh token ends the whole of it, and without an answer it ends in its time."""
        column = "refresh_token" if row["refresh_token"] else "access_token"
        token = self._vault.open(row[column], place=_place(row["ehr"], row["id"], column)).decode()
        try:
            ehr = self._same_ehr(row)
            revoke(self._registry, ehr, _client(ehr, row["client"]), token, now=self._clock())
        except AllianceError as error:
            _log.warning("revocation.failed", code=error.code, ehr=row["ehr"])

    def _refresh(self, row: RowMapping) -> str:
        ehr = self._registry.by_name(row["ehr"])
        if row["refresh_token"] is None:
            raise SignInNeeded(401, "no refresh token")
        old = self._vault.open(row["refresh_token"], place=_place(row["ehr"], row["id"], "refresh_token")).decode()
        new = refresh(self._registry, ehr, _client(ehr, row["client"]), old, now=self._clock())
        # What the answer leaves out stays as it was (RFC 6749, section 6); the new tokens are stored together.
        changed = {name: value for name, value in self._sealed(row["ehr"], row["id"], new).items() if value is not None}
        with transaction(self._engine) as connection:
            connection.execute(update(grants).where(grants.c.id == row["id"]).values(**changed))
        return new.access_token

    def _row(self, grant: str) -> RowMapping:
        row = _BY_ID.read(self._engine, {"of_id": grant}).mappings().one()
        if row["ended_at"] is not None:
            raise SignInNeeded(401, "the permission has ended")
        self._same_ehr(row)
        return row

    def _same_ehr(self, row: RowMapping) -> EhrSettings:
        """Return the EHR a permission is of; what it allows is not shown to another one of the same name."""
        ehr = self._registry.by_name(row["ehr"])
        if row["fhir_base"] not in (None, ehr.fhir_base):
            raise SignInNeeded(401, "the EHR has another address than when it gave the permission")
        return ehr

    def _good(self, row: RowMapping, rejected: str | None) -> str | None:
        token = self._vault.open(row["access_token"], place=_place(row["ehr"], row["id"], "access_token")).decode()
        return token if token != rejected and row["expires_at"] - _EARLY > self._clock() else None

    def _sealed(self, ehr: str, grant: str, tokens: Granted | Refreshed) -> dict[str, Any]:
        renewing = tokens.refresh_token
        return {
            "access_token": self._vault.seal(tokens.access_token.encode(), place=_place(ehr, grant, "access_token")),
            "refresh_token": renewing
            and self._vault.seal(renewing.encode(), place=_place(ehr, grant, "refresh_token")),
            "expires_at": tokens.expires_at,
            "scopes": None if tokens.scopes is None else " ".join(sorted(tokens.scopes)),
        }


def _clients(ehr: EhrSettings) -> dict[str, ClientSettings | None]:
    return {"clinician": ehr.clinician, "patient": ehr.patient, "backend": ehr.backend}


def _client(ehr: EhrSettings, name: str) -> ClientSettings:
    client = _clients(ehr)[name]
    if client is None:
        raise SignInNeeded(401, "the client is no longer registered")
    return client


def _place(ehr: str, grant: str, column: str) -> str:
    return f"{ehr}/grants/{grant}/{column}"
