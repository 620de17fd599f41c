"""`fhir-alliance ehr add` and `ehr check`: what a server states becomes an entry, or a reason why not."""

import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner, Result

from fhir_alliance.ehr.client_key_file import create_client_keys
from fhir_alliance.settings import read_settings
from smart_app.cli import main
from smart_app.demo.site import write_site

if TYPE_CHECKING:
    from tests.ehr.conftest import FakeEhr

PATH = "/fhir/.well-known/smart-configuration"


def stated(server: "FakeEhr", **changed: Any) -> dict[str, Any]:
    """Return what a good server states, but for what is changed; None leaves a key out."""
    values = {
        "authorization_endpoint": f"{server.url}/auth/authorize",
        "token_endpoint": "../auth/token",
        "issuer": server.base,
        "jwks_uri": f"{server.url}/auth/jwks",
        "capabilities": ["launch-ehr", "sso-openid-connect"],
        "grant_types_supported": ["authorization_code"],
        "code_challenge_methods_supported": ["S256"],
    }
    return {name: value for name, value in {**values, **changed}.items() if value is not None}


def call(*arguments: str) -> Result:
    """Run one command in this process."""
    return CliRunner().invoke(main, ["ehr", *arguments])


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    """Write a site with one EHR that nobody runs."""
    return write_site(tmp_path, ehr_port=1, app_port=2).settings


@pytest.fixture
def registered(server: "FakeEhr", settings: Path) -> Path:
    """Return a site whose only EHR runs, and states what was registered."""
    text = settings.read_text().replace("http://127.0.0.1:1", server.url)
    settings.write_text(text)
    return settings


def test_draft_pins_what_is_stated(server: "FakeEhr") -> None:
    """The draft holds every stated endpoint, absolute, and in comments what the site fills in."""
    server.on("GET", PATH, stated(server))

    result = call("add", f"{server.base}/", "--name", "lake", "--allow-private")

    assert result.exit_code == 0, result.output
    assert f'[ehr.lake]\ntitle = "127.0.0.1"   # how people call this EHR\nfhir_base = "{server.base}"' in result.output
    assert f'token_endpoint = "{server.url}/auth/token"' in result.output
    assert "# [ehr.lake.clinician]" in result.output
    assert "/callback/lake" in result.output
    assert [seen.path for seen in server.seen] == [PATH]


@pytest.mark.parametrize("issuer", ["/", "/fhir/", "/auth", "/auth/realms/harbor/", "/fhir", ""])
def test_an_issuer_is_pinned_to_the_letter(server: "FakeEhr", settings: Path, issuer: str) -> None:
    """Whether it ends in a slash, or is another address than the base, the issuer is registered as it is stated."""
    server.on("GET", PATH, stated(server, issuer=f"{server.url}{issuer}"))

    result = call("add", f"{server.base}/", "--settings", str(settings), "--write", "--allow-private")

    assert result.exit_code == 0, result.output
    entry = read_settings(settings).ehrs["127-0-0-1"]
    assert (entry.issuer, entry.fhir_base) == (f"{server.url}{issuer}", server.base)


def test_written_draft_is_read_as_settings(server: "FakeEhr", settings: Path) -> None:
    """The entry is appended, every byte before it stays, and the file can be read at once."""
    before, mode = settings.read_text(), settings.stat().st_mode
    asked = {"introspection_endpoint": f"{server.url}/auth/introspect"}
    server.on("GET", PATH, stated(server, revocation_endpoint=f"{server.url}/auth/revoke", **asked))

    result = call("add", server.base, "--settings", str(settings), "--write", "--allow-private")

    entry = read_settings(settings).ehrs["127-0-0-1"]
    assert "[ehr.127-0-0-1] was added to alliance.toml" in result.output
    assert settings.read_text().startswith(before)
    assert settings.stat().st_mode == mode
    assert (entry.fhir_base, entry.token_endpoint) == (server.base, f"{server.url}/auth/token")
    assert entry.revocation_endpoint == f"{server.url}/auth/revoke"
    assert (entry.introspection_endpoint, entry.ehr_tokens) == (f"{server.url}/auth/introspect", None)
    assert (entry.allow_private, entry.clients) == (True, ())


def test_a_server_that_names_no_pkce_method(server: "FakeEhr", registered: Path) -> None:
    """It is registered only on request, which stands in its entry; then `check` has nothing against it either."""
    server.on("GET", PATH, stated(server, code_challenge_methods_supported=None))
    as_it_is = call("add", server.base, "--name", "lake", "--allow-private")

    result = call("add", server.base, "--name", "lake", "--allow-private", "--without-s256")
    registered.write_text(registered.read_text().replace("allow_private", "without_s256 = true\nallow_private"))

    assert "smart-configuration lacks code_challenge_methods_supported" in as_it_is.output
    assert "\nallow_private = true\nwithout_s256 = true\n" in result.output
    assert "code_challenge" not in call("check", "--settings", str(registered)).output


def test_filled_in_draft_registers_clients(server: "FakeEhr", settings: Path) -> None:
    """With the leading `#` gone and the gaps filled, the draft's comments are clients that the settings take."""
    server.on("GET", PATH, stated(server))
    text = settings.read_text().removesuffix("\n")
    settings.write_text(text)
    call("add", server.base, "--name", "lake", "--settings", str(settings), "--write", "--allow-private")
    added = settings.read_text().removeprefix(text)
    for start in (
        "# [",
        "# client_id",
        "# key_file",
        "# scopes",
        "# frame_ancestors",
        "# embedding",
        "# languages",
        "# issuer",
        "# jwks_uri",
    ):
        added = added.replace(f"\n{start}", f"\n{start[2:]}")

    for gap, filled in (("client_id", "alliance"), ("issuer", "urn:example:cds"), ("jwks_uri", f"{server.url}/cds")):
        added = added.replace(f'\n{gap} = ""', f'\n{gap} = "{filled}"')
    settings.write_text(text + added)
    for client in ("clinician", "backend"):
        create_client_keys(settings.parent / f"lake-{client}.jwk")

    lake = read_settings(settings).ehrs["lake"]
    assert [client.client_id for client in lake.clients] == ["alliance"] * 3
    assert lake.frame_ancestors == ("https://ehr.example.org",)
    assert (lake.embedding, lake.languages) == ("either", ("en",))
    assert lake.cds is not None
    assert lake.cds.issuer == "urn:example:cds"


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"code_challenge_methods_supported": ["plain"]}, "does not offer S256"),
        ({"code_challenge_methods_supported": None}, "lacks code_challenge_methods_supported"),
        ({"token_endpoint": None}, "lacks token_endpoint"),
        ({"capabilities": ["launch-ehr"], "issuer": None}, "lacks issuer: who signs in"),
        ({"token_endpoint": 'https://ehr.example.invalid/"\nallow_private = true'}, "token_endpoint must be"),
        ({"token_endpoint": "https://ehr.example.invalid/\x1b[2J"}, "token_endpoint is an address"),
        ({"jwks_uri": "https://[broken/keys"}, "jwks_uri must be"),
        ({"issuer": "http://ehr.example.invalid"}, "issuer must be"),
        ({"revocation_endpoint": 7, "jwks_uri": "https://a.example.invalid/?q"}, "jwks_uri must be"),
    ],
)
def test_server_that_cannot_be_registered(
    server: "FakeEhr", settings: Path, changed: dict[str, Any], reason: str
) -> None:
    """A server that lacks what a launch needs, or states what is no plain address, is refused with the reason."""
    before = settings.read_text()
    server.on("GET", PATH, stated(server, **changed))

    result = call("add", server.base, "--settings", str(settings), "--write", "--allow-private")

    assert result.exit_code == 1
    assert reason in result.output
    assert settings.read_text() == before


@pytest.mark.parametrize(
    ("url", "arguments", "reason"),
    [
        ("http://ehr.example.invalid/fhir", (), "must be an https address"),
        ("https://ehr.example.invalid/a/../fhir", (), "could be read in two ways"),
        ("http://127.0.0.1:1/fhir", (), "--allow-private is for that"),
        ("https://ehr.example.invalid/fhir", ("--name", "A b"), "use lower-case letters"),
    ],
)
def test_address_that_is_not_asked(url: str, arguments: tuple[str, ...], reason: str) -> None:
    """An address that may not be registered is refused before anything is sent."""
    result = call("add", url, *arguments)

    assert result.exit_code == 1
    assert reason in result.output


def test_name_that_leads_into_a_private_network(sink: "FakeEhr", monkeypatch: pytest.MonkeyPatch) -> None:
    """A host name with a private address is refused on connection, and the way out is named (T04)."""
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", sink.server.server_port))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_kwargs: found)

    result = call("add", f"https://ehr.example.invalid:{sink.server.server_port}/fhir")

    assert result.exit_code == 1
    assert "private network needs --allow-private" in result.output


def test_redirect_is_not_followed(server: "FakeEhr", sink: "FakeEhr") -> None:
    """A server that sends us elsewhere is refused, and elsewhere hears nothing (T03)."""
    server.on("GET", PATH, b"", status=302, Location=f"{sink.base}/.well-known/smart-configuration")

    result = call("add", server.base, "--allow-private")

    assert result.exit_code == 1
    assert "redirect refused" in result.output


@pytest.mark.parametrize(
    ("arguments", "reason"), [(("--name", "harbor"), "is there already"), ((), "has this FHIR base already")]
)
def test_entry_is_never_overwritten(
    server: "FakeEhr", registered: Path, arguments: tuple[str, ...], reason: str
) -> None:
    """A name or a FHIR base that is registered stays registered as it is."""
    before = registered.read_text()
    server.on("GET", PATH, stated(server))

    result = call("add", server.base, *arguments, "--settings", str(registered), "--write", "--allow-private")

    assert result.exit_code == 1
    assert reason in result.output
    assert registered.read_text() == before


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (None, "No such file"),
        ("[ehr", "alliance.toml: "),
        ('ehr = "none"', "alliance.toml: "),
        ("[ehr]\nother = 7\n", "alliance.toml: site: Missing data"),
    ],
)
def test_settings_that_cannot_take_an_entry(server: "FakeEhr", tmp_path: Path, text: str | None, reason: str) -> None:
    """A settings file that could not be read afterwards is left alone, and nothing is left beside it."""
    path = tmp_path / "alliance.toml"
    if text is not None:
        path.write_text(text)
    server.on("GET", PATH, stated(server))

    result = call("add", server.base, "--settings", str(path), "--write", "--allow-private")

    assert result.exit_code == 1
    assert reason in result.output
    assert [(each.name, each.read_text()) for each in tmp_path.iterdir()] == [("alliance.toml", text)] * (
        text is not None
    )


def test_half_written_file_of_another_run(server: "FakeEhr", settings: Path) -> None:
    """Two runs at a time do not mix: the second one stops and says which file is in its way."""
    other = settings.with_name("alliance.toml.new")
    other.write_text("")
    server.on("GET", PATH, stated(server))

    result = call("add", server.base, "--settings", str(settings), "--write", "--allow-private")

    assert result.exit_code == 1
    assert "alliance.toml.new: File exists" in result.output
    assert other.exists()


def test_unchanged_endpoints(server: "FakeEhr", registered: Path) -> None:
    """An EHR that states what was registered is fine; where it shows the app, and in which languages, is said too."""
    server.on("GET", PATH, stated(server, revocation_endpoint=f"{server.url}/auth/revoke"))
    text = registered.read_text().replace(
        "allow_private", 'embedding = "new-window"\nlanguages = ["en", "de"]\nallow_private'
    )
    registered.write_text(text)

    result = call("check", "--settings", str(registered))

    assert (result.exit_code, result.output.splitlines()) == (
        0,
        [
            "harbor       as registered",
            '             embedding = "new-window": the app is shown in a window of its own, never in a frame.',
            "             Forms are asked in en or, where there are no such words, in de.",
            "             Patients who pick their portal see Harbor EHR (sandbox): no brand is named.",
        ],
    )


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"token_endpoint": "https://new.example.invalid/t"}, "fhir-alliance ehr confirm harbor --by WHO"),
        ({"jwks_uri": "https://new.example.invalid/\x1b[2J"}, "something that may not be registered"),
        ({"revocation_endpoint": None}, "no longer stated"),
        ({"code_challenge_methods_supported": ["plain"]}, "does not offer S256"),
    ],
)
def test_changed_endpoints(server: "FakeEhr", registered: Path, changed: dict[str, Any], told: str) -> None:
    """Each change is told with what to edit, and ends with 1; nothing that could steer a terminal is printed."""
    server.on("GET", PATH, stated(server, **{"revocation_endpoint": f"{server.url}/auth/revoke", **changed}))

    result = call("check", "--settings", str(registered), "--ehr", "harbor")

    assert result.exit_code == 1
    assert told in result.output
    assert "\x1b" not in result.output


def test_unreachable_and_unknown_ehrs(settings: Path) -> None:
    """An EHR that does not answer is not called unchanged, and one that is not registered is named."""
    silent = call("check", "--settings", str(settings))
    unknown = call("check", "--settings", str(settings), "--ehr", "lake")

    assert (silent.exit_code, unknown.exit_code) == (1, 1)
    assert "could not be asked" in silent.output
    assert "There is no [ehr.lake] in alliance.toml." in unknown.output
