"""The site's settings: one frozen object from `alliance.toml`, read once, every fault reported together."""

import stat
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

from marshmallow import RAISE, Schema, ValidationError, fields, post_load, validate, validates_schema

from fhir_alliance.errors import InvalidSettings


@dataclass(frozen=True, kw_only=True)
class ClientSettings:
    """One OAuth client registered at the EHR; without a key it is a public client."""

    client_id: str
    scopes: str
    key_file: Path | None = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True)
class EhrSettings:
    """One registered FHIR base, with the endpoints pinned when it was registered."""

    name: str
    title: str
    fhir_base: str
    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    frame_ancestors: tuple[str, ...]
    allow_private: bool
    clinician: ClientSettings | None
    patient: ClientSettings | None
    backend: ClientSettings | None


@dataclass(frozen=True, kw_only=True)
class SiteSettings:
    """What every patient page says about help: without it no form is published or shown."""

    name: str
    crisis_line: str
    someone_else: str
    time_zone: ZoneInfo


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything a site decides.

    `vault_key_file` holds the key of what is stored encrypted, `wording_folder` the words a site has a licence for.
    """

    public_url: str
    database: str
    vault_key_file: Path = field(repr=False)
    wording_folder: Path | None = None
    site: SiteSettings
    ehrs: Mapping[str, EhrSettings]

    @property
    def host(self) -> str:
        """The host, with its port, under which the app is reached."""
        return urlsplit(self.public_url).netloc


def read_settings(path: Path) -> Settings:
    """Read `alliance.toml`; paths in it are relative to its folder.

    Raises InvalidSettings with every fault found: syntax, missing or unknown keys, addresses, open key files.
    """
    try:
        values = tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InvalidSettings([f"{path.name}: {error}"]) from None
    schema = _SettingsSchema()
    schema.context_folder = path.resolve().parent
    try:
        settings: Settings = schema.load(values)
    except ValidationError as error:
        raise InvalidSettings([f"{path.name}: {where}: {why}" for where, why in _flat(error.messages)]) from None
    if settings.wording_folder and not settings.wording_folder.is_dir():
        raise InvalidSettings([f"wording_folder: {settings.wording_folder.name} is not a folder"])
    if faults := list(_key_faults(settings)):
        raise InvalidSettings(faults)
    return settings


def _flat(messages: Any, path: str = "") -> list[tuple[str, str]]:
    if isinstance(messages, Mapping):
        parts = [(key if key not in ("_schema", "value") else "") for key in messages]
        return [
            found
            for part, value in zip(parts, messages.values(), strict=True)
            for found in _flat(value, ".".join(filter(None, (path, str(part)))))
        ]
    return [(path, str(message)) for message in messages]


def _origin(value: str) -> None:
    """Refuse what could widen a header or a comparison: only scheme, host and port, https outside loopback."""
    parts = urlsplit(value)
    if value != f"{parts.scheme}://{parts.netloc}" or _suspicious(value):
        raise ValidationError("must be an origin such as https://ehr.example.org")


def _url(value: str) -> None:
    parts = urlsplit(value)
    if parts.query or parts.fragment or value.endswith("/") or _suspicious(value):
        raise ValidationError("must be an https address without query, fragment or final slash")


def _suspicious(value: str) -> bool:
    parts = urlsplit(value)
    if not _port_is_usable(value) or parts.netloc != parts.netloc.lower():
        return True
    local = parts.hostname in ("localhost", "127.0.0.1", "::1")
    secure = parts.scheme == "https" or (parts.scheme == "http" and local)
    return not secure or not parts.hostname or "@" in parts.netloc or any(char in value for char in " ;,'\"*\\<>\r\n")


def _port_is_usable(value: str) -> bool:
    try:
        return urlsplit(value).port != 0
    except ValueError:
        return False


def _key_faults(settings: Settings) -> list[str]:
    clients = [
        client for ehr in settings.ehrs.values() for client in (ehr.clinician, ehr.patient, ehr.backend) if client
    ]
    files = [settings.vault_key_file, *(client.key_file for client in clients if client.key_file)]
    return [f"{path.name}: {reason}" for path in dict.fromkeys(files) if (reason := _unsafe(path))]


def _unsafe(path: Path) -> str:
    if not path.is_file():
        return "this key file does not exist"
    if path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        return "others can read this key file; make it private with chmod 600"
    return ""


class _Strict(Schema):
    context_folder: Path

    class Meta:
        unknown = RAISE


_TEXT = validate.Length(min=1, error="must not be empty")


class _ClientSchema(_Strict):
    client_id = fields.String(required=True, validate=_TEXT)
    scopes = fields.String(required=True, validate=_TEXT)
    key_file = fields.String(load_default=None)


class _EhrSchema(_Strict):
    title = fields.String(required=True, validate=_TEXT)
    fhir_base = fields.String(required=True, validate=_url)
    issuer = fields.String(required=True, validate=_url)
    authorization_endpoint = fields.String(required=True, validate=_url)
    token_endpoint = fields.String(required=True, validate=_url)
    jwks_uri = fields.String(required=True, validate=_url)
    frame_ancestors = fields.List(fields.String(validate=_origin), load_default=list)
    allow_private = fields.Boolean(load_default=False)
    clinician = fields.Nested(_ClientSchema, load_default=None)
    patient = fields.Nested(_ClientSchema, load_default=None)
    backend = fields.Nested(_ClientSchema, load_default=None)

    @validates_schema(skip_on_field_errors=True)
    def check(self, data: Mapping[str, Any], **_: Any) -> None:
        """Refuse a backend client that cannot prove itself: client_credentials has no public clients."""
        if data["backend"] and not data["backend"]["key_file"]:
            raise ValidationError("a backend client needs a key_file", "backend")


class _SiteSchema(_Strict):
    name = fields.String(required=True, validate=_TEXT)
    crisis_line = fields.String(required=True, validate=_TEXT)
    someone_else = fields.String(required=True, validate=_TEXT)
    time_zone = fields.String(
        required=True, validate=validate.OneOf(available_timezones(), error="is not an IANA time zone")
    )


class _SettingsSchema(_Strict):
    public_url = fields.String(required=True, validate=_origin)
    database = fields.String(required=True, validate=_TEXT)
    vault_key_file = fields.String(required=True, validate=_TEXT)
    wording_folder = fields.String(load_default=None, validate=_TEXT)
    site = fields.Nested(_SiteSchema, required=True)
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
            wording_folder=self.context_folder / data["wording_folder"] if data["wording_folder"] else None,
            site=SiteSettings(**{**site, "time_zone": ZoneInfo(site["time_zone"])}),
            ehrs={name: self._ehr(name, values) for name, values in data["ehr"].items()},
        )

    def _ehr(self, name: str, values: dict[str, Any]) -> EhrSettings:
        clinician, patient, backend = (self._client(values[role]) for role in ("clinician", "patient", "backend"))
        ancestors = tuple(values["frame_ancestors"])
        settled = {"name": name, "frame_ancestors": ancestors, "clinician": clinician, "patient": patient}
        return EhrSettings(**{**values, **settled, "backend": backend})

    def _client(self, values: dict[str, Any] | None) -> ClientSettings | None:
        if values is None:
            return None
        key_file = values.pop("key_file")
        return ClientSettings(key_file=self.context_folder / key_file if key_file else None, **values)
