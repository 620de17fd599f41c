"""What goes wrong in the middle of a write probe: what was sent is looked for, and nothing is left unsaid."""

import os
import signal
import sqlite3
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from flask import request

from .conftest import BORN, Place

if TYPE_CHECKING:
    from tests.doctor.conftest import Running

Make = Callable[..., "Running"]


@pytest.fixture
def running(make_probed: Make) -> "Running":
    """Start a generous EHR whose backend client may do what a probe does."""
    return make_probed("generous")


def standing(running: "Running", before: Any) -> list[Place]:
    """Return what the probe has left in the chart."""
    chart = running.chart().items()
    return [place for place, each in chart if place not in before and each["status"] != "entered-in-error"]


def break_audit(running: "Running") -> None:
    """Make the audit trail unwritable from now on."""
    with sqlite3.connect(running.site.settings.parent / "alliance.db") as database:
        database.execute("ALTER TABLE audit RENAME TO gone")
    database.close()


def results_of(output: str, step: str) -> list[str]:
    """Return the verdicts of one step."""
    return [line[44:55].strip() for line in output.splitlines() if line[23:44].strip() == step]


def before_status(resource: dict[str, Any]) -> str:
    """Return the status that a test entry had."""
    return "completed" if resource["resourceType"] == "QuestionnaireResponse" else "final"


def left(output: str) -> str:
    """Return what a person is asked to retract."""
    return " ".join(output.partition("NOT RETRACTED")[2].split())


def test_an_answer_that_is_lost_after_the_write(running: "Running") -> None:
    """What was written without an answer is found by its identifier, and retracted; the rung stays an open question."""
    before = running.chart()
    running.cut("POST")

    result = running.probe("--birth-date", BORN)

    assert running.chart().keys() > before.keys()
    assert standing(running, before) == []
    assert "could not be found out: no usable answer comes from the EHR. Please probe again." in " ".join(
        result.output.split()
    )
    assert "NOT RETRACTED" not in result.output
    assert result.exit_code == 1


def test_a_write_that_never_arrived(running: "Running") -> None:
    """Without an answer and without a trace it may still come: a person is asked to look for it."""
    before = running.chart()
    running.cut("POST", first=True)

    result = running.probe("--birth-date", BORN)

    assert "QuestionnaireResponse: no usable answer came. It may be in the chart all the same" in left(result.output)
    assert standing(running, before) == []
    assert result.exit_code == 1


def test_an_ehr_that_goes_down_after_the_write(running: "Running") -> None:
    """What was written is named with its id, on the screen and in what is kept, until a person has retracted it."""
    before = running.chart()
    running.on_answer(
        lambda: request.method == "POST" and request.path == "/fhir" and running.cut("GET", for_good=True)
    )

    result = running.probe("--birth-date", BORN)

    running.stop()
    running.start()
    written = standing(running, before)
    assert len(written) == 3
    for output in (result.output, running.doctor("--last")):
        assert all(
            f"{'/'.join(place)}: no usable answer comes from the EHR. Please mark it there" in left(output)
            for place in written
        )
    assert result.exit_code == 1


def test_an_ehr_that_goes_down_with_the_write(running: "Running") -> None:
    """Without an answer there is no id: the types are named, and the key by which they are found."""
    before = running.chart()
    running.cut("POST", for_good=True)

    result = running.probe("--birth-date", BORN)

    words = left(result.output)
    written = standing(running, before)
    key = words.partition("the key ")[2].partition(";")[0]
    assert {kind for kind, _ in written} == {"QuestionnaireResponse", "Observation"}
    assert all(f"{kind}: no usable answer came" in words for kind, _ in written)
    assert all(key in str(running.chart()[place]) for place in written)
    assert result.exit_code == 1


def test_a_retraction_whose_answer_is_lost(running: "Running") -> None:
    """Whether a retraction has happened is read, not guessed."""
    before = running.chart()
    running.cut("PUT")

    result = running.probe("--birth-date", BORN)

    assert standing(running, before) == []
    assert "NOT RETRACTED" not in result.output
    assert result.exit_code == 0


def test_a_retraction_that_does_not_happen(running: "Running") -> None:
    """What still stands after a retraction without an answer is named."""
    before = running.chart()
    running.cut("PUT", first=True)

    result = running.probe("--birth-date", BORN)

    assert all(
        f"{'/'.join(place)}: no usable answer comes from the EHR" in left(result.output)
        for place in standing(running, before)
    )
    assert len(standing(running, before)) == 3
    assert result.exit_code == 1


def test_somebody_else_writes_first(running: "Running") -> None:
    """A test entry that was changed meanwhile is not overwritten, but named."""
    before = running.chart()

    def change(path: str) -> None:
        if request.method == "PUT":
            _, _, kind, resource_id = path.split("/")
            running.store.update({**running.store.read(kind, resource_id), "language": "fr"})

    running.on_request(change)
    result = running.probe("--birth-date", BORN)

    assert len(standing(running, before)) == 3
    assert left(result.output).count("the EHR answers HTTP 412. Please mark it there as entered in error.") == 3
    assert results_of(result.output, "retract") == ["does not"] * 2


def test_somebody_elses_value_in_the_same_row(make_probed: Make) -> None:
    """A value that is not the probe's is never touched, even where the EHR answers that the row is taken."""
    running = make_probed("flowsheet", profile="lab-and-vitals-only")
    before = running.chart()
    others = []

    def file_first(_: str) -> None:
        if request.method == "POST" and request.path == "/fhir/Observation" and not others:
            own = {name: each for name, each in request.get_json().items() if name not in ("identifier", "note")}
            others.append(running.store.create(own)["id"])

    running.on_request(file_first)
    running.cut("POST")
    result = running.probe("--birth-date", BORN)

    (other,) = others
    assert len(running.chart()) == len(before) + 2
    assert standing(running, before) == [("Observation", other)]
    assert other not in result.output


def test_an_ehr_that_takes_the_retraction_and_does_nothing(running: "Running") -> None:
    """A yes that changes nothing is not believed."""
    before = running.chart()
    real = running.store.update
    running.store.update = lambda resource, **more: real({**resource, "status": before_status(resource)}, **more)

    result = running.probe("--birth-date", BORN)

    assert left(result.output).count("the EHR says yes, and leaves it as it was") == 3
    assert len(standing(running, before)) == 3


@pytest.mark.parametrize(
    ("method", "number"), [("POST", 1), ("GET", 1), ("GET", 4), ("GET", 9), ("GET", 13), ("PUT", 2)]
)
def test_ctrl_c_after_the_write(running: "Running", method: str, number: int) -> None:
    """A person who interrupts the probe, wherever, does not leave a test entry behind, and still gets the report."""
    before = running.chart()
    seen: list[str] = []

    def interrupt() -> None:
        written = request.path == "/fhir" or bool(seen)
        seen.extend([request.method] * written)
        if written and request.method == method and seen.count(method) == number:
            os.kill(os.getpid(), signal.SIGINT)

    running.on_answer(interrupt)
    result = running.probe("--birth-date", BORN)

    assert seen.count(method) >= number
    assert running.chart().keys() > before.keys()
    assert standing(running, before) == []
    assert "TRIED, rung observations" in result.output


def test_no_send_without_its_audit_row(running: "Running") -> None:
    """Where the trail cannot be written nothing is sent."""
    before = running.chart()
    running.on_request(lambda path: path.startswith("/fhir/Patient/") and break_audit(running))

    result = running.probe("--birth-date", BORN)

    assert running.chart() == before
    assert "store.refused" in result.output
    assert result.exit_code == 1


def test_a_trail_that_breaks_in_the_middle(running: "Running") -> None:
    """What could not be retracted for want of an audit row is named, though the result cannot be kept either."""
    before = running.chart()
    running.on_answer(lambda: request.method == "POST" and request.path == "/fhir" and break_audit(running))

    result = running.probe("--birth-date", BORN)

    assert len(standing(running, before)) == 3
    assert all("/".join(place) in left(result.output) for place in standing(running, before))
    assert "The result could not be kept: please keep these lines." in result.output
    assert result.exit_code == 1
