"""`fhir-alliance doctor --write-probe`: what each kind of EHR really takes, and that nothing of it is left unsaid."""

import base64
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from fhir_alliance.tables import audit
from smart_app.sandbox.fhir import rest
from smart_app.sandbox.fhir.review import Review

from .conftest import BORN, MARIA, VISIT

if TYPE_CHECKING:
    from tests.doctor.conftest import Running

Make = Callable[..., "Running"]
STEPS = ("create", "search by identifier", "read back", "label kept", "retract")
ALL, WORKS, NOT, REVIEW, UNTRIED = ("works",) * 5, "works", "does not", "in review", "not tried"
WHOLE = {"QuestionnaireResponse": ALL, "Observation": ALL, "Provenance": (UNTRIED,)}
WAITING = (REVIEW, UNTRIED, REVIEW, UNTRIED, UNTRIED)
FILED = (WORKS, NOT, WORKS, WORKS)
FOUND: dict[str, dict[str, tuple[str, ...]]] = {
    "generous": WHOLE,
    "read-only-questionnaires": WHOLE,
    "flowsheet": {"Observation": (*FILED, NOT)},
    "lab-and-vitals-only": {"DocumentReference": (*FILED, WORKS)},
    "notes-only": {"DocumentReference": ALL},
    "fire-hose": {"QuestionnaireResponse": WAITING, "Observation": WAITING, "Provenance": (UNTRIED,)},
    "legacy": WHOLE,
}


def results(output: str) -> dict[str, tuple[str, ...]]:
    """Return the verdicts of the table, by type, in the order of the steps."""
    _, _, table = output.partition("\nTRIED, rung ")
    rows = [line for line in table.partition("\n\n")[0].splitlines()[1:] if not line.startswith(" ")]
    found: dict[str, dict[str, str]] = {}
    for line in rows:
        found.setdefault(line[:23].strip(), {})[line[23:44].strip()] = line[44:55].strip()
    return {kind: tuple(steps[step] for step in STEPS if step in steps) for kind, steps in found.items()}


def standing(running: "Running", before: Any, output: str) -> list[Any]:
    """Return what is new in the chart, is not retracted, and is not named in the report."""
    new = {place: each for place, each in running.chart().items() if place not in before}
    return [
        place
        for place, each in new.items()
        if each.get("status") != "entered-in-error" and "/".join(place) not in output
    ]


@pytest.mark.parametrize("profile", FOUND)
def test_each_kind_of_ehr(make_probed: Make, profile: str) -> None:
    """The table says of each step what the EHR did; what is in the chart afterwards is retracted, or named."""
    running = make_probed(profile, review_seconds=3600)
    before = running.chart()

    result = running.probe("--birth-date", BORN, "--encounter", VISIT)

    new = running.chart().keys() - before.keys()
    needs_a_person = profile in ("flowsheet", "fire-hose")
    assert results(result.output) == FOUND[profile]
    assert standing(running, before, result.output) == []
    assert bool(new) == (profile != "fire-hose")
    assert ("NOT RETRACTED" in result.output) == needs_a_person
    assert result.exit_code == needs_a_person
    assert max(map(len, result.output.splitlines()[3:])) <= 100


def test_the_entry_says_that_it_is_a_test(make_probed: Make) -> None:
    """Every resource carries the words and the label, and keeps its content when it is retracted."""
    running = make_probed("generous")
    before = running.chart()

    running.probe("--birth-date", BORN)

    new = [each for place, each in running.chart().items() if place not in before]
    assert sorted(each["resourceType"] for each in new) == ["Observation"] * 2 + ["QuestionnaireResponse"]
    assert all("TEST ENTRY" in str(each) for each in new)
    assert all("HTEST" in [label["code"] for label in each["meta"]["security"]] for each in new)
    assert all(each["meta"]["versionId"] == "2" for each in new)
    assert next(each for each in new if each["resourceType"] == "QuestionnaireResponse")["item"]


def test_a_note_says_it_in_its_text_and_its_description(make_probed: Make) -> None:
    """Whoever opens the note reads it, whoever sees the list of notes, too."""
    running = make_probed("notes-only")
    before = running.chart()

    running.probe("--birth-date", BORN, "--encounter", VISIT)

    (note,) = [each for place, each in running.chart().items() if place not in before]
    (text, *_) = [each["attachment"] for each in note["content"]]
    assert "TEST ENTRY" in note["description"]
    assert "TEST ENTRY" in base64.b64decode(text["data"]).decode()
    assert note["context"]["encounter"][0]["reference"] == f"Encounter/{VISIT}"


def test_what_was_reviewed_meanwhile_is_retracted(make_probed: Make) -> None:
    """An EHR whose review is over at the next look gives everything back but notes and components, and retracts."""
    running = make_probed("fire-hose", review_seconds=0)
    before = running.chart()

    result = running.probe("--birth-date", BORN)

    assert results(result.output) == WHOLE
    assert result.output.count("a person at the EHR looks at it first (E02)") == 2
    assert {each["status"] for place, each in running.chart().items() if place not in before} == {"entered-in-error"}
    assert result.exit_code == 0


def test_a_review_that_is_slower_than_the_probe(make_probed: Make) -> None:
    """What waits for a person is named with the key it bears, and what that person has to do."""
    running = make_probed("fire-hose", review_seconds=3600)

    result = running.probe("--birth-date", BORN)

    words = " ".join(result.output.split())
    assert "Observation: a person at the EHR looks at it first. Please reject it there" in words
    assert "QuestionnaireResponse: a person at the EHR looks at it first. Please reject it there" in words
    assert 'takes rung = "observations" for review' in words


@pytest.fixture
def reviews(monkeypatch: pytest.MonkeyPatch) -> list[Review]:
    """Return the reviews of the sandboxes that are started from now on."""
    made: list[Review] = []

    def noted(*given: Any, **named: Any) -> Review:
        made.append(Review(*given, **named))
        return made[-1]

    monkeypatch.setattr(rest, "Review", noted)
    return made


def look_through(review: Review, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let somebody at the EHR have looked at everything, and at what comes from now on."""
    monkeypatch.setattr(review, "_clock", lambda: 1e12)
    monkeypatch.setattr(review, "_seconds", 0)


def test_a_later_probe_finishes_what_was_in_review(
    make_probed: Make, reviews: list[Review], monkeypatch: pytest.MonkeyPatch
) -> None:
    """After the review the same entry is read back and retracted, nothing new is written, and the next one is new."""
    running = make_probed("fire-hose", review_seconds=3600)
    before = running.chart()
    first = running.probe("--birth-date", BORN, "--encounter", VISIT)
    waits = running.probe("--birth-date", BORN)
    posts = [call for call in running.traffic if call[:2] == ("POST", "/fhir")]

    look_through(reviews[0], monkeypatch)
    finished = running.probe("--birth-date", BORN)
    new = [each for place, each in running.chart().items() if place not in before]

    assert (first.exit_code, waits.exit_code, finished.exit_code) == (1, 1, 0)
    told = ["No new one is written" in each.output for each in (first, waits, finished)]
    assert told == [False, True, True]
    assert ["is written into this chart" in each.output for each in (first, waits, finished)] == [True, False, False]
    assert results(waits.output) == FOUND["fire-hose"]
    assert results(finished.output) == WHOLE
    assert len(posts) == 1
    assert len(new) == 3
    assert {each["status"] for each in new} == {"entered-in-error"}
    assert {each["encounter"]["reference"] for each in new} == {f"Encounter/{VISIT}"}

    running.probe("--birth-date", BORN)
    assert len(running.chart().keys() - before.keys()) == 6


def test_what_was_never_reviewed_does_not_wait_for_ever(
    make_probed: Make, reviews: list[Review], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two weeks later an entry that never came is taken for rejected, and a new one is written."""
    running = make_probed("fire-hose", review_seconds=3600)
    before = running.chart()
    running.probe("--birth-date", BORN)
    monkeypatch.setattr("smart_app.doctor.probing.GIVEN_UP", timedelta(0))
    monkeypatch.setattr(reviews[0], "_waiting", [])
    look_through(reviews[0], monkeypatch)

    fresh = running.probe("--birth-date", BORN)

    assert results(fresh.output) == WHOLE
    assert len([call for call in running.traffic if call[:2] == ("POST", "/fhir")]) == 2
    assert len(running.chart().keys() - before.keys()) == 3


def test_another_chart_does_not_hide_what_is_in_review(make_probed: Make) -> None:
    """As long as an entry waits in one chart, a probe of another is refused, with the chart to name."""
    running = make_probed("fire-hose", review_seconds=3600)
    running.probe("--birth-date", BORN)
    options = ("--ehr", "harbor", "--write-probe", "--patient", "thomas-reyes", "--by", "Jo Park")
    thomas = running.store.read("Patient", "thomas-reyes")

    refused = running.call("doctor", *options, "--birth-date", thomas["birthDate"])

    assert refused.exit_code == 1
    assert f"still in review, in the chart of Patient/{MARIA}" in " ".join(refused.output.split())


@pytest.mark.parametrize(
    ("really", "said"),
    [("lab-and-vitals-only", 'next rung it takes is "flowsheet"'), ("notes-only", 'next rung it takes is "note"')],
)
def test_a_rung_that_the_ehr_does_not_take(make_probed: Make, really: str, said: str) -> None:
    """A refusal is told with its status, nothing is left, and the next rung down is named."""
    running = make_probed("generous", profile=really)
    before = running.chart()

    result = running.probe("--birth-date", BORN)

    words = " ".join(result.output.split())
    assert results(result.output)["Observation"] == (NOT, *[UNTRIED] * 4)
    assert 'does not take rung = "observations": the EHR answers HTTP 405. Forms are still accepted' in words
    assert said in words
    assert running.chart() == before
    assert result.exit_code == 1


def test_a_note_without_a_visit(make_probed: Make) -> None:
    """An EHR that takes notes only with a visit refuses one without, and the option that helps is named."""
    running = make_probed("notes-only")

    result = running.probe("--birth-date", BORN)

    assert results(result.output)["DocumentReference"] == (NOT, *[UNTRIED] * 4)
    assert "name one of the patient's with --encounter" in " ".join(result.output.split())
    assert result.exit_code == 1


def test_held_means_that_nothing_is_written(make_running: Make) -> None:
    """Where the site writes nothing, not even the patient is read."""
    running = make_running("generous")
    settings = running.site.settings
    settings.write_text(settings.read_text() + '\n[ehr.harbor.write]\nrung = "hold"\nkeep_days = 30\n')

    result = running.probe()

    assert 'rung = "hold" writes nothing into this EHR' in result.output
    assert not [call for call in running.traffic if "Patient" in call[1]]
    assert result.exit_code == 0


def test_every_send_is_in_the_audit_trail(make_probed: Make) -> None:
    """The trail says who has tried what, each send before it happened, with the key that the entry bears."""
    running = make_probed("generous")
    running.probe("--birth-date", BORN)
    writes = [call for call in running.traffic if call[0] in ("POST", "PUT") and call[1].startswith("/fhir")]

    engine = running.database()
    with engine.connect() as connection:
        rows = connection.execute(select(audit).order_by(audit.c.id)).all()
    engine.dispose()

    steps = ["whole", "retract-1", "retract-2", "retract-3"]
    sent = [row for row in rows if row.event == "probe.sent"]
    assert [row.event for row in rows] == ["probe.opened", *["probe.sent"] * 4, "probe.ended"]
    assert [row.outcome for row in sent] == steps
    assert len(writes) == len(steps)
    assert {(row.actor, row.ehr, row.patient) for row in rows} == {("Jo Park", "harbor", MARIA)}
    assert len({row.request_id for row in sent}) == 1
    assert rows[-1].outcome == "works"


def test_the_result_is_kept_with_its_date(make_probed: Make) -> None:
    """Later `--last` shows the whole probe, and doctor without a probe mentions it and its day."""
    running = make_probed("flowsheet")
    never = " ".join(running.doctor().split())
    probed = running.probe("--birth-date", BORN)

    mentioned = " ".join(running.doctor().split())
    again = running.doctor("--last")

    _, _, told = probed.output.partition("Last write probe")
    assert "Nobody has tried yet" in never
    assert 'rung = "flowsheet": works. --last shows it.' in mentioned
    assert "TRIED" not in mentioned
    assert told
    assert again.endswith(told)
