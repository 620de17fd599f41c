"""The launch context in a token response: which patient, which encounter, and how the EHR wants us to look."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fhir_alliance.ehr.addresses import address
from fhir_alliance.errors import LaunchError

_ID = re.compile(r"(?!\.{1,2}\Z)[A-Za-z0-9.-]{1,64}")  # FHIR id; anything else would lead to another path (T32)
_MAX_ITEMS = 50
_MAX_TEXT = 255
_TEXT = re.compile(r"[ -~]{1,2048}")  # appContext is anybody's text, and is compared, never shown
_LAUNCH = "launch"  # the role of an item that says none (S36)


@dataclass(frozen=True, kw_only=True)
class Context:
    """SMART App Launch 2.2, launch context parameters; absent ones are None, and no banner is assumed to be shown.

    `app_context` is what a CDS card or a task handed on (C04), empty when it cannot be a text of anybody's.
    """

    patient: str | None
    encounter: str | None
    need_patient_banner: bool
    style_url: str | None
    intent: str | None
    fhir_context: tuple[dict[str, Any], ...]
    app_context: str | None


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
        app_context=_app_context(values.get("appContext")),
    )


def named(fhir_context: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Yield what a launch names, as a canonical or a reference; items of another role are not meant (S36)."""
    for item in fhir_context:
        name = item.get("canonical") or item.get("reference")
        if item.get("role", _LAUNCH) == _LAUNCH and isinstance(name, str):
            yield name


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


def _app_context(value: Any) -> str | None:
    if value is None:
        return None
    return value if isinstance(value, str) and _TEXT.fullmatch(value) else ""


def _fhir_context(value: Any) -> tuple[dict[str, Any], ...]:
    """Read fhirContext, also in its form of version 2.0: plain texts, of which those with a version are canonicals."""
    items = value[:_MAX_ITEMS] if isinstance(value, list) else []
    objects = [{"canonical" if "|" in item else "reference": item} if isinstance(item, str) else item for item in items]
    return tuple(item for item in objects if isinstance(item, dict))
