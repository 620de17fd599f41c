"""What is installed is whole: the wheel alone runs the demo, and a failing demo says which step failed."""

import os
import signal
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from smart_app.demo.run import free_port
from smart_app.demo.site import write_site
from smart_app.demo.walk import Steps, WalkError, walk_visit
from tests.ports import own_port

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel and install it, with what it depends on, into an empty environment; returns its programs."""
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    source = folder / "source"
    _copy_source(source)
    _run([*pip, "wheel", "--no-deps", "--wheel-dir", str(folder), str(source)])
    (wheel,) = folder.glob("fhir_alliance-*.whl")
    venv.create(folder / "venv", with_pip=False, symlinks=True)
    _run([*pip, "--python", str(folder / "venv/bin/python"), "install", str(wheel)])
    return folder / "venv/bin"


def _copy_source(to: Path) -> None:
    """Copy only what belongs to the source: a build in place would leave folders behind, or find old ones."""
    to.mkdir()
    names = ("fhir_alliance", "smart_app", "questionnaires", "setup.cfg", "pyproject.toml", "README.md", "LICENSE")
    _run(["cp", "-r", *(str(ROOT / name) for name in names), str(to)])


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr


def _demo(program: Path, folder: Path) -> "subprocess.CompletedProcess[str]":
    ehr_port = own_port()
    ports = ["--ehr-port", str(ehr_port), "--app-port", str(own_port())]
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "COVERAGE"))}
    command = [str(program), "demo", "--once", *ports]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=folder, env=clean)


def test_the_wheel_alone_runs_the_demo(installed: Path, tmp_path: Path) -> None:
    """Definitions, pages, migrations and people are all in it: one visit is walked far away from the source."""
    done = _demo(installed / "fhir-alliance", tmp_path)

    assert done.returncode == 0, done.stdout + done.stderr
    steps = (
        "published",
        "handed over",
        "answered",
        "accepted",
        "written and read back",
        "queried by the health system",
    )
    assert all(step in done.stdout for step in steps)
    assert "Traceback" not in done.stderr


def test_the_wheel_lists_its_instruments(installed: Path, tmp_path: Path) -> None:
    """The installed command knows the instrument, and says that it is unvalidated."""
    command = [str(installed / "fhir-alliance"), "instruments", "list"]

    done = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=tmp_path)

    assert done.returncode == 0
    line = next(line for line in done.stdout.splitlines() if line.startswith("visit-check-in"))
    assert line.split()[-2:] == ["unvalidated", "ready"]


def test_a_failing_walk_names_its_step(tmp_path: Path) -> None:
    """With no EHR at its address the walk ends with the name of the step that failed, and not with a stack."""
    ehr_port = own_port()
    site = write_site(tmp_path, ehr_port=ehr_port, app_port=own_port())

    with pytest.raises(WalkError, match="The step “published” failed"):
        walk_visit(site)


def test_steps_before_the_failing_one_are_kept(tmp_path: Path) -> None:
    """What went well stays in the table, and a foreign error is not renamed."""
    steps = Steps()
    with steps.step("first") as say:
        say("done")

    with pytest.raises(WalkError, match="The step “second” failed: nothing there"), steps.step("second"):
        raise LookupError("nothing there")
    with pytest.raises(ZeroDivisionError), steps.step("third"):
        raise ZeroDivisionError

    assert [row[:2] for row in steps.rows] == [("first", "done")]


def test_a_demo_whose_ehr_dies_fails(tmp_path: Path) -> None:
    """The EHR ends in the middle: the command says what to look at, exits 1, and leaves no server behind."""
    ehr_port = own_port()
    app_port = own_port()
    command = [
        sys.executable,
        "-m",
        "smart_app.cli",
        "demo",
        "--once",
        "--ehr-port",
        str(ehr_port),
        "--app-port",
        str(app_port),
    ]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while process.poll() is None and not (ehr := _children(process.pid, "smart_app.sandbox")):
        continue
    os.kill(ehr[0], signal.SIGKILL)
    _, said = process.communicate(timeout=120)

    assert process.returncode == 1
    assert "The step “" in said or "Nothing answered at" in said
    assert "Traceback" not in said
    assert (free_port(ehr_port), free_port(app_port)) == (ehr_port, app_port)


def _children(parent: int, word: str) -> list[int]:
    """Return the process ids of a process's children whose command holds a word."""
    listed = subprocess.run(["ps", "-eo", "pid=,ppid=,args="], capture_output=True, text=True, timeout=10).stdout
    rows = (line.split(None, 2) for line in listed.splitlines())
    return [int(pid) for pid, ppid, command in rows if int(ppid) == parent and word in command]
