"""What an EHR asks when a chart is opened or a visit begins: read leniently, used sparingly (C02, C05, C06)."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from marshmallow import EXCLUDE, Schema, ValidationError, fields, validate

from fhir_alliance.errors import AllianceError
from fhir_alliance.strict_json import strict_json

_ID: Final = r"[A-Za-z0-9\-.]{1,64}"
_USER: Final = validate.Regexp(rf"\A(Practitioner|PractitionerRole|Patient|RelatedPerson|Person)/{_ID}\Z")
_PLAIN_ID: Final = validate.Regexp(rf"\A{_ID}\Z")
_SHORT: Final = validate.Length(min=1, max=255)


class BadHook(AllianceError):
    """A request that is not one of CDS Hooks; the detail names the field, never what it held."""

    code = "cards.request"
    http_status = 400
    sentence = "This is not a request of CDS Hooks 2.0 for this service."


class Hook(StrEnum):
    """The moments at which cards are given; each is also the id of its service."""

    PATIENT_VIEW = "patient-view"
    ENCOUNTER_START = "encounter-start"
    APPOINTMENT_BOOK = "appointment-book"


@dataclass(frozen=True, kw_only=True)
class Asked:
    """Whose chart is open, and who sees it: `user` is a reference, `patient` and `encounter` are ids.

    `mixed` says that data of another patient came along. A token that came along is not kept.
    """

    user: str
    patient: str
    encounter: str | None
    fhir_server: str | None
    mixed: bool


class _Lenient(Schema):
    class Meta:
        """What marshmallow reads: an EHR may say more than we know (L17)."""

        unknown = EXCLUDE


class _Context(_Lenient):
    user = fields.String(data_key="userId", required=True, validate=_USER)
    patient = fields.String(data_key="patientId", required=True, validate=_PLAIN_ID)
    encounter = fields.String(data_key="encounterId", load_default=None, allow_none=True, validate=_PLAIN_ID)
    appointments = fields.Raw(load_default=None, allow_none=True)


class _Request(_Lenient):
    hook = fields.String(required=True, validate=_SHORT)
    instance = fields.String(data_key="hookInstance", required=True, validate=_SHORT)
    context = fields.Nested(_Context, required=True)
    fhir_server = fields.String(
        data_key="fhirServer", load_default=None, allow_none=True, validate=validate.Length(max=2048)
    )
    prefetch = fields.Dict(load_default=None, allow_none=True)


def read_asked(hook: Hook, body: bytes) -> Asked:
    """Read the body of a call to the service of a hook; raises BadHook."""
    try:
        read = _Request().load(strict_json(body))
    except ValidationError as error:
        raise BadHook(f"fields: {' '.join(sorted(map(str, error.messages)))}") from None
    except ValueError:
        raise BadHook("not JSON") from None
    context = read["context"]
    if read["hook"] != hook:
        raise BadHook("fields: hook")
    if hook is Hook.ENCOUNTER_START and not context["encounter"]:
        raise BadHook("fields: context.encounterId")
    if hook is Hook.APPOINTMENT_BOOK and not isinstance(context["appointments"], dict | list):
        raise BadHook("fields: context.appointments")
    # A Bundle of those that are proposed, or as EHRs of earlier text send it a list.
    booked = context["appointments"]
    sent = [*(read["prefetch"] or {}).values(), *(booked if isinstance(booked, list) else [booked])]
    return Asked(
        user=context["user"],
        patient=context["patient"],
        encounter=context["encounter"],
        fhir_server=read["fhir_server"],
        mixed=any(_is_of_other(each, context["patient"]) for each in _resources(sent)),
    )


def _resources(sent: Iterable[Any]) -> Iterator[Mapping[str, Any]]:
    """Yield what was sent along: single resources, and those inside of Bundles; anything else is no data (C05)."""
    for value in sent:
        if isinstance(value, dict):
            yield value
            entries = value.get("entry")
            inside = (each.get("resource") for each in _listed(entries) if isinstance(each, dict))
            yield from (each for each in inside if isinstance(each, dict))


def _is_of_other(resource: Mapping[str, Any], patient: str) -> bool:
    """Whether a resource is another patient, or about one (T80)."""
    if resource.get("resourceType") == "Patient":
        return resource.get("id") != patient
    actors = (each.get("actor") for each in _listed(resource.get("participant")) if isinstance(each, dict))
    about = (*(resource.get(name) for name in ("subject", "patient")), *actors)
    references = [str(each.get("reference", "")) for each in about if isinstance(each, dict)]
    return any("Patient/" in each and each.rpartition("Patient/")[2].split("/")[0] != patient for each in references)


def _listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
