"""What a site attests of who else reads survey results in one EHR: it decides what patients are told (P1)."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from marshmallow import ValidationError, fields

from fhir_alliance.settings.strict import FILLED, Strict


class Shown(StrEnum):
    """Whether the patient portal shows survey results."""

    SHOWN = "shown"
    HIDDEN = "hidden"


class ChartReaders(StrEnum):
    """Who in the house can read survey results in a chart."""

    CARE_TEAM = "care-team"
    EVERYONE = "everyone"


@dataclass(frozen=True, kw_only=True)
class Readers:
    """How an EHR shows survey results to the patient, to proxies (such as parents) and to staff; who says so, when."""

    patient_portal: Shown
    proxies: Shown
    chart_readers: ChartReaders
    attested_by: str
    attested_on: date


class _Day(fields.Field):  # type: ignore[type-arg]  # generic in newer marshmallow only
    """A date of TOML, not a text and not a time."""

    def _deserialize(self, value: Any, *_: Any, **__: Any) -> date:
        if not isinstance(value, date) or isinstance(value, datetime):
            raise ValidationError("must be a date such as 2026-11-24, without quotes")
        return value


class ReadersSchema(Strict):
    """`[ehr.NAME.readers]`: all of it, or nothing."""

    patient_portal = fields.Enum(Shown, by_value=True, required=True)
    proxies = fields.Enum(Shown, by_value=True, required=True)
    chart_readers = fields.Enum(ChartReaders, by_value=True, required=True)
    attested_by = fields.String(required=True, validate=FILLED)
    attested_on = _Day(required=True)
