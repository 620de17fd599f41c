"""`fhir-alliance demo` as a person runs it: a process that shows what to open, or walks one visit, and cleans up."""

import os
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

DEMO = [sys.executable, "-m", "smart_app.cli", "demo", "--ehr-port", "0", "--app-port", "0"]


def test_once_walks_the_whole_visit() -> None:
    """The walk goes from publishing to the health system's own query, prints each step, and succeeds."""
    done = subprocess.run([*DEMO, "--once"], capture_output=True, text=True, timeout=120)

    assert done.returncode == 0, done.stderr
    for step in ("published", "answered", "accepted", "written and read back", "queried by the health system"):
        assert step in done.stdout
    assert "core score 7.5 of 10" in done.stdout


def test_ctrl_c_stops_both_servers() -> None:
    """The demo says what to open, and Ctrl-C ends it and both servers without an error."""
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(DEMO, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment) as demo:
        assert demo.stdout is not None
        printed = ""
        while "Ctrl-C" not in printed:
            line = demo.stdout.readline()
            assert line, "the demo ended before it was ready"
            printed += line
        demo.send_signal(signal.SIGINT)
        rest, errors = demo.communicate(timeout=60)

    assert demo.returncode == 0
    assert rest.strip() == "Stopped."
    assert errors == ""
    assert "http://127.0.0.1:" in printed
    assert "/handover/" in printed


def test_an_administrator_can_try_the_bulk_export(tmp_path: Path) -> None:
    """The command that the demo names, typed as it stands there, takes everybody's results out of the sandbox EHR."""
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(DEMO, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment) as demo:
        assert demo.stdout is not None
        lines: list[str] = []
        while not lines or "Ctrl-C" not in lines[-1]:
            lines.append(demo.stdout.readline())
            assert lines[-1], "the demo ended before it was ready"
        (named,) = [shlex.split(line) for line in lines if "bulk export" in line]
        command = [sys.executable, "-m", "smart_app.cli", *named[1:]]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
        demo.send_signal(signal.SIGINT)
        demo.communicate(timeout=60)

    assert named[0] == "fhir-alliance"
    assert done.returncode == 0, done.stdout + done.stderr
    assert "maria-lopez" in (tmp_path / "demo-export" / "Patient.ndjson").read_text()


def test_a_mean_ehr_takes_no_forms() -> None:
    """The demo runs at a kind of EHR that takes no questionnaires, and says so."""
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    command = [*DEMO, "--ehr", "notes-only"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment) as demo:
        assert demo.stdout is not None
        printed = ""
        while "Ctrl-C" not in printed:
            line = demo.stdout.readline()
            assert line, "the demo ended before it was ready"
            printed += line
        demo.send_signal(signal.SIGINT)
        demo.communicate(timeout=60)

    assert demo.returncode == 0
    assert "This EHR takes no questionnaires" in printed


@pytest.mark.parametrize("arguments", [["--ehr", "kind"], ["--ehr", "notes-only", "--once"]])
def test_a_kind_that_cannot_be_shown_is_named(arguments: list[str]) -> None:
    """An unknown kind of EHR, or one that the walk does not know, ends in one line that says what to choose."""
    done = subprocess.run([*DEMO, *arguments], capture_output=True, text=True, timeout=30)

    assert done.returncode == 1
    assert "Please" in done.stderr
    assert "Traceback" not in done.stderr
