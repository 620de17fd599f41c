"""The README tells the truth about its commands."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_make_command_of_the_readme_exists() -> None:
    """The two commands are named, and each `make X` in the README is a target of the Makefile."""
    readme, makefile = (ROOT / "README.md").read_text(), (ROOT / "Makefile").read_text()

    named = set(re.findall(r"\bmake ([a-z][a-z-]*)", readme))
    targets = set(re.findall(r"^([a-z][a-z-]*):", makefile, re.MULTILINE))

    assert {"demo", "test"} <= named
    assert named <= targets


def test_every_subcommand_of_the_readme_exists() -> None:
    """Each `fhir-alliance X` in the README, and on the first day of a site, is a command."""
    from smart_app.cli import main

    texts = "".join((ROOT / name).read_text() for name in ("README.md", "docs/first-day.md"))
    named = set(re.findall(r"\bfhir-alliance ([a-z]+(?:-[a-z]+)*)", texts))

    assert {"begin", "client-keys"} <= named <= set(main.commands)
