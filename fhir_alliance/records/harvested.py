"""What tells one response of others from another: its version, its keys, who has answered, and who has scored it."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final
from uuid import NAMESPACE_URL, UUID, uuid5

from fhir_alliance.instruments.definition import Form
from fhir_alliance.instruments.words import Rater
from fhir_alliance.records.foreign import referred
from fhir_alliance.terms import OBSERVATION_IDENTIFIER, URN

RawResource = Mapping[str, Any]

_DELETED: Final = "deleted-after-"
_STAFF: Final = ("Practitioner/", "PractitionerRole/")


def version_of(response: RawResource) -> str:
    """Return which version of a response this is, by its `meta`; empty when the EHR does not say."""
    meta = response.get("meta")
    return str(meta.get("versionId") or meta.get("lastUpdated") or "") if isinstance(meta, dict) else ""


def deleted_after(version: str) -> str:
    """Return what stands for the version of a response that is deleted, by the last one that was scored."""
    return _DELETED + version


def is_deletion(version: str) -> bool:
    """Whether a version is not one in the chart, but stands for a response that is deleted."""
    return version.startswith(_DELETED)


def patient_of(response: RawResource) -> str | None:
    """Return the id of the patient that a response of any shape is about."""
    subject = response.get("subject")
    reference = str(subject.get("reference")) if isinstance(subject, dict) else ""
    return reference.removeprefix("Patient/") if reference.startswith("Patient/") else None


def named_key(response: RawResource) -> str:
    """Return the key that a response of ours carries, empty when it has another identifier, or none."""
    identifier = response.get("identifier")
    if not isinstance(identifier, dict) or identifier.get("system") != URN:
        return ""
    return str(identifier.get("value")).removeprefix("urn:uuid:")


def source_key(fhir_base: str, response_id: str) -> UUID:
    """Return the UUID that identifies the scores of one response: always the same for it, whatever its version."""
    return uuid5(NAMESPACE_URL, f"{fhir_base}/QuestionnaireResponse/{response_id}")


def version_key(source: UUID, version: str) -> str:
    """Return the submission key of one version of a response."""
    return str(uuid5(source, version))


def rater_fault(response: RawResource, form: Form) -> str:
    """Return why whoever answered is not the rater that a form asks, empty when nothing speaks against it.

    `source` is who answered, `author` who recorded (spec row Q30). Without a source FHIR R4 lets nobody infer one: then
    a patient's form is what its definition says, and a therapist's needs an author who is one. A relative's answers are
    another construct (Q31).
    """
    source, author = referred(response, "source"), referred(response, "author")
    if form.rater is Rater.THERAPIST:
        return "" if (source or author or "").startswith(_STAFF) else "a therapist's form, and no therapist answered it"
    patient = response["subject"]["reference"]
    if source in (patient, None) and not (author or "").startswith("RelatedPerson/"):
        return ""
    return "a patient's form, and somebody else answered it"


def is_by_others(
    observations: Iterable[RawResource], response_id: str, codes: Iterable[RawResource], *, own: Collection[str]
) -> bool:
    """Whether a response has scores with our codes already that are not our `own`, known by these identifiers.

    What was entered in error is none.
    """
    wanted = {(code["system"], code["code"]) for code in codes}
    return any(
        wanted & {(each.get("system"), each.get("code")) for each in observation["code"].get("coding", ())}
        and _derives(observation, response_id)
        and observation.get("status") != "entered-in-error"
        and not any(_is_own(each, own) for each in observation.get("identifier", ()))
        for observation in observations
    )


def _is_own(identifier: RawResource, own: Collection[str]) -> bool:
    return identifier.get("system") == OBSERVATION_IDENTIFIER and identifier.get("value") in own


def _derives(observation: RawResource, response_id: str) -> bool:
    derived = [str(each.get("reference", "")).partition("/_history/")[0] for each in observation.get("derivedFrom", ())]
    return f"QuestionnaireResponse/{response_id}" in derived
