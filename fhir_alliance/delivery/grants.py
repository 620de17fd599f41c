"""An EHR's permissions: kept sealed, refreshed once however many ask at the same time."""

from collections.abc import Callable
from datetime import datetime, timedelta
from threading import Lock
from typing import Any, Final, Literal
from uuid import uuid4

from sqlalchemy import Engine, RowMapping, insert, select, update

from fhir_alliance.ehr.launches import Granted
from fhir_alliance.ehr.registry import Registry
from fhir_alliance.ehr.smart import Refreshed, refresh
from fhir_alliance.errors import SignInNeeded
from fhir_alliance.settings import ClientSettings, EhrSettings
from fhir_alliance.store import transaction
from fhir_alliance.tables import grants
from fhir_alliance.vault import Vault

Client = Literal["clinician", "patient"]

# A token that ends while a request is on its way is refused: it is renewed a little early.
_EARLY: Final = timedelta(seconds=30)


class Grants:
    """Keeps what `finish_launch` was granted, and hands out access tokens that are still good."""

    def __init__(self, engine: Engine, vault: Vault, registry: Registry, clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._vault = vault
        self._registry = registry
        self._clock = clock
        # One refresh at a time: a rotated refresh token works once, the second use may end the whole grant.
        self._single_flight = Lock()

    def keep(self, ehr: str, client: Client, granted: Granted) -> str:
        """Store a permission given to one of our registered clients; returns its id."""
        grant = str(uuid4())
        values = {
            "id": grant,
            "ehr": ehr,
            "client": client,
            "patient": granted.patient,
            "user": granted.user.reference,
            "created_at": self._clock(),
            **self._sealed(ehr, grant, granted),
        }
        with transaction(self._engine) as connection:
            connection.execute(insert(grants).values(**values))
        return grant

    def token(self, grant: str, *, rejected: str | None = None) -> str:
        """Return an access token, refreshed when it has ended or is the one the EHR has just `rejected`.

        Raises SignInNeeded when there is none to be had, and whatever the EHR's token endpoint raises.
        """
        row = self._row(grant)
        if (token := self._good(row, rejected)) is not None:
            return token
        with self._single_flight:
            row = self._row(grant)
            if (token := self._good(row, rejected)) is not None:
                return token
            return self._refresh(row)

    def scopes(self, grant: str) -> frozenset[str]:
        """Return what a permission allows; SignInNeeded when it has ended."""
        return frozenset(self._row(grant)["scopes"].split())

    def end(self, grant: str) -> None:
        """Stop using a permission; what is still to be delivered with it then waits for a new sign-in."""
        with transaction(self._engine) as connection:
            connection.execute(update(grants).where(grants.c.id == grant).values(ended_at=self._clock()))

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
        with self._engine.connect() as connection:
            row = connection.execute(select(grants).where(grants.c.id == grant)).mappings().one()
        if row["ended_at"] is not None:
            raise SignInNeeded(401, "the permission has ended")
        return row

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


def _client(ehr: EhrSettings, name: str) -> ClientSettings:
    client = {"clinician": ehr.clinician, "patient": ehr.patient}[name]
    if client is None:
        raise SignInNeeded(401, "the client is no longer registered")
    return client


def _place(ehr: str, grant: str, column: str) -> str:
    return f"{ehr}/grants/{grant}/{column}"
