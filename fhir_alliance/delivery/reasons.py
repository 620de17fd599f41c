"""Why a form is where it is: by its reason, otherwise by its state."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from fhir_alliance.delivery.reason_table import LOOK_AGAIN, REASONS, WAIT, Again, Reason, Who
from fhir_alliance.delivery.receipts import STAYS_HERE, Kind, State

_BY_STATE: Final[Mapping[State, Reason]] = {
    State.ACCEPTED: Reason("it is on its way", WAIT, Who.NOBODY, Again.ITSELF, "F01"),
    State.LEASED: Reason("it is being sent just now", WAIT, Who.NOBODY, Again.NEVER, "F42"),
    State.UNKNOWN: Reason(
        "it was sent, and the health record did not say what became of it", WAIT, Who.NOBODY, Again.ITSELF, "F05"
    ),
    State.DELIVERED: Reason("it is in the chart", "", Who.NOBODY, Again.NEVER, ""),
    State.REPLACED: Reason(
        "a later version took its place before it was known to be in the chart", "", Who.NOBODY, Again.NEVER, "F33"
    ),
}
_TAKEN_BACK: Final = Reason("it is taken back", "", Who.NOBODY, Again.NEVER, "F34")
# What nobody foresaw when this was written, such as a fault of the app with a code of its own.
_OTHERWISE: Final = Reason(
    "the health record has not taken it yet",
    "Look for its key in the app's log. When the cause is mended, release.",
    Who.ADMINISTRATOR,
    Again.RELEASE,
    "F43",
)


def reason_of(state: State, code: str | None, kind: Kind | None = None) -> Reason:
    """Return why a form, or the correction of one, is where it is; a code without words needs an administrator."""
    if state is State.DELIVERED and kind is Kind.WITHDRAWAL:
        return _TAKEN_BACK
    if state in (State.LEASED, State.REPLACED):
        return _BY_STATE[state]
    return REASONS.get(code or "") or _BY_STATE.get(state, _OTHERWISE)


def refusal_reason(code: str) -> Reason:
    """Return why a response that others wrote is not scored; of what an EHR says of any read the words hold here too.

    A code without words is a fault of the app.
    """
    if own := REASONS.get(f"harvest.{code}"):
        return own
    found = REASONS.get(code, REASONS["failed"])
    if code in STAYS_HERE:
        return found
    todo = f"Mend the cause, or look for harvest.broken in the app's log. {LOOK_AGAIN}"
    return replace(found, todo=todo, who=Who.ADMINISTRATOR, again=Again.NEVER)
