"""What stands in the way of a harvest is told, and stops nothing else."""

import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import update

from fhir_alliance.delivery.receipts import DELETED
from fhir_alliance.ehr.draft import BACKEND_SCOPES
from fhir_alliance.ehr.fhir import FhirClient
from fhir_alliance.errors import EhrUnreachable, FhirError, NotSent, SignInNeeded
from fhir_alliance.harvest.book import Book
from fhir_alliance.harvest.harvester import OVERLAP
from fhir_alliance.store import transaction
from fhir_alliance.tables import alerts, audit, harvest_refusals, harvest_rounds, submissions
from smart_app.cli import main
from smart_app.demo.site import Site

from .house import CORE, MARIA, THOMAS, House
from .test_web_alerts import PHQ9, with_alerts
from .test_web_backend import granting
from .test_web_harvest import SCOPES, asked, by_another_app, change, filled, look, put, scores, standings, told

MakeHouse = Callable[..., House]


@pytest.fixture
def house(make_house: MakeHouse) -> House:
    """Open a house whose backend client may look for responses, and score them."""
    return make_house(change=granting(SCOPES))


def harvest(house: House, *arguments: str) -> Result:
    """Run the command at a site."""
    settings = ("--settings", str(house.site.settings), "--ehr", "harbor")
    return CliRunner().invoke(main, ["harvest", *settings, *arguments])


def test_a_long_list_says_that_it_is_cut(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """More than are listed are not scored: the command and the administrator's page say how many there are."""
    book = Book(house.services.engine)
    for response in ("first", "second", "third"):
        book.refuse("harbor", response, "1", patient=None, reason="invalid", at=house.opened)
    whole = harvest(house, "--since", "2099-01-01")
    monkeypatch.setattr("smart_app.commands.harvest._MOST", 2)
    monkeypatch.setattr("smart_app.web.admin._MOST", 2)

    cut = harvest(house, "--since", "2099-01-01")
    _, page = house.admin()

    assert "still not:\n" in whole.stdout
    assert "still not, among the newest 2 of 3:\n" in cut.stdout
    assert "first" not in cut.stdout
    assert "These are the newest 2 of 3." in page.text


def test_command(house: House) -> None:
    """A dry run says what would become of each response and changes nothing; the real one scores, and refuses once."""
    wrong = {"linkId": "score-core", "answer": [{"valueDecimal": 2}]}
    scored = put(house, filled(house, item=[*asked(CORE), wrong]))
    refused = put(house, filled(house, item=asked({"99": "7"})))
    Book(house.services.engine).keep_round("harbor", looked_until=house.opened + OVERLAP, at=house.opened)
    before = house.rows(harvest_rounds)

    late = harvest(house, "--since", "2099-01-01", "--dry-run")
    dry = harvest(house, "--dry-run")
    nothing = (house.rows(submissions), house.rows(harvest_refusals), house.rows(harvest_rounds))
    real = harvest(house)
    house.deliver()
    again = harvest(house)
    later = harvest(house, "--since", "2099-01-01")

    told_of = f"scored             QuestionnaireResponse/{scored}\n  its own score differs from ours\n"
    words = "  its answers do not fit the form that it names\n"
    not_scored = f"invalid            QuestionnaireResponse/{refused}\n{words}  item 99: is not on the form\n"
    assert (dry.exit_code, real.exit_code, again.exit_code) == (0, 0, 0)
    assert all(told_of in each.stdout and not_scored in each.stdout for each in (dry, real))
    assert "2 responses: 1 scored, 1 invalid, nothing was changed.\n" in dry.stdout
    assert real.stdout.endswith("2 responses: 1 scored, 1 invalid.\n")
    assert nothing == ([], [], before)
    assert late.stdout == "0 responses, nothing was changed.\n"
    listed = f"invalid            QuestionnaireResponse/{refused}\n{words}"
    assert later.stdout == f"0 responses.\nNot scored before, and still not:\n{listed}"
    assert scored not in again.stdout
    assert not_scored in again.stdout
    assert told(scores(house, scored))["visit-check-in-core"] == ("final", 7.5)


def test_what_was_scored_before_is_counted(house: House) -> None:
    """What is scored now, or cannot be, is listed; of what other programs have scored it is said how many."""
    scored, refused = put(house, filled(house)), put(house, filled(house, item=asked({"99": "7"})))
    before = [put(house, filled(house)) for _ in range(2)]
    for name in before:
        put(house, by_another_app(name))
    Book(house.services.engine).keep_round("harbor", looked_until=house.opened + OVERLAP, at=house.opened)

    dry, real, again = (harvest(house, *options).stdout for options in (["--dry-run"], [], []))

    assert dry.splitlines()[-1] == "4 responses: 1 scored, 1 invalid, already scored: 2, nothing was changed."
    assert real.splitlines()[-1] == "4 responses: 1 scored, 1 invalid, already scored: 2."
    assert again.splitlines()[-1] == "3 responses: 1 invalid, already scored: 2."
    assert all(scored in each and refused in each for each in (dry, real))
    assert not any(name in each for name in before for each in (dry, real, again))


def test_each_response_is_told_once(house: House) -> None:
    """The command is what tells: in a process of its own no line of the log stands between."""
    put(house, filled(house, item=asked({"99": "7"})))
    Book(house.services.engine).keep_round("harbor", looked_until=house.opened + OVERLAP, at=house.opened)
    command = [sys.executable, "-m", "smart_app.cli", "harvest", "--settings", str(house.site.settings)]

    done = subprocess.run([*command, "--ehr", "harbor"], capture_output=True, text=True, check=True)

    assert "harvest.found" not in done.stdout + done.stderr
    assert done.stdout.endswith("1 response: 1 invalid.\n")


def test_command_where_nobody_may_look(make_house: MakeHouse) -> None:
    """Without scopes for it the command says so; a rung without Observations, and an unknown EHR, are told before."""
    house = make_house(change=granting(BACKEND_SCOPES))
    refused = harvest(house)
    text = house.site.settings.read_text()
    unknown = CliRunner().invoke(main, ["harvest", "--settings", str(house.site.settings), "--ehr", "bay"])
    house.site.settings.write_text(f'{text}\n[ehr.harbor.write]\nrung = "hold"\nkeep_days = 9\n')
    lesser = harvest(house)
    house.site.settings.write_text(text + '\n[instruments.reviewed_by]\n"x" = "y"\n')
    faulty = harvest(house)

    assert [each.exit_code for each in (refused, unknown, lesser, faulty)] == [1, 1, 1, 1]
    assert "does not let responses be looked for" in refused.stderr
    assert "does not take whole Observations" in lesser.stderr


def test_alert_is_opened(make_house: MakeHouse) -> None:
    """An answer that calls for an alert opens it, whoever has asked the question."""

    def alerting(site: Site) -> None:
        granting(SCOPES)(site)
        with_alerts(port=9)(site)

    house = make_house(change=alerting)
    system = "https://fhir-alliance.org/fhir/CodeSystem/phq-9-answers"
    items = [
        {"linkId": str(number), "answer": [{"valueCoding": {"system": system, "code": "several-days"}}]}
        for number in range(1, 10)
    ]
    put(house, filled(house, questionnaire=PHQ9, item=items, language="xx"))

    look(house)

    assert [row["patient"] for row in house.rows(alerts)] == [MARIA]


def failing(kind: str, error: Exception) -> Callable[..., Any]:
    """Return a read that fails for one type of resource."""
    read = FhirClient.read

    def fail(client: FhirClient, asked_for: str, name: str) -> Any:
        if asked_for == kind:
            raise error
        return read(client, asked_for, name)

    return fail


@pytest.mark.parametrize(
    ("error", "outcome", "kept"),
    [
        (FhirError(403, ""), "not-allowed", ["not-allowed"]),
        (ZeroDivisionError(), "failed", ["failed"]),
        (FhirError(503, ""), "ehr.refused", []),
        (EhrUnreachable(""), "ehr.unreachable", []),
    ],
)
def test_one_response_stops_no_other(
    house: House, monkeypatch: pytest.MonkeyPatch, error: Exception, outcome: str, kept: list[str]
) -> None:
    """What goes wrong with one response is told, remembered when it would again, and the next one is scored."""
    bad = put(house, filled(house, encounter={"reference": "Encounter/maria-lopez-v14"}))
    good = put(house, filled(house))
    monkeypatch.setattr(FhirClient, "read", failing("Encounter", error))

    found = look(house)

    assert found == {bad: outcome, good: "scored"}
    assert [row["reason"] for row in house.rows(harvest_refusals)] == kept
    (last,) = house.rows(harvest_rounds)
    assert (last["looked_until"] > house.opened) is bool(kept)


def test_token_that_ends_on_the_way(house: House) -> None:
    """A token that the EHR has ended is renewed once."""
    look(house)
    house.ehr.extensions["sandbox_grants"]._access.forget(lambda live: True)
    name = put(house, filled(house))

    assert look(house) == {name: "scored"}


def test_no_backend_client(make_house: MakeHouse) -> None:
    """Without a backend client there is nobody to look."""

    def without(site: Site) -> None:
        site.settings.write_text(site.settings.read_text().partition("[ehr.harbor.backend]")[0])

    house = make_house(change=without)

    with pytest.raises(SignInNeeded):
        look(house)
    with pytest.raises(SignInNeeded):
        house.services.grants.own("harbor")


def test_no_version_of_a_response(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """An EHR that does not tell one version of a response from another cannot be harvested from."""
    search = FhirClient.search

    def bare(client: FhirClient, kind: str, params: Any, **more: Any) -> Any:
        found = search(client, kind, params, **more)
        for each in found.resources:
            each["meta"] = None
        return found

    name = put(house, filled(house))
    monkeypatch.setattr(FhirClient, "search", bare)

    assert look(house) == {name: "no-version"}


@pytest.mark.parametrize("changed", [{"status": "entered-in-error"}, {"item": asked({**CORE, "1": "2"})}])
def test_scores_that_are_not_kept_any_more(house: House, changed: dict[str, Any]) -> None:
    """When what was written is not kept here any more, a later version is left to a person: nothing is guessed."""
    name = put(house, filled(house))
    look(house)
    house.deliver()
    with transaction(house.services.engine) as connection:
        connection.execute(update(submissions).values(payload=DELETED, shown=DELETED))
    change(house, name, **changed)

    found = look(house)
    house.deliver()

    told_why = {found[name], *(reason for _, reason in standings(house))}
    assert "not-comparable" in told_why
    assert told(scores(house, name))["visit-check-in-core"] == ("final", 7.5)


def test_rounds_are_in_the_audit_trail(house: House) -> None:
    """Every look through an EHR, and what was accepted, has its row (O24)."""
    put(house, filled(house))

    look(house)

    events = [(row["event"], row["actor"]) for row in house.rows(audit) if row["actor"] == "harvest"]
    assert events == [("submission.accepted", "harvest"), ("harvest.looked", "harvest")]


def test_background(house: House) -> None:
    """The thread starts, does what is due, and ends when it is told to."""
    harvester = house.services.harvester

    harvester.start()
    harvester.stop()
    harvester.stop()

    assert house.rows(harvest_rounds) == []


def test_old_scores_are_forgotten_here(house: House) -> None:
    """A month after they were written, scores stay here until their response reads back; superseded ones go (P10)."""
    name = put(house, filled(house))
    look(house)
    change(house, name, item=asked({**CORE, "1": "2"}))
    look(house)
    house.deliver()
    house.deliver()
    moved = put(house, filled(house))
    look(house)
    house.deliver()
    change(house, moved, subject={"reference": f"Patient/{THOMAS}"})

    done = house.services.courier.purge_due(house.now() + timedelta(days=31))

    assert done == 2
    assert [bool(row["payload"]) for row in house.rows(submissions)] == [False, False, True]


def test_touched_after_it_was_forgotten(house: House) -> None:
    """A version with the same answers changes nothing, also when what was written is not kept here any more."""
    name = put(house, filled(house))
    look(house)
    house.deliver()
    house.services.courier.purge_due(house.now() + timedelta(days=31))
    change(house, name, language="en")

    look(house)
    house.deliver()

    assert standings(house) == [("delivered", None)] * 2
    assert told(scores(house, name))["visit-check-in-core"] == ("final", 7.5)


def test_reason_that_changes(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A response that is refused for another reason than before is told again, and has one row."""
    name = put(house, filled(house, encounter={"reference": "Encounter/maria-lopez-v14"}))
    reasons = []
    for kind, status in (("Encounter", 403), ("Patient", 400)):
        with monkeypatch.context() as patch:
            patch.setattr(FhirClient, "read", failing(kind, FhirError(status, "")))
            reasons.append(look(house, again=True)[name])

    assert reasons == ["not-allowed", "refused"]
    assert [row["reason"] for row in house.rows(harvest_refusals)] == ["refused"]


def test_repeat_with_other_answers(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """A version that is not what it was is never scored twice; that is told."""
    name = put(house, filled(house))
    look(house)
    harvested = "fhir_alliance.delivery.harvested.HarvestedResponses.is_accepted"
    monkeypatch.setattr(harvested, lambda *_: False)
    search = FhirClient.search

    def rewritten(client: FhirClient, kind: str, params: Any, **more: Any) -> Any:
        found = search(client, kind, params, **more)
        for each in found.resources if kind == "QuestionnaireResponse" else ():
            each["item"] = asked({**CORE, "1": "2"})
        return found

    monkeypatch.setattr(FhirClient, "search", rewritten)

    assert look(house) == {name: "submission.conflict"}
    assert len(house.rows(submissions)) == 1


def test_ehr_that_is_away_ends_the_round(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """When nothing is sent to an EHR any more the round ends at once, and the next one begins where this one did."""
    put(house, filled(house))
    monkeypatch.setattr(FhirClient, "read", failing("Patient", NotSent("away")))

    with pytest.raises(NotSent):
        look(house)

    assert house.rows(harvest_rounds) == []
