"""The real process that serves pages is killed when a form is saved and nobody has been told so yet."""

import pytest
import requests

from .bench import Bench, until
from .injecting import children, killed_at
from .served import at_review, key_of, send


def test_f23_killed_as_it_begins_to_answer(bench: Bench) -> None:
    """The form is in the store and the browser hears nothing: sent again it gets the receipt, and is there once."""
    server = bench.serve("--no-deliver")
    (first,) = children(server.pid)
    person, review = at_review(bench)

    with killed_at(first, ["sendto", "sendmsg"], 1), pytest.raises(requests.ConnectionError):
        send(person, review)
    stored = bench.keys()
    until(lambda: children(server.pid) not in ([], [first]) and bench.answers(), "another one serves")
    receipts = [send(person, review) for _ in range(2)]

    assert all("Thank you" in each.text for each in receipts)
    assert len(stored) == 1
    assert [key_of(each) for each in receipts] == [*stored, *stored]
    assert bench.keys() == stored
    assert bench.tally(*stored).accepted == 1
