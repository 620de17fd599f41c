"""What no chart took, for programs that may read it: settled submissions only, one EHR at a time."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import starmap
from typing import Any, Final

import orjson
from sqlalchemy import ColumnElement, Engine, Row, false, or_, select

from fhir_alliance.delivery.receipts import NOT_IN_CHART, Kind, State, form_key, is_newest, place
from fhir_alliance.records.kept import kept_version, without_filed
from fhir_alliance.settings import Rung
from fhir_alliance.tables import submissions
from fhir_alliance.vault import Vault

# A reader that asks for little of much gets a page with less on it, and a link to the rest.
MOST_OPENED: Final = 200

Raters = Mapping[str, Collection[str] | None]


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which forms: of these patients or with these first keys (None: any), accepted from `since` until `before`.

    Of a form that was corrected the newest version counts. `raters` says for each rater that may be seen on which rungs
    (None: any).
    """

    patients: Collection[str] | None = None
    keys: Collection[str] | None = None
    raters: Raters | None = None
    since: datetime | None = None
    before: datetime | None = None

    def within(self, *, patients: Collection[str] | None, raters: Raters | None) -> "Wanted":
        """Return what of this is also of these patients (None: any), by these raters alone."""
        return replace(self, patients=_both(self.patients, patients), raters=raters)


@dataclass(frozen=True, kw_only=True)
class Kept:
    """The resources of a form's newest version under its first key, without those the chart holds in another form."""

    sequence: int
    key: str
    patient: str
    accepted_at: datetime
    resources: tuple[dict[str, Any], ...] = field(repr=False)


class Shelf:
    """Reads what is kept; nothing is ever changed through it."""

    def __init__(self, engine: Engine, vault: Vault, clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._vault = vault
        self._clock = clock

    def search(self, ehr: str, wanted: Wanted, *, after: int = 0) -> Iterator[Kept]:
        """Yield what is kept of one EHR's patients, oldest first, from behind a sequence number: at most MOST_OPENED.

        Left out are submissions that may still reach the chart, those that wait because the patient or the outcome is
        in doubt, and what is older than the site keeps: without a retention date nothing is served. Raises VaultError
        when one was tampered with.
        """
        found = (
            select(submissions)
            .where(submissions.c.ehr == ehr, submissions.c.sequence > after, *self._settled(), *_fits(wanted))
            .order_by(submissions.c.sequence)
            .limit(MOST_OPENED)
        )
        with self._engine.connect() as connection:
            rows = connection.execute(found).all()
        return map(self._kept, rows)

    def _settled(self) -> tuple[ColumnElement[bool], ...]:
        """Return what holds for a submission that is not in the chart, and will not be."""
        state, reason = submissions.c.state, submissions.c.reason
        lesser = submissions.c.rung != Rung.OBSERVATIONS
        otherwise = lesser & (state == State.DELIVERED)
        never = lesser & (state == State.HELD) & (reason == NOT_IN_CHART)
        kept = submissions.c.kept_until > self._clock()
        shown = is_newest() & (submissions.c.kind != Kind.WITHDRAWAL)
        return (shown, otherwise | never | (state == State.REJECTED), kept)

    def _kept(self, row: Row[Any]) -> Kept:
        key = row.corrects or row.key
        resources = kept_version(self._open(row, "payload"), key=key, version=row.version)
        # Of pieces that an EHR has refused some may have been taken before.
        filed = self._open(row, "pieces") if row.pieces else []
        return Kept(
            sequence=row.sequence,
            key=key,
            patient=row.patient,
            accepted_at=row.accepted_at,
            resources=tuple(without_filed(resources, filed)),
        )

    def _open(self, row: Row[Any], column: str) -> Any:
        return orjson.loads(self._vault.open(getattr(row, column), place=place(row.ehr, row.key, column)))


def _rated(rater: str, rungs: Collection[str] | None) -> ColumnElement[bool]:
    by = submissions.c.rater == rater
    return by if rungs is None else by & submissions.c.rung.in_(rungs)


def _both(one: Collection[str] | None, other: Collection[str] | None) -> Collection[str] | None:
    if one is None or other is None:
        return other if one is None else one
    return set(one) & set(other)


def _fits(wanted: Wanted) -> Iterator[ColumnElement[bool]]:
    columns = {submissions.c.patient: wanted.patients, form_key(): wanted.keys}
    yield from (column.in_(values) for column, values in columns.items() if values is not None)
    if wanted.raters is not None:
        yield or_(false(), *starmap(_rated, wanted.raters.items()))
    if wanted.since is not None:
        yield submissions.c.accepted_at >= wanted.since
    if wanted.before is not None:
        yield submissions.c.accepted_at < wanted.before
