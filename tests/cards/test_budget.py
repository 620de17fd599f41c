"""Who waits for work waits for a limited time, however much of it there is."""

from threading import Event

import pytest

from fhir_alliance.cards.budget import Budget, OutOfTime


def test_work_that_does_not_end_is_not_waited_for() -> None:
    """What takes too long is given up by its caller, what comes while all hands are busy is not begun, and both end."""
    budget, go_on = Budget(seconds=0.05, at_once=1), Event()
    try:
        with pytest.raises(OutOfTime, match="slow"):
            budget.run(go_on.wait)
        with pytest.raises(OutOfTime, match="busy"):
            budget.run(lambda: None)
    finally:
        go_on.set()
    budget._pool.shutdown(wait=True)


def test_work_in_time() -> None:
    """What is done in time comes back: what it returns, or what it raises."""
    budget = Budget(seconds=30)

    assert budget.run(lambda: 7) == 7
    with pytest.raises(ZeroDivisionError):
        budget.run(lambda: 1 // 0)
