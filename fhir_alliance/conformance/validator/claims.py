"""The profiles a resource claims in `meta.profile`, with the profiles they build on."""

from collections.abc import Iterator

from fhir_alliance.conformance.validator.definitions import Definitions
from fhir_alliance.conformance.validator.differential import differential_findings
from fhir_alliance.conformance.validator.findings import Finding, JsonObject, error, information
from fhir_alliance.conformance.validator.sdc import SDC_PROFILES
from fhir_alliance.conformance.validator.walking import Place
from fhir_alliance.records.rules import PROFILE_RULES
from fhir_alliance.terms import FHIR_EXTENSION


def claim_findings(place: Place, definitions: Definitions) -> Iterator[Finding]:
    """Yield where a resource breaks a profile it claims; information when a profile, or its base, is not known."""
    seen: set[str] = set()
    for index, claim in enumerate(place.resource.get("meta", {}).get("profile", [])):
        if claim:
            url = claim.partition("|")[0]
            yield from _claimed(f"{place.path}.meta.profile[{index}]", url, place, definitions, seen)


def _claimed(path: str, url: str, place: Place, definitions: Definitions, seen: set[str]) -> Iterator[Finding]:
    """Yield the findings of a profile and of those it builds on; those `seen` were applied already."""
    kind = place.resource["resourceType"]
    while url not in seen and not _is_base(url, definitions):
        seen.add(url)
        profile = _profile(url, definitions)
        rules = PROFILE_RULES.get(url, ())
        if profile is None and not rules:
            yield information(path, "profile", f"Not checked: the profile {url} is not known.")
            return
        for rule in rules:
            if not rule.holds(place.resource):
                yield error(f"{place.path}{rule.path}", rule.id, f"{url.rpartition('/')[2]}: {rule.sentence}.")
        if profile is None:
            return
        if profile.get("type") != kind:
            yield error(path, "profile", f"The profile {url} is for {profile.get('type')}.")
            return
        yield from differential_findings(place, profile, definitions)
        url = str(profile.get("baseDefinition", "")).partition("|")[0]


def _profile(url: str, definitions: Definitions) -> JsonObject | None:
    return definitions.profile(url) or SDC_PROFILES.get(url)


def _is_base(url: str, definitions: Definitions) -> bool:
    return url.removeprefix(f"{FHIR_EXTENSION}/") in definitions.resources
