"""A search over its pages: how far it goes, and what of it counts."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, Final
from urllib.parse import urljoin

from fhir_alliance.ehr.addresses import is_under
from fhir_alliance.errors import EhrError, EhrUnreachable

MAX_PAGES: Final = 20
MAX_ENTRIES: Final = 1000
Page = Callable[[str, Sequence[tuple[str, str]]], dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class SearchResult:
    """The matches of a search, each once; not `complete` when there may be more than could be read.

    `cut` says that there are more than are read at once: which ones came is up to the server.
    """

    resources: tuple[dict[str, Any], ...] = field(repr=False)
    complete: bool
    cut: bool = False

    @property
    def whole(self) -> bool:
        """Whether every match is here."""
        return self.complete and not self.cut

    def with_those_of(self, other: "SearchResult") -> "SearchResult":
        """Return what either search found, each once, the other's where both did; what this one lacks it still does."""
        found = {each["id"]: each for each in (*self.resources, *other.resources)}
        return replace(self, resources=tuple(found.values()))


def all_pages(page: Page, url: str, params: Sequence[tuple[str, str]], *, base: str, seconds: float) -> SearchResult:
    """Follow the `next` links of a search from `url` (ending in the resource type), while they stay under `base`.

    Raises EhrUnreachable or EhrError when a page is not a search result.
    """
    resource_type = url.rpartition("/")[2]
    until = time.monotonic() + seconds
    found: dict[str, dict[str, Any]] = {}
    visited: set[str] = set()
    here: str | None = url
    while here and here not in visited and is_under(here, base):
        visited.add(here)
        bundle = page(here, params)
        found.update((match["id"], match) for match in _matches(bundle, resource_type))
        here, params = _next(bundle, here), ()
        if len(visited) == MAX_PAGES or len(found) >= MAX_ENTRIES or time.monotonic() >= until:
            break
    complete = here is None and len(found) <= MAX_ENTRIES
    full = len(visited) == MAX_PAGES or len(found) >= MAX_ENTRIES
    return SearchResult(
        resources=tuple(islice(found.values(), MAX_ENTRIES)), complete=complete, cut=full and not complete
    )


def _matches(bundle: dict[str, Any], resource_type: str) -> list[dict[str, Any]]:
    """Return the matching resources of a page; included ones, outcomes and other types are left out."""
    if bundle["resourceType"] != "Bundle":
        raise EhrError("a search was answered by something else than a Bundle")
    entries = bundle.get("entry", [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise EhrUnreachable("malformed search result")
    resources = [entry.get("resource") for entry in entries if _mode(entry) == "match"]
    matches = [found for found in resources if isinstance(found, dict) and found.get("resourceType") == resource_type]
    if not all(isinstance(match.get("id"), str) for match in matches):
        raise EhrError("a search result without an id")
    return matches


def _mode(entry: dict[str, Any]) -> Any:
    """Return how an entry came into the page; many servers leave it out where there are only matches."""
    search = entry.get("search")
    return search.get("mode", "match") if isinstance(search, dict) else "match"


def _next(bundle: dict[str, Any], here: str) -> str | None:
    """Return the next page's address, "" when there is one that cannot be used, None after the last page."""
    links = bundle.get("link", [])
    if not isinstance(links, list):
        raise EhrUnreachable("malformed search result")
    urls = [link.get("url") for link in links if isinstance(link, dict) and link.get("relation") == "next"]
    if not urls:
        return None
    try:
        return urljoin(here, urls[0]) if isinstance(urls[0], str) else ""
    except ValueError:
        return ""
