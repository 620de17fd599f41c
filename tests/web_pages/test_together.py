"""What both look at together."""

import gallery
from page_states import PAGES


def test_the_chart_is_the_patients_alone() -> None:
    """Where both have rated, and the view has signs and a usual range, the page draws the patient's ratings only."""
    _, view = PAGES["chart-reasons"]
    _, page = PAGES["together"]

    assert {line.rater for line in view.trend.drawing.lines} > {line.rater for line in page.trend.drawing.lines}
    assert view.trend.drawing.band
    assert view.trend.drawing.signs
    assert not page.trend.drawing.band
    assert not page.trend.drawing.signs
    assert "guess" not in gallery.render("together").partition("<main")[2]
