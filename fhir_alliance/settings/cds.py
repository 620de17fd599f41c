"""What `alliance.toml` may say of an EHR that asks for CDS Hooks cards: who it is there, and by which keys (C07)."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from fhir_alliance.settings.addresses import origin, url
from fhir_alliance.settings.strict import FILLED, Strict

_TEXT = validate.Regexp(r"\A[!-~]{1,500}\Z", error="must be visible ASCII without blanks")


@dataclass(frozen=True, kw_only=True)
class CdsSettings:
    """Who asks for cards in an EHR: the `iss` of its tokens, and its public keys in a file or at the one `jku`.

    Without an `audience` a token must name the exact address that was called; with a `tenant` it must name that, too.
    Browser pages of the `browser_origins` may call, and no others.
    """

    name: str
    issuer: str
    jwks_file: Path | None = None
    jwks_uri: str | None = None
    allow_private: bool = False
    audience: str | None = None
    tenant: str | None = None
    browser_origins: tuple[str, ...] = ()


class CdsSchema(Strict):
    """`[ehr.NAME.cds]`; without it nobody is answered."""

    issuer = fields.String(required=True, validate=_TEXT)
    jwks_file = fields.String(load_default=None, validate=FILLED)
    jwks_uri = fields.String(load_default=None, validate=url)
    audience = fields.String(load_default=None, validate=_TEXT)
    tenant = fields.String(load_default=None, validate=_TEXT)
    browser_origins = fields.List(fields.String(validate=origin), load_default=list)

    @validates_schema(skip_on_field_errors=True)
    def check(self, data: Mapping[str, Any], **_: Any) -> None:
        """Ask for one source of keys."""
        if bool(data["jwks_file"]) == bool(data["jwks_uri"]):
            raise ValidationError("needs one of jwks_file and jwks_uri", "jwks_file")


def build_cds(values: dict[str, Any] | None, *, name: str, folder: Path, allow_private: bool) -> CdsSettings | None:
    """Turn checked values into the frozen object; paths are relative to `folder`."""
    if values is None:
        return None
    return CdsSettings(
        name=name,
        issuer=values["issuer"],
        jwks_file=folder / values["jwks_file"] if values["jwks_file"] else None,
        jwks_uri=values["jwks_uri"],
        allow_private=allow_private,
        audience=values["audience"],
        tenant=values["tenant"],
        browser_origins=tuple(values["browser_origins"]),
    )


def cds_faults(ehrs: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, list[str]]]:
    """Return what is wrong between EHRs: a token must be one of a single EHR, by its issuer."""
    issuers = {name: each["cds"]["issuer"] for name, each in ehrs.items() if each["cds"]}
    known = list(issuers.values())
    return {
        name: {"cds": ["another EHR has this issuer, too"]} for name, each in issuers.items() if known.count(each) > 1
    }
