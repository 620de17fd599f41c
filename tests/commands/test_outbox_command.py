"""`fhir-alliance outbox`: what waits, why, and letting it go on, without names and answers."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner, Result
from sqlalchemy import Engine, insert, select

from fhir_alliance.delivery.outbox import Outbox
from fhir_alliance.records.bundle import write_bundle
from fhir_alliance.records.submission import Submission
from fhir_alliance.settings import Settings, read_settings
from fhir_alliance.store import open_store, transaction
from fhir_alliance.tables import attempts, audit, grants, submissions
from fhir_alliance.vault import Vault
from smart_app.cli import main
from smart_app.demo.site import write_site

ACCEPTED = datetime(2026, 11, 12, 15, 42, 9, tzinfo=UTC)
KEYS = [f"00000000-0000-4000-8000-00000000000{number}" for number in range(1, 5)]
HELD, REFUSED, MOVED, DONE = KEYS
STATES = {
    HELD: ("held", "needs-sign-in", 0),
    REFUSED: ("held", "conflict", 2),
    MOVED: ("held", "ehr-changed", 26),
    DONE: ("delivered", None, 1),
}


class Shop:
    """A site with four forms, and its commands."""

    def __init__(self, settings: Path, make: Callable[..., Submission]) -> None:
        self.path = settings
        self.site: Settings = read_settings(settings)
        self.engine: Engine = open_store(self.site.database)
        vault = Vault.from_file(self.site.vault_key_file)
        values = {"id": "g1", "ehr": "harbor", "client": "patient", "user": "u", "scopes": "", "access_token": b"t"}
        times = {"expires_at": ACCEPTED, "created_at": ACCEPTED}
        with transaction(self.engine) as connection:
            connection.execute(insert(grants).values(**values, **times, fhir_base="https://old.example.invalid/fhir"))
        for key in KEYS:
            submission = make({"1": "3"}, key=key)
            Outbox(self.engine, vault, lambda: ACCEPTED).accept(
                submission, orjson.dumps(write_bundle(submission)), grant="g1"
            )
        self._age()

    def _age(self) -> None:
        now = datetime.now(UTC)
        with transaction(self.engine) as connection:
            for key, (state, reason, hours) in STATES.items():
                mine = submissions.update().where(submissions.c.key == key)
                accepted = now - timedelta(hours=hours)
                connection.execute(mine.values(state=state, reason=reason, accepted_at=accepted, attempts=1))
            sent = {"submission": REFUSED, "started_at": ACCEPTED, "step": "whole", "outcome": "refused", "status": 409}
            connection.execute(insert(attempts).values(**sent))

    def call(self, *arguments: str, answer: str | None = None) -> Result:
        """Run one command on the outbox in this process."""
        return CliRunner().invoke(main, ["outbox", *arguments, "--settings", str(self.path)], input=answer)

    def standing(self, key: str) -> tuple[str, str | None]:
        """Return state and reason of a form."""
        with self.engine.connect() as connection:
            row = connection.execute(select(submissions).where(submissions.c.key == key)).one()
        return row.state, row.reason

    def trail(self) -> list[tuple[str, str, str]]:
        """Return who let what go on."""
        wanted = audit.c.event.in_(("submission.retried", "submission.released"))
        with self.engine.connect() as connection:
            rows = connection.execute(select(audit).where(wanted).order_by(audit.c.id)).all()
        return [(row.event, row.actor, row.outcome) for row in rows]


@pytest.fixture
def shop(tmp_path: Path, make_submission: Callable[..., Submission]) -> Iterator[Shop]:
    """Open the shop."""
    shop = Shop(write_site(tmp_path, ehr_port=1, app_port=2).settings, make_submission)
    yield shop
    shop.engine.dispose()


def listed(done: Result) -> list[str]:
    """Return the keys of a list."""
    assert done.exit_code == 0, done.output
    return [line.split()[0] for line in done.stdout.splitlines()[1:]]


@pytest.mark.parametrize(
    ("options", "keys"),
    [
        ([], [HELD, REFUSED, MOVED]),
        (["--ehr", "harbor"], [HELD, REFUSED, MOVED]),
        (["--ehr", "elsewhere"], []),
        (["--state", "delivered"], [DONE]),
        (["--older-than", "60m"], [REFUSED, MOVED]),
        (["--older-than", "1d"], [MOVED]),
    ],
)
def test_what_waits_is_listed(shop: Shop, options: list[str], keys: list[str]) -> None:
    """All that is not in the chart, or what is asked for, oldest first."""
    assert listed(shop.call("list", *options)) == keys


def test_an_empty_list_says_so(shop: Shop) -> None:
    """Where nothing is as asked there is a sentence, and no head of a table without rows; a program gets a list."""
    said, empty = shop.call("list", "--ehr", "elsewhere"), shop.call("list", "--ehr", "elsewhere", "--json")

    assert said.stdout == "Nothing is listed: no form or filed page is as asked.\n"
    assert empty.stdout == "[]\n"


def test_the_list_is_there_for_programs(shop: Shop) -> None:
    """JSON holds the same with what the reason means, and times with an offset."""
    done = shop.call("list", "--older-than", "1h", "--json")

    first, second = json.loads(done.stdout)
    assert (first["key"], first["reason"], first["again"], first["fault"]) == (REFUSED, "conflict", "release", "F17")
    assert second["who"] == "administrator"
    assert datetime.fromisoformat(first["accepted_at"]).tzinfo is not None


@pytest.mark.parametrize("options", [["--older-than", "soon"], ["--state", "lost"]])
def test_a_filter_that_means_nothing_is_refused(shop: Shop, options: list[str]) -> None:
    """A wrong age or state is said, instead of an empty list."""
    assert shop.call("list", *options).exit_code != 0


def test_one_form_is_shown(shop: Shop) -> None:
    """Address, rung, reason and every send are there."""
    done = shop.call("show", REFUSED)

    assert done.exit_code == 0, done.stderr
    for part in ("held conflict", "observations", "https://old.example.invalid/fhir", "whole  refused  409"):
        assert part in done.stdout
    assert "let go on" not in done.stdout


def test_a_form_that_never_left_says_so(shop: Shop) -> None:
    """Tries that ended before anything was sent leave no table without a row."""
    done = shop.call("show", HELD)

    assert done.stdout.endswith("\nNothing was sent yet.\n")


@pytest.mark.parametrize(
    ("key", "parts"),
    [
        (
            HELD,
            ["held since", "for this patient.\n", "nothing, until somebody acts", f"outbox retry {HELD} --by WHO\n"],
        ),
        (REFUSED, ["first; please check.\n", f"outbox release {REFUSED} --by WHO --reason REASON"]),
        (DONE, ["delivered since", "it is in the chart", "it stays where it is"]),
    ],
)
def test_one_form_is_explained(shop: Shop, key: str, parts: list[str]) -> None:
    """Where, why, what next, and the very command that helps."""
    done = shop.call("explain", key)

    assert done.exit_code == 0, done.stderr
    assert [part for part in parts if part not in done.stdout] == []
    assert ("To do" in done.stdout) is (key != DONE)
    assert "fault" not in done.stdout


def test_f11_each_entry_is_explained(shop: Shop) -> None:
    """Of a transaction that was taken in part: for each entry the newest answer, in words, and what to do (F11)."""
    sends = [
        ("whole", "refused", 422, None),
        ("without-provenance", "unknown", None, "[201, 422, null, 403, 500]"),
        ("part-5", "written", 201, None),
        ("provenance", "not-sent", None, None),
    ]
    with transaction(shop.engine) as connection:
        for step, outcome, status, entries in sends:
            sent = {"step": step, "outcome": outcome, "status": status, "entries": entries}
            connection.execute(insert(attempts).values(submission=HELD, started_at=ACCEPTED, **sent))

    said = shop.call("explain", HELD).stdout.partition("answered last:\n")[2].splitlines()

    assert [line.split(". ")[0] for line in said] == [
        "  entry 1, the answers: HTTP 201, taken",
        "  entry 2, a score: HTTP 422, the health record says that it is not valid",
        "  entry 3, a score: no HTTP status, no clear answer, so it may be in the chart",
        "  entry 4, a score: HTTP 403, the health record does not allow it",
        "  entry 5, a score: HTTP 201, taken",
        "  who corrected it: no HTTP status, not sent, as the health record was left alone",
    ]
    assert "then retry; doctor tells what is missing." in said[3]
    assert all(line.endswith(".") and ". " in line for line in said)


@pytest.mark.parametrize(
    ("step", "what"),
    [("whole", "all of it"), ("flowsheet-2", "row 2"), ("note", "the note"), ("withdrawal-3", "marking 3")],
)
def test_each_way_of_sending_has_words(shop: Shop, step: str, what: str) -> None:
    """Whatever was sent is named in words, also where one answer was for all of it."""
    with transaction(shop.engine) as connection:
        sent = {"step": step, "outcome": "written", "status": 201}
        connection.execute(insert(attempts).values(submission=HELD, started_at=ACCEPTED, **sent))

    assert shop.call("explain", HELD).stdout.endswith(f"\n  {what}: HTTP 201, taken. Nothing has to be done.\n")


def test_what_waits_by_itself_says_when(shop: Shop) -> None:
    """A form that is tried again by itself has a time, and no command; while it is sent, none."""
    for state, expected in (("unknown", "not before 2026-11-12 10:42"), ("leased", "nothing")):
        with transaction(shop.engine) as connection:
            connection.execute(submissions.update().values(state=state, reason=None, next_attempt_at=ACCEPTED))
        said = shop.call("explain", HELD).stdout
        assert expected in said
        assert "Then:" not in said


def test_a_retry_is_written_down(shop: Shop) -> None:
    """One by its key or all of a reason, with the name of who asked."""
    one = shop.call("retry", HELD, "--by", "jo")
    with transaction(shop.engine) as connection:
        connection.execute(submissions.update().where(submissions.c.key == HELD).values(state="held", reason="invalid"))
    several = shop.call("retry", "--all-of", "invalid", "--by", "jo")

    assert (one.exit_code, several.exit_code, several.stdout) == (0, 0, "1 will be tried again.\n")
    assert shop.standing(HELD) == ("accepted", None)
    assert shop.trail() == [("submission.retried", "jo", "needs-sign-in"), ("submission.retried", "jo", "invalid")]


@pytest.mark.parametrize(
    "arguments",
    [["retry", REFUSED], ["retry"], ["retry", HELD, "--all-of", "invalid"], ["retry", "none"], ["retry", DONE]],
)
def test_a_retry_that_may_not_be_changes_nothing(shop: Shop, arguments: list[str]) -> None:
    """What has to be looked at, what is not there, and half a question: a sentence and exit code 1."""
    done = shop.call(*arguments, "--by", "jo")

    assert (done.exit_code, done.stdout, bool(done.stderr)) == (1, "", True)
    assert shop.trail() == []


def test_a_release_says_who_and_why(shop: Shop) -> None:
    """After looking it goes on, and `show` tells who let it."""
    done = shop.call("release", REFUSED, "--by", "jo", "--reason", "not-in-chart")

    assert done.exit_code == 0, done.stderr
    assert shop.standing(REFUSED) == ("accepted", None)
    assert "submission.released  jo  conflict: not-in-chart" in shop.call("show", REFUSED).stdout


@pytest.mark.parametrize("said", [["a test of Maria"], ["other"], ["other", "--ticket", "Maria"]])
def test_a_release_for_no_reason_of_the_list(shop: Shop, said: list[str]) -> None:
    """Other words, and `other` without a ticket's digits, change nothing; the reasons are named, the words are not."""
    done = shop.call("release", REFUSED, "--by", "jo", "--reason", *said)

    assert (done.exit_code, shop.trail(), shop.standing(REFUSED)[0]) == (1, [], "held")
    assert "Maria" not in done.output
    assert "digits" in done.stderr


@pytest.mark.parametrize(("answer", "goes_on"), [("y\n", True), ("n\n", False), (None, False)])
def test_another_address_is_shown_and_asked(shop: Shop, answer: str | None, goes_on: bool) -> None:
    """Both addresses are shown, and only a yes binds the form to the present one."""
    done = shop.call("release", MOVED, "--by", "jo", "--reason", "same-record", answer=answer)

    assert (
        f"accepted for  https://old.example.invalid/fhir\nwould go to   {shop.site.ehrs['harbor'].fhir_base}"
        in done.output
    )
    assert (done.exit_code == 0, shop.standing(MOVED)[0]) == (goes_on, "accepted" if goes_on else "held")


def test_no_answer_and_no_name_comes_out(shop: Shop) -> None:
    """Whatever is asked, the patient's name, birth date, record number and answers are not told (T68)."""
    said = [shop.call(*each).output for each in (["list"], ["list", "--json"], ["show", MOVED], ["explain", MOVED])]
    said.append(shop.call("release", MOVED, "--by", "jo", "--reason", "same-record", "--yes").output)

    assert all(said)
    for canary in ("Maria", "Lopez", "1988", "4821", "valueDecimal", "therapist"):
        assert [text for text in said if canary in text] == []


def test_a_database_that_cannot_be_read_is_told(shop: Shop) -> None:
    """A damaged file is one sentence, not a stack."""
    shop.engine.dispose()
    for file in shop.path.parent.glob("alliance.db*"):
        file.write_bytes(b"not a database " * 100)

    several: list[Any] = [shop.call("list"), shop.call("page", "--by", "jo")]

    assert [done.exit_code for done in several] == [1, 1]
    assert [done.stderr.startswith("store.refused") for done in several] == [True, True]


def test_a_link_to_the_page_is_made(shop: Shop) -> None:
    """It is the site's own address, new each time, and written down for whom."""
    first, second = (shop.call("page", "--by", "jo") for _ in range(2))

    assert first.stdout.startswith(f"{shop.site.public_url}/admin/enter/")
    assert first.stdout != second.stdout
    with shop.engine.connect() as connection:
        rows = connection.execute(select(audit).where(audit.c.event == "admin.linked")).all()
    assert [row.actor for row in rows] == ["jo", "jo"]
