"""`embedding` and `languages` of an EHR: where it shows the app, and in which words forms are asked there."""

from pathlib import Path

import pytest

from fhir_alliance.errors import InvalidSettings
from fhir_alliance.settings import Embedding, read_settings
from smart_app.demo.site import write_site

ANCESTORS = 'frame_ancestors = ["http://127.0.0.1:18080"]\n'


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Write a working site; returns its settings file."""
    return write_site(tmp_path, ehr_port=18080, app_port=18081).settings


def say(file: Path, lines: str, *, ancestors: str = ANCESTORS) -> None:
    """Let the entry of the EHR say more, with or without origins that may frame the app."""
    file.write_text(file.read_text().replace(ANCESTORS, f"{ancestors}{lines}\n"))


@pytest.mark.parametrize(
    ("line", "embedding", "framed"),
    [("", "either", True), ('embedding = "frame"', "frame", True), ('embedding = "new-window"', "new-window", False)],
)
def test_who_may_frame_the_app(file: Path, line: str, embedding: str, framed: bool) -> None:
    """Its ancestors may, unless it is always to open in a window of its own."""
    say(file, line)

    harbor = read_settings(file).ehrs["harbor"]

    assert harbor.embedding is Embedding(embedding)
    assert bool(harbor.framed_by) is framed


def test_languages_in_their_order(file: Path) -> None:
    """English unless the site says otherwise; the first stays the first."""
    before = read_settings(file).ehrs["harbor"].languages
    say(file, 'languages = ["de", "en"]')

    assert (before, read_settings(file).ehrs["harbor"].languages) == (("en",), ("de", "en"))


@pytest.mark.parametrize(
    ("lines", "ancestors", "place"),
    [
        ('embedding = "frame"', "", "ehr.harbor.embedding"),
        ('embedding = "popup"', ANCESTORS, "ehr.harbor.embedding"),
        ("languages = []", ANCESTORS, "ehr.harbor.languages"),
        ('languages = ["en", "en"]', ANCESTORS, "ehr.harbor.languages"),
        ('brand_bundle = "http://lists.example.invalid/b"', ANCESTORS, "ehr.harbor.brand_bundle"),
        ('languages = ["English"]', ANCESTORS, "ehr.harbor.languages.0"),
    ],
)
def test_faults(file: Path, lines: str, ancestors: str, place: str) -> None:
    """A frame that nobody may show, an unknown word, no language, the same twice: each is a fault with its place."""
    say(file, lines, ancestors=ancestors)

    with pytest.raises(InvalidSettings) as caught:
        read_settings(file)

    assert [fault.split(": ")[1] for fault in caught.value.faults] == [place]
