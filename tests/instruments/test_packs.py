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

TODAY = date(2026, 11, 22)
# The words are ours, not the instrument's: only their shape matters.
PACK = """\
instrument: wai-sr
version: 1.0.0
language: en
provenance: {author: A licensed site, method: original}
copyright: "© the holder, used with permission"
anchors: {minimum: seldom, maximum: always}
sections: {all: Our work}
forms: {all: whole form}
raters: {patient: patient}
instructions: {patient: Choose one.}
options: {"1": seldom, "2": sometimes, "3": fairly often, "4": very often, "5": always}
licence:
  holder: The holder
  reference: Letter 17
  expires: 2026-11-22
  modes: [screen]
  item_text_in_ehr: false
items:
""" + "".join(f'  "{number}": {{patient: Placeholder {number}}}\n' for number in range(1, 13))


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
        ("version: 1.0.0", "version: 1.0.1", "is not the version"),
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
    catalogue = with_pack(tmp_path, PACK, name="wai-xl.en.yaml")

    assert catalogue.faults == ("wording/wai-xl.en.yaml:1: is for no instrument that is installed",)


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
