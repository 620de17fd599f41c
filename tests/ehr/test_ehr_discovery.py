"""Discovery may stop a launch, and never sends a code or a secret elsewhere."""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from fhir_alliance.ehr.registry import Registry
from fhir_alliance.errors import AllianceError, ChangedEhr, EhrUnreachable, NotOffered
from fhir_alliance.settings import EhrSettings, Settings

if TYPE_CHECKING:
    from tests.ehr.conftest import FakeEhr

PATH = "/fhir/.well-known/smart-configuration"


def document(ehr: EhrSettings, **changed: Any) -> dict[str, Any]:
    """Return a configuration that fits what was registered, but for what is changed; None leaves a key out."""
    values = {
        "authorization_endpoint": ehr.authorization_endpoint,
        "token_endpoint": ehr.token_endpoint,
        "issuer": ehr.issuer,
        "jwks_uri": ehr.jwks_uri,
        "capabilities": ["launch-ehr", "sso-openid-connect"],
        "grant_types_supported": ["authorization_code"],
        "code_challenge_methods_supported": ["S256"],
        "something_unknown": True,
    }
    return {name: value for name, value in {**values, **changed}.items() if value is not None}


def test_capabilities_are_read_and_remembered(server: "FakeEhr", ehr: EhrSettings, registry: Registry) -> None:
    """A configuration that fits lets a launch begin, and is not asked for again at the next."""
    server.on("GET", PATH, document(ehr))

    found = [registry.check(ehr) for _ in range(3)]

    assert found[0].capabilities == {"launch-ehr", "sso-openid-connect"}
    assert [seen.path for seen in server.seen] == [PATH]


def test_relative_endpoints_resolve_against_the_base(server: "FakeEhr", ehr: EhrSettings, registry: Registry) -> None:
    """An endpoint written relative to the FHIR base is the same endpoint."""
    relative = ehr.token_endpoint.removeprefix(server.url)
    server.on("GET", PATH, document(ehr, token_endpoint=relative))

    assert registry.check(ehr).capabilities


@pytest.mark.parametrize(("stated", "expected"), [(True, True), (False, False), (None, False), ("true", False)])
def test_an_ehr_that_names_itself_says_so(
    server: "FakeEhr", ehr: EhrSettings, registry: Registry, stated: Any, expected: bool
) -> None:
    """Only the very statement of RFC 9207 makes `iss` a duty of every answer; else it is checked when it is there."""
    server.on("GET", PATH, document(ehr, authorization_response_iss_parameter_supported=stated))

    assert registry.check(ehr).names_itself is expected


@pytest.mark.parametrize(
    "name",
    [
        "authorization_endpoint",
        "token_endpoint",
        "jwks_uri",
        "issuer",
        "revocation_endpoint",
        "introspection_endpoint",
    ],
)
def test_moved_endpoint_blocks_launches(server: "FakeEhr", ehr: EhrSettings, registry: Registry, name: str) -> None:
    """An endpoint that is not the registered one stops every launch, until it is right again (T05)."""
    ehr = replace(ehr, **{name: getattr(ehr, name) or f"{ehr.fhir_base}/{name}"})
    server.on("GET", PATH, document(ehr, **{name: "https://evil.example.invalid/x"}))
    server.on("GET", PATH, document(ehr))

    with pytest.raises(ChangedEhr, match=name):
        registry.check(ehr)

    assert registry.check(ehr).capabilities


@pytest.mark.parametrize(
    "changed",
    [
        {"token_endpoint": None},
        {"authorization_endpoint": 7},
        {"capabilities": None},
        {"grant_types_supported": "authorization_code"},
        {"code_challenge_methods_supported": None},
        {"code_challenge_methods_supported": ["plain"]},
        {"issuer": None},
        {"jwks_uri": None},
    ],
)
def test_server_without_what_a_launch_needs(
    server: "FakeEhr", ehr: EhrSettings, registry: Registry, changed: dict[str, Any]
) -> None:
    """Without endpoints, keys or S256 no launch is begun."""
    server.on("GET", PATH, document(ehr, **changed))

    with pytest.raises(NotOffered):
        registry.check(ehr)


@pytest.mark.parametrize(
    ("methods", "begins"), [(None, True), ([], True), (["S256"], True), (["plain"], False), ("S256", False)]
)
def test_an_ehr_that_names_no_pkce_method(
    server: "FakeEhr", ehr: EhrSettings, settings_of: Callable[..., Settings], methods: Any, begins: bool
) -> None:
    """A site may let one through that names none; one that names others only is refused all the same (T15)."""
    registry = Registry(settings_of(ehr))
    server.on("GET", PATH, document(ehr, code_challenge_methods_supported=methods))

    with nullcontext() if begins else pytest.raises(NotOffered, match=r"S256|code_challenge"):
        assert registry.check(replace(ehr, without_s256=True)).capabilities


@pytest.mark.parametrize(("body", "status"), [(b"[]", 200), (b"<html>", 200), (b"{}", 404), (b"{}", 500)])
def test_no_usable_answer(server: "FakeEhr", ehr: EhrSettings, registry: Registry, body: bytes, status: int) -> None:
    """Anything but a JSON object is no configuration."""
    server.on("GET", PATH, body, status)

    with pytest.raises(EhrUnreachable):
        registry.check(ehr)


def test_asked_again_after_ten_minutes(
    server: "FakeEhr", ehr: EhrSettings, settings_of: Callable[..., Settings]
) -> None:
    """What was true ten minutes ago is checked again."""
    now = [0.0]
    registry = Registry(settings_of(ehr), clock=lambda: now[0])
    server.on("GET", PATH, document(ehr))
    server.on("GET", PATH, document(ehr, issuer="https://evil.example.invalid"))
    registry.check(ehr)

    now[0] = 601.0

    with pytest.raises(AllianceError) as raised:
        registry.check(ehr)
    assert isinstance(raised.value, ChangedEhr)
