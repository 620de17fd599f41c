"""Assignments: each due form once, whatever asked for it and however often, and what became of it."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest
from sqlalchemy import Engine, insert

from fhir_alliance.delivery.receipts import State
from fhir_alliance.instruments.facts import Advice
from fhir_alliance.instruments.words import Rater
from fhir_alliance.store import open_store, transaction
from fhir_alliance.tables import grants, submissions
from fhir_alliance.visits.assignments import Assignments, Trigger
from fhir_alliance.visits.due import Due, Why
from fhir_alliance.visits.schedule import AskedForm, Rule
from fhir_alliance.visits.standing import Standing

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
CORE, FULL = "https://x/core", "https://x/full"
PINS = {CORE: f"{CORE}|1.0.0", FULL: f"{FULL}|1.0.0"}
VISIT = ("harbor", "maria", "Encounter/1")


class Clock:
    """A clock that a test turns."""

    now = NOON

    def __call__(self) -> datetime:
        """Return the time."""
        return self.now


@pytest.fixture
def engine(empty_store: str) -> Iterator[Engine]:
    """Open a fresh store of each kind."""
    engine = open_store(empty_store)
    yield engine
    engine.dispose()


@pytest.fixture
def clock() -> Clock:
    """Return the clock of the store."""
    return Clock()


@pytest.fixture
def store(engine: Engine, clock: Clock) -> Assignments:
    """Return the assignments of a site whose long form answers its short one."""
    return Assignments(engine, {CORE: frozenset({CORE, FULL}), FULL: frozenset({FULL})}, clock)


def due(url: str = CORE, rater: Rater = Rater.PATIENT) -> Due:
    """Return a form that is due about visit 3 for two days."""
    form = AskedForm(url=url, instrument="check-in", rater=rater, items=frozenset("1"))
    rule = Rule(form=form, when=Advice(visits=frozenset({3})))
    return Due(rule=rule, why=Why.VISIT, number=3, opens=NOON, closes=NOON + timedelta(hours=48))


@pytest.fixture
def send(engine: Engine) -> Callable[..., None]:
    """Return what puts a submission into the outbox, as far as assignments look at it."""
    grant = {
        "id": "g",
        "ehr": "harbor",
        "client": "c",
        "user": "u",
        "scopes": "",
        "access_token": b"",
        "expires_at": NOON,
    }
    with transaction(engine) as connection:
        connection.execute(insert(grants).values(**grant, created_at=NOON))

    def put(form: str, key: str = "k", **changed: object) -> None:
        values = {
            "key": key,
            "ehr": "harbor",
            "patient": "maria",
            "encounter": "Encounter/1",
            "launch": "l",
            "grant_id": "g",
            "form": form,
            "rater": "patient",
            "declined": False,
            "instrument_digest": "",
            "answers_digest": "",
            "language": "en",
            "audience_digest": "",
            "payload": b"",
            "shown": b"",
            "state": State.ACCEPTED,
            "attempts": 0,
            "next_attempt_at": NOON,
            "accepted_at": NOON,
        }
        with transaction(engine) as connection:
            connection.execute(insert(submissions).values(**{**values, **changed}))

    return put


def standings(store: Assignments) -> list[Standing]:
    """Return where the assignments of the visit are."""
    return [each.standing for each in store.of_visit(*VISIT)]


def test_twice_is_once(store: Assignments) -> None:
    """Two triggers at once make one assignment, pinned to the version of the first."""
    made = [
        store.assign(*VISIT, [due()], pins, trigger)
        for pins, trigger in ((PINS, Trigger.LAUNCH), ({CORE: f"{CORE}|2.0.0"}, Trigger.HAND))
    ]

    (found,) = store.of_visit(*VISIT)
    assert made == [1, 0]
    assert (found.form, found.standing, found.number, found.submission) == (f"{CORE}|1.0.0", Standing.DUE, 3, None)
    assert (found.opens, found.closes) == (NOON, NOON + timedelta(hours=48))


def test_the_therapist_of_a_visit(store: Assignments, clock: Clock) -> None:
    """What is asked about a therapist's visits is found by the therapist, who may change, until its time is over."""

    def of(therapist: str) -> list[str]:
        return [each.encounter for each in store.of_therapist("harbor", therapist)]

    settled = {"opens": NOON, "closes": NOON + timedelta(hours=48)}
    store.assign(*VISIT, [due()], PINS, Trigger.HAND)
    before = of("Practitioner/ada")
    store.settle(*VISIT, [due()], PINS, Trigger.POLL, **settled, therapist="Practitioner/ada")
    store.settle("hillside", *VISIT[1:], [due()], PINS, Trigger.POLL, **settled, therapist="Practitioner/ada")
    found = of("Practitioner/ada")
    store.settle(*VISIT, [due()], PINS, Trigger.POLL, **settled, therapist="Practitioner/ben")

    assert (before, found, of("Practitioner/ada"), of("Practitioner/ben")) == ([], [VISIT[2]], [], [VISIT[2]])
    clock.now = NOON + timedelta(hours=48)
    assert of("Practitioner/ben") == []


def test_at_the_same_time_is_once(store: Assignments, empty_store: str) -> None:
    """Triggers that come at the same moment, in one process and from another one, make one assignment."""
    other = open_store(empty_store)
    begin = Barrier(8)

    def assign(number: int) -> int:
        own = store if number % 2 else Assignments(other, {}, Clock())
        begin.wait()
        settled = {"opens": NOON, "closes": NOON + timedelta(hours=48)}
        return own.settle(*VISIT, [due(CORE), due(FULL)], PINS, Trigger.POLL, **settled)

    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(assign, range(8)))
    other.dispose()

    assert sorted(made) == [0] * 7 + [2]
    assert len(store.of_visit(*VISIT)) == 2


def test_what_is_not_due_any_more(store: Assignments, clock: Clock) -> None:
    """Before its time a form that is not due any more is not asked, and is again when it is; later it stays asked."""
    settled = {"opens": NOON, "closes": NOON + timedelta(hours=48)}
    clock.now = NOON - timedelta(hours=1)
    store.settle(*VISIT, [due()], PINS, Trigger.POLL, **settled)
    after = []
    for found, now in (([], NOON - timedelta(hours=1)), ([due()], NOON), ([], NOON)):
        clock.now = now
        store.settle(*VISIT, found, PINS, Trigger.POLL, **settled)
        after.append(standings(store))

    assert after == [[Standing.CANCELLED], [Standing.DUE], [Standing.DUE]]


def test_what_was_handed_over_stays(store: Assignments, clock: Clock) -> None:
    """What a person has handed over neither moves with the visit nor ends because no rule asks for it."""
    by_hand = replace(due(), why=Why.HAND)
    store.assign(*VISIT, [by_hand], PINS, Trigger.HAND)

    later = NOON + timedelta(days=3)
    store.settle(*VISIT, [], PINS, Trigger.POLL, opens=later, closes=later + timedelta(hours=48))

    (found,) = store.of_visit(*VISIT)
    assert (found.standing, found.closes) == (Standing.DUE, NOON + timedelta(hours=48))


@pytest.mark.parametrize(
    "elsewhere",
    [("other", "maria", "Encounter/1"), ("harbor", "ben", "Encounter/1"), ("harbor", "maria", "Encounter/2")],
)
def test_another_visit_is_another_assignment(store: Assignments, elsewhere: tuple[str, str, str]) -> None:
    """EHR, patient and visit each make a difference, and nobody sees what is not theirs."""
    store.assign(*VISIT, [due()], PINS, Trigger.LAUNCH)

    assert store.assign(*elsewhere, [due()], PINS, Trigger.LAUNCH) == 1
    assert (len(store.of_visit(*VISIT)), len(store.of_visit(*elsewhere))) == (1, 1)


@pytest.mark.parametrize(
    ("form", "changed", "expected"),
    [
        (f"{CORE}|1.0.0", {}, Standing.COMPLETED),
        (f"{CORE}|2.0.0", {}, Standing.COMPLETED),
        (f"{FULL}|1.0.0", {}, Standing.COMPLETED),
        (f"{CORE}|1.0.0", {"declined": True}, Standing.DECLINED),
        (f"{CORE}-2|1.0.0", {}, Standing.DUE),
        (f"{CORE}|1.0.0", {"encounter": "Encounter/2"}, Standing.DUE),
        (f"{CORE}|1.0.0", {"patient": "ben"}, Standing.DUE),
        (f"{CORE}|1.0.0", {"ehr": "other"}, Standing.DUE),
    ],
)
def test_what_was_sent_completes_it(
    store: Assignments, send: Callable[..., None], form: str, changed: dict[str, object], expected: Standing
) -> None:
    """The form, of any version, or a longer one, about this very visit completes an assignment; nothing else does."""
    store.assign(*VISIT, [due()], PINS, Trigger.LAUNCH)

    send(form, **changed)

    assert standings(store) == [expected]


def test_what_was_taken_back_is_due_again(store: Assignments, send: Callable[..., None]) -> None:
    """Other answers leave a form answered, under its first key; one that was taken back was not answered."""
    store.assign(*VISIT, [due()], PINS, Trigger.LAUNCH)
    send(f"{CORE}|1.0.0", "first")
    send(f"{CORE}|1.0.0", "second", corrects="first", version=2, kind="amendment")
    (amended,) = store.of_visit(*VISIT)

    send(f"{CORE}|1.0.0", "third", corrects="first", version=3, kind="withdrawal")

    assert (amended.standing, amended.submission) == (Standing.COMPLETED, "first")
    assert standings(store) == [Standing.DUE]


def test_after_its_time_it_is_overdue(store: Assignments, clock: Clock) -> None:
    """A form that nobody answered in time is overdue, and leaves the list of what is still asked."""
    store.assign(*VISIT, [due()], PINS, Trigger.LAUNCH)
    clock.now += timedelta(hours=48)

    assert standings(store) == [Standing.OVERDUE]
    assert store.of_patient("harbor", "maria", since=clock.now) == ()


def test_a_visit_that_did_not_take_place(store: Assignments, send: Callable[..., None]) -> None:
    """Cancelling ends what is open and no more: an answer stays an answer, and no trigger asks again."""
    store.assign(*VISIT, [due(CORE), due(FULL)], PINS, Trigger.LAUNCH)
    send(f"{CORE}|1.0.0")

    ended = store.cancel_visit(*VISIT, why="visit-cancelled")
    again = store.assign(*VISIT, [due(FULL)], PINS, Trigger.LAUNCH)

    assert (ended, again) == (1, 0)
    assert standings(store) == [Standing.COMPLETED, Standing.CANCELLED]


def test_a_patient_sees_every_visit(store: Assignments) -> None:
    """What is asked about several visits comes together, in the order assigned."""
    for visit in ("Encounter/1", "Encounter/2"):
        store.assign("harbor", "maria", visit, [due()], PINS, Trigger.LAUNCH)

    found = store.of_patient("harbor", "maria", since=NOON)

    assert [each.encounter for each in found] == ["Encounter/1", "Encounter/2"]


def test_nothing_due_writes_nothing(store: Assignments) -> None:
    """Without anything due no transaction is begun."""
    assert store.assign(*VISIT, [], PINS, Trigger.LAUNCH) == 0
    assert store.of_visit(*VISIT) == ()
