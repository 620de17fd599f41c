"""Create, read (also old versions), update and search, each inside what the token allows; for REST and Bundles."""

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import parse_qsl

from smart_app.sandbox.fhir.access import Access, Within, allowed
from smart_app.sandbox.fhir.checks import check_references, check_resource, check_type, check_update
from smart_app.sandbox.fhir.outcomes import Forbidden, Malformed, MethodNotAllowed, NotFound, PreconditionFailed
from smart_app.sandbox.fhir.profiles import PROFILES, Profile
from smart_app.sandbox.fhir.query import Params, read_query
from smart_app.sandbox.fhir.related import Related
from smart_app.sandbox.fhir.searchset import searchset
from smart_app.sandbox.fhir.store import ResourceStore
from smart_app.sandbox.fhir.terms import Resource


@dataclass(frozen=True, kw_only=True)
class Call:
    """One interaction asked for: method and path below the base, and what came with it."""

    method: str
    path: tuple[str, ...]
    params: Params = ()
    resource: Resource | None = None
    if_none_exist: str | None = None
    if_match: str | None = None
    new_id: str | None = None
    strict: bool = False


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What came of a call: HTTP status and resource; `written` has a Location, not `shown` keeps the body back."""

    status: int
    resource: Resource
    written: bool = False
    shown: bool = True


class Interactions:
    """The interactions of one store, whose resources live below `fhir_base`; the profile says what may be written."""

    def __init__(self, store: ResourceStore, fhir_base: str, profile: Profile = PROFILES["generous"]) -> None:
        self.store = store
        self.fhir_base = fhir_base
        self.profile = profile
        self._handlers: dict[str, dict[str, Callable[[Access, Call], Reply]]] = {
            "type": {"GET": self._search, "POST": self._create},
            "instance": {"GET": self._read, "PUT": self._update},
            "version": {"GET": self._read_version},
        }

    def check_offered(self, call: Call) -> None:
        """Raise NotFound or MethodNotAllowed when no interaction answers to this method and path."""
        methods = self._handlers.get(_level(call.path))
        if not methods:
            raise NotFound("there is nothing at this address")
        check_type(call.path[0])
        if call.method not in methods:
            raise MethodNotAllowed(f"use {' or '.join(methods)} here", headers={"Allow": ", ".join(methods)})
        if call.method != "GET":
            self.profile.check_offered(call.path[0], update=call.method == "PUT")

    def perform(self, access: Access, call: Call, *, check: bool = True) -> Reply:
        """Do what a call asks for, all or nothing; `check` False leaves the references of what it wrote to the caller.

        Raises the FhirProblem that tells why not.
        """
        self.check_offered(call)
        with self.store.transaction():
            reply = self._handlers[_level(call.path)][call.method](access, call)
            if check:
                self.check_written(reply)
        return reply

    def location(self, resource: Resource) -> str:
        """Return the address of a stored resource's version."""
        return f"{self.fhir_base}/{resource['resourceType']}/{resource['id']}/_history/{resource['meta']['versionId']}"

    def check_written(self, reply: Reply) -> None:
        """Raise Unprocessable when what was written refers to a patient or encounter that does not exist."""
        if reply.written:
            check_references(reply.resource, self.store, self.fhir_base)

    def existing(self, access: Access, call: Call) -> Resource | None:
        """Return the one resource a conditional create matches, None for none; raise PreconditionFailed for several."""
        if call.if_none_exist is None or not self.profile.conditional:
            return None
        params = parse_qsl(call.if_none_exist.removeprefix("?"), keep_blank_values=True)
        query = read_query(call.path[0], params)
        if query.ignored or len(query.filters) != len(params) or not params:
            raise Malformed("a conditional create needs search parameters that this server offers for the type")
        page = self.store.search(call.path[0], params, within=allowed(access, call.path[0], "c"))
        if page.total > 1:
            raise PreconditionFailed("the condition matches more than one resource")
        return page.resources[0] if page.resources else None

    def _create(self, access: Access, call: Call) -> Reply:
        (resource_type,) = call.path
        within = allowed(access, resource_type, "c")
        resource = _body(call)
        check_resource(resource, resource_type)
        if (found := self.existing(access, call)) is not None:
            return Reply(status=200, resource=found, written=True, shown=self._readable(access, found))
        created = self.store.create(self._accepted(resource), new_id=call.new_id)
        self._check_within(created, within)
        return Reply(status=201, resource=created, written=True, shown=self.profile.body)

    def _read(self, access: Access, call: Call) -> Reply:
        resource_type, resource_id = call.path
        within = allowed(access, resource_type, "r")
        resource = self.store.read(resource_type, resource_id)
        if not self.store.matches(resource_type, resource_id, within):
            raise NotFound(f"there is no {resource_type} with this id")
        return Reply(status=200, resource=resource)

    def _read_version(self, access: Access, call: Call) -> Reply:
        """Read a version that the token reaches both as it was and as it is: a corrected mix-up stays closed."""
        resource_type, resource_id, _, version = call.path
        within = allowed(access, resource_type, "r")
        resource = self.store.read(resource_type, resource_id, version=version)
        if not all(self.store.matches(resource_type, resource_id, within, version=at) for at in (int(version), None)):
            raise NotFound(f"there is no {resource_type} with this id and version")
        return Reply(status=200, resource=resource)

    def _update(self, access: Access, call: Call) -> Reply:
        resource_type, resource_id = call.path
        within = allowed(access, resource_type, "u")
        resource = _body(call)
        check_update(resource, resource_type, resource_id)
        if self.profile.if_match and call.if_match is None:
            raise PreconditionFailed("send If-Match with the version that is to be replaced")
        seen = self.store.matches(resource_type, resource_id, within)
        stored, created = self.store.update(self._accepted(resource), if_match=call.if_match)
        if not (seen or created):
            raise Forbidden("the granted scopes do not reach this resource")
        self._check_within(stored, within)
        return Reply(status=201 if created else 200, resource=stored, written=True)

    def _search(self, access: Access, call: Call) -> Reply:
        (resource_type,) = call.path
        page = self.store.search(resource_type, call.params, within=allowed(access, resource_type, "s"))
        if call.strict and page.ignored:
            raise Malformed(f"not offered for {resource_type}: {', '.join(page.ignored)}")
        included = Related(self.store, access, self.fhir_base).of(page)
        return Reply(status=200, resource=searchset(resource_type, page, included, self.fhir_base))

    def _accepted(self, resource: Resource) -> Resource:
        def others(*params: tuple[str, str]) -> list[Resource]:
            return self.store.search(resource["resourceType"], params).resources

        return self.profile.accepted(resource, others)

    def _readable(self, access: Access, resource: Resource) -> bool:
        try:
            within = allowed(access, resource["resourceType"], "r")
        except Forbidden:
            return False
        return self.store.matches(resource["resourceType"], resource["id"], within)

    def _check_within(self, resource: Resource, within: Within) -> None:
        if not self.store.matches(resource["resourceType"], resource["id"], within):
            raise Forbidden("the granted scopes do not allow to write this resource")


def _level(path: tuple[str, ...]) -> str:
    """Return what a path names: a type, an instance, one version of it, or nothing ("")."""
    if len(path) == len(("Type", "id", "_history", "version")) and path[2] == "_history":
        return "version"
    return {1: "type", 2: "instance"}.get(len(path), "")


def _body(call: Call) -> Resource:
    if call.resource is None:
        raise Malformed("a resource is missing")
    return call.resource
