"""The reasons to look as the view shows them: a level, a sentence, and what it takes to check it by hand."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from fhir_alliance.trajectory.seen import Look, Reason
from smart_app.web.pages.words import kept_together


@dataclass(frozen=True, kw_only=True)
class ReasonRow:
    """One reason; `inputs` are sentences, the rule first."""

    look: Look
    sentence: str
    inputs: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Talk:
    """What there may be to talk about."""

    reasons: tuple[ReasonRow, ...] = ()


NO_TALK: Final = Talk()
"""Where there is nothing."""


def reason_rows(reasons: Sequence[Reason]) -> tuple[ReasonRow, ...]:
    """Return the rows in the order of the reasons, which is no ranking."""
    return tuple(
        ReasonRow(look=each.look, sentence=kept_together(each.sentence), inputs=each.inputs) for each in reasons
    )
