"""Visits without an answer are counted, and never become a value."""

from fhir_alliance.trajectory.gaps import Gaps, gaps_of


def test_missed_visits() -> None:
    """The gaps say how many visits have no answer, and which of the last ones running."""
    found = gaps_of([1, 2, 3, 4, 5, 6], {1, 3, 4})

    assert found == Gaps(visits=6, missed=3, running=2, since=5, last=6)
    assert found.after(7, answered=True).running == 0


def test_visits_of_several_numbers() -> None:
    """Visits are counted as they are, not by their numbers, of which some may belong to forms that are open yet."""
    assert gaps_of([2, 5, 9], {2}) == Gaps(visits=3, missed=2, running=2, since=5, last=9)
    assert gaps_of([], set()) == Gaps(visits=0, missed=0, running=0, since=0, last=0)


def test_one_missed_after_another_run() -> None:
    """A run that has ended does not count for the next one."""
    assert gaps_of([1, 2, 3, 4], {3}) == Gaps(visits=4, missed=3, running=1, since=4, last=4)
