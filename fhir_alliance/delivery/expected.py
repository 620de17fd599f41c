"""What a write-back bundle must leave in the chart, and the lesser bundles an EHR may accept instead."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

import orjson

Identifier = tuple[str, str]
Label = tuple[str, str]


@dataclass(frozen=True, kw_only=True)
class ExpectedObservation:
    """One Observation to read back: it has a value, or a reason for none, or (the panel) neither."""

    identifier: Identifier
    status: str
    value: Decimal | None
    absent_reason: str | None
    labels: frozenset[Label]


@dataclass(frozen=True, kw_only=True)
class Expected:
    """What must read back; references are relative, `authored` carries an offset.

    `since` is the earliest time in it: a correction is authored later than the scores it keeps the time of.
    """

    identifier: Identifier
    questionnaire: str
    status: str
    authored: datetime
    since: datetime
    subject: str
    encounter: str | None
    labels: frozenset[Label]
    observations: tuple[ExpectedObservation, ...]


def expected_of(bundle: bytes) -> Expected:
    """Read a write-back bundle of ours: one QuestionnaireResponse, and Observations that each have our identifier."""
    resources = [entry["resource"] for entry in orjson.loads(bundle)["entry"]]
    response = next(each for each in resources if each["resourceType"] == "QuestionnaireResponse")
    authored = datetime.fromisoformat(response["authored"])
    rated = [each["effectiveDateTime"] for each in resources if "effectiveDateTime" in each]
    return Expected(
        identifier=(response["identifier"]["system"], response["identifier"]["value"]),
        questionnaire=response["questionnaire"],
        status=response["status"],
        authored=authored,
        since=min([authored, *map(datetime.fromisoformat, rated)]),
        subject=response["subject"]["reference"],
        encounter=response.get("encounter", {}).get("reference"),
        labels=labels_of(response),
        observations=tuple(_observation(each) for each in resources if each["resourceType"] == "Observation"),
    )


def expected_scores(bundle: bytes) -> Expected:
    """Read a bundle of scores alone: of the response, which is somebody else's, nothing is expected."""
    scores = [entry["resource"] for entry in orjson.loads(bundle)["entry"]]
    rated = min(datetime.fromisoformat(each["effectiveDateTime"]) for each in scores)
    return Expected(
        identifier=("", ""),
        questionnaire="",
        status="",
        authored=rated,
        since=rated,
        subject=scores[0]["subject"]["reference"],
        encounter=scores[0].get("encounter", {}).get("reference"),
        labels=frozenset(),
        observations=tuple(map(_observation, scores)),
    )


def expected_document(document: Mapping[str, Any]) -> Expected:
    """Read a document of ours, which is no form: of scores nothing is expected."""
    at = datetime.fromisoformat(document["date"])
    visits: list[dict[str, str]] = document["context"].get("encounter", [])
    return Expected(
        identifier=identifiers_of(document)[0],
        questionnaire="",
        status=document["status"],
        authored=at,
        since=at,
        subject=document["subject"]["reference"],
        encounter=visits[0]["reference"] if visits else None,
        labels=labels_of(document),
        observations=(),
    )


def subjects_of(bundle: bytes) -> frozenset[str]:
    """Return whom the resources of a bundle are about, as far as they say so."""
    resources = [entry["resource"] for entry in orjson.loads(bundle)["entry"]]
    return frozenset(each["subject"]["reference"] for each in resources if "subject" in each)


def lesser(bundle: bytes, *, conditional: bool, provenance: bool) -> bytes:
    """Return the same transaction without its conditions, its Provenance, or both.

    For servers that refuse one or the other: sekmet-fhir 0.1.1 answers 400 to `ifNoneExist` on parameters it does not
    index. Without conditions only a reconcile that found nothing keeps a repeat harmless.
    """
    if conditional and provenance:
        return bundle
    value = orjson.loads(bundle)
    kept = [entry for entry in value["entry"] if provenance or entry["resource"]["resourceType"] != "Provenance"]
    if not conditional:
        kept = [{**entry, "request": _unconditional(entry["request"])} for entry in kept]
    return orjson.dumps({**value, "entry": kept})


def has_provenance(bundle: bytes) -> bool:
    """Whether a write-back bundle says who made it."""
    return any(entry["resource"]["resourceType"] == "Provenance" for entry in orjson.loads(bundle)["entry"])


def identifiers_of(resource: Mapping[str, Any]) -> tuple[Identifier, ...]:
    """Return the identifiers of a resource as (system, value); a response has one, others have a list."""
    identifiers = resource.get("identifier") or []
    several = identifiers if isinstance(identifiers, list) else [identifiers]
    return tuple((each.get("system", ""), each.get("value", "")) for each in several)


def labels_of(resource: Mapping[str, Any]) -> frozenset[Label]:
    """Return the security labels of a resource as (system, code)."""
    return frozenset((each["system"], each["code"]) for each in resource.get("meta", {}).get("security", ()))


def value_of(observation: Mapping[str, Any]) -> Decimal | None:
    """Return the Quantity's number as written in the JSON, None when there is none."""
    quantity = observation.get("valueQuantity")
    return None if quantity is None else Decimal(str(quantity["value"]))


def absent_reason_of(observation: Mapping[str, Any]) -> str | None:
    """Return the code of the first coding of dataAbsentReason, None when there is none."""
    reason = observation.get("dataAbsentReason")
    return None if reason is None else str(reason["coding"][0]["code"])


def _unconditional(request: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in request.items() if name != "ifNoneExist"}


def _observation(resource: Mapping[str, Any]) -> ExpectedObservation:
    identifier = resource["identifier"][0]
    return ExpectedObservation(
        identifier=(identifier["system"], identifier["value"]),
        status=resource["status"],
        value=value_of(resource),
        absent_reason=absent_reason_of(resource),
        labels=labels_of(resource),
    )
