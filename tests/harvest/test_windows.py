"""A search over a long time is made in parts that the EHR gives in full."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from fhir_alliance.ehr.paging import SearchResult
from fhir_alliance.errors import FhirError, SignInNeeded
from fhir_alliance.harvest.windows import MAX_SEARCHES, in_parts, search_responses

NOON = datetime(2026, 11, 12, 12, tzinfo=UTC)
DAY = timedelta(days=1)


class Ehr:
    """Gives at most `limit` of its responses to one search, which changed at these times."""

    def __init__(self, *changed: datetime, limit: int = 2) -> None:
        self.changed = changed
        self.limit = limit
        self.asked: list[tuple[datetime, datetime | None]] = []

    def search(self, since: datetime, before: datetime | None) -> SearchResult:
        """Answer one search."""
        self.asked.append((since, before))
        found = [at for at in self.changed if since <= at and (before is None or at < before)]
        resources = tuple({"id": at.isoformat()} for at in found[: self.limit])
        return SearchResult(resources=resources, complete=len(found) <= self.limit)


def seen(ehr: Ehr) -> tuple[set[str], list[datetime]]:
    """Return the ids found since noon, and the times up to which everything was seen."""
    parts = list(in_parts(ehr.search, since=NOON, now=NOON + DAY))
    return {each["id"] for found, _ in parts for each in found}, [until for _, until in parts]


def test_one_search_is_enough_for_little() -> None:
    """What fits is asked for once, without an end: the EHR's clock may be ahead of ours."""
    ehr = Ehr(NOON, NOON + DAY * 2)

    found, until = seen(ehr)

    assert (len(found), until, ehr.asked) == (2, [NOON + DAY], [(NOON, None)])


def test_nothing_is_missed_in_a_crowd() -> None:
    """A time with too much in it is halved until each part comes in full, the oldest first."""
    ehr = Ehr(*(NOON + timedelta(minutes=number * 10) for number in range(40)))

    found, until = seen(ehr)

    assert found == {at.isoformat() for at in ehr.changed}
    assert until == sorted(until)
    assert until[-1] == NOON + DAY


def test_more_in_a_second_than_an_ehr_gives() -> None:
    """More than can be had of one second is taken as far as it is given, and the round goes on."""
    ehr = Ehr(*[NOON + timedelta(milliseconds=number) for number in range(5)], NOON + timedelta(hours=1))

    found, until = seen(ehr)

    assert len(found) == 3
    assert until[-1] == NOON + DAY


def test_round_has_an_end() -> None:
    """An EHR that never gives everything is asked a limited number of times, and the next round goes on from there."""
    ehr = Ehr(*(NOON + timedelta(seconds=2 * number) for number in range(2000)), limit=0)

    _, until = seen(ehr)

    assert len(ehr.asked) == MAX_SEARCHES
    assert until[-1] < NOON + DAY


def test_time_that_is_ignored() -> None:
    """An EHR that ignores the time is asked once, and what is older is left out on our side."""
    old, new = ({"id": at, "meta": {"lastUpdated": at}} for at in ("2026-11-12T11:00:00Z", "2026-11-12T13:00:00Z"))
    asked = []

    def search(since: datetime, before: datetime | None) -> SearchResult:
        asked.append(since)
        return SearchResult(resources=(old, new, {"id": "3", "meta": None}), complete=False)

    ((found, _),) = in_parts(search, since=NOON, now=NOON + DAY)

    assert ([each["id"] for each in found], asked) == (["2026-11-12T13:00:00Z", "3"], [NOON])


def test_fraction_that_is_cut_off() -> None:
    """A response changed within the second in which a part begins is found, also when the EHR tells no fractions."""
    since = NOON + timedelta(milliseconds=900)
    changed = {"id": "1", "meta": {"lastUpdated": "2026-11-12T12:00:00Z"}}

    ((found, _),) = in_parts(lambda *_: SearchResult(resources=(changed,), complete=True), since=since, now=NOON + DAY)

    assert found == (changed,)


class Client:
    """Refuses searches that name a form."""

    def __init__(self, error: FhirError) -> None:
        self.error = error
        self.asked: list[dict[str, str]] = []

    def search(self, kind: str, params: list[tuple[str, str]]) -> SearchResult:
        """Answer one search."""
        self.asked.append(dict(params))
        if "questionnaire" in dict(params):
            raise self.error
        return SearchResult(resources=(), complete=True)


def test_parameter_that_is_refused() -> None:
    """An EHR that does not let forms be named is asked for all responses of the time (Q33)."""
    client: Any = Client(FhirError(400, "unknown parameter"))

    search_responses(client, iter(["urn:a", "urn:a|1"]), NOON, NOON + DAY)

    named, plain = client.asked
    assert named["questionnaire"] == "urn:a,urn:a|1"
    assert plain == {"_lastUpdated": "lt2026-11-13T12:00:00.000Z", "_count": "100"}


@pytest.mark.parametrize("error", [SignInNeeded(401, ""), FhirError(503, "")])
def test_other_refusals_are_told(error: FhirError) -> None:
    """What is not about the parameter is not tried again without it."""
    client: Any = Client(error)

    with pytest.raises(type(error)):
        search_responses(client, iter(["urn:a"]), NOON, None)

    assert len(client.asked) == 1
