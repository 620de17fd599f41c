"""The view of a chart in which one element is not what FHIR says: it is shown, whatever stands there."""

from contextlib import closing
from copy import deepcopy
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fhir_alliance.ehr.fhir import FhirClient
from fhir_alliance.settings import read_settings
from smart_app.demo.site import write_site
from tests.bench.view import SHOWN, Ehr
from tests.odd_elements import ODD, Place, places, put
from tests.ports import own_port
from tests.prepared import Desk

KINDS = ("Encounter", "Observation", "QuestionnaireResponse")


class OddEhr(Ehr):
    """An EHR that gives one resource with another value at one place."""

    def __init__(self, visits: int) -> None:
        super().__init__(visits)
        self._right = deepcopy(self._resources)

    def places(self, kind: str) -> list[tuple[int, Place]]:
        """Return every element of the last resources of a type, as (which resource, the path to it)."""
        last = list(enumerate(self._resources[kind]))[-12:]
        return [(index, place) for index, each in last for place in places(each)]

    def give(self, kind: str, index: int, place: Place, odd: object) -> None:
        """Put another value at one place; what was put before is right again."""
        self._resources[kind] = deepcopy(self._right[kind])
        put(self._resources[kind][index], place, odd)


@pytest.mark.parametrize("kind", KINDS)
def test_the_view_is_shown_whatever_stands_in_one_element(kind: str, tmp_path: Path) -> None:
    """One element of another kind, or with a number or a day that is none, takes the view away from nobody."""
    site = write_site(tmp_path, ehr_port=own_port(), app_port=own_port())
    ehr = OddEhr(4)
    with closing(Desk.of(read_settings(site.settings), seed=3)) as desk:
        ask = desk.chart(SHOWN, ehr.newest)

        @settings(deadline=None, max_examples=200)
        @given(st.sampled_from(ehr.places(kind)), st.sampled_from(ODD))
        def shows(where: tuple[int, Place], odd: object) -> None:
            ehr.give(kind, *where, odd)
            assert "visit" in ask("all")

        with patch.object(FhirClient, "search", lambda _, kind, params: ehr.search(kind, params)):
            shows()
