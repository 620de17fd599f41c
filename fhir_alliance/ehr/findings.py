"""What was found out about an EHR, kept with its date: what it states, what it grants, what a real write showed."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

import orjson
from sqlalchemy import Connection, Row, bindparam, insert, select, update

from fhir_alliance.fixed import Fixed
from fhir_alliance.tables import ehr_findings, grants


class Kind(StrEnum):
    """How it was found out: read from its statements, asked of its token endpoint, tried with a test entry.

    Or a person vouches for where it has moved, while a second one is awaited.
    """

    STATED = "stated"
    GRANTED = "granted"
    PROBED = "probed"
    VOUCHED = "vouched"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """Facts, when they were first found so, and when they were last found so."""

    facts: frozenset[str]
    found_at: datetime
    checked_at: datetime


@dataclass(frozen=True, kw_only=True)
class Change:
    """What a finding has lost and gained against the one before it."""

    at: datetime
    gone: tuple[str, ...]
    new: tuple[str, ...]

    @property
    def words(self) -> str:
        """What changed, such as "QuestionnaireResponse create is gone"."""
        return ", ".join([*(f"{each} is gone" for each in self.gone), *(f"{each} is new" for each in self.new)])


_ALL: Final = (
    select(ehr_findings)
    .where(ehr_findings.c.ehr == bindparam("of_ehr"), ehr_findings.c.kind == bindparam("of_kind"))
    .order_by(ehr_findings.c.id.desc())
)
_NEWEST_FIRST: Final = Fixed(_ALL)
_LAST: Final = Fixed(_ALL.limit(1))
_LAST_TWO: Final = Fixed(_ALL.limit(2))


def keep(connection: Connection, ehr: str, kind: Kind, facts: Iterable[str], *, at: datetime) -> Change | None:
    """Keep what was found now; returns what is different from the finding before, None when nothing is.

    The first finding is no change. One that is as before only moves its date of checking.
    """
    found, before = frozenset(facts), last(connection, ehr, kind)
    if before is not None and before.facts == found:
        newest = select(ehr_findings.c.id).where(_of(ehr, kind)).order_by(ehr_findings.c.id.desc()).limit(1)
        same = ehr_findings.c.id == newest.scalar_subquery()
        connection.execute(update(ehr_findings).where(same).values(checked_at=at))
        return None
    values = {"ehr": ehr, "kind": kind, "facts": orjson.dumps(sorted(found)).decode()}
    connection.execute(insert(ehr_findings).values(**values, found_at=at, checked_at=at))
    return None if before is None else _change(before.facts, found, at)


def last(connection: Connection, ehr: str, kind: Kind) -> Finding | None:
    """Return the newest finding of a kind, None when there is none."""
    row = _LAST.execute(connection, {"of_ehr": ehr, "of_kind": kind}).one_or_none()
    return None if row is None else _finding(row)


def last_change(connection: Connection, ehr: str, kind: Kind) -> Change | None:
    """Return how the newest finding differs from the one before it, None when there is only one, or none."""
    rows = [_finding(row) for row in _LAST_TWO.execute(connection, {"of_ehr": ehr, "of_kind": kind})]
    return _change(rows[1].facts, rows[0].facts, rows[0].found_at) if len(rows) > 1 else None


def lapsed(connection: Connection, ehr: str, needs: Iterable[str]) -> tuple[str, ...]:
    """Return what an EHR once stated, is needed, and is not stated any more (security.md, F19)."""
    rows = _NEWEST_FIRST.execute(connection, {"of_ehr": ehr, "of_kind": Kind.STATED})
    now, *before = [_finding(row).facts for row in rows] or [frozenset()]
    once = frozenset().union(*before)
    return tuple(each for each in needs if each in once and each not in now)


def granted_scopes(connection: Connection, ehr: str, client: str) -> frozenset[str] | None:
    """Return what was granted to a client at its newest sign-in, None when nobody has signed in with it."""
    mine = (grants.c.ehr == ehr) & (grants.c.client == client)
    scopes = connection.scalar(select(grants.c.scopes).where(mine).order_by(grants.c.created_at.desc()).limit(1))
    return None if scopes is None else frozenset(scopes.split())


def _of(ehr: str, kind: Kind) -> Any:
    return (ehr_findings.c.ehr == ehr) & (ehr_findings.c.kind == kind)


def _finding(row: Row[Any]) -> Finding:
    facts = frozenset(map(str, orjson.loads(row.facts)))
    return Finding(facts=facts, found_at=row.found_at, checked_at=row.checked_at)


def _change(before: frozenset[str], after: frozenset[str], at: datetime) -> Change:
    return Change(at=at, gone=tuple(sorted(before - after)), new=tuple(sorted(after - before)))
