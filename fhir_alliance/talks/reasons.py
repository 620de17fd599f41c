"""The reasons to look that a therapist was shown, and what they answered: then a reason is quiet until new data."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from sqlalchemy import ColumnElement, Engine, RowMapping, insert, select, update

from fhir_alliance.audit import Event
from fhir_alliance.errors import AllianceError
from fhir_alliance.fixed import Fixed
from fhir_alliance.store import transaction
from fhir_alliance.tables import reasons
from fhir_alliance.talks.kept import Act, Pair, of_pair
from fhir_alliance.trajectory.seen import Look
from fhir_alliance.vault import Vault


class Answer(StrEnum):
    """What a therapist says to a reason."""

    TALKED = "talked about it"
    NOT_NOW = "not now"
    NOT_RELEVANT = "not relevant"

    @property
    def noted(self) -> str:
        """What the audit trail calls it."""
        return self.name.lower().replace("_", "-")


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A reason of one series by its name, code and rater; `rests_on` is the visit of the newest data in it.

    `facts` are the numbers that it is made of, as text; they stay in it when they are changed at the same visit.
    """

    name: str
    look: Look
    code: str
    rater: str
    rules: str
    rests_on: str
    facts: str

    def key(self, pair: Pair) -> str:
        """Return the key of this reason for these two: newer data, or newer rules, give another one."""
        return pair.key(self.code, self.rater, self.name, self.rules, self.rests_on)


@dataclass(frozen=True, kw_only=True)
class Answered:
    """What was answered to a reason, by whom (a relative reference) and when."""

    answer: Answer
    by: str
    at: datetime


@dataclass(frozen=True, kw_only=True)
class OpenReason:
    """That a reason of a level waits for an answer since an instant."""

    look: Look
    since: datetime


class UnknownReason(AllianceError):
    """This therapist was not shown such a reason about this patient."""

    code = "reason.unknown"
    http_status = 404
    title = "There is no such reason"
    sentence = "This view has no such reason, so nothing was kept. Please go back to the ratings."


_OF_PAIR: Final = Fixed(select(reasons).where(of_pair(reasons)))


class ReasonBook:
    """Keeps which reasons are shown to whom, and their answers; thread safe."""

    def __init__(self, engine: Engine, vault: Vault) -> None:
        self._engine = engine
        self._vault = vault

    def show(self, pair: Pair, shown: Sequence[Shown], *, at: datetime, kept_until: datetime) -> dict[str, Answered]:
        """Note which reasons a therapist is shown now; returns the answers that they have, by key.

        What is not shown any more is not open, and one whose facts have changed since is open again, without its
        answer. Nothing is written when nothing has changed.
        """
        by_key = {each.key(pair): each for each in shown}
        known = {row["key"]: row for row in _OF_PAIR.read(self._engine, pair.values).mappings()}
        stale = by_key.keys() - {key for key, row in known.items() if key in by_key and self._holds(row, by_key[key])}
        turned = {key for key, row in known.items() if row["raised"] != (key in by_key)}
        if stale or turned:
            self._write(pair, by_key, at=at, kept_until=kept_until)
        return {
            key: found
            for key, row in known.items()
            if key in by_key and not self._differs(row, by_key[key]) and (found := self._answered(row)) is not None
        }

    def answer(self, pair: Pair, key: str, answer: Answer, act: Act) -> None:
        """Keep what a therapist says to a reason; what was said first stays. UnknownReason when it is not theirs."""
        mine = pair.rows(reasons) & (reasons.c.key == key)
        sealed = self._vault.seal(answer.value.encode(), place=_place(pair.ehr, key, "answer"))
        values = {"answer": sealed, "answered_by": act.by, "answered_at": act.at, "kept_until": act.kept_until}
        with transaction(self._engine) as connection:
            if connection.execute(update(reasons).where(mine, reasons.c.answer.is_(None)).values(values)).rowcount:
                act.note(connection, Event.REASON_ANSWERED, pair, answer.noted)
            elif connection.scalar(select(reasons.c.key).where(mine)) is None:
                raise UnknownReason

    def reopen(self, pair: Pair, key: str, act: Act) -> None:
        """Take back what was said to a reason; the audit trail keeps what that was. UnknownReason as for an answer."""
        mine = pair.rows(reasons) & (reasons.c.key == key)
        with transaction(self._engine) as connection:
            row = connection.execute(select(reasons).where(mine)).mappings().one_or_none()
            if row is None:
                raise UnknownReason
            if said := self._answered(row):
                connection.execute(update(reasons).where(mine).values({**_OPEN, "kept_until": act.kept_until}))
                act.note(connection, Event.REASON_REOPENED, pair, said.answer.noted)

    def open(self, pair: Pair) -> tuple[OpenReason, ...]:
        """Return what is shown to a therapist about a patient and waits for an answer: level and day, no more."""
        return self._waiting(pair.rows(reasons)).get(pair.patient, ())

    def open_of(self, ehr: str, therapist: str) -> dict[str, tuple[OpenReason, ...]]:
        """Return the same by patient, of all patients about whom a therapist was shown any."""
        return self._waiting((reasons.c.ehr == ehr) & (reasons.c.therapist == therapist))

    def _waiting(self, rows: ColumnElement[bool]) -> dict[str, tuple[OpenReason, ...]]:
        asked = select(reasons.c.patient, reasons.c.look, reasons.c.raised_at)
        found: dict[str, list[OpenReason]] = defaultdict(list)
        with self._engine.connect() as connection:
            for row in connection.execute(asked.where(rows, reasons.c.raised, reasons.c.answer.is_(None))):
                found[row.patient].append(OpenReason(look=Look(row.look), since=row.raised_at))
        return {patient: tuple(each) for patient, each in found.items()}

    def _write(self, pair: Pair, by_key: dict[str, Shown], *, at: datetime, kept_until: datetime) -> None:
        with transaction(self._engine) as connection:
            # Read again: another window may have written them meanwhile.
            known = {row["key"]: row for row in _OF_PAIR.execute(connection, pair.values).mappings()}
            for key, each in by_key.items():
                facts = {"facts": self._vault.seal(each.facts.encode(), place=_place(pair.ehr, key, "facts"))}
                this = update(reasons).where(reasons.c.key == key)
                if key not in known:
                    row = {**_values(pair, each), "key": key, "raised_at": at, "kept_until": kept_until, "raised": True}
                    connection.execute(insert(reasons).values({**row, **facts}))
                elif self._differs(known[key], each):
                    connection.execute(this.values({**_values(pair, each), **facts, **_OPEN, "raised_at": at}))
                elif not self._holds(known[key], each):
                    connection.execute(this.values(facts))
            is_shown = reasons.c.key.in_(by_key.keys())
            mine = pair.rows(reasons)
            connection.execute(update(reasons).where(mine, is_shown).values(raised=True, kept_until=kept_until))
            connection.execute(update(reasons).where(mine, ~is_shown).values(raised=False))

    def _differs(self, row: RowMapping, shown: Shown) -> bool:
        """Whether it rests on other facts than when it was written; of one from before facts were kept nobody knows."""
        return row["facts"] is not None and not self._holds(row, shown)

    def _holds(self, row: RowMapping, shown: Shown) -> bool:
        if row["facts"] is None:
            return False
        return self._vault.open(row["facts"], place=_place(row["ehr"], row["key"], "facts")) == shown.facts.encode()

    def _answered(self, row: RowMapping) -> Answered | None:
        if row["answer"] is None:
            return None
        said = self._vault.open(row["answer"], place=_place(row["ehr"], row["key"], "answer")).decode()
        return Answered(answer=Answer(said), by=row["answered_by"], at=row["answered_at"])


def _values(pair: Pair, shown: Shown) -> dict[str, str]:
    return {
        "ehr": pair.ehr,
        "patient": pair.patient,
        "therapist": pair.therapist,
        "code": shown.code,
        "rater": shown.rater,
        "reason": shown.name,
        "rules": shown.rules,
        "rests_on": shown.rests_on,
        "look": shown.look.value,
    }


_OPEN: Final = {"answer": None, "answered_by": None, "answered_at": None}


def _place(ehr: str, key: str, column: str) -> str:
    return f"{ehr}/reasons/{key}/{column}"
