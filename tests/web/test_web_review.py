"""An EHR where a person reviews what is written: pending is said to be pending, and nothing is sent twice."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from fhir_alliance.delivery.receipts import State
from fhir_alliance.tables import submissions
from smart_app.sandbox.fhir import rest
from smart_app.sandbox.fhir.review import Review

from .house import CORE, House


@pytest.fixture
def reviewed(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """Return what lets the EHR's review of all that waits be over."""
    passed = [0.0]
    monkeypatch.setattr(
        rest, "Review", lambda store, *, seconds, clock: Review(store, seconds=seconds, clock=lambda: passed[0])
    )
    return lambda: passed.__setitem__(0, 3600.0)


def posts(house: House) -> int:
    """Return how many writes the EHR was sent."""
    return sum(call[0] == "POST" and "/auth/" not in call[1] for call in house.traffic)


def test_pending_is_said_and_later_read_back(open_at: Callable[[str], House], reviewed: Callable[[], None]) -> None:
    """A 202 is "in review", however often it is looked for; after the review it is in the chart, from one send."""
    house = open_at("fire-hose")
    person, page = house.handed()
    review = person.submit(page, page.form("/form"), **CORE, action="review")
    receipt = person.submit(review, review.form("/send"))
    house.deliver()
    pending = person.open(receipt.url).text
    looked = [_later(house) for _ in range(3)]

    reviewed()
    state = _later(house)

    assert "<span>They were sent. Somebody at the clinic looks at them before they are in your chart.</span>" in pending
    assert looked == [(State.UNKNOWN, "in-review")] * 3
    assert state == (State.DELIVERED, None)
    assert "<span>They are in your chart now.</span>" in person.open(receipt.url).text
    assert posts(house) == 1


def _later(house: House) -> tuple[str, str | None]:
    """Let half a minute pass for the app, and return where the form is then."""
    house.ahead += timedelta(seconds=30)
    house.deliver()
    (row,) = house.rows(submissions)
    return row["state"], row["reason"]
