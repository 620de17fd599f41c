"""What `alliance.toml` may say."""

import re
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from marshmallow import RAISE, Schema, ValidationError, fields, post_load, validate, validates_schema

from fhir_alliance.settings.addresses import LOOPBACK, origin, url
from fhir_alliance.settings.values import (
    AlertSettings,
    ClientSettings,
    EhrSettings,
    FreeTextSettings,
    InstrumentSettings,
    Settings,
    SiteSettings,
)
from fhir_alliance.settings.writing import Rung, WriteSettings


class _Strict(Schema):
    context_folder: Path

    class Meta:
        unknown = RAISE


def _addresses() -> fields.List[str]:
    few = validate.Length(min=1, max=20, error="needs 1 to 20 addresses")
    return fields.List(fields.Email(), required=True, validate=few)


_TEXT = validate.Length(min=1, error="must not be empty")
_BASIC_NAME = re.compile(r"[!-9;-~]+")


class _ClientSchema(_Strict):
    client_id = fields.String(required=True, validate=_TEXT)
    scopes = fields.String(required=True, validate=_TEXT)
    key_file = fields.String(load_default=None, validate=_TEXT)
    secret_file = fields.String(load_default=None, validate=_TEXT)
    secret_variable = fields.String(
        load_default="", validate=validate.Regexp(r"\A[A-Z_][A-Z0-9_]*\Z", error="is not the name of a variable")
    )

    @validates_schema(skip_on_field_errors=True)
    def check(self, data: Mapping[str, Any], **_: Any) -> None:
        """Refuse two proofs at once, and a name that HTTP Basic cannot carry (RFC 7617)."""
        if sum(bool(data[name]) for name in ("key_file", "secret_file", "secret_variable")) > 1:
            raise ValidationError("takes one of key_file, secret_file, secret_variable", "key_file")
        if (data["secret_file"] or data["secret_variable"]) and not _BASIC_NAME.fullmatch(data["client_id"]):
            raise ValidationError("with a secret it must be visible ASCII without a colon", "client_id")


class _WriteSchema(_Strict):
    rung = fields.Enum(Rung, by_value=True, required=True)
    category = fields.String(
        load_default="", validate=validate.Regexp(r"\A[a-z]+(-[a-z]+)*\Z", error="is not an observation category")
    )
    mapping = fields.String(load_default="", validate=_TEXT)
    keep_days = fields.Integer(load_default=None, strict=True, validate=validate.Range(min=1, max=36525))

    @validates_schema(skip_on_field_errors=False)
    def check(self, data: Mapping[str, Any], **_: Any) -> None:
        """Ask for what a rung needs, and refuse what it would not use."""
        rung = data.get("rung")
        if rung is None:
            return
        flowsheet, lesser = rung is Rung.FLOWSHEET, rung is not Rung.OBSERVATIONS
        needed = {"category": flowsheet, "mapping": flowsheet, "keep_days": lesser}
        faults = {
            name: [f"is needed on rung {rung}" if wanted else f"means nothing on rung {rung}"]
            for name, wanted in needed.items()
            if name in data and bool(data[name]) is not wanted
        }
        if faults:
            raise ValidationError(faults)


class _EhrSchema(_Strict):
    title = fields.String(required=True, validate=_TEXT)
    fhir_base = fields.String(required=True, validate=url)
    issuer = fields.String(required=True, validate=url)
    authorization_endpoint = fields.String(required=True, validate=url)
    token_endpoint = fields.String(required=True, validate=url)
    jwks_uri = fields.String(required=True, validate=url)
    revocation_endpoint = fields.String(load_default=None, validate=url)
    frame_ancestors = fields.List(fields.String(validate=origin), load_default=list)
    allow_private = fields.Boolean(load_default=False)
    clinician = fields.Nested(_ClientSchema, load_default=None)
    patient = fields.Nested(_ClientSchema, load_default=None)
    backend = fields.Nested(_ClientSchema, load_default=None)
    write = fields.Nested(_WriteSchema, load_default=None)

    @validates_schema(skip_on_field_errors=True)
    def check(self, data: Mapping[str, Any], **_: Any) -> None:
        """Refuse a backend client that cannot prove itself: client_credentials has no public clients."""
        if data["backend"] and not data["backend"]["key_file"]:
            raise ValidationError("a backend client needs a key_file", "backend")


class _AlertSchema(_Strict):
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
    user = fields.String(load_default="", validate=_TEXT)
    password_file = fields.String(load_default=None, validate=_TEXT)

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


class _InstrumentSchema(_Strict):
    each_visit = fields.String(validate=_TEXT)
    on_request = fields.List(fields.String(validate=_TEXT))
    reviewed_by = fields.Dict(keys=fields.String(validate=_TEXT), values=fields.String(validate=_TEXT))

    @post_load
    def build(self, data: dict[str, Any], **_: Any) -> InstrumentSettings:
        """Turn checked values into the frozen object."""
        return InstrumentSettings(**{**data, "on_request": tuple(data.get("on_request", ()))})


class _SiteSchema(_Strict):
    name = fields.String(required=True, validate=_TEXT)
    crisis_line = fields.String(required=True, validate=_TEXT)
    someone_else = fields.String(required=True, validate=_TEXT)
    time_zone = fields.String(
        required=True, validate=validate.OneOf(available_timezones(), error="is not an IANA time zone")
    )
    snomed = fields.Boolean(load_default=False, truthy={True}, falsy={False})


class _FreeTextSchema(_Strict):
    reader = fields.String(required=True, validate=_TEXT)
    within = fields.String(required=True, validate=_TEXT)


class SettingsSchema(_Strict):
    """The whole file, turned into Settings; `context_folder` is the folder that its paths are relative to."""

    public_url = fields.String(required=True, validate=origin)
    database = fields.String(required=True, validate=_TEXT)
    vault_key_file = fields.String(required=True, validate=_TEXT)
    wording_folder = fields.String(load_default=None, validate=_TEXT)
    questionnaire_folder = fields.String(load_default=None, validate=_TEXT)
    free_text = fields.Nested(_FreeTextSchema, load_default=None)
    site = fields.Nested(_SiteSchema, required=True)
    alerts = fields.Nested(_AlertSchema, load_default=None)
    instruments = fields.Nested(_InstrumentSchema, load_default=InstrumentSettings())
    ehr = fields.Dict(
        keys=fields.String(
            validate=validate.Regexp(r"\A[a-z0-9]+(-[a-z0-9]+)*\Z", error="use lower-case letters, digits, hyphens")
        ),
        values=fields.Nested(_EhrSchema),
        required=True,
        validate=validate.Length(min=1, error="needs at least one EHR"),
    )

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
            free_text=data["free_text"] and FreeTextSettings(**data["free_text"]),
            alerts=self._alerts(data["alerts"]),
            instruments=data["instruments"],
            site=SiteSettings(**{**site, "time_zone": ZoneInfo(site["time_zone"])}),
            ehrs={name: self._ehr(name, values) for name, values in data["ehr"].items()},
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

    def _folder(self, name: str | None) -> Path | None:
        return self.context_folder / name if name else None

    def _ehr(self, name: str, values: dict[str, Any]) -> EhrSettings:
        clinician, patient, backend = (self._client(values[role]) for role in ("clinician", "patient", "backend"))
        ancestors = tuple(values["frame_ancestors"])
        settled = {"name": name, "frame_ancestors": ancestors, "clinician": clinician, "patient": patient}
        return EhrSettings(**{**values, **settled, "backend": backend, "write": self._write(values["write"])})

    def _write(self, values: dict[str, Any] | None) -> WriteSettings:
        if values is None:
            return WriteSettings()
        mapping, keep_days = values["mapping"], values["keep_days"]
        return WriteSettings(
            rung=values["rung"],
            category=values["category"],
            mapping_file=self.context_folder / mapping if mapping else None,
            keep=timedelta(days=keep_days) if keep_days else None,
        )

    def _client(self, values: dict[str, Any] | None) -> ClientSettings | None:
        if values is None:
            return None
        files = {name: self.context_folder / values[name] for name in ("key_file", "secret_file") if values[name]}
        return ClientSettings(**{**values, **files})
