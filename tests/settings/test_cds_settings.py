"""`[ehr.NAME.cds]`: who may ask for cards, by which keys."""

from pathlib import Path

import pytest

from fhir_alliance.errors import InvalidSettings
from fhir_alliance.settings import CdsSettings, read_settings
from smart_app.demo.site import write_site

KEYS = 'jwks_uri = "https://ehr.example.org/jwks"'


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Write a working site; returns its settings file."""
    return write_site(tmp_path, ehr_port=18080, app_port=18081).settings


def add(file: Path, lines: str, ehr: str = "harbor") -> None:
    """Let an EHR ask for cards as said."""
    file.write_text(f"{file.read_text()}\n[ehr.{ehr}.cds]\n{lines}\n")


def test_off_until_a_site_says_who(file: Path) -> None:
    """Without the table nobody may ask; with it who has the issuer and the keys, from no browser."""
    before = read_settings(file).ehrs["harbor"].cds
    add(file, f'issuer = "https://ehr.example.org"\n{KEYS}')

    assert before is None
    assert read_settings(file).ehrs["harbor"].cds == CdsSettings(
        name="harbor",
        issuer="https://ehr.example.org",
        jwks_uri="https://ehr.example.org/jwks",
        allow_private=True,
    )


@pytest.mark.parametrize(
    ("lines", "fault"),
    [
        (KEYS, "ehr.harbor.cds.issuer"),
        ('issuer = "x"', "ehr.harbor.cds.jwks_file"),
        (f'issuer = "x"\njwks_file = "a.json"\n{KEYS}', "ehr.harbor.cds.jwks_file"),
        ('issuer = "x"\njwks_uri = "http://ehr.example.org/jwks"', "ehr.harbor.cds.jwks_uri"),
        (f'issuer = "x y"\n{KEYS}', "ehr.harbor.cds.issuer"),
        (f'issuer = "x"\n{KEYS}\nbrowser_origins = ["*"]', "ehr.harbor.cds.browser_origins.0"),
        (f'issuer = "x"\n{KEYS}\nalgorithms = ["HS256"]', "ehr.harbor.cds.algorithms"),
    ],
)
def test_faults(file: Path, lines: str, fault: str) -> None:
    """What could not work, or would let anybody in, is a fault that names its place."""
    add(file, lines)

    with pytest.raises(InvalidSettings) as caught:
        read_settings(file)

    assert [each.split(": ")[1] for each in caught.value.faults] == [fault]


def test_an_issuer_is_one_of_a_single_ehr(file: Path) -> None:
    """Two EHRs with one issuer could not be told apart by their tokens."""
    add(file, f'issuer = "x"\n{KEYS}')
    text = file.read_text()
    file.write_text(text + text[text.index("[ehr.harbor]") :].replace("harbor", "bay"))

    with pytest.raises(InvalidSettings) as caught:
        read_settings(file)

    assert [each.split(": ")[1] for each in caught.value.faults] == ["ehr.harbor.cds", "ehr.bay.cds"]
