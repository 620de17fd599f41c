"""Where an EHR takes nothing, the clinician's view is the same, but for the marks."""

import re
from contextlib import AbstractContextManager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fhir_alliance.tables import audit, submissions
from smart_app.demo.site import Site
from smart_app.web.pages.notes import KEPT_HERE

if TYPE_CHECKING:
    from collections.abc import Callable

    from .house import House

CORE = {"1": "8", "2": "7", "3": "6", "4": "9", "5": "8", "6": "7"}
HOLD = '\n[ehr.harbor.write]\nrung = "hold"\nkeep_days = 30\n'
MARKS = (
    ' <span class="soft">kept here</span>',
    f'<p class="note" role="note">{KEPT_HERE}</p>\n',
)


def hold(site: Site) -> None:
    """Let the site write nothing."""
    site.settings.write_text(site.settings.read_text() + HOLD)


def answer(house: "House") -> str:
    """Let a handed-over patient answer, deliver what is due, and return the receipt's text."""
    person, page = house.handed()
    review = person.submit(page, page.form("/form"), **CORE, action="review")
    receipt = person.submit(review, review.form("/send"))
    house.deliver()
    return receipt.text


def plain(text: str) -> str:
    """Return a chart page's main part and foot without its marks, tokens and addresses."""
    shown = re.sub(r'<details class="sent">.*?</details>', "", text[text.index("<main") :], flags=re.DOTALL)
    for mark in MARKS:
        shown = shown.replace(mark, "")
    shown = re.sub(r'name="csrf" value="[^"]*"|/l/[A-Za-z0-9_-]+|\?v=\w+|nonce="[^"]*"|value="[^"]{40,}"', "", shown)
    return shown.replace("· kept here", "· in the chart")


@pytest.fixture
def held(opener: "Callable[..., AbstractContextManager[House]]", tmp_path: Path) -> Any:
    """Open a house whose EHR takes nothing."""
    (tmp_path / "held").mkdir()
    with opener(tmp_path / "held", change=hold) as house:
        yield house


@pytest.fixture
def taken(opener: "Callable[..., AbstractContextManager[House]]", tmp_path: Path) -> Any:
    """Open a house whose EHR takes everything."""
    (tmp_path / "taken").mkdir()
    with opener(tmp_path / "taken") as house:
        yield house


def test_view_is_the_same_but_for_the_marks(held: "House", taken: "House") -> None:
    """Numbers, trend and tables of a visit that is kept here are those of one that is in the chart."""
    for house in (held, taken):
        answer(house)

    kept, whole = held.clinician()[1].text, taken.clinician()[1].text

    assert kept.count("kept here</span>") == 1
    assert "cannot be read from the health record" in kept
    assert "kept here" not in whole
    assert plain(kept) == plain(whole)


def test_nothing_of_it_is_sent(held: "House") -> None:
    """The EHR is asked to write nothing, and the person is told so in plain words."""
    receipt = answer(held)

    assert "This health record does not take them into the chart." in receipt
    assert "Check again" not in receipt
    assert not [call for call in held.traffic if call[0] in ("POST", "PUT") and call[1].startswith("/fhir")]


def test_a_visit_that_is_kept_here_is_not_asked_about_again(held: "House") -> None:
    """At home the visits to choose from are those without an answer, wherever the answer is."""
    before = held.at_home()[1].text.count('name="encounter"')

    answer(held)

    after = held.at_home()[1].text
    assert after.count('name="encounter"') == before - 1
    assert "kept safe here, not in your chart</span>" in after


def test_after_the_retention_date_it_is_not_shown(held: "House") -> None:
    """What the site has said it keeps for 30 days is shown for 30 days."""
    answer(held)
    held.ahead = timedelta(days=31)

    assert "kept here" not in held.clinician()[1].text


def test_after_the_retention_date_it_is_deleted(held: "House") -> None:
    """Answers and the patient's facts are gone for good, once and audited; the receipt and the digests stay."""
    answer(held)
    before = held.services.courier.purge_due(held.now())
    held.ahead = timedelta(days=31)

    purged = [held.services.courier.purge_due(held.now()) for _ in range(2)]

    (row,) = held.rows(submissions)
    assert (before, purged) == (0, [1, 0])
    assert (row["payload"], row["shown"], row["pieces"]) == (b"", b"", None)
    assert row["answers_digest"]
    assert [each["event"] for each in held.rows(audit)].count("submission.purged") == 1
