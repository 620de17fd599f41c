"""A person lets a form go on: what may be tried again, what has to be looked at, and what that can never do."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from fhir_alliance.audit import verify
from fhir_alliance.delivery.entries import Entries
from fhir_alliance.delivery.findings import UnclearFinding
from fhir_alliance.delivery.outcomes import Outcome
from fhir_alliance.delivery.receipts import State, UnknownReceipt
from fhir_alliance.delivery.releasing import NotReleased, Releasing
from fhir_alliance.settings import ClientSettings
from fhir_alliance.store import transaction
from fhir_alliance.tables import audit, grants, submissions

if TYPE_CHECKING:
    from tests.delivery.conftest import FakeEhr, Site

Accept = Callable[..., str]
FIRST, SECOND = "00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000002"
ONE_SET = {"QuestionnaireResponse": 1, "Observation": 7, "Provenance": 1}


def releasing(site: "Site") -> Releasing:
    """Return what lets the forms of a site go on."""
    return Releasing(site.engine, {"harbor": site.registry.by_name("harbor")}, site.clock)


def hold(site: "Site", key: str, code: str, state: str = "held") -> None:
    """Put a form where a fault would have put it."""
    with transaction(site.engine) as connection:
        mine = submissions.c.key == key
        connection.execute(submissions.update().where(mine).values(state=state, reason=code))


def audited(site: "Site", *events: str) -> list[tuple[str, str, str]]:
    """Return event, actor and outcome of what the trail says; its chain must hold."""
    with site.engine.connect() as connection:
        assert verify(connection) == []
        rows = connection.execute(select(audit).where(audit.c.event.in_(events)).order_by(audit.c.id)).all()
    return [(row.event, row.actor, row.outcome) for row in rows]


def test_what_the_ehr_refused_is_tried_again(site: "Site", ehr: "FakeEhr", accept: Accept) -> None:
    """Once the EHR's administrator has allowed it, a retry brings it into the chart, and who asked is written down."""
    key = accept()
    ehr.refuses = lambda bundle: 403
    site.deliver()
    ehr.refuses = lambda bundle: None

    releasing(site).retry(key, by="jo")
    site.deliver()

    assert (site.standing(key), ehr.count()) == (("delivered", None), ONE_SET)
    assert audited(site, "submission.retried") == [("submission.retried", "jo", "not-allowed")]


def test_a_retry_looks_before_it_sends(
    site: "Site", ehr: "FakeEhr", accept: Accept, make_fault: Callable[..., Any]
) -> None:
    """What a lost answer left in the chart is found, however often somebody asks for it again (I2)."""
    key = accept()
    ehr.faults.append(make_fault(status=None, commit=True))
    site.deliver()
    hold(site, key, "needs-sign-in")

    releasing(site).retry(key, by="jo")
    releasing(site).retry(key, by="jo")
    site.deliver()

    assert (site.standing(key), ehr.count(), len(ehr.posts)) == (("delivered", None), ONE_SET, 1)


def test_what_waits_is_tried_at_once(
    site: "Site", ehr: "FakeEhr", accept: Accept, make_fault: Callable[..., Any]
) -> None:
    """A form that waits for its next try does not have to, and an unknown outcome stays unknown."""
    key = accept()
    ehr.faults.append(make_fault(status=503, headers={"Retry-After": "900"}))
    site.deliver()

    releasing(site).retry(key, by="jo")
    state = site.standing(key)[0]
    site.deliver(seconds=31)

    assert (state, site.standing(key)[0], ehr.count()) == ("unknown", "delivered", ONE_SET)


def test_all_of_a_reason_is_tried_again(site: "Site", accept: Accept) -> None:
    """One word for everything that one cause has held; what waits for something else stays."""
    first, second, third = accept(key=FIRST), accept(key=SECOND), accept()
    for key, code in ((first, "not-allowed"), (second, "not-allowed"), (third, "needs-sign-in")):
        hold(site, key, code)

    tried = releasing(site).retry_all("not-allowed", by="jo", ehr="harbor")

    assert (tried, [site.standing(key)[0] for key in (first, second, third)]) == (2, ["accepted", "accepted", "held"])
    assert releasing(site).retry_all("not-allowed", by="jo", ehr="elsewhere") == 0


def test_several_go_on_without_the_one_that_moved(
    site: "Site", accept: Accept, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is being sent just now, or was settled since the list was read, is left alone; the others are tried."""
    first, second, third = accept(key=FIRST), accept(key=SECOND), accept()
    for key, state in ((first, "unknown"), (second, "leased"), (third, "unknown")):
        hold(site, key, "ehr.unreachable", state)
    desk = releasing(site)
    seen = desk._entries.all(code="ehr.unreachable")
    monkeypatch.setattr(desk._entries, "all", lambda **_: seen)
    hold(site, third, "not-allowed")

    tried = desk.retry_all("ehr.unreachable", by="jo")

    assert tried == 1
    assert [site.standing(key)[0] for key in (first, second, third)] == ["unknown", "leased", "held"]
    assert audited(site, "submission.retried") == [("submission.retried", "jo", "ehr.unreachable")]


@pytest.mark.parametrize("code", ["failed", "conflict", "ehr-changed", "patient-changed", "something-new"])
def test_what_has_to_be_looked_at_is_not_retried(site: "Site", accept: Accept, code: str) -> None:
    """A retry is no way around looking: nothing changes, and the trail has no row."""
    key = accept()
    hold(site, key, code)

    for attempt in (lambda: releasing(site).retry(key, by="jo"), lambda: releasing(site).retry_all(code, by="jo")):
        with pytest.raises(NotReleased):
            attempt()

    assert site.standing(key) == ("held", code)
    assert audited(site, "submission.retried", "submission.released") == []


@pytest.mark.parametrize(("state", "code"), [("delivered", None), ("leased", None), ("held", "own-rating")])
def test_what_is_done_is_left_alone(site: "Site", accept: Accept, state: str, code: str | None) -> None:
    """In the chart, being sent just now, or kept here by design: nothing can be asked of it."""
    key = accept()
    hold(site, key, code, state)  # type: ignore[arg-type]  # without a reason as well

    with pytest.raises(NotReleased):
        releasing(site).retry(key, by="jo")
    with pytest.raises(NotReleased):
        releasing(site).release(key, by="jo", said="mended")

    assert site.standing(key) == (state, code)


def test_a_released_form_goes_in(site: "Site", ehr: "FakeEhr", accept: Accept) -> None:
    """After somebody has looked, the form goes on; who, why and what was found are in the trail."""
    key = accept()
    ehr.refuses = lambda bundle: 409
    site.deliver()
    ehr.refuses = lambda bundle: None

    releasing(site).release(key, by="jo", said="not-in-chart", ticket="4711")
    site.deliver()

    assert (site.standing(key), ehr.count()) == (("delivered", None), ONE_SET)
    assert audited(site, "submission.released") == [
        ("submission.released", "jo", "conflict: not-in-chart, ticket 4711")
    ]


@pytest.mark.parametrize(
    ("said", "ticket"),
    [
        ("", ""),
        ("the same as Maria Lopez", ""),
        ("other", ""),
        ("other", "Maria Lopez"),
        ("same-person", "Maria"),
        ("other", "4711\n"),
        ("other", "1" * 11),
    ],
)
def test_a_release_says_why(site: "Site", accept: Accept, said: str, ticket: str) -> None:
    """Only the reasons of the list and a ticket's digits are taken: no name can get into the trail, or the error."""
    key = accept()
    hold(site, key, "failed")

    with pytest.raises(UnclearFinding) as caught:
        releasing(site).release(key, by="jo", said=said, ticket=ticket)

    assert "Maria" not in f"{caught.value} {caught.value.sentence}"
    assert audited(site, "submission.released") == []
    assert site.standing(key) == ("held", "failed")


def test_the_patient_is_compared_whatever_was_decided(site: "Site", ehr: "FakeEhr", accept: Accept) -> None:
    """A release does not write to a patient who is not the one shown (I3, F35)."""
    key = accept()
    ehr.resources["Patient"]["maria-lopez"] = {**ehr.resources["Patient"]["maria-lopez"], "birthDate": "1990-01-01"}
    site.deliver()

    releasing(site).release(key, by="jo", said="same-person")
    site.deliver()

    assert (site.standing(key), ehr.posts) == (("held", "patient-changed"), [])


def test_a_new_address_is_agreed_to(make_site: Callable[..., "Site"], ehr: "FakeEhr", accept_at: Accept) -> None:
    """Only the present address, as it was shown, lets the form go there, without the old permission (F44)."""
    key = accept_at(make_site("http://127.0.0.1:1/fhir", f"{ehr.origin}/token"))
    moved = make_site(f"{ehr.origin}/fhir", f"{ehr.origin}/token")
    moved.deliver()
    for base in (None, "http://127.0.0.1:1/fhir", f"{ehr.origin}/other"):
        with pytest.raises(NotReleased):
            releasing(moved).release(key, by="jo", said="same-record", base=base)
    held = moved.standing(key)

    releasing(moved).release(key, by="jo", said="same-record", base=f"{ehr.origin}/fhir")
    moved.deliver()
    asks = moved.standing(key)
    moved.outbox.renew(ehr="harbor", patient="maria-lopez", grant=moved.grant())
    moved.deliver()

    assert (held, asks) == (("held", "ehr-changed"), ("held", "needs-sign-in"))
    assert (moved.standing(key), ehr.count()) == (("delivered", None), ONE_SET)


def test_an_ehr_that_is_gone_gets_nothing(site: "Site", accept: Accept) -> None:
    """Without an address in the settings there is none to agree to."""
    key = accept()
    hold(site, key, "ehr-changed")

    with pytest.raises(NotReleased):
        Releasing(site.engine, {}, site.clock).release(key, by="jo", said="same-record", base=None)


def test_a_new_client_brings_its_own_permission(
    make_site: Callable[..., "Site"], ehr: "FakeEhr", accept_at: Accept, tmp_path: Path
) -> None:
    """Released, the form waits for the next launch; the other client's tokens are never used, nor for its siblings."""
    before = make_site(f"{ehr.origin}/fhir", f"{ehr.origin}/token")
    grant = before.grant(refresh="r1")
    first, second = (accept_at(before, grant, key=key) for key in (FIRST, SECOND))
    client = ClientSettings(client_id="other", scopes="openid")
    site = make_site(f"{ehr.origin}/fhir", f"{ehr.origin}/token", patient=client)
    site.deliver()

    releasing(site).release(first, by="jo", said="own-client")
    site.deliver()
    asks = site.standing(first)
    used = (list(ehr.reads), list(ehr.posts), list(ehr.refreshed))
    site.outbox.renew(ehr="harbor", patient="maria-lopez", grant=site.grant())
    site.deliver()

    assert (asks, used) == (("held", "needs-sign-in"), ([], [], []))
    assert [site.standing(key) for key in (first, second)] == [("delivered", None), ("held", "client-changed")]
    with site.engine.connect() as connection:
        old = connection.execute(select(grants).where(grants.c.id == grant)).one()
    assert old.ended_at is None


def test_one_that_moved_meanwhile_is_left(site: "Site", accept: Accept, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was decided on a page that is old by now changes nothing."""
    key = accept()
    hold(site, key, "failed")
    desk = releasing(site)
    seen = desk._entries.one(key)
    monkeypatch.setattr(desk._entries, "one", lambda _: seen)
    hold(site, key, "conflict")

    with pytest.raises(NotReleased):
        desk.release(key, by="jo", said="mended")

    assert site.standing(key) == ("held", "conflict")


def test_the_list_has_what_is_not_in_the_chart(site: "Site", ehr: "FakeEhr", accept: Accept) -> None:
    """By EHR, state, reason and age; what stays here by design is no backlog."""
    first = accept(key=FIRST)
    site.deliver()
    second, third = accept(key=SECOND), accept()
    hold(site, third, "own-rating")
    entries, now = Entries(site.engine), site.clock.now

    assert [each.key for each in entries.all()] == [second]
    assert [each.key for each in entries.all(state=State.DELIVERED)] == [first]
    assert [each.key for each in entries.all(state=State.HELD)] == [third]
    assert entries.all(ehr="elsewhere") == entries.all(code="failed") == ()
    assert [each.key for each in entries.all(before=now)] == [second]
    recent = entries.of_patient("harbor", "maria-lopez", since=now)
    assert [each.key for each in recent] == [third, second, first]
    assert [each.key for each in entries.of_patient("harbor", "maria-lopez", since=site.clock.pass_by(days=1))] == [
        second
    ]


def test_an_entry_says_since_when_and_when_next(
    site: "Site", ehr: "FakeEhr", accept: Accept, make_fault: Callable[..., Any]
) -> None:
    """Waiting: since it was accepted, with the next try; held: since the try that ended so; delivered: since then."""
    key, accepted = accept(), site.clock.now
    entries = Entries(site.engine)
    ehr.faults.append(make_fault(status=503, headers={"Retry-After": "60"}))
    site.deliver(seconds=5)
    waiting = entries.one(key)
    ehr.refuses = lambda bundle: 403
    site.deliver(minutes=2)
    held = entries.one(key)
    stopped = site.clock.now
    ehr.refuses = lambda bundle: None
    releasing(site).retry(key, by="jo")
    site.deliver(minutes=1)
    done = entries.one(key)

    assert (waiting.since, waiting.next_at, waiting.tries) == (accepted, waiting.next_at, 1)
    assert waiting.next_at is not None
    assert (held.since, held.next_at, done.since, done.next_at) == (stopped, None, site.clock.now, None)
    assert [each.outcome for each in entries.attempts(key)][-1] is Outcome.WRITTEN
    assert [(each.what, each.by) for each in entries.decisions(key)] == [("submission.retried", "jo")]


def test_an_unknown_key_is_told(site: "Site") -> None:
    """There is no entry for a key that nobody gave."""
    with pytest.raises(UnknownReceipt):
        Entries(site.engine).one("none")
