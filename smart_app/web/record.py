"""A patient's record as the EHR gives it: whole, or what of one that is too long can be known to be whole."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import partial
from typing import Any, Final, Literal

from fhir_alliance.ehr.fhir import FhirClient
from fhir_alliance.ehr.last_year import YEAR, search_patient
from fhir_alliance.ehr.paging import SearchResult
from fhir_alliance.ehr.scopes import allows
from fhir_alliance.errors import FhirError, SignInNeeded
from fhir_alliance.terms import OBSERVATION_CATEGORY

RawResource = Mapping[str, Any]
Read = Callable[[FhirClient], Any]
Code = tuple[str, str]

_SURVEYS: Final = ("category", f"{OBSERVATION_CATEGORY}|survey")
_NOTHING: Final = SearchResult(resources=(), complete=True)
_REFUSED: Final = SearchResult(resources=(), complete=False, cut=True)


@dataclass(frozen=True, kw_only=True)
class Record:
    """Visits, scores and responses; `cut` says that the first scores or visits may not be among them.

    `since` is the day from which on all is here where the record is cut, None where that is not known. Visits are
    `numbered` where all of them are here.
    """

    encounters: tuple[RawResource, ...]
    observations: tuple[RawResource, ...]
    responses: tuple[RawResource, ...]
    complete: bool
    cut: bool = False
    since: date | None = None
    numbered: bool = True


def read_record(
    patient: str,
    scopes: Collection[str],
    ask: Callable[[Sequence[Read]], list[SearchResult]],
    *,
    codes: Collection[Code],
    today: date,
) -> Record:
    """Return a patient's record; `ask` searches side by side, and `codes` are those of the scores that are shown.

    One that holds more than is read at once costs a second round trip: there the scores are asked for by their codes,
    and all that is of the last year. Where the first do not come whole either, the last year is all there is.
    """
    first = encounters, scores, responses = ask(_searches(patient, scopes))
    if not any(each.cut for each in first):
        return _record(encounters, scores, responses)
    last_year = today - YEAR
    more = [_scores(patient, _one_of(codes)), *_searches(patient, scopes, since=last_year)]
    by_code, *recent = ask([_if_known(each) for each in more])
    new_encounters, new_scores, new_responses = recent
    whole, responses = by_code if scores.cut else scores, responses.with_those_of(new_responses)
    if not encounters.cut and not whole.cut and (not scores.cut or _holds(by_code, scores, codes)):
        return _record(encounters, whole, responses)
    encounters = encounters.with_those_of(new_encounters)
    if any(each.cut for each in recent):
        return replace(_record(encounters, scores.with_those_of(new_scores), responses), cut=True)
    complete = all(each.complete for each in recent)
    return replace(_record(encounters, new_scores, new_responses), complete=complete, cut=True, since=last_year)


def if_allowed(scopes: Collection[str], kind: str, search: Callable[[FhirClient], SearchResult]) -> Read:
    """Return a search, or one that finds nothing where the granted scopes do not allow it (S25)."""
    return search if may(scopes, kind) else lambda _: _NOTHING


def may(scopes: Collection[str], kind: str, interaction: Literal["r", "s"] = "s") -> bool:
    """Whether the granted scopes let the app read or search resources of a kind."""
    return allows(scopes, kind, interaction, "user") or allows(scopes, kind, interaction, "patient")


def _searches(patient: str, scopes: Collection[str], *, since: date | None = None) -> list[Read]:
    def search(kind: str) -> Read:
        return if_allowed(scopes, kind, partial(search_patient, kind=kind, patient=patient, since=since))

    return [search("Encounter"), _scores(patient, since=since), search("QuestionnaireResponse")]


def _scores(patient: str, *more: tuple[str, str], since: date | None = None) -> Read:
    return lambda ehr: search_patient(ehr, "Observation", patient, _SURVEYS, *more, since=since)


def _if_known(search: Read) -> Read:
    """Return a search that finds nothing where the EHR refuses it: not every one knows each parameter."""

    def ask(ehr: FhirClient) -> SearchResult:
        try:
            found: SearchResult = search(ehr)
        except SignInNeeded:
            raise
        except FhirError:
            return _REFUSED
        return found

    return ask


def _one_of(codes: Iterable[Code]) -> tuple[str, str]:
    return "code", ",".join(f"{system}|{code}" for system, code in sorted(codes))


def _record(encounters: SearchResult, scores: SearchResult, responses: SearchResult) -> Record:
    return Record(
        encounters=encounters.resources,
        observations=scores.resources,
        responses=responses.resources,
        complete=encounters.complete and scores.complete and responses.complete,
        numbered=encounters.whole,
    )


def _holds(by_code: SearchResult, some: SearchResult, codes: Collection[Code]) -> bool:
    """Whether a search by codes found all that is known to bear one: not every server can search by a list of them."""
    found = {each["id"] for each in by_code.resources}
    return all(each["id"] in found for each in some.resources if any(code in codes for code in _codes(each)))


def _codes(observation: RawResource) -> Iterable[Code]:
    for each in observation.get("code", {}).get("coding", ()):
        yield str(each.get("system")), str(each.get("code"))
