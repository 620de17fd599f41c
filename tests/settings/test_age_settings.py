"""`[[age_rule]]`: where patients of an age answer at a site."""

from pathlib import Path

import pytest

from fhir_alliance.errors import InvalidSettings
from fhir_alliance.settings import AgeRule, Answering, Where, read_settings

ONLY = '[[age_rule]]\nages = [12, 15]\nwhere = "room-only"'
FIRST = '[[age_rule]]\nages = [12, 17]\nwhere = "room-first"'
REMIND = "[schedule.site]\nremind_hours = [4]"


def read(folder: Path, *more: str) -> tuple[AgeRule, ...]:
    """Return the rules of a site whose settings say something more."""
    path = folder / "alliance.toml"
    path.write_text("\n".join((path.read_text(), *more, "")))
    return read_settings(path).age_rules


def sending(folder: Path, scopes: str) -> None:
    """Let links of a site be passed on, and its backend client have some more scopes."""
    path = folder / "alliance.toml"
    text = path.read_text().replace("[links]\n", '[links]\ncommand = ["/bin/send"]\n')
    path.write_text(text.replace("system/Questionnaire.crus", f"system/Questionnaire.crus {scopes}".strip()))


def test_a_site_needs_no_rule_of_its_own(folder: Path) -> None:
    """What a site says nothing of is left to the usual rules."""
    assert read(folder) == ()


def test_rules_come_out_as_written(folder: Path) -> None:
    """Places, ages and switches are kept; who says nothing of the switches has the careful ones."""
    more = 'places = ["US-CA", "DE"]\nbeside = false\nask_who = false'

    assert read(folder, FIRST, more, '[[age_rule]]\nages = [0, 17]\nwhere = "anywhere"') == (
        AgeRule(
            first=12,
            last=17,
            places=("US-CA", "DE"),
            answering=Answering(where=Where.ROOM_FIRST, beside=False, ask_who=False),
        ),
        AgeRule(first=0, last=17, answering=Answering(where=Where.ANYWHERE, beside=True, ask_who=True)),
    )


def test_the_same_ages_elsewhere_and_other_ages_here_do_not_overlap(folder: Path) -> None:
    """A state, its country and everywhere are three places, and ages that touch are two."""
    places = [f'{FIRST}\nplaces = ["{place}"]' for place in ("US-CA", "US", "DE")]

    assert len(read(folder, FIRST, *places, '[[age_rule]]\nages = [18, 20]\nwhere = "anywhere"')) == 5


@pytest.mark.parametrize(
    ("more", "faults"),
    [
        ('[[age_rule]]\nages = [17, 12]\nwhere = "anywhere"', ["0.ages: from 17 to 12 is no age: the lower one"]),
        ('[[age_rule]]\nages = [12]\nwhere = "anywhere"', ["0.ages: needs two ages"]),
        ('[[age_rule]]\nages = [0, 151]\nwhere = "anywhere"', ["0.ages.1: "]),
        ('[[age_rule]]\nages = [12, 17]\nwhere = "at-home"', ["0.where: "]),
        ('[[age_rule]]\nages = [12, 17]\nwhere = "anywhere"\nproxy = true', ["0.proxy: "]),
        ('[[age_rule]]\nwhere = "anywhere"', ["0.ages: "]),
        (f'{FIRST}\nplaces = ["California"]', ["0.places.0: is no code such as US or US-CA"]),
        (f'{FIRST}\nplaces = ["US", "us-ca"]', ["0.places.1: is no code"]),
        (f'{FIRST}\nplaces = ["EU", "UK-ENG"]', ["0.places.0: EU is not the code", "0.places.1: UK is not the code"]),
        (f"{FIRST}\n{ONLY}", ["1: age 12 to 15 has a rule for everywhere already, number 0"]),
        (f"{FIRST}\n{FIRST}", ["1: age 12 to 17 has a rule for everywhere already, number 0"]),
        (
            f'{FIRST}\nplaces = ["US", "DE"]\n[[age_rule]]\nages = [17, 17]\nwhere = "anywhere"\nplaces = ["DE"]',
            ["1: age 17 has a rule for DE already, number 0"],
        ),
    ],
)
def test_a_rule_that_cannot_be_followed_is_refused(folder: Path, more: str, faults: list[str]) -> None:
    """Each fault names the rule, counted from 0, and what is wrong with it; all of them come together."""
    with pytest.raises(InvalidSettings) as caught:
        read(folder, more)

    found = [each.removeprefix("alliance.toml: age_rule.") for each in caught.value.faults]
    assert len(found) == len(faults)
    assert all(each.startswith(start) for each, start in zip(found, faults, strict=True))


def test_who_must_not_be_reminded_has_to_be_known(folder: Path) -> None:
    """Reminders beside a rule for the room only need a client that may read how old somebody is."""
    sending(folder, "")

    with pytest.raises(InvalidSettings) as caught:
        read(folder, ONLY, REMIND)

    (fault,) = caught.value.faults
    assert fault.startswith("alliance.toml: age_rule.0: room-only beside remind_hours or tasks needs the scope system/")
    assert "[ehr.harbor.backend]" in fault


def test_whose_task_must_not_be_made_has_to_be_known(folder: Path) -> None:
    """So do Tasks, of the EHR that gets them."""
    path = folder / "alliance.toml"
    path.write_text(path.read_text().replace("[ehr.harbor]\n", '[ehr.harbor]\ntasks = ["form"]\n'))

    with pytest.raises(InvalidSettings) as caught:
        read(folder, FIRST, ONLY.replace("[12, 15]", "[18, 20]"))

    (fault,) = caught.value.faults
    assert fault.startswith("alliance.toml: age_rule.1: room-only beside remind_hours or tasks needs")


@pytest.mark.parametrize(("scopes", "rule"), [("system/Patient.r", ONLY), ("", FIRST)])
def test_reminders_beside_rules_that_let_them_be_sent(folder: Path, scopes: str, rule: str) -> None:
    """With the scope, or without a rule for the room only, nothing is wrong."""
    sending(folder, scopes)

    assert len(read(folder, rule, REMIND)) == 1
