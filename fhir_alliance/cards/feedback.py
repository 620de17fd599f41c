"""What clinicians did with a card: accepted or overridden, with a coded reason at most (spec row C08)."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from marshmallow import EXCLUDE, Schema, ValidationError, fields, validate
from sqlalchemy import Connection, insert, select, update

from fhir_alliance.cards.asking import BadHook, Hook
from fhir_alliance.strict_json import strict_json
from fhir_alliance.tables import card_feedback

_MOST: Final = 50
_REASON: Final = re.compile(r"[A-Za-z0-9._\-]{1,64}")


@dataclass(frozen=True, kw_only=True)
class Feedback:
    """What became of one card; `reason` is a code, never what somebody wrote."""

    card: str
    outcome: str
    reason: str | None
    given_at: datetime


class _Entry(Schema):
    card = fields.UUID(required=True)
    outcome = fields.String(required=True, validate=validate.OneOf(["accepted", "overridden"]))
    override = fields.Raw(data_key="overrideReason", load_default=None, allow_none=True)
    given_at = fields.AwareDateTime(data_key="outcomeTimestamp", required=True, format="iso")

    class Meta:
        """What marshmallow reads: an EHR may say more than we keep."""

        unknown = EXCLUDE


class _Body(Schema):
    feedback = fields.List(fields.Nested(_Entry), required=True, validate=validate.Length(min=1, max=_MOST))

    class Meta:
        """What marshmallow reads: an EHR may say more than we keep."""

        unknown = EXCLUDE


def read_feedback(body: bytes) -> tuple[Feedback, ...]:
    """Read the body of a call; raises BadHook."""
    try:
        entries = _Body().load(strict_json(body))["feedback"]
    except ValidationError as error:
        raise BadHook(f"fields: {' '.join(sorted(map(str, error.messages)))}") from None
    except ValueError:
        raise BadHook("not JSON") from None
    return tuple(
        Feedback(
            card=str(each["card"]),
            outcome=each["outcome"],
            reason=_reason(each["override"]),
            given_at=each["given_at"],
        )
        for each in entries
    )


def keep_feedback(connection: Connection, ehr: str, hook: Hook, given: Iterable[Feedback], *, at: datetime) -> None:
    """Keep what became of cards within the caller's transaction: of several words about one card the latest."""
    for each in given:
        mine = (card_feedback.c.ehr == ehr) & (card_feedback.c.card == each.card)
        known = connection.scalar(select(card_feedback.c.given_at).where(mine))
        values = {"outcome": each.outcome, "reason": each.reason, "given_at": each.given_at, "received_at": at}
        if known is None:
            row = {"ehr": ehr, "card": each.card, "service": hook.value, **values}
            connection.execute(insert(card_feedback).values(row))
        elif known < each.given_at:
            connection.execute(update(card_feedback).where(mine).values(values))


def _reason(override: object) -> str | None:
    """Return the code of a reason; a comment could name anybody, so it is not kept."""
    reason: Mapping[str, Any] | object = override.get("reason") if isinstance(override, dict) else None
    code = reason.get("code") if isinstance(reason, dict) else None
    return code if isinstance(code, str) and _REASON.fullmatch(code) else None
