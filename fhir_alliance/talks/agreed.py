"""What a patient and a therapist agreed to try: one thing a visit out of a short list, looked at again later."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

import orjson
from sqlalchemy import Connection, Engine, RowMapping, bindparam, delete, insert, select, update

from fhir_alliance.audit import Event
from fhir_alliance.errors import AllianceError
from fhir_alliance.fixed import Fixed
from fhir_alliance.store import transaction
from fhir_alliance.tables import agreements
from fhir_alliance.talks.kept import Act, Pair, of_pair
from fhir_alliance.vault import Vault


class Outcome(StrEnum):
    """How it went when the two looked at it again."""

    HELPED = "helped"
    DID_NOT = "did not help"
    NOT_TRIED = "not tried"


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """What was agreed at a visit, in the words of then; `outcome` is None until the two have looked at it again."""

    key: str
    choice: str
    text: str
    visit: str
    at: datetime
    outcome: Outcome | None = None
    looked_at: datetime | None = None


class UnknownAgreement(AllianceError):
    """These two have agreed nothing of this kind."""

    code = "agreement.unknown"
    http_status = 404
    title = "There is no such agreement"
    sentence = "Nothing like this was agreed, so nothing was changed. Please go back to the ratings."


_NEWEST: Final = Fixed(
    select(agreements).where(of_pair(agreements)).order_by(agreements.c.agreed_at.desc()).limit(bindparam("most"))
)


class Agreements:
    """Keeps what was agreed, sealed; thread safe. Who changed it when is in the audit trail."""

    def __init__(self, engine: Engine, vault: Vault) -> None:
        self._engine = engine
        self._vault = vault

    def of(self, pair: Pair, *, most: int) -> tuple[Agreement, ...]:
        """Return what was agreed last, newest first."""
        return tuple(map(self._agreement, _NEWEST.read(self._engine, {**pair.values, "most": most}).mappings()))

    def agree(self, pair: Pair, visit: str, choice: str, text: str, act: Act) -> None:
        """Keep what is agreed at a visit in place of what was; an empty choice takes it back."""
        key = pair.key("agreement", visit)
        mine = agreements.c.key == key
        said = orjson.dumps({"choice": choice, "text": text})
        values = {
            "choice": self._vault.seal(said, place=_place(pair.ehr, key, "choice")),
            "agreed_by": act.by,
            "agreed_at": act.at,
            "outcome": None,
            "looked_by": None,
            "looked_at": None,
            "kept_until": act.kept_until,
        }

        def change(connection: Connection, known: Agreement | None) -> bool:
            if (known.choice if known else "") == choice:
                return False
            if not choice:
                connection.execute(delete(agreements).where(mine))
            elif known:
                connection.execute(update(agreements).where(mine).values(values))
            else:
                about = {"ehr": pair.ehr, "patient": pair.patient, "therapist": pair.therapist, "visit": visit}
                connection.execute(insert(agreements).values(key=key, **about, **values))
            return True

        self._change(pair, key, change, act, "agreed" if choice else "taken-back")

    def look(self, pair: Pair, key: str, outcome: Outcome, act: Act) -> None:
        """Keep how it went; the last word counts. UnknownAgreement when the two have not agreed this."""
        sealed = self._vault.seal(outcome.value.encode(), place=_place(pair.ehr, key, "outcome"))
        values = {"outcome": sealed, "looked_by": act.by, "looked_at": act.at, "kept_until": act.kept_until}

        def change(connection: Connection, known: Agreement | None) -> bool:
            if known is None:
                raise UnknownAgreement
            if known.outcome is outcome:
                return False
            connection.execute(update(agreements).where(agreements.c.key == key).values(values))
            return True

        self._change(pair, key, change, act, "looked-at")

    def _change(
        self, pair: Pair, key: str, change: Callable[[Connection, Agreement | None], bool], act: Act, outcome: str
    ) -> None:
        """Change one row by what is known of it, and note it when that was a change."""
        mine = pair.rows(agreements) & (agreements.c.key == key)
        with transaction(self._engine) as connection:
            row = connection.execute(select(agreements).where(mine)).mappings().one_or_none()
            if change(connection, self._agreement(row) if row else None):
                act.note(connection, Event.AGREEMENT_CHANGED, pair, outcome)

    def _agreement(self, row: RowMapping) -> Agreement:
        said: dict[str, Any] = orjson.loads(self._open(row, "choice"))
        return Agreement(
            key=row["key"],
            choice=said["choice"],
            text=said["text"],
            visit=row["visit"],
            at=row["agreed_at"],
            outcome=Outcome(self._open(row, "outcome").decode()) if row["outcome"] else None,
            looked_at=row["looked_at"],
        )

    def _open(self, row: RowMapping, column: str) -> bytes:
        return self._vault.open(row[column], place=_place(row["ehr"], row["key"], column))


def _place(ehr: str, key: str, column: str) -> str:
    return f"{ehr}/agreements/{key}/{column}"
