"""A site loads words it has a licence for; what the licence does not allow does not happen."""

from collections.abc import Callable
from datetime import date
from importlib.resources import files
from pathlib import Path

import pytest

from fhir_alliance.instruments.catalogue import Catalogue, read_catalogue, shipped
from fhir_alliance.instruments.definition import Instrument
from fhir_alliance.instruments.questionnaire import build_questionnaire
from fhir_alliance.instruments.readiness import State, readiness
from fhir_alliance.instruments.words import Rater
from fhir_alliance.records.response import build_response
from fhir_alliance.records.submission import Submission
from tests.packs import wai_sr

TODAY = date(2026, 11, 22)
PACK = wai_sr(expires="2026-11-22")


def with_pack(tmp_path: Path, text: str, name: str = "wai-sr.en.yaml") -> Catalogue:
    """Return the catalogue of a site that has one pack."""
    folder = tmp_path / "wording"
    folder.mkdir()
    (folder / name).write_text(text, "utf-8")
    return read_catalogue(files("questionnaires"), packs=folder)


def wai_sr(tmp_path: Path, text: str = PACK) -> Instrument:
    """Return the WAI-SR of a site with this pack."""
    catalogue = with_pack(tmp_path, text)
    assert catalogue.faults == ()
    return catalogue.instrument("wai-sr")


def test_pack_makes_an_instrument_ready(tmp_path: Path) -> None:
    """With words and a licence the instrument can be used, to the end of the licence's last day."""
    instrument = wai_sr(tmp_path)

    assert readiness(instrument, today=TODAY).state is State.READY
    assert instrument.digest != shipped().instrument("wai-sr").digest


def test_expired_licence(tmp_path: Path) -> None:
    """The day after, it can not, and the reason names licence and day."""
    found = readiness(wai_sr(tmp_path), today=date(2026, 11, 23))

    assert found.state is State.LICENCE_EXPIRED
    assert "Letter 17" in found.reason
    assert "2026-11-22" in found.reason


def test_licence_for_paper(tmp_path: Path) -> None:
    """A licence for paper alone does not put a form on a screen."""
    found = readiness(wai_sr(tmp_path, PACK.replace("[screen]", "[paper]")), today=TODAY)

    assert found.state is State.NOT_FOR_SCREENS


def test_licence_without_end(tmp_path: Path) -> None:
    """A licence without an expiry date stays good."""
    instrument = wai_sr(tmp_path, PACK.replace("  expires: 2026-11-22\n", ""))

    assert readiness(instrument, today=date(2099, 1, 1)).state is State.READY


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ('  "12": {patient: Placeholder 12}\n', "", "items: has no words for 12"),
        ('  "12": {', '  "13": {patient: Too much}\n  "12": {', "items: 13 is not in the definition"),
        ('  "1": {patient: Placeholder 1}\n', "", "items: has no words for 1"),
        (', "5": always', "", "options: has no words for 5"),
        (', "5": always', ', "5": always, "6": ever', "options: 6 is not in the definition"),
        ("version: 1.0.0", "version: 1.0.1", "version: 1.0.1 is not installed; installed are: 1.0.0"),
        ("  holder: The holder\n", "", "licence.holder: Missing data"),
        ("item_text_in_ehr: false", "item_text_in_ehr: maybe", "licence.item_text_in_ehr: Not a valid boolean"),
        ("modes: [screen]", "modes: [tablet]", "licence.modes.0"),
        ("instrument: wai-sr", "instrument: [", "expected"),
    ],
)
def test_pack_that_changes_the_instrument_is_refused(tmp_path: Path, old: str, new: str, reason: str) -> None:
    """Another number of items, another scale, or no proper licence: refused with its place, the rest goes on."""
    catalogue = with_pack(tmp_path, PACK.replace(old, new, 1))

    assert any(fault.startswith("wording/wai-sr.en.yaml:") and reason in fault for fault in catalogue.faults)
    assert readiness(catalogue.instrument("wai-sr"), today=TODAY).state is State.NEEDS_WORDING
    assert len(catalogue.instruments) == len(shipped().instruments)


def test_pack_in_another_order_is_refused(tmp_path: Path) -> None:
    """The order of the items belongs to the instrument."""
    first, second = '  "1": {patient: Placeholder 1}\n', '  "2": {patient: Placeholder 2}\n'

    catalogue = with_pack(tmp_path, PACK.replace(first + second, second + first))

    assert catalogue.faults[0].endswith("items: stand in another order than the definition asks them")


def test_pack_for_nothing_installed(tmp_path: Path) -> None:
    """A pack whose instrument is not there is told, not ignored."""
    catalogue = with_pack(tmp_path, PACK.replace("wai-sr", "wai-xl"), name="wai-xl.en.yaml")

    assert catalogue.faults == ("wording/wai-xl.en.yaml:1: instrument: wai-xl is not installed",)


@pytest.mark.parametrize("name", ["wai-srt.en.yaml", "wai-sr.de.yaml", "wai-sr.1.0.1.en.yaml", "wai-sr.yaml"])
def test_pack_whose_name_says_something_else(tmp_path: Path, name: str) -> None:
    """A pack is called what it is, so that nobody looks for a language, or a version, in the wrong file."""
    catalogue = with_pack(tmp_path, PACK, name=name)

    names = "wai-sr.en.yaml or wai-sr.1.0.0.en.yaml"
    assert catalogue.faults == (f"wording/{name}:1: from what it says, its name has to be {names}",)


def two_versions(tmp_path: Path, packs: dict[str, str]) -> Catalogue:
    """Return a catalogue with two versions of the WAI-SR and packs by their names."""
    definition = (files("questionnaires") / "wai-sr" / "1.0.0.yaml").read_text("utf-8")
    for version in ("1.0.0", "1.1.0"):
        (tmp_path / "all" / "wai-sr").mkdir(parents=True, exist_ok=True)
        text = definition.replace("version: 1.0.0", f"version: {version}")
        (tmp_path / "all" / "wai-sr" / f"{version}.yaml").write_text(text, "utf-8")
    (tmp_path / "wording").mkdir()
    for name, text in packs.items():
        (tmp_path / "wording" / name).write_text(text, "utf-8")
    return read_catalogue(tmp_path / "all", packs=tmp_path / "wording")


def test_packs_go_to_the_versions_they_name(tmp_path: Path) -> None:
    """One folder holds the words of two versions, and each version gets its own and no other's."""
    newer = PACK.replace("version: 1.0.0", "version: 1.1.0").replace("Placeholder", "Newer")

    found = two_versions(tmp_path, {"wai-sr.1.0.0.en.yaml": PACK, "wai-sr.en.yaml": newer})

    assert found.faults == ()
    texts = [found.instrument("wai-sr", each).wordings["en"].items["1"][Rater.PATIENT] for each in ("1.0.0", "1.1.0")]
    assert texts == ["Placeholder 1", "Newer 1"]


def test_pack_of_one_version_leaves_the_other_without_words(tmp_path: Path) -> None:
    """A version that no pack names has no words, and that is no fault."""
    found = two_versions(tmp_path, {"wai-sr.1.1.0.en.yaml": PACK.replace("version: 1.0.0", "version: 1.1.0")})

    assert found.faults == ()
    assert [list(each.wordings) for each in found.instruments] == [[], ["en"]]


def test_two_packs_in_one_language_for_one_version(tmp_path: Path) -> None:
    """Of two packs for the same place neither is used, and both are told."""
    found = two_versions(tmp_path, {"wai-sr.1.0.0.en.yaml": PACK, "wai-sr.en.yaml": PACK})

    reason = "language: another pack has the words of this version in this language"
    assert found.faults == (f"wording/wai-sr.1.0.0.en.yaml:3: {reason}", f"wording/wai-sr.en.yaml:3: {reason}")
    assert found.instrument("wai-sr", "1.0.0").wordings == {}


def test_huge_and_unreadable_packs(tmp_path: Path) -> None:
    """A pack of 50 MB and one that links to itself are told; the instruments stay without them."""
    folder = tmp_path / "wording"
    folder.mkdir()
    with (folder / "srs.en.yaml").open("wb") as file:
        file.truncate(50_000_000)
    (folder / "ors.en.yaml").symlink_to("ors.en.yaml")
    (folder / "licence.pdf").write_bytes(b"what the holder wrote")

    found = read_catalogue(files("questionnaires"), packs=folder)

    assert found.faults == (
        "wording/ors.en.yaml:1: is no file that can be read",
        "wording/srs.en.yaml:1: the file is larger than 256 KiB",
    )
    assert len(found.instruments) == len(shipped().instruments)


@pytest.mark.parametrize("allowed", [False, True])
def test_item_text_goes_to_the_ehr_only_if_allowed(
    tmp_path: Path, make_submission: Callable[..., Submission], allowed: bool
) -> None:
    """Without that permission the response holds linkIds, codes and scores, and no word of an item or an answer."""
    instrument = wai_sr(tmp_path, PACK.replace("in_ehr: false", f"in_ehr: {str(allowed).lower()}"))
    given = dict.fromkeys(instrument.items, "4")

    response = build_response(make_submission(given, instrument=instrument, form="all"))

    assert ("Placeholder" in str(response)) is allowed
    assert ("very often" in str(response)) is allowed
    assert response["item"][-4]["answer"] == [{"valueDecimal": 48}]


def test_questionnaire_of_a_pack_carries_the_copyright(tmp_path: Path) -> None:
    """A licensed form shows its holder's line, and its options in words."""
    instrument = wai_sr(tmp_path)

    questionnaire = build_questionnaire(instrument, instrument.form(Rater.PATIENT, "all"))

    assert questionnaire["copyright"] == "© the holder, used with permission"
    assert "fairly often" in str(questionnaire)


def test_lines_say_what_their_ends_mean(tmp_path: Path) -> None:
    """A published line carries the words of its two ends, its own where it has some, and nothing empty."""
    items = "".join(f'  "{number}": {{patient: Line {number}}}\n' for number in range(1, 5))
    head, _, _ = PACK.partition("items:")
    text = head.replace("wai-sr", "srs").replace(
        'options: {"1": seldom, "2": sometimes, "3": fairly often, "4": very often, "5": always}\n', ""
    )
    text += 'item_anchors:\n  "4": {minimum: low, maximum: high}\nitems:\n' + items
    instrument = with_pack(tmp_path, text, "srs.en.yaml").instrument("srs")

    published = build_questionnaire(instrument, instrument.forms[0])

    lines = published["item"][0]["item"]
    assert [end["text"] for end in lines[0]["item"]] == ["seldom", "always"]
    assert [(end["text"], end["type"]) for end in lines[3]["item"]] == [("low", "display"), ("high", "display")]
    assert published["description"] == instrument.source


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ('item_anchors:\n  "13": {minimum: low, maximum: high}\n', "item_anchors: 13 is not in the definition"),
        ("headings: {therapist: How it was}\n", "headings: therapist is not in the definition"),
    ],
)
def test_words_for_what_is_not_there(tmp_path: Path, more: str, reason: str) -> None:
    """Ends of an item that is not there, or a heading for somebody who is not asked, are refused."""
    catalogue = with_pack(tmp_path, PACK.replace("sections:", more + "sections:"))

    assert any(reason in fault for fault in catalogue.faults)
