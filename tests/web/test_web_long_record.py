"""A record that holds more than is read at once: the view shows its last year, and compares nothing."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from smart_app.web.pages.notes import CUT, INCOMPLETE

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


def test_where_the_last_year_is_too_long_as_well_nothing_is_compared(own: House) -> None:
    """What could be read is shown, with a word that it is a part; no reason is made of it."""
    store = own.ehr.extensions["sandbox_store"]
    score = store.read("Observation", f"{MARIA}-v1-checkin-core")
    at = (own.now() - timedelta(days=1)).isoformat(timespec="seconds")
    store.load({**score, "id": f"many-{number}", "effectiveDateTime": at} for number in range(LONG))

    _, page = own.clinician()

    assert [SINCE in page.text, CUT in page.text, INCOMPLETE in page.text] == [False, True, True]
    assert "worth a look" not in page.text
