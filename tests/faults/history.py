"""What was promised against what is in the chart: invariants I1-I4 and I6, over a store and an EHR's resources."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import orjson
from sqlalchemy import Engine, Row, func, select

from fhir_alliance.delivery.expected import Expected, absent_reason_of, expected_of, value_of
from fhir_alliance.delivery.receipts import DELETED, State, place
from fhir_alliance.settings import Rung
from fhir_alliance.tables import attempts, audit, submissions
from fhir_alliance.vault import Vault

Resource = Mapping[str, Any]

_MOVING: Final = (State.ACCEPTED, State.LEASED, State.UNKNOWN)


@dataclass
class Tally:
    """How many submissions are where, and the keys of those for which an invariant does not hold."""

    accepted: int = 0
    delivered: int = 0
    held: int = 0
    waiting: int = 0
    lost: set[str] = field(default_factory=set)
    duplicated: set[str] = field(default_factory=set)
    wrong_patient: set[str] = field(default_factory=set)
    altered: set[str] = field(default_factory=set)
    extra: set[str] = field(default_factory=set)
    unaudited: set[str] = field(default_factory=set)

    @property
    def broken(self) -> dict[str, set[str]]:
        """The invariants that do not hold: each with the keys it does not hold for."""
        named = ("lost", "duplicated", "wrong_patient", "altered", "extra", "unaudited")
        return {name: found for name in named if (found := getattr(self, name))}


def check_history(
    store: Engine, vault: Vault, written: Iterable[Resource], *, thanked: Collection[str] = (), ours: str = "urn:uuid:"
) -> Tally:
    """Compare what a store accepted with what an EHR holds now; nothing is changed.

    `written` are the current versions of the EHR's QuestionnaireResponses and Observations, without those from before
    the first submission; `thanked` are the keys for which a person has seen a receipt. Identifiers of responses begin
    with `ours`. Of the lesser rungs only the number of sends is checked: no chart gives the whole back.
    """
    chart = _Chart(written, ours)
    with store.connect() as connection:
        rows = connection.execute(select(submissions).order_by(submissions.c.sequence)).all()
        sent = _counted(connection.execute(_per_submission(attempts.c.submission)).all())
        said = _counted(connection.execute(_per_submission(audit.c.request_id, event="submission.sent")).all())
    known = {row.key for row in rows}
    tally = Tally(accepted=len(rows), lost=set(thanked) - known)
    tally.extra = chart.keys - known
    for row in rows:
        _count(tally, row)
        if sent[row.key] != said[row.key] or (row.key in chart.keys and not sent[row.key]):
            tally.unaudited.add(row.key)
        if row.rung == Rung.OBSERVATIONS and row.payload != DELETED:
            _compare(tally, row, vault.open(row.payload, place=place(row.ehr, row.key, "payload")), chart)
    return tally


class _Chart:
    """What an EHR holds of ours, by submission and by identifier."""

    def __init__(self, written: Iterable[Resource], ours: str) -> None:
        self.responses: dict[str, list[Resource]] = defaultdict(list)
        self.observations: dict[tuple[str, str], list[Resource]] = defaultdict(list)
        self.keys: set[str] = set()
        for resource in written:
            if resource["resourceType"] == "QuestionnaireResponse":
                key = resource.get("identifier", {}).get("value", "").removeprefix(ours)
                self.responses[key].append(resource)
                self.keys.add(key)
            elif resource["resourceType"] == "Observation":
                for each in resource.get("identifier", ()):
                    self.observations[each.get("system", ""), each["value"]].append(resource)
                    self.keys.add(each["value"].partition(".")[0])


def _per_submission(column: Any, **where: str) -> Any:
    wanted = [audit.c[name] == value for name, value in where.items()]
    return select(column, func.count()).where(*wanted).group_by(column)


def _counted(rows: Iterable[Row[Any]]) -> Counter[str]:
    return Counter(dict(map(tuple, rows)))


def _count(tally: Tally, row: Row[Any]) -> None:
    tally.delivered += row.state == State.DELIVERED
    tally.waiting += row.state in _MOVING
    tally.held += row.state in (State.HELD, State.REJECTED)


def _compare(tally: Tally, row: Row[Any], payload: bytes, chart: _Chart) -> None:
    """Compare one submission with what the chart holds of it, all of it when it is said to be delivered."""
    expected, sent = expected_of(payload), orjson.loads(payload)["entry"][0]["resource"]
    responses = chart.responses[row.key]
    observations = [chart.observations[each.identifier] for each in expected.observations]
    found = [*responses, *(each for several in observations for each in several)]
    if row.state == State.DELIVERED and not (responses and all(observations)):
        tally.lost.add(row.key)
    if len(responses) > 1 or any(len(several) > 1 for several in observations):
        tally.duplicated.add(row.key)
    if any(_patient(each) != row.patient for each in (*found, sent)):
        tally.wrong_patient.add(row.key)
    if any(each["item"] != sent["item"] for each in responses) or _differ(expected, observations):
        tally.altered.add(row.key)


def _patient(resource: Resource) -> str:
    return str(resource["subject"]["reference"]).rpartition("Patient/")[2]


def _differ(expected: Expected, found: list[list[Resource]]) -> bool:
    return any(
        (value_of(one), absent_reason_of(one)) != (wanted.value, wanted.absent_reason)
        for wanted, several in zip(expected.observations, found, strict=True)
        for one in several
    )
