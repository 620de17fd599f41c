"""The reasons to look as the view shows them: a level, a sentence, what it takes to check it, and what was answered."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Final
from zoneinfo import ZoneInfo

from fhir_alliance.talks.reasons import Answer, Answered
from fhir_alliance.trajectory.seen import Look, Reason
from smart_app.web.pages.agreed import NOTHING_AGREED, Agreed
from smart_app.web.pages.words import kept_together, local_day, relative_day


@dataclass(frozen=True, kw_only=True)
class ReasonRow:
    """One reason; `inputs` are sentences, the rule first; `answered` says what, by whom and when, empty while open.

    `questions` are what could be asked about it.
    """

    key: str
    look: Look
    sentence: str
    inputs: tuple[str, ...]
    questions: tuple[str, ...] = ()
    answered: str = ""


@dataclass(frozen=True, kw_only=True)
class Talk:
    """What there may be to talk about; `quiet` reasons were answered and rest on the same data still.

    `as_given` are questions about answers that are shown as they are.
    """

    reasons: tuple[ReasonRow, ...] = ()
    quiet: tuple[ReasonRow, ...] = ()
    answers: tuple[str, ...] = tuple(Answer)
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
        sentence=kept_together(reason.sentence),
        inputs=reason.inputs,
        questions=questions.get(reason.name, ()),
        answered=_said(answered, user, zone, today) if answered else "",
    )


def _said(answered: Answered, user: str, zone: ZoneInfo, today: date) -> str:
    who = "you" if answered.by == user else "a colleague"
    on = relative_day(local_day(answered.at, zone), today=today).text
    return f"{answered.answer.capitalize()}: {who}, {on} at {answered.at.astimezone(zone):%H:%M}."
