"""The table of reasons: every one that delivery can give has words, and a way on."""

import re
from pathlib import Path

import pytest

import fhir_alliance.delivery
from fhir_alliance.delivery import outcomes
from fhir_alliance.delivery.reason_table import REASONS, WAIT, Again, Who
from fhir_alliance.delivery.reasons import reason_of
from fhir_alliance.delivery.receipts import STAYS_HERE, Kind, State

SOURCES = sorted(Path(fhir_alliance.delivery.__file__).parent.glob("*.py"))
STOPS = re.compile(
    r'State\.(?:HELD|REJECTED|UNKNOWN)(?:, (?:reason=)?)"([a-z-]+)"(?!:)|gone="([a-z-]+)"|else "([a-z]+-[a-z-]+)"\)'
)


def given() -> set[str]:
    """Return every reason that stands in the code of delivery."""
    found = {code for source in SOURCES for each in STOPS.findall(source.read_text()) for code in each if code}
    return found | set(outcomes._HELD.values()) | {"refused", "failed", "needs-sign-in"}


def test_every_reason_of_the_code_has_words() -> None:
    """A reason that is new in the code must be put into the table."""
    assert {"patient-gone", "possible-duplicate", "not-read-back", "ehr-changed", "invalid"} <= given()
    assert given() - set(REASONS) == set()


@pytest.mark.parametrize("code", REASONS)
def test_a_reason_says_what_to_do(code: str) -> None:
    """Words go on from a colon, who can act is told what to do, and only for what stays here there is nothing."""
    reason = REASONS[code]

    assert reason.words[0].islower()
    assert not reason.words.endswith(".")
    assert bool(reason.todo) is (code not in STAYS_HERE)
    assert (reason.who is Who.NOBODY) is (code in STAYS_HERE or reason.todo == WAIT)


@pytest.mark.parametrize("state", State)
def test_every_state_has_words_of_its_own(state: State) -> None:
    """Whatever the code is, or without one, there is an answer; only what somebody has to look at can be released."""
    for code in (None, "something-new"):
        reason = reason_of(state, code)
        assert reason.words
        assert (reason.again is Again.RELEASE) is (state in (State.HELD, State.REJECTED))


def test_what_was_taken_back_is_not_told_to_be_in_the_chart() -> None:
    """A withdrawal that has reached the chart, and a form that a correction overtook, are told as what they are."""
    assert reason_of(State.DELIVERED, None, Kind.WITHDRAWAL).words == "it is taken back"
    assert reason_of(State.DELIVERED, None, Kind.AMENDMENT).words == "it is in the chart"
    assert (
        reason_of(State.REPLACED, "corrected").words
        == "a later version took its place before it was known to be in the chart"
    )


def test_a_clinician_is_told_whom_to_tell() -> None:
    """What an administrator has to do is not a clinician's to do; what a clinician can do is."""
    held = reason_of(State.HELD, "not-allowed")

    assert held.told == "the health record does not allow it; please tell your administrator"
    assert reason_of(State.HELD, "needs-sign-in").told == REASONS["needs-sign-in"].words


def test_what_is_in_the_chart_is_told_as_such() -> None:
    """A label that the EHR dropped is told with it, to somebody who can do something; nothing is sent again (F20)."""
    assert reason_of(State.DELIVERED, None).words == "it is in the chart"
    assert reason_of(State.DELIVERED, "label-dropped").words.startswith("it is in the chart, without")
    assert reason_of(State.DELIVERED, "label-dropped").again is Again.NEVER
