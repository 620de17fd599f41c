"""A Patient resource as the few facts that are shown, and that must still hold when we write."""

from collections.abc import Mapping
from typing import Any

from fhir_alliance.records.submission import PatientShown

# FHIR R4 NameUse: the name in use comes before one that is only on paper, and an old one is never shown.
_NAME_ORDER = ("usual", "official", None, "nickname", "anonymous", "temp")
_MRN = "MR"
_LANGUAGES = "urn:ietf:bcp:47"


def read_patient(resource: Mapping[str, Any]) -> PatientShown:
    """Return the facts of a raw Patient; the medical record number comes first among its identifiers."""
    identifiers = [each for each in resource.get("identifier", []) if each.get("value")]
    identifiers.sort(key=lambda each: not _is_mrn(each))
    return PatientShown(
        id=str(resource["id"]),
        name=_name(resource.get("name", [])),
        birth_date=str(resource.get("birthDate", "")),
        identifiers=tuple((str(each.get("system", "")), str(each["value"])) for each in identifiers),
    )


def languages_of(resource: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the languages of a raw Patient or Practitioner, as primary tags of BCP 47, the preferred one first.

    R4 gives a Practitioner's as they are, a Patient's, and R5 both, beside whether they are preferred.
    """
    spoken = sorted(resource.get("communication", []), key=lambda each: not each.get("preferred"))
    codings = (coding for each in spoken for coding in each.get("language", each).get("coding", []))
    tags = (str(coding["code"]) for coding in codings if coding.get("system") == _LANGUAGES and coding.get("code"))
    return tuple(dict.fromkeys(tag.partition("-")[0].lower() for tag in tags))


def _is_mrn(identifier: Mapping[str, Any]) -> bool:
    return any(coding.get("code") == _MRN for coding in identifier.get("type", {}).get("coding", []))


def _name(names: list[Mapping[str, Any]]) -> str:
    for use in _NAME_ORDER:
        for name in names:
            if name.get("use") == use:
                return str(name.get("text") or " ".join(filter(None, [*name.get("given", []), name.get("family")])))
    return ""
