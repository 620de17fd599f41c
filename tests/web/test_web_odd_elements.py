"""The view of a chart in which one element is not what FHIR says: it is shown, whatever stands there."""

from collections.abc import Iterator
from contextlib import closing
from copy import deepcopy
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fhir_alliance.ehr.fhir import FhirClient
from fhir_alliance.settings import read_settings
from smart_app.demo.site import write_site
from tests.bench.view import SHOWN, Ehr
from tests.ports import own_port
from tests.prepared import Desk

NO_NUMBERS = (float("inf"), float("nan"), 10**400)
NO_DAYS = ("2026-13-45T25:00:00Z", "0001-01-01T00:00:00Z")
ODD: tuple[Any, ...] = (None, [], {}, "", "x", 1, -1.5, True, *NO_NUMBERS, *NO_DAYS, ["x"], [None], [{}], {"a": 1})
KINDS = ("Encounter", "Observation", "QuestionnaireResponse")


class OddEhr(Ehr):
    """An EHR that gives one resource with another value at one place."""

    def __init__(self, visits: int) -> None:
        super().__init__(visits)
        self._right = deepcopy(self._resources)

    def places(self, kind: str) -> list[tuple[int, tuple[str | int, ...]]]:
        """Return every element of the last resources of a type, as (which resource, the path to it)."""
        last = list(enumerate(self._resources[kind]))[-12:]
        return [(index, place) for index, each in last for place in _places(each)]

    def put(self, kind: str, index: int, place: tuple[str | int, ...], odd: object) -> None:
        """Put another value there, in place of what was put before."""
        self._resources[kind] = deepcopy(self._right[kind])
        part = self._resources[kind][index]
        for name in place[:-1]:
            part = part[name]  # type: ignore[index]  # the path was read from it
        part[place[-1]] = odd  # type: ignore[index]


def _places(value: Any, *before: str | int) -> Iterator[tuple[str | int, ...]]:
    names = value.keys() if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for name in names:
        # What every search is checked for already.
        if before or name not in ("resourceType", "id"):
            yield (*before, name)
            yield from _places(value[name], *before, name)


@pytest.mark.parametrize("kind", KINDS)
def test_the_view_is_shown_whatever_stands_in_one_element(kind: str, tmp_path: Path) -> None:
    """One element of another kind, or with a number or a day that is none, takes the view away from nobody."""
    site = write_site(tmp_path, ehr_port=own_port(), app_port=own_port())
    ehr = OddEhr(4)
    with closing(Desk.of(read_settings(site.settings), seed=3)) as desk:
        ask = desk.chart(SHOWN, ehr.newest)

        @settings(deadline=None, max_examples=200)
        @given(st.sampled_from(ehr.places(kind)), st.sampled_from(ODD))
        def shows(where: tuple[int, tuple[str | int, ...]], odd: object) -> None:
            ehr.put(kind, *where, odd)
            assert "visit" in ask("all")

        with patch.object(FhirClient, "search", lambda _, kind, params: ehr.search(kind, params)):
            shows()
