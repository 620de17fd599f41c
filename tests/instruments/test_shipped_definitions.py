"""What ships says what the literature says: keys, reversed items, evidence, and no words of somebody else."""

import json
from decimal import Decimal
from importlib.resources import files
from pathlib import Path

import pytest

from fhir_alliance.instruments.catalogue import shipped
from fhir_alliance.instruments.definition import Instrument
from fhir_alliance.instruments.words import Rater

CASES = Path(__file__).parents[1] / "cases"
INSTRUMENTS = [pytest.param(each, id=each.name) for each in shipped().instruments]

# Raters, number of items, lowest and highest answer, reversed items.
STRUCTURE = {
    "arm-5": ("patient therapist", 5, 1, 7, "3"),
    "calpas-p": ("patient", 24, 1, 7, ""),
    "csrs": ("patient", 4, 0, 10, ""),
    "gad-7": ("patient", 7, 0, 3, ""),
    "gsrs": ("patient", 4, 0, 10, ""),
    "haq-ii": ("patient therapist", 19, 1, 6, "4 8 11 16 19"),
    "ors": ("patient", 4, 0, 10, ""),
    "phq-4": ("patient", 4, 0, 3, ""),
    "phq-9": ("patient", 9, 0, 3, ""),
    "risq": ("patient", 4, 0, 1, ""),
    "rri-c-sf": ("patient", 8, 1, 5, ""),
    "sai": ("patient", 6, 0, 5, ""),
    "sparq": ("patient", 8, 0, 4, ""),
    "srs": ("patient", 4, 0, 10, ""),
    "star-c": ("therapist", 12, 0, 4, ""),
    "star-p": ("patient", 12, 0, 4, ""),
    "tasc-r": ("patient", 12, 1, 4, "2 5 7 8 11"),
    "wai-b3": ("patient therapist", 3, 1, 5, ""),
    "wai-s": ("patient therapist", 12, 1, 7, "4 10"),
    "wai-sr": ("patient", 12, 1, 5, ""),
    "wai-srt": ("therapist", 10, 1, 5, ""),
}

# Of each scale: its method, its range, how many answers it needs, and its items where it is not all of them.
SCALES: dict[str, dict[str, tuple[object, ...]]] = {
    "arm-5": {"total": ("mean", 1, 7, 5)},
    "calpas-p": {},
    "csrs": {"total": ("sum", 0, 40, 4)},
    "gad-7": {"total": ("sum", 0, 21, 7)},
    "gsrs": {"total": ("sum", 0, 40, 4)},
    "haq-ii": {"total": ("sum", 19, 114, 16)},
    "ors": {"total": ("sum", 0, 40, 4)},
    "phq-4": {"total": ("sum", 0, 12, 4), "anxiety": ("sum", 0, 6, 2, "1 2"), "mood": ("sum", 0, 6, 2, "3 4")},
    "phq-9": {"total": ("sum", 0, 27, 9)},
    "risq": {"total": ("sum", 0, 4, 4)},
    "rri-c-sf": {},
    "sai": {"total": ("sum", 0, 30, 6)},
    "sparq": {"positive-affect": ("sum", 0, 16, 4, "1 6 7 8"), "negative-affect": ("sum", 0, 16, 4, "2 3 4 5")},
    "srs": {"total": ("sum", 0, 40, 4)},
    "star-c": {},
    "star-p": {},
    "tasc-r": {"total": ("sum", 12, 48, 10)},
    "wai-b3": {"total": ("mean", 1, 5, 3, "9 10 11")},
    "wai-s": {"total": ("sum", 12, 84, 10)},
    "wai-sr": {
        "total": ("sum", 12, 60, 10),
        "task": ("sum", 4, 20, 4, "1 2 10 12"),
        "bond": ("sum", 4, 20, 4, "3 5 7 9"),
        "goal": ("sum", 4, 20, 4, "4 6 8 11"),
    },
    "wai-srt": {"total": ("mean", 1, 5, 8)},
}

COLLECTABLE = {"arm-5", "gad-7", "ors", "phq-4", "phq-9", "srs", "tasc-r", "visit-check-in", "wai-b3", "wai-sr"}
WITH_WORDS = {"gad-7", "phq-4", "phq-9", "visit-check-in"}


def reversed_items(instrument: Instrument) -> list[str]:
    """Return the items whose first answer counts most."""
    return [
        name
        for name, item in instrument.items.items()
        if item.options and item.scored and item.options[0].value == item.most
    ]


def test_the_whole_catalogue_ships() -> None:
    """Every instrument of the catalogue is there, and nothing else."""
    assert {each.name for each in shipped().instruments} == {*STRUCTURE, "visit-check-in"}
    assert shipped().faults == ()


@pytest.mark.parametrize("name", STRUCTURE)
def test_structure(name: str) -> None:
    """Raters, number of items, range of the answers and reversed items are those of the literature."""
    instrument = shipped().instrument(name)
    raters, items, lowest, highest, turned = STRUCTURE[name]

    assert " ".join(form.rater for form in instrument.forms) == raters
    scored = [item for item in instrument.items.values() if item.scored]
    assert len(scored) == items
    assert {(int(item.least), int(item.most)) for item in scored} == {(lowest, highest)}
    assert reversed_items(instrument) == turned.split()


@pytest.mark.parametrize("name", SCALES)
def test_scales(name: str) -> None:
    """Each scale has the key, method, range and missing-item rule of the literature; an unknown key has no scale."""
    instrument = shipped().instrument(name)
    every_item = " ".join(name for name, item in instrument.items.items() if item.scored)

    found: dict[str, tuple[object, ...]] = {
        scale.name: (scale.method, scale.minimum, scale.maximum, scale.min_answered, " ".join(scale.items))
        for scale in instrument.scales
    }

    assert found == {scale: (*said, every_item)[:5] for scale, said in SCALES[name].items()}


@pytest.mark.parametrize("name", ["arm-5", "haq-ii", "tasc-r", "wai-s"])
def test_reversed_items_turn_every_value(name: str) -> None:
    """A reversed item counts lowest plus highest less the printed number, and any other item the printed number."""
    instrument = shipped().instrument(name)
    turned = reversed_items(instrument)

    for link_id, item in instrument.items.items():
        ends = item.least + item.most
        for option in item.options:
            printed = Decimal(option.code)
            assert option.value == (ends - printed if link_id in turned else printed)


@pytest.mark.parametrize("instrument", INSTRUMENTS)
def test_what_is_only_remembered_stays_a_draft(instrument: Instrument) -> None:
    """Each fact names its source, and a fact from memory is found in drafts only."""
    tags = {fact: known.tag for fact, known in instrument.evidence.items()}

    assert {"items", "answers", "scores"} <= tags.keys()
    assert instrument.status == ("active" if instrument.name in COLLECTABLE else "draft")
    assert instrument.status == "draft" or "M" not in tags.values()


@pytest.mark.parametrize("instrument", INSTRUMENTS)
def test_restricted_words_do_not_ship(instrument: Instrument) -> None:
    """An instrument whose words belong to somebody else ships none, in no file, and says how to get them."""
    folder = files("questionnaires") / instrument.name
    shipped_files = {each.name for each in folder.iterdir()}

    assert instrument.licence.restricted == (instrument.name not in WITH_WORDS)
    if instrument.licence.restricted:
        assert shipped_files == {"1.0.0.yaml"}
        assert instrument.wordings == {}
        assert instrument.licence.terms


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("gad-7", "Feeling nervous, anxious, or on edge"),
        ("phq-4", "Feeling nervous, anxious, or on edge"),
        ("phq-9", "Little interest or pleasure in doing things"),
    ],
)
def test_anxiety_and_mood_in_the_published_words(name: str, first: str) -> None:
    """The answers have the standard anchors, zero being "Not at all", and the form carries the notice as published."""
    instrument = shipped().instrument(name)
    words = instrument.wordings["en"]

    anchors = ", ".join(f"{option.value} {words.option(option.code)}" for option in instrument.items["1"].options)

    assert anchors == "0 Not at all, 1 Several days, 2 More than half the days, 3 Nearly every day"
    assert words.items["1"][Rater.PATIENT] == first
    assert words.copyright == (
        "Copyright © Pfizer Inc. All rights reserved. Developed by Drs. Robert L. Spitzer, Janet B.W. Williams, "
        "Kurt Kroenke and colleagues, with an educational grant from Pfizer Inc. "
        "No permission required to reproduce, translate, display or distribute."
    )


def test_the_item_on_self_harm_opens_alerts() -> None:
    """Item 9 of the PHQ-9 is an alert item in the published words, and the question on functioning has no score."""
    phq9 = shipped().instrument("phq-9")

    words = phq9.wordings["en"].items
    assert phq9.alert_items == ("9",)
    assert words["9"][Rater.PATIENT] == "Thoughts that you would be better off dead or of hurting yourself in some way"
    assert [name for name, item in phq9.items.items() if not item.scored] == ["difficulty"]


def test_visual_analogue_lines_have_one_decimal() -> None:
    """The lines of the session and outcome rating scales take a tenth and refuse a hundredth or a point beyond."""
    for name in ("srs", "ors", "csrs", "gsrs"):
        item = shipped().instrument(name).items["1"]

        accepted = [answer for answer in ("-0.1", "0", "9.7", "9.75", "10", "10.1") if item.accepts(answer)]

        assert accepted == ["0", "9.7", "10"]


def test_precision_where_both_its_figures_have_a_source() -> None:
    """Only the total of the WAI-SR has a spread and a reliability that were read in a source, and is provisional."""
    known = {(each.name, *whose): found for each in shipped().instruments for whose, found in each.precision.items()}

    (total,) = known.values()
    assert list(known) == [("wai-sr", Rater.PATIENT, "total")]
    # 12 items, each mean item with SD 0.8 and reliability .80: 12 x 1.96 x sqrt(2) x 0.8 x sqrt(.20).
    assert total.sd == 12 * Decimal("0.8")
    assert round(total.reliable_difference, 2) == Decimal("11.90")
    assert total.is_provisional
    assert shipped().instrument("wai-sr").evidence["precision"].tag == "C"


@pytest.mark.parametrize("name", [name for name, scales in SCALES.items() if scales])
def test_worked_examples_cover_every_scale(name: str) -> None:
    """Among an instrument's worked examples, each scale reaches both ends and once lacks too many answers."""
    instrument = shipped().instrument(name)
    cases = [json.loads(path.read_text("utf-8"))["scores"] for path in (CASES / name).glob("*.json")]

    for scale in instrument.scales:
        values = {case[scale.name][0] for case in cases}
        assert {str(scale.minimum), str(scale.maximum), None} <= values


def test_where_less_is_better() -> None:
    """Only what counts symptoms or warning signs says that less is better, so a fall there is no reason."""
    less = {
        f"{each.name} {scale.name}"
        for each in shipped().instruments
        for scale in each.scales
        if not scale.more_is_better
    }

    counted = {"gad-7 total", "phq-9 total", "phq-4 total", "phq-4 anxiety", "phq-4 mood", "risq total"}
    assert less == {*counted, "sparq negative-affect"}
