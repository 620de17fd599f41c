"""A long search in parts: an EHR that gives only so much is asked again, for a shorter time."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from fhir_alliance.ehr.fhir import FhirClient
from fhir_alliance.ehr.paging import SearchResult
from fhir_alliance.errors import FhirError, SignInNeeded
from fhir_alliance.trajectory.series import read_time

MAX_SEARCHES: Final = 64
"""How many searches one round makes at most; the next one goes on where it ended."""

_SHORTEST: Final = timedelta(seconds=1)
# A search parameter that is not known, or whose value is not liked.
_REFUSED: Final = frozenset({400, 422})

Window = tuple[datetime, datetime | None]
Search = Callable[[datetime, datetime | None], SearchResult]


def search_responses(
    client: FhirClient, canonicals: Iterator[str], since: datetime, before: datetime | None
) -> SearchResult:
    """Return the responses to some forms that an EHR has changed in a time, `before` None for up to now.

    Servers may ignore `questionnaire`, or refuse it (spec row Q33): then it has to be compared on our side.
    """
    named = ("questionnaire", ",".join(canonicals))
    window = [("_lastUpdated", f"ge{_text(since)}"), *([("_lastUpdated", f"lt{_text(before)}")] if before else [])]
    params = [*window, ("_count", "100")]
    try:
        return client.search("QuestionnaireResponse", [named, *params])
    except FhirError as error:
        if isinstance(error, SignInNeeded) or error.status not in _REFUSED:
            raise
        return client.search("QuestionnaireResponse", params)


def in_parts(
    search: Search, *, since: datetime, now: datetime
) -> Iterator[tuple[tuple[dict[str, Any], ...], datetime]]:
    """Yield what a search finds, oldest part first, each with the time up to which everything was seen.

    A part that the EHR did not give in full is halved, unless it gives what is older too: then it ignores the time. The
    last part has no end, as the EHR's clock may be ahead of ours.
    """
    waiting: list[Window] = [(since, None)]
    for _ in range(MAX_SEARCHES):
        if not waiting:
            return
        start, end = waiting.pop()
        found = search(start, end)
        length = (end or now) - start
        fitting = tuple(each for each in found.resources if _is_from(each, start))
        if found.complete or length <= _SHORTEST or len(fitting) < len(found.resources):
            yield fitting, end or now
        else:
            middle = start + length / 2
            waiting += [(middle, end), (start, middle)]


def _is_from(resource: dict[str, Any], start: datetime) -> bool:
    """Whether a resource was changed since then, as far as it says; a server may cut a second's fraction off."""
    meta = resource.get("meta")
    changed = read_time(meta.get("lastUpdated")) if isinstance(meta, dict) else None
    return changed is None or changed > start - _SHORTEST


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
