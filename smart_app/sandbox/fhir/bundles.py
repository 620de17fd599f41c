"""Batches, whose entries stand alone, and transactions, which happen together or not at all."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, unquote
from uuid import uuid4

from smart_app.sandbox.fhir.access import Access
from smart_app.sandbox.fhir.checks import references
from smart_app.sandbox.fhir.interactions import Call, Interactions, Reply
from smart_app.sandbox.fhir.outcomes import FhirProblem, Malformed, Unprocessable
from smart_app.sandbox.fhir.terms import Resource
from smart_app.sandbox.fhir.versions import etag

_ORDER = ("POST", "PUT", "GET")


def process_bundle(server: Interactions, access: Access, bundle: Resource, *, show: bool) -> Resource:
    """Carry out a batch or transaction and return its response Bundle; `show` adds the resources that were written.

    Raises the FhirProblem of the first entry that fails in a transaction, after rolling everything back.
    """
    if bundle.get("resourceType") != "Bundle" or bundle.get("type") not in ("batch", "transaction"):
        raise Unprocessable("post a Bundle of type batch or transaction here")
    entries = bundle.get("entry", [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise Malformed("Bundle.entry must be a list of objects", expression="Bundle.entry")
    run = _transaction if bundle["type"] == "transaction" else _batch
    answers = run(server, access, entries, show)
    response: Resource = {"resourceType": "Bundle", "type": f"{bundle['type']}-response"}
    return {**response, "entry": answers} if answers else response


def pending(response: Resource) -> Resource:
    """Return a response Bundle that says of every write only that it waits for review."""
    waiting = {"response": {"status": _status(HTTPStatus.ACCEPTED)}}
    entries = [waiting if "location" in entry["response"] else entry for entry in response.get("entry", [])]
    return {**response, "entry": entries}


def _batch(server: Interactions, access: Access, entries: list[Any], show: bool) -> list[Resource]:
    answers = []
    for index, entry in enumerate(entries):
        try:
            with _located(index):
                reply = server.perform(access, _call(server, entry))
            answers.append(_answer(server, reply, show))
        except FhirProblem as problem:
            answers.append({"response": {"status": _status(problem.status), "outcome": problem.outcome()}})
    return answers


def _transaction(server: Interactions, access: Access, entries: list[Any], show: bool) -> list[Resource]:
    with server.store.transaction():
        calls = _planned(server, access, entries)
        replies: dict[int, Reply] = {}
        for index in sorted(range(len(calls)), key=lambda place: _ORDER.index(calls[place].method)):
            with _located(index):
                replies[index] = server.perform(access, calls[index], check=False)
        for index, reply in replies.items():
            with _located(index):
                server.check_written(reply)
        return [_answer(server, replies[index], show) for index in range(len(calls))]


def _planned(server: Interactions, access: Access, entries: list[Any]) -> list[Call]:
    """Return the calls of a transaction, ids given out and references between entries resolved."""
    calls: list[Call] = []
    places: dict[str, str] = {}
    targets: set[tuple[str, ...]] = set()
    for index, entry in enumerate(entries):
        with _located(index):
            call = _call(server, entry)
            server.check_offered(call)
            _check_distinct(targets, _targets(call))
            call, place = _settled(server, access, call)
            if "fullUrl" in entry and call.method != "GET":
                places[str(entry["fullUrl"])] = place
            calls.append(call)
    for call in calls:
        for node in references(call.resource):
            node["reference"] = places.get(node["reference"], node["reference"])
    return calls


def _settled(server: Interactions, access: Access, call: Call) -> tuple[Call, str]:
    """Return the call with its condition decided and its id given out, and the reference it will answer to."""
    if call.method != "POST":
        return call, "/".join(call.path)
    if found := server.existing(access, call):
        return call, f"{call.path[0]}/{found['id']}"
    settled = replace(call, if_none_exist=None, new_id=str(uuid4()))
    return settled, f"{call.path[0]}/{settled.new_id}"


def _targets(call: Call) -> tuple[str, ...] | None:
    """Return what only one entry of a transaction may write: a resource, or the match of a condition."""
    if call.method == "PUT":
        return call.path
    return (*call.path, "?", call.if_none_exist) if call.if_none_exist else None


def _check_distinct(seen: set[tuple[str, ...]], target: tuple[str, ...] | None) -> None:
    if target in seen:
        raise Malformed("two entries of a transaction may not write the same resource")
    if target:
        seen.add(target)


def _call(server: Interactions, entry: dict[str, Any]) -> Call:
    request = entry.get("request")
    if not isinstance(request, dict) or not {"method", "url"} <= request.keys():
        raise Malformed("each entry needs request.method and request.url")
    if not all(isinstance(value, str) for value in request.values()):
        raise Malformed("everything in an entry's request is a string")
    path, _, query = request["url"].removeprefix(f"{server.fhir_base}/").partition("?")
    resource = entry.get("resource")
    if not isinstance(resource, dict | None):
        raise Malformed("an entry's resource must be an object")
    return Call(
        method=request["method"],
        path=tuple(unquote(part) for part in path.strip("/").split("/")),
        params=tuple(parse_qsl(query, keep_blank_values=True)),
        resource=resource,
        if_none_exist=request.get("ifNoneExist"),
        if_match=request.get("ifMatch"),
    )


def _answer(server: Interactions, reply: Reply, show: bool) -> Resource:
    response: dict[str, Any] = {"status": _status(reply.status)}
    meta = reply.resource.get("meta", {})
    if reply.written:
        response["location"] = server.location(reply.resource)
    if "versionId" in meta:
        response |= {"etag": etag(reply.resource), "lastModified": meta["lastUpdated"]}
    visible = reply.shown and (show or not reply.written)
    return {"resource": reply.resource, "response": response} if visible else {"response": response}


def _status(code: int) -> str:
    return f"{code} {HTTPStatus(code).phrase}"


@contextmanager
def _located(index: int) -> Iterator[None]:
    try:
        yield
    except FhirProblem as problem:
        raise problem.within(f"Bundle.entry[{index}]") from None
