"""A record that holds more than is read at once: the view shows its last year, and compares nothing."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest

from fhir_alliance.ehr.paging import SearchResult
from smart_app.web.pages.notes import CUT, INCOMPLETE
from smart_app.web.record import read_record

from .house import MARIA, House

SINCE = "Only visits since"
LONG = 1_000


def visits(house: House, ages: Iterator[int], value: float) -> Iterator[dict[str, Any]]:
    """Yield visits like Maria's first one, so many days ago, each with a rating."""
    store = house.ehr.extensions["sandbox_store"]
    visit, score = store.read("Encounter", f"{MARIA}-v1"), store.read("Observation", f"{MARIA}-v1-checkin-core")
    for days in ages:
        at = (house.now() - timedelta(days=days)).isoformat(timespec="seconds")
        yield {**visit, "id": f"long-{days}", "period": {"start": at, "end": at}}
        rated = {"encounter": {"reference": f"Encounter/long-{days}"}, "effectiveDateTime": at}
        yield {**score, **rated, "id": f"long-{days}-core", "valueQuantity": {**score["valueQuantity"], "value": value}}


def test_a_long_record_is_shown_by_its_last_year_and_compared_with_nothing(own: House) -> None:
    """The newest rating is told although the EHR gave older ones first; nothing rests on visits that were not read."""
    store = own.ehr.extensions["sandbox_store"]
    store.load(visits(own, iter(range(400, 400 + LONG)), 9))
    store.load(visits(own, iter([1]), 2.5))

    _, page = own.clinician()

    assert SINCE in page.text
    assert INCOMPLETE not in page.text
    assert ": 2.5. " in page.text.replace("</", " </")
    assert not [words for words in ("usual range", "usual 8", "worth a look", "▽") if words in page.text]
    windows = [path for _, path, *_ in own.traffic if "/Observation?" in path and "date=ge" in path]
    assert len(windows) == 1


def test_other_measures_in_thousands_do_not_hide_the_course(own: House) -> None:
    """Where the scores of the view come whole when they are asked for by their codes, they are compared as always."""
    store = own.ehr.extensions["sandbox_store"]
    before = own.clinician()[1].text
    other = {"coding": [{"system": "http://loinc.org", "code": "44250-9"}]}
    score = store.read("Observation", f"{MARIA}-v1-checkin-core")
    store.load({**score, "id": f"0-{number}", "code": other} for number in range(LONG))
    newest = (own.now() - timedelta(days=1)).isoformat(timespec="seconds")
    rated = {"effectiveDateTime": newest, "valueQuantity": {**score["valueQuantity"], "value": 2.5}}
    store.load([{**score, **rated, "id": "newest", "encounter": {"reference": f"Encounter/{MARIA}-v13"}}])

    _, page = own.clinician()

    assert "below the usual" in page.text
    assert ": 2.5. " in page.text
    assert [note in page.text for note in (SINCE, CUT, INCOMPLETE)] == [False] * 3
    assert "below the usual" not in before


def test_an_ehr_that_refuses_to_search_further_costs_no_page(own: House) -> None:
    """What came first is shown, with a word that it is a part."""
    store, answer = own.ehr.extensions["sandbox_store"], own.ehr.wsgi_app
    score = store.read("Observation", f"{MARIA}-v1-checkin-core")
    store.load({**score, "id": f"many-{number}"} for number in range(LONG))

    def refusing(environ: dict[str, Any], start: Any) -> Any:
        if "date=ge" in environ["QUERY_STRING"] or "code=" in environ["QUERY_STRING"]:
            start("400 Bad Request", [("Content-Type", "application/fhir+json")])
            return [b'{"resourceType": "OperationOutcome"}']
        return answer(environ, start)

    own.ehr.wsgi_app = refusing  # type: ignore[method-assign]  # as Flask's own documentation has it

    _, page = own.clinician()

    assert [note in page.text for note in (SINCE, CUT, INCOMPLETE)] == [False, True, True]
    assert "Last answer (" in page.text


OURS = ("urn:ours", "core")


def found(*ids: str, cut: bool = False) -> SearchResult:
    """Return what a search gives: resources of these ids, each with a code of ours and of last month."""
    coded = {"code": {"coding": [{"system": OURS[0], "code": OURS[1]}]}}
    return SearchResult(resources=tuple({"id": each, **coded} for each in ids), complete=not cut, cut=cut)


@pytest.mark.parametrize(
    ("first", "by_code", "recent", "expected"),
    [
        pytest.param(("e", "s", "r"), None, None, (False, True, "s", "r"), id="whole"),
        pytest.param(("e", "s+", "r"), "sn", ("e", "n", "r"), (False, True, "sn", "r"), id="scores by code"),
        pytest.param(("e", "s+", "r"), "", ("e", "n", "r"), (True, True, "n", "r"), id="no search by code"),
        pytest.param(("e", "s+", "r"), "sn+", ("e", "n", "r"), (True, True, "n", "r"), id="too many of ours"),
        pytest.param(("e", "s+", "r"), "", ("e", "n+", "r"), (True, False, "sn", "r"), id="no search by date"),
        pytest.param(("e+", "s", "r"), "s", ("f", "s", "r"), (True, True, "s", "r"), id="visits"),
        pytest.param(("e", "s", "r+"), "", ("e", "s", "n"), (False, False, "s", "rn"), id="responses"),
    ],
)
def test_what_of_a_long_record_is_known_to_be_whole(
    first: tuple[str, ...], by_code: str | None, recent: tuple[str, ...] | None, expected: tuple[bool, bool, str, str]
) -> None:
    """A search that ends before its end ("+") is made good by codes, then by date, each where it can be trusted."""
    rounds = [first, *([(by_code, *recent)] if recent and by_code is not None else [])]

    def ask(_: Any) -> list[SearchResult]:
        return [found(*each.removesuffix("+"), cut=each.endswith("+")) for each in rounds.pop(0)]

    record = read_record("p", {"patient/*.rs"}, ask, codes={OURS}, today=date(2026, 11, 29))

    names = ["".join(each["id"] for each in part) for part in (record.observations, record.responses)]
    assert (record.cut, record.complete, *names) == expected
    assert (record.since is not None) is (record.cut and record.complete)
    assert not rounds


def test_where_the_last_year_is_too_long_as_well_nothing_is_compared(own: House) -> None:
    """What could be read is shown, with a word that it is a part; no reason is made of it."""
    store = own.ehr.extensions["sandbox_store"]
    score = store.read("Observation", f"{MARIA}-v1-checkin-core")
    at = (own.now() - timedelta(days=1)).isoformat(timespec="seconds")
    store.load({**score, "id": f"many-{number}", "effectiveDateTime": at} for number in range(LONG))

    _, page = own.clinician()

    assert [SINCE in page.text, CUT in page.text, INCOMPLETE in page.text] == [False, True, True]
    assert "worth a look" not in page.text
