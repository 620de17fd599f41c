"""What can be copied into a note, word for word, and what never is in it."""

import pytest
from course_samples import COURSE
from page_samples import thomas_chart
from talk_samples import TALK

from smart_app.web.pages.chart import ChartPage

RATED = (
    "Visit check-in (unvalidated), Thursday 12 November 2026: core score 4.8 (0 to 10), rated by the patient; "
    "usual range 7.2 to 8.6 (visits 1 to 5)."
)


def words(page: ChartPage) -> str:
    """Return the text of a view."""
    return page.for_note


def test_the_last_rating_and_what_was_agreed() -> None:
    """Two sentences, with the day and its year, the total on its range, the usual range, and what is to be tried."""
    assert words(thomas_chart(COURSE, "")) == RATED
    assert words(thomas_chart(COURSE, "", talk=TALK)) == f"{RATED} Agreed to try: Talk about the two of us."


@pytest.mark.parametrize(
    ("visits", "text"),
    [
        (0, ""),
        (2, "Visit check-in (unvalidated), Thursday 20 August 2026: core score 7.8 (0 to 10), rated by the patient."),
    ],
)
def test_with_few_visits(visits: int, text: str) -> None:
    """Nothing rated is nothing to copy; without a usual range none is named."""
    assert words(thomas_chart(COURSE, "", visits=visits)) == text


def test_an_answer_that_gave_no_total() -> None:
    """Too few answers are no total: the one before is told with its own day."""
    page = thomas_chart(COURSE, "", visits=10)

    assert words(page).startswith("Visit check-in (unvalidated), Thursday 8 October 2026: core score ")


def test_nothing_else_is_told() -> None:
    """No reason, no sign, no question of the form, and nothing that the therapist rated."""
    page = thomas_chart(COURSE, "Thomas rated below.", talk=TALK)

    for left_out in ("guess", "rupture", "below", "worth", "Fell", "I felt", "6.8"):
        assert left_out not in words(page)
