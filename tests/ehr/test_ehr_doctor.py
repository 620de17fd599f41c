"""`fhir-alliance doctor`: what each kind of EHR says, and what a site learns from it."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner
from werkzeug.serving import make_server

from fhir_alliance.ehr.capabilities import capability_rows
from smart_app.cli import main
from smart_app.demo.run import free_port
from smart_app.demo.site import write_site
from smart_app.sandbox.app import create_sandbox
from smart_app.sandbox.config import read_config

if TYPE_CHECKING:
    from tests.ehr.conftest import FakeEhr


@pytest.fixture
def asked(tmp_path: Path) -> Iterator[Callable[[str], str]]:
    """Return what doctor says of a sandbox EHR of one kind."""
    with ExitStack() as stack:

        def ask(profile: str) -> str:
            port = free_port(0)
            site = write_site(tmp_path, ehr_port=port, app_port=2, profile=profile)
            app = create_sandbox(read_config(site.sandbox))
            server = make_server("127.0.0.1", port, app, threaded=True)
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
            thread.start()
            for end in (app.extensions["sandbox_store"].close, server.server_close, thread.join, server.shutdown):
                stack.callback(end)
            result = CliRunner().invoke(main, ["doctor", "--ehr", "harbor", "--settings", str(site.settings)])
            assert result.exit_code == 0, result.output
            return result.output

        yield ask


@pytest.mark.parametrize(
    ("profile", "told"),
    [
        ("generous", ("answers and scores", "forms can be published", "system/Questionnaire.crus")),
        ("read-only-questionnaires", ("forms cannot be published: their addresses resolve nowhere",)),
        ("flowsheet", ("answers and scores", "this version cannot write without it", "no note can be written")),
        ("lab-and-vitals-only", ("scores only", "answers cannot be written")),
        ("notes-only", ("only a note can be written", "scores cannot be written as Observations")),
        ("fire-hose", ("answers and scores",)),
        ("legacy", ("launches are refused by this app", "may not be understood")),
    ],
)
def test_each_kind_of_ehr(asked: Callable[[str], str], profile: str, told: tuple[str, ...]) -> None:
    """The table says what follows, and that only a real write confirms it: flowsheet claims more than it does."""
    output = asked(profile)

    assert [each for each in told if each not in output] == []
    assert "only a real write confirms it" in output


@pytest.mark.parametrize("odd", [None, [], {}, {"rest": 7, "capabilities": {}}, {"rest": [7, {"mode": "server"}]}])
def test_odd_statements_say_nothing(odd: Any) -> None:
    """Whatever is not understood counts as not stated."""
    rows = {row.what: row for row in capability_rows(odd, odd, frozenset({"system/\x1b.r"}))}

    assert rows["what the EHR leaves open"].follows == "nothing: answers are kept here"
    assert rows["scopes granted to the backend client"].says == "none"
    assert {row.says for row in rows.values()} == {"no", "see above", "none"}


@pytest.mark.parametrize(("body", "status"), [(b"<html>", 200), ({"resourceType": "Patient"}, 200), ({}, 500)])
def test_no_capability_statement(server: "FakeEhr", tmp_path: Path, body: Any, status: int) -> None:
    """Without a CapabilityStatement there is no table, but a reason; a refused backend client does not stop it."""
    path = write_site(tmp_path, ehr_port=server.server.server_port, app_port=2).settings
    server.on("GET", "/fhir/.well-known/smart-configuration", {})
    server.on("GET", "/fhir/metadata", body, status)

    result = CliRunner().invoke(main, ["doctor", "--ehr", "harbor", "--settings", str(path)])

    assert result.exit_code == 1
    assert "could not be asked" in result.output


def test_backend_key_that_cannot_sign(server: "FakeEhr", tmp_path: Path) -> None:
    """A key file that holds no key is told as a fault of the site."""
    path = write_site(tmp_path, ehr_port=server.server.server_port, app_port=2).settings
    (tmp_path / "backend.jwk").write_text("{}")
    server.on("GET", "/fhir/.well-known/smart-configuration", {})
    server.on("GET", "/fhir/metadata", {"resourceType": "CapabilityStatement"})

    result = CliRunner().invoke(main, ["doctor", "--ehr", "harbor", "--settings", str(path)])

    assert result.exit_code == 1
    assert "backend.jwk" in result.output


def test_without_a_backend_client(server: "FakeEhr", tmp_path: Path) -> None:
    """Without a backend client the scopes are unknown, and no token is asked for."""
    path = write_site(tmp_path, ehr_port=server.server.server_port, app_port=2).settings
    path.write_text(path.read_text().partition("[ehr.harbor.backend]")[0])
    server.on("GET", "/fhir/.well-known/smart-configuration", {})
    server.on("GET", "/fhir/metadata", {"resourceType": "CapabilityStatement"})

    result = CliRunner().invoke(main, ["doctor", "--ehr", "harbor", "--settings", str(path)])
    unknown = CliRunner().invoke(main, ["doctor", "--ehr", "lake", "--settings", str(path)])

    assert "there is no backend client" in result.output
    assert {seen.method for seen in server.seen} == {"GET"}
    assert "There is no [ehr.lake]" in unknown.output
