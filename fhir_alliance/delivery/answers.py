"""What an EHR has answered to each thing that was sent of a form, in words, with what can be done."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from fhir_alliance.delivery.entries import Attempt
from fhir_alliance.delivery.outcomes import Outcome, Stop, hold_reason, meaning_of
from fhir_alliance.delivery.parts import PART
from fhir_alliance.delivery.reason_table import REASONS, WAIT, Again, Reason, Who
from fhir_alliance.delivery.sending import refusal
from fhir_alliance.delivery.sends import RESTORED
from fhir_alliance.ehr.outcomes import refusal_of

# Each sends a response, its scores and, unless it says so, then who made them, all at once.
_WHOLE: Final = ("whole", "unconditional", "without-provenance", "unconditional-without-provenance")
_WORDS: Final = {
    "flowsheet": "row",
    "note": "the note",
    "document": "the page",
    "supersede": "earlier note",
    "strike": "marking note",
    "amendment": "change",
    "withdrawal": "marking",
    "provenance": "who corrected it",
    "scores": "the scores",
    "scores-unconditional": "the scores",
    RESTORED: "what may have been sent before the database was restored",
}
_TAKEN: Final = Reason("taken", "Nothing has to be done.", Who.NOBODY, Again.NEVER, "")
_OPEN: Final = Reason("no clear answer, so it may be in the chart", WAIT, Who.NOBODY, Again.ITSELF, "F05")
_NOT_SENT: Final = Reason("not sent, as the health record was left alone", WAIT, Who.NOBODY, Again.ITSELF, "F03")


@dataclass(frozen=True, kw_only=True)
class Answer:
    """The newest answer about one thing that was sent; `status` is the HTTP status, None when there was none."""

    what: str
    status: int | None
    reason: Reason


def answers_of(attempts: Iterable[Attempt]) -> tuple[Answer, ...]:
    """Return the newest answer about each entry of a transaction, and about each other thing that was sent.

    What was sent alone after its transaction is told by its own answer; another transaction takes the place of both.
    """
    newest: dict[str, Answer] = {}
    for attempt in attempts:
        if attempt.step in _WHOLE:
            newest.clear()
        for name, answer in _told(attempt):
            # An entry keeps the words of the transaction, which say what it is.
            what = newest[name].what if name in newest else answer.what
            newest[name] = Answer(what=what, status=answer.status, reason=answer.reason)
    return tuple(newest.values())


def _told(attempt: Attempt) -> Iterator[tuple[str, Answer]]:
    if not attempt.entries:
        what = "all of it" if attempt.step in _WHOLE else _what(attempt.step)
        reason = _reason(attempt.outcome, attempt.status)
        yield what, Answer(what=what, status=attempt.status, reason=reason)
    for number, status in enumerate(attempt.entries, 1):
        what = _entry(number, last=number == len(attempt.entries), step=attempt.step)
        answer = Answer(what=f"entry {number}, {what}", status=status, reason=_reason(meaning_of(status), status))
        yield f"entry {number}", answer


def _entry(number: int, *, last: bool, step: str) -> str:
    if step not in _WHOLE:
        return "a score"
    if number == 1:
        return "the answers"
    return "who made it" if last and step in ("whole", "unconditional") else "a score"


def _what(step: str) -> str:
    name, _, number = step.rpartition("-") if step[-1:].isdigit() else (step, "", "")
    if step.startswith(PART):
        return f"entry {number}"
    return f"{_WORDS.get(name, name)} {number}".strip()


def _reason(outcome: Outcome, status: int | None) -> Reason:
    """Return what an answer means; a refusal has the words that the form would be held with."""
    if outcome is not Outcome.REFUSED or status is None:
        return {Outcome.WRITTEN: _TAKEN, Outcome.NOT_SENT: _NOT_SENT}.get(outcome, _OPEN)
    error = refusal(refusal_of(status))
    code = error.reason if isinstance(error, Stop) else hold_reason(error) or "ehr.refused"
    return REASONS[code]
