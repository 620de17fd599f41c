"""What each way of not being delivered means, and when to try again."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from http import HTTPStatus
from typing import Final

from fhir_alliance.delivery.receipts import IN_REVIEW, NEEDS_SIGN_IN, State
from fhir_alliance.ehr.clocks import http_date
from fhir_alliance.errors import AllianceError, EhrError, FhirError, NotSent, SignInNeeded

SHORTEST: Final = timedelta(seconds=1)
LONGEST: Final = timedelta(minutes=15)
NOT_READ_BACK: Final = "not-read-back"
"""Why a submission waits: it was sent, and the chart did not have all of it when somebody looked."""
_FIRST: Final = timedelta(seconds=2)

_HELD: Final = {
    403: "not-allowed",
    404: "not-found",
    409: "conflict",
    410: "not-found",
    412: "conflict",
}
# Asked to come back, which is no answer about the content.
_LATER: Final = frozenset({408, 425, 429})


class Outcome(StrEnum):
    """What is known of one send; a send without an outcome was cut off by a crash, which is UNKNOWN too.

    NOT_SENT is none: the EHR was left alone, so what is known of the send before it still holds.
    """

    WRITTEN = "written"
    REFUSED = "refused"
    UNKNOWN = "unknown"
    NOT_SENT = "not-sent"


@dataclass(frozen=True, kw_only=True)
class Settlement:
    """Where a submission stands after a try: only ACCEPTED and UNKNOWN have a `retry_at`."""

    state: State
    reason: str | None = None
    retry_at: datetime | None = None


TWICE: Final = Settlement(state=State.HELD, reason="possible-duplicate")
"""Where a submission stands that is in the chart twice after all: nobody picks one of the two."""
LATE: Final = Settlement(state=State.UNKNOWN, reason=NOT_READ_BACK)
"""Where a withdrawal stands when what it took back has come after all: it is marked by the next try."""


class Stop(AllianceError):
    """This try ends here, in this state, for this reason (a plain code)."""

    code = "delivery.stopped"

    def __init__(self, state: State, reason: str) -> None:
        super().__init__(reason)
        self.state = state
        self.reason = reason


def missing(status: int | None) -> Stop:
    """Return what to raise for a write that cannot be read yet; after a 202 a person at the EHR reviews it (E03)."""
    return Stop(State.UNKNOWN, IN_REVIEW if status == HTTPStatus.ACCEPTED else NOT_READ_BACK)


def hold_reason(error: EhrError) -> str | None:
    """Return why a person is needed after an error that a new try would only repeat, None when to try again."""
    if isinstance(error, SignInNeeded):
        return NEEDS_SIGN_IN
    if not isinstance(error, FhirError) or not 400 <= error.status < 500 or error.status in _LATER:
        return None
    return _HELD.get(error.status, "refused")


def outcome_of(error: EhrError) -> Outcome:
    """Return what an error says about a write: only a 4xx, or not having sent it, proves that nothing was written."""
    if isinstance(error, NotSent):
        return Outcome.NOT_SENT
    return meaning_of(error.status) if isinstance(error, FhirError) else Outcome.UNKNOWN


def meaning_of(status: int | None) -> Outcome:
    """Return what an HTTP status says about a write, None when there was none."""
    if status is not None and 200 <= status < 300:
        return Outcome.WRITTEN
    refused = status is not None and 400 <= status < 500 and status != 408
    return Outcome.REFUSED if refused else Outcome.UNKNOWN


def next_try(error: AllianceError, *, now: datetime, tries: int, jitter: Callable[[], float]) -> datetime:
    """Return when to try again: as the EHR's Retry-After says, else full jitter; between 1 second and 15 minutes.

    `tries` counts from 1; `jitter` returns a number from 0 to below 1.
    """
    asked = _retry_after(error.retry_after, now) if isinstance(error, FhirError) and error.retry_after else None
    if asked is None:
        # 2 ** 9 seconds is past the longest wait: a larger power would only overflow.
        asked = min(_FIRST * 2 ** min(tries - 1, 9), LONGEST) * jitter()
    return now + min(max(asked, SHORTEST), LONGEST)


def _retry_after(value: str, now: datetime) -> timedelta | None:
    """Read Retry-After (RFC 9110, 10.2.3): seconds or a date; anything else is None."""
    try:
        return min(timedelta(seconds=int(value)), LONGEST)
    except OverflowError:
        return LONGEST if not value.lstrip().startswith("-") else SHORTEST
    except ValueError:
        date = http_date(value)
    return date - now if date else None
