"""Every fault that the product answers for has a test that names it, or stands here as open."""

import re
from pathlib import Path

ROWS = {f"f{number:02}" for number in range(1, 46)}
OPEN = {
    "f10": "response and Observations are one transaction; a rung that writes them one by one does not exist",
    "f11": "what a server has applied in part is told as not read back; the rest of it is not written again",
}


def test_every_fault_has_a_test_of_its_name() -> None:
    """The names of all tests together hold each row, but for those that are open; and none of those."""
    files = (path.read_text("utf-8") for path in Path(__file__).parents[1].rglob("test_*.py"))
    names = [name for text in files for name in re.findall(r"^def (test_\w+)\(", text, re.MULTILINE)]

    named = {row for name in names for row in re.findall(r"(?<=_)f\d{2}(?=_)", name)}

    assert named == ROWS - set(OPEN)
