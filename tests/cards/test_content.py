"""What cards say, word by word, and that nothing in a title can do anything."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from fhir_alliance.cards.content import LONGEST_SUMMARY, CardFrame, DueForm, OpenReason, build_cards
from fhir_alliance.instruments.words import Rater
from fhir_alliance.trajectory.seen import Look

OPENS = datetime(2026, 11, 28, 9, 45, tzinfo=UTC)
FRAME = CardFrame(label="Harbor Clinic", launch_url="https://a.example/launch", make_uuid=lambda: "u-1")


def due(title: str = "Visit check-in", rater: Rater = Rater.PATIENT) -> DueForm:
    """Return a form that is due."""
    return DueForm(title=title, rater=rater, opens=OPENS, closes=OPENS + timedelta(hours=48), app_context="alliance.x")


def test_nothing_is_no_card() -> None:
    """Nothing due and no open reason is an empty list (C03)."""
    assert build_cards([], FRAME) == []


def test_golden() -> None:
    """Every card there can be, as it is read."""
    reasons = [
        OpenReason(level=Look.WORTH, day=date(2026, 11, 12)),
        OpenReason(level=Look.ASK, day=date(2026, 11, 5)),
    ]
    cards = build_cards([due(), due("GAD-7"), due(rater=Rater.THERAPIST)], FRAME, reasons=reasons)
    common = {"uuid": "u-1", "indicator": "info", "source": {"label": "Harbor Clinic"}}
    when = "from Sat 28 Nov 2026, 09:45 until Mon 30 Nov 2026, 09:45\\."

    def link(label: str, **more: str) -> dict[str, Any]:
        return {"label": label, "url": "https://a.example/launch", "type": "smart", **more}

    assert cards == [
        {
            **common,
            "summary": "2 forms for the patient are due.",
            "detail": f"Visit check\\-in: {when}\n\nGAD\\-7: {when}",
            "links": [
                link("Hand over: Visit check-in", appContext="alliance.x"),
                link("Hand over: GAD-7", appContext="alliance.x"),
            ],
        },
        {
            **common,
            "summary": "The therapist's form is due.",
            "detail": f"Visit check\\-in: {when}",
            "links": [link("Answer: Visit check-in", appContext="alliance.x")],
        },
        {
            **common,
            "summary": "Ratings of the visits: ask this visit. Open: 2, the newest of 12 Nov 2026.",
            "links": [link("Look at the ratings")],
        },
    ]


@pytest.mark.parametrize(
    "title", ["<script>alert(1)</script>", "[x](javascript:alert(1))", "# a\n![i](https://x)", "&lt;b"]
)
def test_a_title_is_only_text(title: str) -> None:
    """Markdown and HTML in a site's title are shown, not done, and never reach the summary (T81)."""
    (card,) = build_cards([due(title)], FRAME)

    shown = card["detail"]
    assert card["summary"] == "A form for the patient is due."
    assert not any(mark in shown.replace(f"\\{mark}", "") for mark in "<>[]()!#")
    assert "autolaunchable" not in card["links"][0]


def test_a_summary_is_short() -> None:
    """However much is due, a summary has fewer than 140 characters (C03)."""
    reasons = [OpenReason(level=Look.ASK, day=date(2026, 9, 30))] * 10_000
    cards = build_cards([due("x" * 500)] * 10_000, FRAME, reasons=reasons)

    assert max(len(card["summary"]) for card in cards) <= LONGEST_SUMMARY
    assert max(len(link["label"]) for card in cards for link in card["links"]) <= 100
