"""The launch context in a token response: which patient, which encounter, and how the EHR wants us to look."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fhir_alliance.ehr.addresses import address
from fhir_alliance.errors import LaunchError

_ID = re.compile(r"(?!\.{1,2}\Z)[A-Za-z0-9.-]{1,64}")  # FHIR id; anything else would lead to another path (T32)
_MAX_ITEMS = 50
_MAX_TEXT = 255


@dataclass(frozen=True, kw_only=True)
class Context:
    """SMART App Launch 2.2, launch context parameters; absent ones are None, and no banner is assumed to be shown."""

    patient: str | None
    encounter: str | None
    need_patient_banner: bool
    style_url: str | None
    intent: str | None
    fhir_context: tuple[dict[str, Any], ...]


def read_context(values: Mapping[str, Any]) -> Context:
    """Read the context of a token response; raises LaunchError when patient or encounter is not a FHIR id.

    What only concerns the looks is left out when it is odd.
    """
    return Context(
        patient=_id(values, "patient"),
        encounter=_id(values, "encounter"),
        need_patient_banner=values.get("need_patient_banner") is not False,
        style_url=_style_url(values.get("smart_style_url")),
        intent=_intent(values.get("intent")),
        fhir_context=_fhir_context(values.get("fhirContext")),
    )


def _id(values: Mapping[str, Any], name: str) -> str | None:
    value = values.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or not _ID.fullmatch(value):
        raise LaunchError(f"token response: {name}")
    return value


def _style_url(value: Any) -> str | None:
    return value if isinstance(value, str) and address(value) else None


def _intent(value: Any) -> str | None:
    return value if isinstance(value, str) and 1 <= len(value) <= _MAX_TEXT else None


def _fhir_context(value: Any) -> tuple[dict[str, Any], ...]:
    """Read fhirContext, also in its form of version 2.0: plain texts, of which those with a version are canonicals."""
    items = value[:_MAX_ITEMS] if isinstance(value, list) else []
    objects = [{"canonical" if "|" in item else "reference": item} if isinstance(item, str) else item for item in items]
    return tuple(item for item in objects if isinstance(item, dict))
