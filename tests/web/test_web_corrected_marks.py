"""A patient corrects the answers after they were scored: the clinician's view says so, and still counts them."""

import pytest

from .conftest import MakeHouse
from .house import MARIA
from .test_web_corrected_rungs import TENS, answer, change, noting


@pytest.mark.parametrize("options", [{}, {"change": noting}], ids=["in the chart", "kept here"])
def test_the_view_marks_what_was_corrected(make_house: MakeHouse, options: dict[str, object]) -> None:
    """The mark comes with the corrected answers, in both tables, wherever the scores are read from."""
    house = make_house(**options)
    answer(house)
    _, before = house.clinician(MARIA)

    change(house, **TENS)
    _, after = house.clinician(MARIA)

    assert "corrected later" not in before.text
    for head in ("<h2>Scores by visit</h2>", "answers, newest last</h2>"):
        table = after.text.partition(head)[2].partition("</table>")[0]
        assert table.count("corrected later") == 1
        assert ">10" in table
