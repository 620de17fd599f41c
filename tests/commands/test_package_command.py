"""`fhir-alliance package` writes one file, says what is in it, and never silently replaces another."""

import hashlib
from importlib.metadata import version
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from smart_app.cli import main


def call(*arguments: str) -> Result:
    """Run the command in this process."""
    return CliRunner().invoke(main, ["package", *arguments])


def said(result: Result) -> dict[str, str]:
    """Return the last lines by their first word."""
    return dict(line.split(maxsplit=1) for line in result.stdout.splitlines())


def test_file_count_and_digest_are_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without options the file is named after package and version and lies in the current folder."""
    monkeypatch.chdir(tmp_path)

    done = call()

    (made,) = tmp_path.iterdir()
    assert done.exit_code == 0
    assert made.name == said(done)["package"] == f"org.fhir-alliance.alliance-{version('fhir-alliance')}.tgz"
    assert said(done)["sha256"] == hashlib.sha256(made.read_bytes()).hexdigest()
    assert int(said(done)["resources"]) > 10


def test_again_changes_nothing(tmp_path: Path) -> None:
    """The same package over itself is no conflict."""
    output = tmp_path / "made.tgz"

    first, second = call("--output", str(output)), call("--output", str(output))

    assert (first.exit_code, second.exit_code) == (0, 0)
    assert first.stdout == second.stdout


def test_another_file_is_not_replaced(tmp_path: Path) -> None:
    """What is there with other content stays, unless it is to be replaced."""
    output = tmp_path / "made.tgz"
    output.write_bytes(b"something else")

    refused, forced = call("--output", str(output)), call("--output", str(output), "--force")

    assert refused.exit_code == 1
    assert "--force" in refused.stderr
    assert forced.exit_code == 0
    assert hashlib.sha256(output.read_bytes()).hexdigest() == said(forced)["sha256"]


def test_no_such_folder_is_said(tmp_path: Path) -> None:
    """A file that cannot be written is a sentence and exit code 1."""
    done = call("--output", str(tmp_path / "none" / "made.tgz"))

    assert done.exit_code == 1
    assert "No such file or directory" in done.stderr


# The words are ours, not the instrument's: only their shape matters.
PACK = """\
instrument: wai-b3
version: 1.0.0
language: {language}
provenance: {{author: A licensed site, method: original}}
copyright: "© the holder, used with permission"
anchors: {{minimum: seldom, maximum: always}}
sections: {{all: Our work}}
forms: {{all: whole form}}
raters: {{patient: patient, therapist: therapist}}
instructions: {{patient: Choose one., therapist: Choose one.}}
options: {{"1": seldom, "2": b, "3": c, "4": d, "5": always}}
licence: {{holder: The holder, reference: Letter 17, modes: [screen], item_text_in_ehr: {in_ehr}}}
items:
  "9": {{patient: One, therapist: One}}
  "10": {{patient: Two, therapist: Two}}
  "11": {{patient: Three, therapist: Three}}
"""


def test_words_of_a_site_are_told(tmp_path: Path) -> None:
    """Words under a licence are named, as far as they are in the package and where they are left out of it."""
    for language, in_ehr in (("en", "true"), ("de", "false")):
        pack = tmp_path / f"wai-b3.{language}.yaml"
        pack.write_text(PACK.format(language=language, in_ehr=in_ehr), "utf-8")

    done = call("--wording", str(tmp_path), "--output", str(tmp_path / "made.tgz"))

    assert done.exit_code == 0
    assert done.stdout.startswith("left out  wai-b3 (de): the licence Letter 17 keeps its words out of the EHR\n")
    assert "licensed  wai-b3: hand the package on only as far as its licence allows" in done.stdout


def test_a_faulty_pack_writes_nothing(tmp_path: Path) -> None:
    """A fault of a pack is told with its place, and there is no file."""
    (tmp_path / "wai-sr.en.yaml").write_text("instrument: wai-sr\n")

    done = call("--wording", str(tmp_path), "--output", str(tmp_path / "made.tgz"))

    assert done.exit_code == 1
    assert "/wai-sr.en.yaml:1" in done.stderr
    assert not (tmp_path / "made.tgz").exists()
