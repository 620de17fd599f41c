"""The reasons to look as the view shows them: a level, a sentence, what it takes to check it, and what was answered."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final
from zoneinfo import ZoneInfo

from fhir_alliance.talks.reasons import Answered
from fhir_alliance.trajectory.seen import Look, Reason
from smart_app.web.pages.agreed import NOTHING_AGREED, Agreed
from smart_app.web.pages.words import capital, hour_words, kept_together, local_day, relative_day
from smart_app.web.saying import say


@dataclass(frozen=True, kw_only=True)
class ReasonRow:
    """One reason; `inputs` are sentences, the rule first; `answered` says what, by whom and when, empty while open.

    `level` is the words of how it is put, `questions` are what could be asked about it.
    """

    key: str
    look: Look
    level: str
    sentence: str
    inputs: tuple[str, ...]
    questions: tuple[str, ...] = ()
    answered: str = ""


@dataclass(frozen=True, kw_only=True)
class Talk:
    """What there may be to talk about; `quiet` reasons were answered and rest on the same data still.

    `answers` are value and words of what can be said to a reason, `as_given` are questions about answers that are shown
    as they are.
    """

    reasons: tuple[ReasonRow, ...] = ()
    quiet: tuple[ReasonRow, ...] = ()
    answers: tuple[tuple[str, str], ...] = ()
    as_given: tuple[str, ...] = ()
    agreed: Agreed = NOTHING_AGREED


NO_TALK: Final = Talk()
"""Where there is nothing."""


def reason_row(
    reason: Reason,
    *,
    key: str,
    questions: Mapping[str, tuple[str, ...]],
    answered: Answered | None,
    user: str,
    zone: ZoneInfo,
    today: date,
) -> ReasonRow:
    """Return the row of a reason; `questions` are by the names of reasons, `user` is who looks, a reference."""
    return ReasonRow(
        key=key,
        look=reason.look,
        level=say(reason.look),
        sentence=kept_together(say(reason.sentence)),
        inputs=tuple(map(say, reason.inputs)),
        questions=tuple(map(say, questions.get(reason.name, ()))),
        answered=_said(answered, user, zone, today) if answered else "",
    )


def _said(answered: Answered, user: str, zone: ZoneInfo, today: date) -> str:
    on = relative_day(local_day(answered.at, zone), today=today).text
    values = {"answer": capital(say(answered.answer)), "day": on, "clock": hour_words(answered.at, zone)}
    if answered.by == user:
        return say("%(answer)s: you, %(day)s at %(clock)s.", **values)
    return say("%(answer)s: a colleague, %(day)s at %(clock)s.", **values)
