"""What `alliance.toml` may say of a program that reads what the charts did not take."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from fhir_alliance.settings.addresses import url
from fhir_alliance.settings.strict import FILLED, Strict
from fhir_alliance.settings.values import ReaderSettings

_SCOPE = re.compile(r"system/(QuestionnaireResponse|Observation|Task)\.(r|s|rs)")


class ReaderSchema(Strict):
    """One reader: who it is, by which keys it proves that, and what it may read of which EHR's patients."""

    client_id = fields.String(required=True, validate=validate.Regexp(r"\A[!-~]{1,200}\Z", error="is no client id"))
    ehr = fields.String(required=True, validate=FILLED)
    scopes = fields.String(required=True, validate=FILLED)
    jwks_file = fields.String(load_default=None, validate=FILLED)
    jwks_uri = fields.String(load_default=None, validate=url)
    allow_private = fields.Boolean(load_default=False)

    @validates_schema(skip_on_field_errors=True)
    def check(self, data: Mapping[str, Any], **_: Any) -> None:
        """Ask for one source of keys, and for scopes that say no more than reading these records."""
        faults: dict[str, list[str]] = {}
        if bool(data["jwks_file"]) == bool(data["jwks_uri"]):
            faults["jwks_file"] = ["a reader needs one of jwks_file and jwks_uri"]
        if any(not _SCOPE.fullmatch(scope) for scope in data["scopes"].split()):
            faults["scopes"] = [
                "may hold system/QuestionnaireResponse.rs, system/Observation.rs and system/Task.rs, or less"
            ]
        if faults:
            raise ValidationError(faults)


def build_readers(values: Mapping[str, dict[str, Any]], folder: Path) -> dict[str, ReaderSettings]:
    """Turn checked values into frozen objects; paths are relative to `folder`."""
    return {
        name: ReaderSettings(
            name=name,
            client_id=each["client_id"],
            ehr=each["ehr"],
            scopes=frozenset(each["scopes"].split()),
            jwks_file=folder / each["jwks_file"] if each["jwks_file"] else None,
            jwks_uri=each["jwks_uri"],
            allow_private=each["allow_private"],
        )
        for name, each in values.items()
    }


def reader_faults(readers: Mapping[str, Mapping[str, Any]], ehrs: Mapping[str, Any]) -> dict[str, dict[str, list[str]]]:
    """Return what is wrong between readers: an EHR that is not registered, a client id that two of them have."""
    ids = [each["client_id"] for each in readers.values()]
    faults: dict[str, dict[str, list[str]]] = {}
    for name, each in readers.items():
        if each["ehr"] not in ehrs:
            faults.setdefault(name, {})["ehr"] = ["names no EHR of this file"]
        if ids.count(each["client_id"]) > 1:
            faults.setdefault(name, {})["client_id"] = ["another reader has it too"]
    return faults
