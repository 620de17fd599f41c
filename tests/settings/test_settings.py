"""alliance.toml: read once, every fault reported together, nothing that could widen a header or leak a key."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from fhir_alliance.errors import InvalidSettings
from fhir_alliance.settings import EhrTokens, Settings, client_secret, read_settings

Edit = Callable[[str], str]


def read(folder: Path, *edits: tuple[str, str]) -> Settings:
    """Read the settings of a site after some replacements in its file."""
    path = folder / "alliance.toml"
    text = path.read_text()
    for old, new in edits:
        assert old in text
        text = text.replace(old, new)
    path.write_text(text)
    return read_settings(path)


def faults(folder: Path, *edits: tuple[str, str]) -> tuple[str, ...]:
    """Return the faults that reading reports."""
    with pytest.raises(InvalidSettings) as caught:
        read(folder, *edits)
    return caught.value.faults


def test_a_working_site_is_read_whole(folder: Path) -> None:
    """Addresses, clients and help text come out as written; key files are found beside the settings."""
    settings = read(folder)

    harbor = settings.ehrs["harbor"]
    assert settings.host == "localhost:18081"
    assert settings.site.time_zone.key == "America/New_York"
    assert harbor.frame_ancestors == ("http://127.0.0.1:18080",)
    assert harbor.clinician
    assert harbor.clinician.key_file == folder / "clinician.jwk"
    assert harbor.patient
    assert harbor.patient.key_file is None


@pytest.mark.parametrize(
    ("line", "origins"),
    [
        ("", ("http://127.0.0.1:18080",)),
        ("style_origins = []\n", ()),
        ('style_origins = ["https://looks.example.invalid"]\n', ("https://looks.example.invalid",)),
    ],
)
def test_styles_come_from_the_ehr_itself_unless_the_site_says_otherwise(
    folder: Path, line: str, origins: tuple[str, ...]
) -> None:
    """The origin of the FHIR base by default, others by name, and none at all when the list is empty."""
    assert (
        read(folder, ("allow_private = true\n", f"allow_private = true\n{line}")).ehrs["harbor"].style_origins
        == origins
    )


def test_a_style_origin_is_an_origin(folder: Path) -> None:
    """No path, so that nothing else of a server is opened by it."""
    line = 'allow_private = true\nstyle_origins = ["https://looks.example.invalid/x"]'

    assert [fault.split(": ")[1] for fault in faults(folder, ("allow_private = true", line))] == [
        "ehr.harbor.style_origins.0"
    ]


TOKENS = 'introspection_endpoint = "http://127.0.0.1:18080/auth/introspect"\nehr_tokens = "launch-patient"\n'


def test_tokens_of_an_ehr_are_taken_when_the_site_says_so(folder: Path) -> None:
    """Not by default; then the endpoint is pinned, and the client that can prove itself asks there."""
    before = read(folder).ehrs["harbor"]
    after = read(folder, ("allow_private = true\n", f"allow_private = true\n{TOKENS}")).ehrs["harbor"]

    assert (before.ehr_tokens, before.introspection_endpoint) == (None, None)
    assert (after.ehr_tokens, after.introspection_endpoint) == (
        EhrTokens.LAUNCH_PATIENT,
        "http://127.0.0.1:18080/auth/introspect",
    )
    assert after.asking is after.backend


@pytest.mark.parametrize(
    ("lines", "place"),
    [
        ('ehr_tokens = "launch-patient"\n', "ehr.harbor.ehr_tokens"),
        (TOKENS.replace("launch-patient", "all"), "ehr.harbor.ehr_tokens"),
        (TOKENS.replace("http://127.0.0.1:18080", "http://ehr.example.invalid"), "ehr.harbor.introspection_endpoint"),
    ],
)
def test_tokens_need_somewhere_to_ask(folder: Path, lines: str, place: str) -> None:
    """Without an endpoint, with another word, or over plain http, the settings are refused."""
    found = faults(folder, ("allow_private = true\n", f"allow_private = true\n{lines}"))

    assert [fault.split(": ")[1] for fault in found] == [place]


def test_public_clients_cannot_ask(folder: Path) -> None:
    """Introspection needs a client that proves itself (RFC 7662)."""
    path = folder / "alliance.toml"
    text = path.read_text().replace("allow_private = true\n", f"allow_private = true\n{TOKENS}")
    path.write_text(text.replace('key_file = "clinician.jwk"\n', "").partition("[ehr.harbor.backend]")[0])

    assert [fault.split(": ")[1] for fault in faults(folder)] == ["ehr.harbor.ehr_tokens"]


def test_a_token_is_one_of_a_single_ehr(folder: Path) -> None:
    """Two EHRs whose tokens are taken have an introspection endpoint each: it could not tell them apart."""
    path = folder / "alliance.toml"
    text = path.read_text().replace("allow_private = true\n", f"allow_private = true\n{TOKENS}")
    entry = text[text.index("[ehr.harbor]") :]
    path.write_text(text + entry.replace("harbor", "bay"))

    found = faults(folder)

    assert [fault.split(": ")[1] for fault in found] == [
        "ehr.harbor.introspection_endpoint",
        "ehr.bay.introspection_endpoint",
    ]


def test_snomed_is_off_until_the_site_says_otherwise(folder: Path) -> None:
    """Only a plain true or false decides whether codes of SNOMED CT may be used."""
    before = read(folder).site.snomed

    assert (before, read(folder, ("[site]", "[site]\nsnomed = true")).site.snomed) == (False, True)
    assert faults(folder, ("snomed = true", 'snomed = "yes"')) == ("alliance.toml: site.snomed: Not a valid boolean.",)


def test_how_long_an_ehr_may_take_is_decided_for_each(folder: Path) -> None:
    """Thirty seconds unless the site says otherwise, within what makes sense."""
    before = read(folder).ehrs["harbor"].answer

    after = read(folder, ("allow_private = true", "allow_private = true\nanswer_seconds = 90")).ehrs["harbor"].answer

    assert (before, after) == (timedelta(seconds=30), timedelta(seconds=90))
    assert faults(folder, ("answer_seconds = 90", "answer_seconds = 0")) == (
        "alliance.toml: ehr.harbor.answer_seconds: Must be greater than or equal to 1 and less than or equal to 300.",
    )


def test_key_files_are_not_printed(folder: Path) -> None:
    """Where keys lie does not show in the settings' own text."""
    assert "vault.json" not in repr(read(folder))
    assert "clinician.jwk" not in repr(read(folder))


def test_every_fault_is_reported_together(folder: Path) -> None:
    """One reading names each fault with where it is, so that one correction is enough."""
    found = faults(
        folder,
        ('public_url = "http://localhost:18081"', 'public_url = "http://clinic.example.invalid"\nextra = 1'),
        ('name = "Harbor Clinic"', 'name = ""'),
        ('time_zone = "America/New_York"', 'time_zone = "Mars/Base"'),
        ('crisis_line = "Call or text 988. In an emergency call 911."\n', ""),
        ('issuer = "http://127.0.0.1:18080/fhir"', 'issuer = "http://127.0.0.1:18080/fhir?a=b"'),
        ('frame_ancestors = ["http://127.0.0.1:18080"]', 'frame_ancestors = ["https://*.example.invalid"]'),
        ('client_id = "alliance-patient"\n', ""),
    )

    places = {"extra", "public_url", "site.name", "site.time_zone", "site.crisis_line", "ehr.harbor.issuer",
              "ehr.harbor.frame_ancestors.0", "ehr.harbor.patient.client_id"}  # fmt: skip
    assert {fault.split(": ")[1] for fault in found} == places
    assert all(fault.startswith("alliance.toml: ") for fault in found)


@pytest.mark.parametrize(
    "origin",
    [
        "http://ehr.example.invalid", "https://*.example.invalid", "*", "https:", "https://", "'self'", "data:",
        "https://ehr.example.invalid/", "https://ehr.example.invalid/path", "https://ehr.example.invalid;script-src *",
        "https://ehr.example.invalid, https://evil.example.invalid", "https://ehr.example.invalid evil.example.invalid",
        "https://user@ehr.example.invalid", "https://ehr.example.invalid?a", "https://ehr.example.invalid#a",
        "https://ehr.example.invalid\\\\evil", "https://ehr.example.invalid\\r\\nX: y", "null", "ehr.example.invalid",
        "ftp://ehr.example.invalid", "https://[broken", "https://ehr.example.invalid:99999", "https://EHR.example.invalid",
    ],
)  # fmt: skip
def test_a_bad_origin_is_refused(folder: Path, origin: str) -> None:
    """Nothing but a plain origin may frame us: no wildcard, path, separator or line break (T12)."""
    found = faults(folder, ('frame_ancestors = ["http://127.0.0.1:18080"]', f'frame_ancestors = ["{origin}"]'))

    assert [fault.split(": ")[1] for fault in found] == ["ehr.harbor.frame_ancestors.0"]


@pytest.mark.parametrize("name", ["fhir_base", "issuer", "token_endpoint", "jwks_uri", "authorization_endpoint"])
@pytest.mark.parametrize(
    "url",
    [
        "http://ehr.example.invalid/fhir",
        "https://a@b.example.invalid/x",
        "/fhir",
        "https://[x",
    ],
)
def test_endpoints_are_secure_and_plain(folder: Path, name: str, url: str) -> None:
    """Outside loopback every endpoint is https, without query, fragment or credentials."""
    path = folder / "alliance.toml"
    lines = [f'{name} = "{url}"' if line.startswith(f"{name} =") else line for line in path.read_text().splitlines()]
    path.write_text("\n".join(lines))

    assert [fault.split(": ")[1] for fault in faults(folder)] == [f"ehr.harbor.{name}"]


def test_only_the_base_must_not_end_in_a_slash(folder: Path) -> None:
    """Paths are appended to the base; an issuer is compared as it is, whatever it ends in."""
    path = folder / "alliance.toml"
    names = ("fhir_base", "issuer", "token_endpoint")
    lines = path.read_text().splitlines()
    path.write_text("\n".join(f'{line[:-1]}/"' if line.split(" =")[0] in names else line for line in lines))

    assert [fault.split(": ")[1] for fault in faults(folder)] == ["ehr.harbor.fhir_base"]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o620])
def test_an_open_key_file_is_refused(folder: Path, mode: int) -> None:
    """A key that others can read or change is no secret: nothing starts, and the fault says what to do (T73)."""
    (folder / "vault.json").chmod(mode)
    (folder / "clinician.jwk").chmod(mode)

    found = faults(folder)

    assert found == tuple(
        f"{name}: others can read this key file; make it private with chmod 600"
        for name in ("vault.json", "clinician.jwk")
    )


def test_a_missing_key_file_is_refused(folder: Path) -> None:
    """Every key file that is not there is named, once."""
    (folder / "vault.json").unlink()

    assert faults(folder, ('key_file = "backend.jwk"', 'key_file = "none.jwk"')) == (
        "vault.json: this key file does not exist",
        "none.jwk: this key file does not exist",
    )


def test_a_backend_client_must_prove_itself(folder: Path) -> None:
    """Backend services have no public clients: without a key the settings are refused."""
    found = faults(folder, ('key_file = "backend.jwk"\n', ""))

    assert found == ("alliance.toml: ehr.harbor.backend: a backend client needs a key_file",)


def test_names_stand_in_addresses(folder: Path) -> None:
    """The name of an EHR becomes a part of the callback's address, so only plain ones are taken."""
    found = faults(folder, ("[ehr.harbor", "[ehr.'Harbor EHR'"))

    assert [fault for fault in found if "lower-case" in fault]


def test_a_file_that_is_no_toml_is_said_in_one_line(folder: Path) -> None:
    """A slip in the file names the file and the line."""
    (found,) = faults(folder, ('public_url = "', "public_url = "))

    assert found.startswith("alliance.toml: ")
    assert "line 1" in found


def test_a_site_without_an_ehr_or_without_a_file(tmp_path: Path) -> None:
    """No file (and how to write one), an unreadable one, and one without any EHR are faults, never a stack."""
    path = tmp_path / "alliance.toml"
    with pytest.raises(InvalidSettings, match=r"alliance\.toml.*fhir-alliance begin"):
        read_settings(path)
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(InvalidSettings, match=r"alliance\.toml"):
        read_settings(path)
    path.write_text(
        'public_url = "https://app.example.invalid"\ndatabase = "sqlite:///a"\nvault_key_file = "k"\n[ehr]\n'
    )

    with pytest.raises(InvalidSettings) as caught:
        read_settings(path)

    assert {fault.split(": ")[1] for fault in caught.value.faults} == {"site", "ehr"}


@pytest.mark.parametrize("name", ["wording_folder", "questionnaire_folder"])
def test_a_folder_that_is_not_there_is_said(folder: Path, name: str) -> None:
    """A folder of the site's words or forms has to be one."""
    assert faults(folder, ('vault_key_file = "', f'{name} = "nowhere"\nvault_key_file = "')) == (
        f"{name}: nowhere is not a folder",
    )


def test_free_text_needs_a_reader_and_a_time(folder: Path) -> None:
    """Free text is off; a site that switches it on has to name who reads it, and within what time (S3)."""
    assert read(folder).free_text is None
    assert {fault.split(": ")[1] for fault in faults(folder, ("[site]\n", "[free_text]\n[site]\n"))} == {
        "free_text.reader",
        "free_text.within",
    }


KEY_LINE = 'key_file = "clinician.jwk"'


def test_a_secret_comes_from_a_private_file(folder: Path) -> None:
    """The secret is what the file holds now, without the line's end, and is not printed."""
    path = folder / "clinician.secret"
    path.touch(mode=0o600)
    path.write_text("s3cret~+/=\n")

    client = read(folder, (KEY_LINE, 'secret_file = "clinician.secret"')).ehrs["harbor"].clinician

    assert client
    assert client_secret(client) == "s3cret~+/="
    assert "clinician.secret" not in repr(client)


def test_a_secret_comes_from_the_environment(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings name the variable; its value is not part of them."""
    monkeypatch.setenv("HARBOR_SECRET", "s3cret")

    client = read(folder, (KEY_LINE, 'secret_variable = "HARBOR_SECRET"')).ehrs["harbor"].clinician

    assert client
    assert client_secret(client) == "s3cret"
    assert "s3cret" not in repr(client)


@pytest.mark.parametrize(
    ("content", "mode", "fault"),
    [
        (None, 0, "clinician.secret: this key file does not exist"),
        ("s3cret", 0o640, "clinician.secret: others can read this key file; make it private with chmod 600"),
        ("", 0o600, "clinician.secret: must hold one secret of visible ASCII characters"),
        ("two words", 0o600, "clinician.secret: must hold one secret of visible ASCII characters"),
        ("gehëim", 0o600, "clinician.secret: must hold one secret of visible ASCII characters"),
    ],
)
def test_a_secret_that_cannot_be_used_is_told(folder: Path, content: str | None, mode: int, fault: str) -> None:
    """A missing, open, empty or non-ASCII secret stops the start with its file and no word of it (L10)."""
    if content is not None:
        (folder / "clinician.secret").write_text(content)
        (folder / "clinician.secret").chmod(mode)

    assert faults(folder, (KEY_LINE, 'secret_file = "clinician.secret"')) == (fault,)


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ('secret_variable = "NOT_THERE"', "environment variable NOT_THERE: must hold one secret of visible ASCII"),
        ('secret_variable = "not a name"', "alliance.toml: ehr.harbor.clinician.secret_variable: is not the name"),
        ('secret = "s3cret"', "alliance.toml: ehr.harbor.clinician.secret: Unknown field."),
        (f'{KEY_LINE}\nsecret_variable = "A"', "alliance.toml: ehr.harbor.clinician.key_file: takes one of"),
    ],
)
def test_a_client_has_one_proof_and_no_secret_in_the_settings(folder: Path, line: str, fault: str) -> None:
    """A secret in the settings file itself, two proofs, and a variable that is not set are refused."""
    (found,) = faults(folder, (KEY_LINE, line))

    assert found.startswith(fault)


def test_a_colon_cannot_stand_in_the_name_of_a_client_with_a_secret(folder: Path) -> None:
    """HTTP Basic ends the name at the first colon, so such a client could not sign in."""
    (found,) = faults(
        folder, (KEY_LINE, 'secret_file = "vault.json"'), ('client_id = "alliance-clinician"', 'client_id = "a:b"')
    )

    assert found.startswith("alliance.toml: ehr.harbor.clinician.client_id: with a secret")


@pytest.mark.parametrize("value", ["-1", "6", "true", '"1"', "1.0"])
def test_the_number_of_proxies_is_exact(folder: Path, value: str) -> None:
    """Anything but a small whole number is a fault: with one too many, browsers choose their address (T72)."""
    assert "proxies" in faults(folder, ("public_url", f"proxies = {value}\npublic_url"))[0]
