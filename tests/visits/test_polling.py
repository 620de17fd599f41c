"""Searching for visits in parts: all of them are found, or it is told that they are not."""

from datetime import UTC, datetime, timedelta

import pytest

from fhir_alliance.ehr.paging import SearchResult
from fhir_alliance.errors import EhrError
from fhir_alliance.visits.polling import visits_between

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


class Ehr:
    """An EHR with a visit every minute that gives only so many at a time."""

    def __init__(self, most: int, *, each_minute: int = 1) -> None:
        self._most = most
        self._each_minute = each_minute

    def __call__(self, start: datetime, end: datetime) -> SearchResult:
        """Answer a search for the visits of a time."""
        minutes = [NOON + timedelta(minutes=each) for each in range(60)]
        inside = [at for at in minutes if start <= at < end for _ in range(self._each_minute)]
        found = tuple({"id": f"{at:%H%M}"} for at in inside[: self._most])
        return SearchResult(resources=found, complete=len(inside) <= self._most)


@pytest.mark.parametrize("most", [1, 7, 60])
def test_every_visit_is_found(most: int) -> None:
    """However little comes at a time, every visit is found once, oldest first."""
    found = [each["id"] for each in visits_between(Ehr(most), NOON, NOON + timedelta(hours=1))]

    assert found == [f"12{minute:02}" for minute in range(60)]


@pytest.mark.parametrize("ehr", [Ehr(1, each_minute=2), Ehr(0)])
def test_what_cannot_be_seen_is_told(ehr: Ehr) -> None:
    """When not even a minute is given in full, the search fails: its round begins again where it did."""
    with pytest.raises(EhrError):
        list(visits_between(ehr, NOON, NOON + timedelta(hours=1)))
