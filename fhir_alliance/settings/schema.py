"""What `alliance.toml` may say."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from marshmallow import ValidationError, fields, post_load, validate, validates_schema

from fhir_alliance.settings.addresses import LOOPBACK, origin
from fhir_alliance.settings.ages import AgeRuleSchema, age_faults, build_age_rules
from fhir_alliance.settings.cds import cds_faults
from fhir_alliance.settings.ehr_schema import EHR_NAME, VARIABLE, EhrSchema, build_ehr, token_faults
from fhir_alliance.settings.links import LinkSchema, TabletSchema
from fhir_alliance.settings.reader_schema import ReaderSchema, build_readers, reader_faults
from fhir_alliance.settings.schedules import ScheduleSchema, build_schedules, schedule_faults
from fhir_alliance.settings.strict import FILLED, Strict
from fhir_alliance.settings.values import (
    LANGUAGE,
    TRANSLATED,
    AlertSettings,
    FreeTextSettings,
    InstrumentSettings,
    LanguageSettings,
    OperationsSettings,
    Settings,
    SiteSettings,
)


def _addresses() -> fields.List[str]:
    few = validate.Length(min=1, max=20, error="needs 1 to 20 addresses")
    return fields.List(fields.Email(), required=True, validate=few)


class _AlertSchema(Strict):
    recipients = _addresses()
    escalation = _addresses()
    # Shorter than a person needs to see a mail, or longer than a day, is no plan.
    acknowledge_within = fields.Integer(required=True, strict=True, validate=validate.Range(min=5, max=1440))
    smtp_host = fields.String(
        required=True, validate=validate.Regexp(r"\A[A-Za-z0-9.:-]{1,253}\Z", error="is not the name of a server")
    )
    smtp_port = fields.Integer(required=True, strict=True, validate=validate.Range(min=1, max=65535))
    smtp_security = fields.String(required=True, validate=validate.OneOf(["starttls", "tls", "none"]))
    sender = fields.Email(required=True)
    user = fields.String(load_default="", validate=FILLED)
    password_file = fields.String(load_default=None, validate=FILLED)

    @validates_schema(skip_on_field_errors=False)
    def check(self, data: Mapping[str, Any], **_: Any) -> None:
        """Refuse an escalation to nobody else, mail in the clear over a network, and half a sign-in."""
        faults: dict[str, list[str]] = {}
        if _lower(data, "recipients") & _lower(data, "escalation"):
            faults["escalation"] = ["must be somebody else than the recipients"]
        if data.get("smtp_security") == "none" and data.get("smtp_host") not in LOOPBACK:
            faults["smtp_security"] = ["none is for a mail server on this machine only; use starttls or tls"]
        if bool(data.get("user")) != bool(data.get("password_file")):
            faults["user"] = ["a user needs a password_file, and a password_file a user"]
        if faults:
            raise ValidationError(faults)


def _lower(data: Mapping[str, Any], name: str) -> set[str]:
    return {address.lower() for address in data.get(name, ()) if isinstance(address, str)}


class _OperationsSchema(Strict):
    alarm_recipients = fields.List(fields.Email(), load_default=[], validate=validate.Length(max=20))
    metrics_token_file = fields.String(load_default=None, validate=FILLED)
    metrics_token_variable = fields.String(
        load_default="", validate=validate.Regexp(VARIABLE, error="is not the name of a variable")
    )

    @validates_schema(skip_on_field_errors=True)
    def check(self, data: Mapping[str, Any], **_: Any) -> None:
        """Refuse two places for one secret."""
        if data["metrics_token_file"] and data["metrics_token_variable"]:
            raise ValidationError({"metrics_token_file": ["the token is in a file or in a variable, not in both"]})


class _InstrumentSchema(Strict):
    each_visit = fields.String(validate=FILLED)
    on_request = fields.List(fields.String(validate=FILLED))
    reviewed_by = fields.Dict(keys=fields.String(validate=FILLED), values=fields.String(validate=FILLED))

    @post_load
    def build(self, data: dict[str, Any], **_: Any) -> InstrumentSettings:
        """Turn checked values into the frozen object."""
        return InstrumentSettings(**{**data, "on_request": tuple(data.get("on_request", ()))})


class _LanguageSchema(Strict):
    reviewed_by = fields.String(required=True, validate=FILLED)
    crisis_line = fields.String(required=True, validate=FILLED)
    someone_else = fields.String(required=True, validate=FILLED)


class _SiteSchema(Strict):
    name = fields.String(required=True, validate=FILLED)
    crisis_line = fields.String(required=True, validate=FILLED)
    someone_else = fields.String(required=True, validate=FILLED)
    time_zone = fields.String(
        required=True, validate=validate.OneOf(available_timezones(), error="is not an IANA time zone")
    )
    snomed = fields.Boolean(load_default=False, truthy={True}, falsy={False})
    confirm_by = fields.Integer(load_default=1, strict=True, validate=validate.OneOf([1, 2]))
    blind_until_both = fields.Boolean(load_default=False, truthy={True}, falsy={False})
    other_therapists = fields.Boolean(load_default=False, truthy={True}, falsy={False})
    language = fields.String(load_default=LANGUAGE)
    languages = fields.Dict(
        keys=fields.String(validate=validate.OneOf(TRANSLATED, error="the pages have no words in this language")),
        values=fields.Nested(_LanguageSchema),
        load_default=dict,
    )

    @validates_schema(skip_on_field_errors=True)
    def check(self, data: Mapping[str, Any], **_: Any) -> None:
        """Refuse to begin in a language whose texts the site has not confirmed."""
        if data["language"] not in (LANGUAGE, *data["languages"]):
            raise ValidationError("has to be en, or one of site.languages", "language")


class _FreeTextSchema(Strict):
    reader = fields.String(required=True, validate=FILLED)
    within = fields.String(required=True, validate=FILLED)


class SettingsSchema(Strict):
    """The whole file, turned into Settings; `context_folder` is the folder that its paths are relative to."""

    public_url = fields.String(required=True, validate=origin)
    database = fields.String(required=True, validate=FILLED)
    vault_key_file = fields.String(required=True, validate=FILLED)
    wording_folder = fields.String(load_default=None, validate=FILLED)
    questionnaire_folder = fields.String(load_default=None, validate=FILLED)
    talks_file = fields.String(load_default=None, validate=FILLED)
    proxies = fields.Integer(load_default=0, strict=True, validate=validate.Range(min=0, max=5))
    figures_file = fields.String(load_default=None, validate=FILLED)
    free_text = fields.Nested(_FreeTextSchema, load_default=None)
    site = fields.Nested(_SiteSchema, required=True)
    alerts = fields.Nested(_AlertSchema, load_default=None)
    operations = fields.Nested(_OperationsSchema, load_default=None)
    instruments = fields.Nested(_InstrumentSchema, load_default=InstrumentSettings())
    ehr = fields.Dict(
        keys=fields.String(validate=validate.Regexp(EHR_NAME, error="use lower-case letters, digits, hyphens")),
        values=fields.Nested(EhrSchema),
        required=True,
        validate=validate.Length(min=1, error="needs at least one EHR"),
    )
    reader = fields.Dict(
        keys=fields.String(validate=validate.Regexp(EHR_NAME, error="use lower-case letters, digits, hyphens")),
        values=fields.Nested(ReaderSchema),
        load_default=dict,
    )

    schedule = fields.Dict(
        keys=fields.String(validate=validate.Regexp(EHR_NAME, error="use lower-case letters, digits, hyphens")),
        values=fields.Nested(ScheduleSchema),
        load_default=dict,
    )
    links = fields.Nested(LinkSchema, load_default=None)
    tablets = fields.Nested(TabletSchema, load_default=None)
    age_rule = fields.List(
        fields.Nested(AgeRuleSchema),
        load_default=list,
        validate=validate.Length(max=100, error="has more than 100 rules"),
    )

    @validates_schema(skip_on_field_errors=True)
    def check(self, data: Mapping[str, Any], **_: Any) -> None:
        """Refuse readers, EHRs, schedules and ages that do not fit each other, and mail without a server."""
        unsent = (data["operations"] or {}).get("alarm_recipients") and data["alerts"] is None
        mail = {"alarm_recipients": ["are mailed by the server of [alerts]: add it"]} if unsent else {}
        faults = {
            "operations": mail,
            "reader": reader_faults(data["reader"], data["ehr"]),
            "ehr": token_faults(data["ehr"]) or cds_faults(data["ehr"]),
            "schedule": schedule_faults(data["schedule"], data["links"]),
            "age_rule": age_faults(data["age_rule"], data["schedule"], data["ehr"]),
        }
        if any(faults.values()):
            raise ValidationError({name: found for name, found in faults.items() if found})

    @post_load
    def build(self, data: dict[str, Any], **_: Any) -> Settings:
        """Turn checked values into the frozen object."""
        site = data["site"]
        return Settings(
            public_url=data["public_url"],
            database=data["database"],
            vault_key_file=self.context_folder / data["vault_key_file"],
            wording_folder=self._folder(data["wording_folder"]),
            questionnaire_folder=self._folder(data["questionnaire_folder"]),
            talks_file=self._folder(data["talks_file"]),
            proxies=data["proxies"],
            figures_file=self._folder(data["figures_file"]),
            free_text=data["free_text"] and FreeTextSettings(**data["free_text"]),
            alerts=self._alerts(data["alerts"]),
            operations=self._operations(data["operations"]),
            instruments=data["instruments"],
            site=SiteSettings(
                **{
                    **site,
                    "time_zone": ZoneInfo(site["time_zone"]),
                    "languages": {name: LanguageSettings(**said) for name, said in site["languages"].items()},
                }
            ),
            ehrs={name: build_ehr(name, values, self.context_folder) for name, values in data["ehr"].items()},
            readers=build_readers(data["reader"], self.context_folder),
            schedules=build_schedules(data["schedule"]),
            links=data["links"],
            tablets=data["tablets"],
            age_rules=build_age_rules(data["age_rule"]),
        )

    def _alerts(self, values: dict[str, Any] | None) -> AlertSettings | None:
        if values is None:
            return None
        password_file = values["password_file"]
        settled = {
            "recipients": tuple(values["recipients"]),
            "escalation": tuple(values["escalation"]),
            "acknowledge_within": timedelta(minutes=values["acknowledge_within"]),
            "password_file": self.context_folder / password_file if password_file else None,
        }
        return AlertSettings(**{**values, **settled})

    def _operations(self, values: dict[str, Any] | None) -> OperationsSettings:
        if values is None:
            return OperationsSettings()
        settled = {
            "alarm_recipients": tuple(values["alarm_recipients"]),
            "metrics_token_file": self._folder(values["metrics_token_file"]),
        }
        return OperationsSettings(**{**values, **settled})

    def _folder(self, name: str | None) -> Path | None:
        return self.context_folder / name if name else None
