"""The resources a page of matches brings along, each inside what the token allows for its own type."""

from collections.abc import Iterator, Sequence

from smart_app.sandbox.fhir.access import Access, allowed
from smart_app.sandbox.fhir.includes import Include
from smart_app.sandbox.fhir.outcomes import Forbidden
from smart_app.sandbox.fhir.query import LARGEST_PAGE, Params
from smart_app.sandbox.fhir.store import ResourceStore, SearchPage
from smart_app.sandbox.fhir.terms import Resource, values_of

_AT_ONCE = 200
"""Values in one search, well below the deepest expression SQLite takes."""


class Related:
    """Follows the references of one store for one token: to read what they name, to search for who names a match."""

    def __init__(self, store: ResourceStore, access: Access, fhir_base: str) -> None:
        self._store = store
        self._access = access
        self._fhir_base = fhir_base

    def of(self, page: SearchPage) -> list[Resource]:
        """Return what the page's includes bring, each once and no match again; what the token may not see is left out.

        Included resources are current, also on later pages.
        """
        matches = {(match["resourceType"], match["id"]) for match in page.resources}
        found = {
            (resource["resourceType"], resource["id"]): resource
            for include in page.includes
            for resource in (self._naming if include.reverse else self._named)(include, page.resources)
        }
        return [resource for key, resource in found.items() if key not in matches]

    def _named(self, include: Include, matches: Sequence[Resource]) -> Iterator[Resource]:
        named: dict[str, dict[str, None]] = {}
        for match in matches:
            for kind, key, *_ in values_of(match, include.parameter, self._fhir_base):
                if kind in include.targets and key:
                    named.setdefault(kind, {})[key] = None
        for kind, keys in named.items():
            yield from self._found(kind, "r", "_id", list(keys))

    def _naming(self, include: Include, matches: Sequence[Resource]) -> Iterator[Resource]:
        references = [f"{match['resourceType']}/{match['id']}" for match in matches]
        yield from self._found(include.source, "s", include.parameter, references)

    def _found(self, resource_type: str, permission: str, parameter: str, values: Sequence[str]) -> Iterator[Resource]:
        try:
            within = allowed(self._access, resource_type, permission)
        except Forbidden:
            return
        for start in range(0, len(values), _AT_ONCE):
            some = ",".join(values[start : start + _AT_ONCE])
            wanted: Params | None = ((parameter, some), ("_count", str(LARGEST_PAGE)))
            while wanted:
                page = self._store.search(resource_type, wanted, within=within)
                yield from page.resources
                wanted = page.next
