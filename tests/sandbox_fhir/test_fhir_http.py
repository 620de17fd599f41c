"""Tokens, formats, methods and limits around the interactions."""

from collections.abc import Callable

import pytest
from flask import Flask

from smart_app.sandbox.fhir.store import ResourceStore

from .conftest import Caller, problem


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/Patient/nobody", 404),
        ("GET", "/Starship", 404),
        ("GET", "/Starship/1", 404),
        ("GET", "/Patient/ada/_history", 404),
        ("GET", "/Patient/ada/history/1", 404),
        ("GET", "/Starship/1/_history/1", 404),
        ("PUT", "/Patient/ada/_history/1", 405),
        ("DELETE", "/Patient/ada/_history/1", 405),
        ("DELETE", "/Patient/ada", 405),
        ("PATCH", "/Patient/ada", 405),
        ("DELETE", "/Patient", 405),
        ("PUT", "/Patient", 405),
        ("POST", "/Patient/ada", 405),
        ("GET", "", 405),
        ("GET", "/", 405),
    ],
)
def test_unknown_and_unoffered(ehr: Caller, method: str, path: str, status: int) -> None:
    """What is not there is 404, what is not offered is 405 with the methods that are."""
    response = ehr.send(method, path)

    assert problem(response)[0] == status
    assert ("Allow" in response.headers) == (status == 405)


@pytest.mark.parametrize(
    ("headers", "path", "status"),
    [
        ({"Accept": "application/fhir+xml"}, "/Patient/ada", 406),
        ({}, "/Patient/ada?_format=xml", 406),
        ({"Accept": "text/html,*/*;q=0.1"}, "/Patient/ada", 200),
        ({"Accept": "application/json"}, "/Patient/ada?_format=json", 200),
    ],
)
def test_only_json_is_spoken(ehr: Caller, headers: dict[str, str], path: str, status: int) -> None:
    """A client that insists on XML is told 406."""
    assert ehr.get(path, **headers).status_code == status


@pytest.mark.parametrize("path", ["", "/Patient", "/Patient/_search"])
def test_other_bodies_are_unsupported(ehr: Caller, path: str) -> None:
    """A body in another format is 415."""
    response = ehr.post(path, b"<Patient/>", Content_Type="application/fhir+xml")

    assert problem(response) == (415, "not-supported")


def test_body_over_the_limit(ehr: Caller) -> None:
    """A body above 1 MiB is 413 before it is read."""
    response = ehr.post("/Patient", b" " * (2**20 + 1))

    assert problem(response) == (413, "too-long")


def test_bad_etag_is_refused(ehr: Caller) -> None:
    """An If-Match that is no ETag is 400."""
    response = ehr.put("/Patient/ada", {"resourceType": "Patient", "id": "ada"}, If_Match="latest")

    assert problem(response) == (400, "invalid")


def test_head_is_get_without_body(ehr: Caller) -> None:
    """HEAD has the headers of a read."""
    response = ehr.send("HEAD", "/Patient/ada")

    assert (response.status_code, response.data) == (200, b"")
    assert response.headers["ETag"] == 'W/"1"'


@pytest.mark.parametrize(
    ("authorization", "challenge"),
    [
        (None, 'Bearer realm="fhir"'),
        ("Basic YTpi", 'Bearer realm="fhir"'),
        ("Bearer ", 'Bearer realm="fhir"'),
        ("Bearer old", 'Bearer realm="fhir", error="invalid_token"'),
    ],
)
@pytest.mark.parametrize("path", ["/Patient/ada", "/Starship", ""])
def test_no_token_no_answer(app: Flask, authorization: str | None, challenge: str, path: str) -> None:
    """Everything but /metadata needs a live token, whatever is behind the address."""
    headers = {"Authorization": authorization} if authorization else {}

    response = Caller(app, None).get(path, **headers)

    assert problem(response) == (401, "login")
    assert response.headers["WWW-Authenticate"] == challenge


def test_failure_inside_is_an_outcome_too(app: Flask, ehr: Caller, store: ResourceStore) -> None:
    """When the database is gone the answer is still an OperationOutcome, and says nothing of the inside."""
    store.close()

    response = ehr.get("/Patient/ada")

    assert problem(response) == (500, "exception")
    assert "sqlite" not in response.text.lower()


def test_calls_are_logged(app: Flask, caller: Callable[..., Caller]) -> None:
    """The log has method, path with query, status and client of each call."""
    caller("user/Patient.r").get("/Patient/ada?_format=json")
    Caller(app, None).get("/metadata")
    app.test_client().get("/elsewhere")

    assert list(app.extensions["sandbox_log"]) == [
        ("GET", "/fhir/Patient/ada?_format=json", 200, "app"),
        ("GET", "/fhir/metadata", 200, None),
    ]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("OPTIONS", "/Patient/ada", 200),
        ("OPTIONS", "", 200),
        ("GET", "/metadata", 200),
        ("GET", "/Patient/ada", 200),
        ("GET", "/Patient/nobody", 404),
    ],
)
def test_apps_in_a_browser_may_call(ehr: Caller, method: str, path: str, status: int) -> None:
    """Answers, refusals and preflights are open to apps of other origins, as public clients need it."""
    response = ehr.send(method, path, Origin="https://app.example.invalid")

    assert response.status_code == status
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert {"Authorization", "If-Match"} <= set(response.headers["Access-Control-Allow-Headers"].split(", "))
    assert "ETag" in response.headers["Access-Control-Expose-Headers"]


def test_a_preflight_needs_no_token(app: Flask) -> None:
    """A browser sends none with it; the call itself still needs one."""
    stranger = Caller(app, None)

    asked, called = stranger.send("OPTIONS", "/Patient/ada"), stranger.send("GET", "/Patient/ada")

    assert (asked.status_code, called.status_code) == (200, 401)
    assert called.headers["Access-Control-Allow-Origin"] == "*"
