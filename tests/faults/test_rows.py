"""Every fault that the product answers for has a test that names it."""

import re
from pathlib import Path

ROWS = {f"f{number:02}" for number in range(1, 46)}


def test_every_fault_has_a_test_of_its_name() -> None:
    """The names of all tests together hold each row."""
    files = (path.read_text("utf-8") for path in Path(__file__).parents[1].rglob("test_*.py"))
    names = [name for text in files for name in re.findall(r"^def (test_\w+)\(", text, re.MULTILINE)]

    named = {row for name in names for row in re.findall(r"(?<=_)f\d{2}(?=_)", name)}

    assert named == ROWS
