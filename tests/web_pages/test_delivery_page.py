"""The delivery page: what waits, why, since when, and what to do; no code words where sentences belong."""

from dataclasses import replace

import pytest
from delivery_samples import FORM_TITLE, REFUSED, SENT, entry
from page_samples import THOMAS_FRAME, TODAY

from fhir_alliance.delivery.receipts import Kind, State
from smart_app.web.pages import delivery_page
from smart_app.web.pages.delivery import STATES


def test_what_waits_is_apart_from_what_is_done() -> None:
    """In the chart, or here by design, is done; each of the others says why and what can be done."""
    page = delivery_page(THOMAS_FRAME, SENT, title=FORM_TITLE, days=30, today=TODAY)

    assert [row.state for row in page.waiting] == ["Sent, not found in the chart yet", *["Waits for somebody"] * 2]
    assert [row.state for row in page.done] == ["In the chart", "Kept here"]
    assert page.waiting[0].why == "The health record does not answer."
    assert page.waiting[0].todo == "Nothing has to be done: it is tried again by itself."
    assert page.waiting[1].todo.startswith("Open the app")
    assert page.waiting[2].why == "The health record does not allow it; please tell your administrator."
    assert page.waiting[2].todo == ""
    assert (page.done[0].why, page.done[0].todo, page.done[1].todo) == ("", "", "")


def test_what_other_programs_wrote_in_vain() -> None:
    """Each says why, and what a clinician can do."""
    page = delivery_page(THOMAS_FRAME, (), title=FORM_TITLE, days=30, today=TODAY, refused=REFUSED)

    assert [(row.response, row.why, row.todo) for row in page.refused] == [
        ("qr-20931", "Its answers do not fit the form that it names; please tell your administrator.", ""),
        (
            "7c1f0a52-55f1-4f53-9b3b-0c8f3d0a9d11",
            "Its visit is another patient's, or is not there.",
            "Correct the visit of the response in the health record; the new version is found by itself.",
        ),
    ]


def test_days_and_times_are_those_of_the_site() -> None:
    """Sent at 10:00 UTC is 5 in the morning in New York."""
    (row,) = delivery_page(THOMAS_FRAME, SENT[:1], title=FORM_TITLE, days=30, today=TODAY).waiting

    zone = THOMAS_FRAME.site.time_zone
    assert row.sent.clock == f"{SENT[0].accepted_at.astimezone(zone):%H:%M}"
    assert row.title == "Visit check-in (patient, short form)"


def test_every_state_has_a_label() -> None:
    """None is shown as it is called in the code."""
    for state in State:
        page = delivery_page(THOMAS_FRAME, [entry(1, state, hours=1)], title=FORM_TITLE, days=30, today=TODAY)
        assert (page.waiting or page.done)[0].state == STATES[state].capitalize()


def test_what_was_taken_back_is_told_as_such() -> None:
    """A withdrawal that reached the chart is not called "in the chart"."""
    taken_back = replace(entry(1, State.DELIVERED, hours=1), kind=Kind.WITHDRAWAL)

    page = delivery_page(THOMAS_FRAME, [taken_back], title=FORM_TITLE, days=30, today=TODAY)

    assert [row.state for row in page.done] == ["Taken back"]


@pytest.mark.parametrize("state", [State.ACCEPTED, State.LEASED])
def test_nothing_is_said_twice(state: State) -> None:
    """That it is on its way, or being sent, is its state; there is no other reason beside it."""
    (row,) = delivery_page(THOMAS_FRAME, [entry(1, state, hours=1)], title=FORM_TITLE, days=30, today=TODAY).waiting
    (failed,) = delivery_page(
        THOMAS_FRAME,
        [entry(1, State.ACCEPTED, "ehr.unreachable", hours=1)],
        title=FORM_TITLE,
        days=30,
        today=TODAY,
    ).waiting

    assert (row.why, row.todo) == ("", "Nothing has to be done: it is tried again by itself.")
    assert failed.why == "The health record does not answer."


@pytest.mark.parametrize(
    ("state", "code", "label", "why"),
    [
        (State.ACCEPTED, None, "Taken back", "It goes to the chart when the health record can be reached."),
        (State.UNKNOWN, "ehr.unreachable", "Taken back", "It goes to the chart when the health record can be reached."),
        (State.HELD, "no-updates", "Waits for somebody", "It corrects a form in the chart"),
        (State.UNKNOWN, "in-review", "Sent, not found in the chart yet", "It was sent, and waits for review"),
    ],
)
def test_a_withdrawal_on_its_way(state: State, code: str | None, label: str, why: str) -> None:
    """What somebody took back is told as such, and not as a form on its way, unless a person has to act."""
    taken_back = replace(entry(1, state, code, hours=1), kind=Kind.WITHDRAWAL)

    (row,) = delivery_page(THOMAS_FRAME, [taken_back], title=FORM_TITLE, days=30, today=TODAY).waiting

    assert row.state == label
    assert row.why.startswith(why)


def test_only_the_last_version_is_called_in_the_chart() -> None:
    """What was changed or taken back since says so, also the answers that were changed first."""
    first, other = entry(1, State.DELIVERED, hours=3), entry(4, State.DELIVERED, hours=9)
    changed = replace(entry(2, State.DELIVERED, hours=2), kind=Kind.AMENDMENT, corrects=first.key)
    taken_back = replace(entry(3, State.DELIVERED, hours=1), kind=Kind.WITHDRAWAL, corrects=first.key)

    pages = [
        delivery_page(THOMAS_FRAME, entries, title=FORM_TITLE, days=30, today=TODAY)
        for entries in ([changed, first, other], [taken_back, changed, first, other])
    ]

    in_place, back = "It no longer counts: changed answers took its place.", "It no longer counts: it was taken back."
    assert [[row.why for row in page.done] for page in pages] == [["", in_place, ""], ["", back, back, ""]]


def test_a_change_that_waits_leaves_the_chart_as_it_is() -> None:
    """As long as a correction is not in the chart, what was sent first is."""
    first = entry(1, State.DELIVERED, hours=3)
    changed = replace(entry(2, State.HELD, "needs-sign-in", hours=2), kind=Kind.AMENDMENT, corrects=first.key)

    page = delivery_page(THOMAS_FRAME, [changed, first], title=FORM_TITLE, days=30, today=TODAY)

    assert [(row.state, row.why) for row in page.done] == [("In the chart", "")]


def test_only_what_is_still_open_can_be_taken_back() -> None:
    """Waiting or done, each row says by itself whether its link is there."""
    still_open = {SENT[1].key, SENT[3].key}

    page = delivery_page(THOMAS_FRAME, SENT, title=FORM_TITLE, days=30, today=TODAY, still_open=still_open)

    assert {row.key for row in (*page.waiting, *page.done) if row.open} == still_open
