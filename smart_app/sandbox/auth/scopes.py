"""SMART scopes, v2 and v1: which of the requested ones a client is granted, and what they mean in words."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from smart_app.sandbox.fhir.access import V1_LETTERS

REFRESH = ("online_access", "offline_access")
SUPPORTED = (
    "openid", "fhirUser", "launch", "launch/patient", *REFRESH,
    *(f"{level}/*.{acts}" for level in ("patient", "user", "system") for acts in ("cruds", "read", "write", "*")),
)  # fmt: skip
_RESOURCE = re.compile(
    r"(patient|user|system)/(\*|[A-Z][A-Za-z]+)\.(?:(read|write|\*)|((?=[cruds])c?r?u?d?s?)(?:\?(.+))?)"
)

_VERBS = {"c": "add", "r": "see", "u": "change", "d": "delete", "s": "search"}
_THINGS = {
    "Patient": "personal details", "Encounter": "visits", "Questionnaire": "questionnaires",
    "QuestionnaireResponse": "questionnaire answers", "Observation": "results", "DocumentReference": "notes",
    "Provenance": "records of who entered what", "Practitioner": "details of clinicians",
    "PractitionerRole": "roles of clinicians", "*": "everything in the record",
}  # fmt: skip
_OWNERS = {"patient": "of this patient", "user": "that you can reach in this EHR"}
_WORDS = {
    "openid": "Know that it is you",
    "fhirUser": "Know your role: patient or clinician",
    "launch/patient": "Know which patient is chosen",
    "online_access": "Stay connected while you are signed in",
    "offline_access": "Stay connected after you leave",
}


@dataclass(frozen=True, kw_only=True)
class ResourceScope:
    """One scope such as "user/Observation.rs?category=survey", taken apart; `word` is v1's "read", "write" or "*"."""

    level: str
    resource_type: str
    letters: str
    filter: str | None = None
    word: str | None = None

    def __str__(self) -> str:
        """Write the scope in the grammar it came in; v1 cannot say less than its word, so a narrowed one is v2."""
        if self.word and not self.filter and self.letters == V1_LETTERS[self.word]:
            return f"{self.level}/{self.resource_type}.{self.word}"
        tail = f"?{self.filter}" if self.filter else ""
        return f"{self.level}/{self.resource_type}.{self.letters}{tail}"

    def within(self, limit: "ResourceScope") -> "ResourceScope | None":
        """Return what of this scope `limit` allows, None when nothing."""
        letters = "".join(letter for letter in self.letters if letter in limit.letters)
        types = {self.resource_type, limit.resource_type} - {"*"} or {"*"}
        filters = {self.filter, limit.filter} - {None} or {None}
        if self.level != limit.level or not letters or len(types) > 1 or len(filters) > 1:
            return None
        return replace(self, letters=letters, resource_type=types.pop(), filter=filters.pop())


def parse(scope: str) -> ResourceScope | None:
    """Take a resource scope apart; None for any other scope (`openid`, nonsense)."""
    match = _RESOURCE.fullmatch(scope)
    if match is None:
        return None
    level, resource_type, word, letters, limit = match.groups()
    return ResourceScope(
        level=level, resource_type=resource_type, letters=letters or V1_LETTERS[word], filter=limit, word=word
    )


def negotiate(requested: str, registered: str, *, special: Iterable[str], levels: Iterable[str]) -> tuple[str, ...]:
    """Return what of `requested` is granted, in its order, without repeats.

    `registered` is the client's most; `special` (launch and identity scopes) and `levels` ("patient", "user",
    "system") are what the kind of launch allows. A wider request is narrowed to the registered scopes
    (SMART App Launch 2.2, scopes: "granted may be fewer").
    """
    limits = [limit for limit in map(parse, registered.split()) if limit and limit.level in set(levels)]
    names = set(special) & set(registered.split())
    granted: dict[str, None] = {}
    for scope in requested.split():
        wanted = parse(scope)
        if wanted:
            granted.update(dict.fromkeys(str(part) for part in map(wanted.within, limits) if part))
        elif scope in names:
            granted[scope] = None
    return tuple(granted)


def has_filtered_write(requested: str) -> bool:
    """Return whether a scope that allows adding, changing or deleting is narrowed by a filter."""
    parts = [part for part in map(parse, requested.split()) if part]
    return any(part.filter and set(part.letters) & set("cud") for part in parts)


def in_words(scopes: Iterable[str]) -> list[str]:
    """Say what each granted scope lets an app do, for the consent page."""
    return [_sentence(scope) for scope in scopes]


def _sentence(scope: str) -> str:
    resource = parse(scope)
    if resource is None:
        return _WORDS.get(scope, scope)
    verbs = [_VERBS[letter] for letter in resource.letters]
    listed = " and ".join(filter(None, [", ".join(verbs[:-1]), verbs[-1]])).capitalize()
    thing = _THINGS.get(resource.resource_type, resource.resource_type)
    only = f" (only {resource.filter.split('|')[-1]})" if resource.filter else ""
    return f"{listed} {thing}{only} {_OWNERS.get(resource.level, '')}".strip()
