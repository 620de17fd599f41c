"""How patients answer without a sign-in: by a link, and on the clinic's tablets; both are off unless a site says so."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from marshmallow import fields, post_load, validate

from fhir_alliance.settings.strict import FILLED, Strict


@dataclass(frozen=True, kw_only=True)
class LinkSettings:
    """How long a link lasts, and how many wrong birth dates close it.

    `command` is a program of the site that passes a link on, by its path and arguments; with `communication_request`
    the EHR is asked to. Without both a link is copied or printed.
    """

    lasts: timedelta = timedelta(hours=48)
    attempts: int = 5
    command: tuple[str, ...] = ()
    communication_request: bool = False

    @property
    def passed_on(self) -> bool:
        """Whether somebody else than the clinician can pass a link on."""
        return bool(self.command) or self.communication_request


@dataclass(frozen=True, kw_only=True)
class TabletSettings:
    """After how long without a touch a tablet goes back to its start: at most as long as the server lets it (T42)."""

    idle: timedelta = timedelta(minutes=10)


class LinkSchema(Strict):
    """`[links]`, turned into LinkSettings, or None where it is not enabled."""

    enabled = fields.Boolean(required=True, truthy={True}, falsy={False})
    valid_hours = fields.Integer(load_default=48, strict=True, validate=validate.Range(min=1, max=336))
    attempts = fields.Integer(load_default=5, strict=True, validate=validate.Range(min=3, max=10))
    command = fields.List(fields.String(validate=FILLED), load_default=[], validate=validate.Length(max=20))
    communication_request = fields.Boolean(load_default=False, truthy={True}, falsy={False})

    @post_load
    def build(self, data: dict[str, Any], **_: Any) -> LinkSettings | None:
        """Turn checked values into the frozen object."""
        if not data["enabled"]:
            return None
        return LinkSettings(
            lasts=timedelta(hours=data["valid_hours"]),
            attempts=data["attempts"],
            command=tuple(data["command"]),
            communication_request=data["communication_request"],
        )


class TabletSchema(Strict):
    """`[tablets]`, turned into TabletSettings, or None where it is not enabled."""

    enabled = fields.Boolean(required=True, truthy={True}, falsy={False})
    idle_minutes = fields.Integer(load_default=10, strict=True, validate=validate.Range(min=2, max=10))

    @post_load
    def build(self, data: dict[str, Any], **_: Any) -> TabletSettings | None:
        """Turn checked values into the frozen object."""
        return TabletSettings(idle=timedelta(minutes=data["idle_minutes"])) if data["enabled"] else None
