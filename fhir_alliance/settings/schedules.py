"""`[schedule.NAME]`: what a site asks at which visits, where that differs from what the instruments advise."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import time, timedelta
from typing import Any, Final

from marshmallow import ValidationError, fields, validate, validates_schema

from fhir_alliance.settings.links import LinkSettings
from fhir_alliance.settings.strict import FILLED, Strict

SITE = "site"
"""The name of the schedule of every visit that no other schedule is for."""

QUIET: Final = (time(20), time(8))
"""From when until when nobody is reminded, by the clock of the site."""

_CLOCK: Final = r"\A([01][0-9]|2[0-3]):[0-5][0-9]\Z"


@dataclass(frozen=True, kw_only=True)
class AskSettings:
    """One form, by the name of its instrument, of itself and of its rater, and when it is asked.

    `visits` and `every` count visits, `months` calendar months, `after_flag` is the visit after something was noticed.
    """

    instrument: str
    form: str
    rater: str
    visits: tuple[int, ...] = ()
    every: int | None = None
    months: int | None = None
    after_flag: bool = False


@dataclass(frozen=True, kw_only=True)
class ScheduleSettings:
    """A schedule; without `ask` it is what the instrument of each visit advises.

    `clinics` are the references of `Encounter.serviceProvider` or of its locations that it is for. `kinds` and `roles`
    are codes of `Encounter.type` or `class` and of its participants: one of them is needed, none of the others allowed.
    A patient is reminded of a form `remind` after it opens, at no time from the first of `quiet` to the second.
    """

    ask: tuple[AskSettings, ...] = ()
    clinics: frozenset[str] = frozenset()
    kinds: frozenset[str] = frozenset()
    not_kinds: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()
    not_roles: frozenset[str] = frozenset()
    asking: str = "in-visit"
    last_minutes: timedelta = timedelta(minutes=15)
    window: timedelta = timedelta(hours=48)
    remind: tuple[timedelta, ...] = ()
    quiet: tuple[time, time] = QUIET


class _AskSchema(Strict):
    form = fields.String(
        required=True,
        validate=validate.Regexp(r"\A[a-z0-9-]+/[a-z0-9-]+\Z", error="is not the name of an instrument/form"),
    )
    rater = fields.String(load_default="patient", validate=validate.OneOf(["patient", "therapist"]))
    visits = fields.List(
        fields.Integer(strict=True, validate=validate.Range(min=1, max=999)), validate=validate.Length(max=50)
    )
    every = fields.Integer(strict=True, validate=validate.Range(min=1, max=999))
    months = fields.Integer(strict=True, validate=validate.Range(min=1, max=60))
    after_flag = fields.Boolean(load_default=False, truthy={True}, falsy={False})

    @validates_schema(skip_on_field_errors=True)
    def check(self, data: Mapping[str, Any], **_: Any) -> None:
        """Refuse a form that would never be asked."""
        if not (data.get("visits") or data.get("every") or data.get("months") or data["after_flag"]):
            raise ValidationError("needs one of visits, every, months, after_flag", "form")


class ScheduleSchema(Strict):
    """One `[schedule.NAME]`."""

    ask = fields.List(
        fields.Nested(_AskSchema), load_default=list, validate=validate.Length(max=50, error="has more than 50 forms")
    )
    clinics = fields.List(
        fields.String(validate=validate.Regexp(r"\A(Organization|Location)/[A-Za-z0-9.-]{1,64}\Z")), load_default=list
    )
    kinds = fields.List(fields.String(validate=FILLED), load_default=list)
    not_kinds = fields.List(fields.String(validate=FILLED), load_default=list)
    roles = fields.List(fields.String(validate=FILLED), load_default=list)
    not_roles = fields.List(fields.String(validate=FILLED), load_default=list)
    asking = fields.String(load_default="in-visit", validate=validate.OneOf(["in-visit", "after"]))
    last_minutes = fields.Integer(load_default=15, strict=True, validate=validate.Range(min=1, max=240))
    window_hours = fields.Integer(load_default=48, strict=True, validate=validate.Range(min=1, max=48))
    remind_hours = fields.List(
        fields.Integer(strict=True, validate=validate.Range(min=1, max=47)),
        load_default=list,
        validate=validate.Length(max=3, error="has more than 3 reminders"),
    )
    quiet = fields.List(
        fields.String(validate=validate.Regexp(_CLOCK, error="is no time such as 20:00")),
        load_default=lambda: [f"{each:%H:%M}" for each in QUIET],
        validate=validate.Length(equal=2, error="needs two times: from when, and until when"),
    )


def build_schedules(tables: Mapping[str, Mapping[str, Any]]) -> dict[str, ScheduleSettings]:
    """Turn checked values into frozen objects; the site's own schedule is always there, and comes last."""
    built = {name: _schedule(values) for name, values in tables.items() if name != SITE}
    return {**built, SITE: _schedule(tables[SITE]) if SITE in tables else ScheduleSettings()}


def schedule_faults(tables: Mapping[str, Mapping[str, Any]], links: LinkSettings | None) -> dict[str, list[str]]:
    """Return what does not fit between schedules, whom each is for, and between them and what sends reminders."""
    faults: dict[str, list[str]] = {}
    seen: dict[str, str] = {}
    for name, values in tables.items():
        if (name == SITE) == bool(values["clinics"]):
            faults[name] = ["the site's schedule is for every clinic" if name == SITE else "needs its clinics"]
        for clinic in values["clinics"]:
            if clinic in seen:
                faults.setdefault(name, []).append(f"{clinic} has the schedule {seen[clinic]} already")
            seen[clinic] = name
        if values["remind_hours"] and not (links and links.passed_on):
            faults[name] = ["remind_hours needs what sends the messages: command or communication_request in [links]"]
    return faults


def _schedule(values: Mapping[str, Any]) -> ScheduleSettings:
    codes = {name: frozenset(values[name]) for name in ("clinics", "kinds", "not_kinds", "roles", "not_roles")}
    return ScheduleSettings(
        ask=tuple(_ask(each) for each in values["ask"]),
        **codes,
        asking=values["asking"],
        last_minutes=timedelta(minutes=values["last_minutes"]),
        window=timedelta(hours=values["window_hours"]),
        remind=tuple(timedelta(hours=each) for each in sorted(set(values["remind_hours"]))),
        quiet=(time.fromisoformat(values["quiet"][0]), time.fromisoformat(values["quiet"][1])),
    )


def _ask(values: Mapping[str, Any]) -> AskSettings:
    instrument, _, form = values["form"].partition("/")
    return AskSettings(**{**values, "instrument": instrument, "form": form, "visits": tuple(values.get("visits", ()))})
