"""What is remembered of responses that are not scored holds on both databases."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import orjson
import pytest

from fhir_alliance.delivery.receipts import Source
from fhir_alliance.harvest.book import Book
from fhir_alliance.records.bundle import collect_scores
from fhir_alliance.records.submission import Submission
from tests.delivery.corrected import SEVENS

if TYPE_CHECKING:
    from tests.delivery.conftest import Site


@pytest.fixture
def book(site: "Site") -> Book:
    """Refuse four responses of two EHRs, one of them for two versions."""
    found = Book(site.engine)
    for ehr, response, version in (
        ("harbor", "a", "1"),
        ("harbor", "b", "1"),
        ("bay", "a", "1"),
        ("harbor", "c", "1"),
        ("harbor", "b", "2"),
    ):
        assert found.refuse(ehr, response, version, patient=None, reason="invalid", at=site.clock.pass_by(minutes=1))
    return found


def responses(book: Book, ehr: str | None = None, *, limit: int = 9) -> list[str]:
    """Return which responses stand refused."""
    return [each.response for each in book.refused(ehr, limit=limit)]


def test_what_stands_is_listed_and_counted(book: Book) -> None:
    """The newest version of each response, newest first, cut where asked; the count is of all."""
    assert (responses(book), responses(book, "harbor"), responses(book, "bay")) == (
        ["b", "c", "a", "a"],
        ["b", "c", "a"],
        ["a"],
    )
    assert (responses(book, "harbor", limit=2), responses(book, "elsewhere")) == (["b", "c"], [])
    assert [book.count_refused(ehr) for ehr in (None, "harbor", "bay", "elsewhere")] == [4, 3, 1, 0]


def test_same_reason_again_is_one_row(site: "Site", book: Book) -> None:
    """A repeat changes nothing, another reason takes the place of the first, and both are known by version."""
    again = book.refuse("harbor", "a", "1", patient=None, reason="invalid", at=site.clock())
    other = book.refuse("harbor", "a", "1", patient=None, reason="patient-gone", at=site.clock())

    assert (again, other, book.count_refused("harbor")) == (False, True, 3)
    assert [book.is_refused("harbor", "a", version) for version in ("1", "2")] == [True, False]
    assert [each.code for each in book.refused("harbor", limit=9) if each.response == "a"] == ["patient-gone"]


def test_what_stands_of_one_patient(site: "Site", book: Book) -> None:
    """Of one patient of one EHR, in its newest version; with what another program has scored nothing is amiss."""
    refused = (
        ("harbor", "d", "1", "maria", "invalid"),
        ("harbor", "e", "1", "maria", "scored-elsewhere"),
        ("harbor", "d", "2", "maria", "another-rater"),
        ("harbor", "f", "1", "thomas", "invalid"),
        ("bay", "d", "1", "maria", "invalid"),
    )
    for ehr, response, version, patient, reason in refused:
        book.refuse(ehr, response, version, patient=patient, reason=reason, at=site.clock())

    found = [(each.response, each.version, each.code) for each in book.of_patient("harbor", "maria")]

    assert found == [("d", "2", "another-rater")]
    assert book.unanswered("harbor", "maria") == {("d", "2")}
    assert "e" not in responses(book)
    assert book.count_refused("harbor") == 5
    assert book.unanswered("harbor", "nobody") == frozenset()


def test_scored_later_is_refused_no_more(site: "Site", book: Book, make_submission: Callable[..., Submission]) -> None:
    """Once a mended version was accepted the refusal of the one before does not stand; of other EHRs it does."""
    site.clock.pass_by(minutes=1)
    submission = replace(make_submission(SEVENS, form="full"), encounter=None)
    scores = collect_scores(submission, response="QuestionnaireResponse/a", status="final")
    site.outbox.accept(submission, orjson.dumps(scores), grant=site.grant(), source=Source(response="a", version="2"))

    assert (responses(book, "harbor"), responses(book, "bay")) == (["b", "c"], ["a"])
    assert [book.count_refused(ehr) for ehr in (None, "harbor")] == [3, 2]


def test_round_never_goes_back(site: "Site", book: Book) -> None:
    """What another process has seen since stays seen."""
    now = site.clock()
    book.keep_round("harbor", looked_until=now, at=now)

    book.keep_round("harbor", looked_until=now - timedelta(days=1), at=now + timedelta(hours=1))

    last = book.last("harbor")
    assert last is not None
    assert (last.looked_until, last.tried_at) == (now, now + timedelta(hours=1))
    assert book.last("bay") is None
