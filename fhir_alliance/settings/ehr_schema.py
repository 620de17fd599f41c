"""What `alliance.toml` may say of an EHR."""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from marshmallow import ValidationError, fields, validate, validates_schema

from fhir_alliance.settings.addresses import base, origin, url
from fhir_alliance.settings.cds import CdsSchema, build_cds
from fhir_alliance.settings.embedding import Embedding
from fhir_alliance.settings.readers import Readers, ReadersSchema
from fhir_alliance.settings.strict import FILLED, Strict
from fhir_alliance.settings.tasks import TaskShape
from fhir_alliance.settings.values import ANSWER, ClientSettings, EhrSettings, EhrTokens, HarvestSettings, VisitSettings
from fhir_alliance.settings.writing import LADDER, NoteType, Rung, WriteSettings

VARIABLE = r"\A[A-Z_][A-Z0-9_]*\Z"
"""What an environment variable may be called."""

EHR_NAME = re.compile(r"\A[a-z0-9]+(-[a-z0-9]+)*\Z")
"""What an EHR may be called: its name goes into addresses."""

_BASIC_NAME = re.compile(r"[!-9;-~]+")
_LANGUAGE = re.compile(r"\A[a-z]{2,3}\Z")
_PROOFS = ("key_file", "secret_file", "secret_variable")


def _distinct(what: str) -> Callable[[Sequence[object]], None]:
    def check(values: Sequence[object]) -> None:
        if len(set(values)) < len(values):
            raise ValidationError(f"names {what} twice")

    return check


class _ClientSchema(Strict):
    client_id = fields.String(required=True, validate=FILLED)
    scopes = fields.String(required=True, validate=FILLED)
    key_file = fields.String(load_default=None, validate=FILLED)
    secret_file = fields.String(load_default=None, validate=FILLED)
    secret_variable = fields.String(
        load_default="", validate=validate.Regexp(VARIABLE, error="is not the name of a variable")
    )

    @validates_schema(skip_on_field_errors=True)
    def check(self, data: Mapping[str, Any], **_: Any) -> None:
        """Refuse two proofs at once, and a name that HTTP Basic cannot carry (RFC 7617)."""
        if sum(bool(data[name]) for name in _PROOFS) > 1:
            raise ValidationError("takes one of key_file, secret_file, secret_variable", "key_file")
        if (data["secret_file"] or data["secret_variable"]) and not _BASIC_NAME.fullmatch(data["client_id"]):
            raise ValidationError("with a secret it must be visible ASCII without a colon", "client_id")


_NO_RUNG = f"Must be one of: {', '.join(LADDER)}."


class _WriteSchema(Strict):
    rung = fields.Enum(
        Rung,
        by_value=True,
        required=True,
        validate=validate.OneOf(LADDER, error=_NO_RUNG),
        error_messages={"unknown": _NO_RUNG},
    )
    category = fields.String(
        load_default="", validate=validate.Regexp(r"\A[a-z]+(-[a-z]+)*\Z", error="is not an observation category")
    )
    mapping = fields.String(load_default="", validate=FILLED)
    note_type = fields.String(
        load_default="", validate=validate.Regexp(r"\A[^|\s]+\|[^|\s]+\|[^|]+\Z", error="is not system|code|display")
    )
    keep_days = fields.Integer(load_default=None, strict=True, validate=validate.Range(min=1, max=36525))

    @validates_schema(skip_on_field_errors=False)
    def check(self, data: Mapping[str, Any], **_: Any) -> None:
        """Ask for what a rung needs, and refuse what it would not use."""
        rung = data.get("rung")
        if rung is None:
            return
        flowsheet = rung is Rung.FLOWSHEET
        needed = {"category": flowsheet, "mapping": flowsheet}
        if rung is not Rung.OBSERVATIONS:  # on the first rung it is for what the EHR refuses, if the site wants that
            needed["keep_days"] = True
        faults = {
            name: [f"is needed on rung {rung}" if wanted else f"means nothing on rung {rung}"]
            for name, wanted in needed.items()
            if name in data and bool(data[name]) is not wanted
        }
        if data.get("note_type") and rung is not Rung.NOTE:
            faults["note_type"] = [f"means nothing on rung {rung}"]
        if faults:
            raise ValidationError(faults)


class _HarvestSchema(Strict):
    every_minutes = fields.Integer(required=True, strict=True, validate=validate.Range(min=1, max=1440))
    foreign_visit = fields.String(load_default="leave-out", validate=validate.OneOf(["leave-out", "hold"]))


class _VisitSchema(Strict):
    poll_minutes = fields.Integer(required=True, strict=True, validate=validate.Range(min=1, max=1440))
    ahead_hours = fields.Integer(load_default=24, strict=True, validate=validate.Range(min=0, max=336))
    search = fields.String(load_default="Encounter", validate=validate.OneOf(["Encounter", "Appointment"]))
    topic = fields.String(
        load_default="", validate=validate.Regexp(r"\A(https?://|urn:)\S+\Z", error="is no canonical")
    )
    topic_filters = fields.List(fields.String(validate=FILLED), load_default=(), validate=validate.Length(max=20))


class EhrSchema(Strict):
    """One EHR: its addresses, the clients registered there, and what is written."""

    title = fields.String(required=True, validate=FILLED)
    fhir_base = fields.String(required=True, validate=base)
    issuer = fields.String(required=True, validate=url)
    authorization_endpoint = fields.String(required=True, validate=url)
    token_endpoint = fields.String(required=True, validate=url)
    jwks_uri = fields.String(required=True, validate=url)
    revocation_endpoint = fields.String(load_default=None, validate=url)
    introspection_endpoint = fields.String(load_default=None, validate=url)
    ehr_tokens = fields.Enum(EhrTokens, by_value=True, load_default=None)
    frame_ancestors = fields.List(fields.String(validate=origin), load_default=list)
    style_origins = fields.List(fields.String(validate=origin), load_default=None)
    allow_private = fields.Boolean(load_default=False)
    without_s256 = fields.Boolean(load_default=False)
    answer_seconds = fields.Integer(load_default=None, strict=True, validate=validate.Range(min=1, max=300))
    clinician = fields.Nested(_ClientSchema, load_default=None)
    patient = fields.Nested(_ClientSchema, load_default=None)
    backend = fields.Nested(_ClientSchema, load_default=None)
    write = fields.Nested(_WriteSchema, load_default=None)
    readers = fields.Nested(ReadersSchema, load_default=None)
    change_window_hours = fields.Integer(load_default=24, strict=True, validate=validate.Range(min=0, max=720))
    harvest = fields.Nested(_HarvestSchema, load_default=None)
    cds = fields.Nested(CdsSchema, load_default=None)
    languages = fields.List(
        fields.String(validate=validate.Regexp(_LANGUAGE, error="is not a language code such as en")),
        load_default=("en",),
        validate=[validate.Length(min=1, max=20, error="needs at least one language"), _distinct("a language")],
    )
    brand_bundle = fields.String(load_default=None, validate=url)
    embedding = fields.Enum(Embedding, by_value=True, load_default=Embedding.EITHER)
    visits = fields.Nested(_VisitSchema, load_default=None)
    therapist_overview = fields.Boolean(load_default=False)
    tasks = fields.List(fields.Enum(TaskShape, by_value=True), load_default=(), validate=_distinct("a shape"))

    @validates_schema(skip_on_field_errors=True)
    def check(self, data: Mapping[str, Any], **_: Any) -> None:
        """Refuse a backend client that cannot prove itself: client_credentials has no public clients.

        Responses of others are looked for by that client, and scored only where whole Observations are written.
        """
        if data["backend"] and not data["backend"]["key_file"]:
            raise ValidationError("a backend client needs a key_file", "backend")
        if data["ehr_tokens"] and not (data["introspection_endpoint"] and _asking(data)):
            raise ValidationError("needs introspection_endpoint, and a client with a key or a secret", "ehr_tokens")
        for name in ("harvest", "visits", "tasks"):
            if data[name] and not data["backend"]:
                raise ValidationError("needs a backend client", name)
        if data["harvest"] and data["write"] and data["write"]["rung"] is not Rung.OBSERVATIONS:
            raise ValidationError("is for rung observations only", "harvest")
        if data["embedding"] is Embedding.FRAME and not data["frame_ancestors"]:
            raise ValidationError("frame needs frame_ancestors: the origins whose pages show the app", "embedding")


def _asking(data: Mapping[str, Any]) -> bool:
    clients = [data[role] for role in ("backend", "clinician", "patient") if data[role]]
    return any(client[name] for client in clients for name in _PROOFS)


def token_faults(ehrs: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, list[str]]]:
    """Return what is wrong between EHRs whose tokens are taken: a token must be one of a single EHR."""
    taken = {name: each["introspection_endpoint"] for name, each in ehrs.items() if each["ehr_tokens"]}
    asked = list(taken.values())
    shared = [name for name, endpoint in taken.items() if asked.count(endpoint) > 1]
    return {name: {"introspection_endpoint": ["another EHR with ehr_tokens has it too"]} for name in shared}


def build_ehr(name: str, values: dict[str, Any], folder: Path) -> EhrSettings:
    """Turn checked values into the frozen object; paths are relative to `folder`."""
    clinician, patient, backend = (_client(values[role], folder) for role in ("clinician", "patient", "backend"))
    ancestors = tuple(values["frame_ancestors"])
    stated = values["style_origins"]
    styles = (_origin(values["fhir_base"]),) if stated is None else tuple(stated)
    settled = {"name": name, "frame_ancestors": ancestors, "clinician": clinician, "patient": patient}
    readers = values["readers"] and Readers(**values["readers"])
    harvest = values["harvest"] and _harvest(**values["harvest"])
    written = {
        "backend": backend,
        "write": _write(values["write"], folder),
        "readers": readers,
        "style_origins": styles,
        "harvest": harvest,
        "cds": build_cds(values["cds"], name=name, folder=folder, allow_private=values["allow_private"]),
        "languages": tuple(values["languages"]),
        "tasks": tuple(values["tasks"]),
        "visits": values["visits"] and _visits(**values["visits"]),
    }
    window = timedelta(hours=values.pop("change_window_hours"))
    seconds = values.pop("answer_seconds")
    times = {"change_window": window, "answer": timedelta(seconds=seconds) if seconds else ANSWER}
    return EhrSettings(**{**values, **settled, **written, **times})


def _origin(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.scheme}://{parts.netloc}"


def _write(values: dict[str, Any] | None, folder: Path) -> WriteSettings:
    if values is None:
        return WriteSettings()
    mapping, keep_days = values["mapping"], values["keep_days"]
    return WriteSettings(
        rung=values["rung"],
        category=values["category"],
        mapping_file=folder / mapping if mapping else None,
        note_type=_note_type(values["note_type"]),
        keep=timedelta(days=keep_days) if keep_days else None,
    )


def _harvest(*, every_minutes: int, foreign_visit: str) -> HarvestSettings:
    return HarvestSettings(every=timedelta(minutes=every_minutes), foreign_visit=foreign_visit)


def _visits(*, poll_minutes: int, ahead_hours: int, topic_filters: list[str], **named: str) -> VisitSettings:
    return VisitSettings(
        every=timedelta(minutes=poll_minutes),
        ahead=timedelta(hours=ahead_hours),
        search=named["search"],
        topic=named["topic"],
        topic_filters=tuple(topic_filters),
    )


def _note_type(text: str) -> NoteType:
    if not text:
        return NoteType()
    system, code, display = text.split("|")
    return NoteType(system=system, code=code, display=display)


def _client(values: dict[str, Any] | None, folder: Path) -> ClientSettings | None:
    if values is None:
        return None
    files = {name: folder / values[name] for name in ("key_file", "secret_file") if values[name]}
    return ClientSettings(**{**values, **files})
