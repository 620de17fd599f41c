"""The trend's coordinates, for any course of scores."""

from decimal import Decimal
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from smart_app.web.layout.strip import StripPoint, lay_strip
from smart_app.web.layout.trend import LABELS_THAT_FIT, TrendChart, TrendLine, TrendVisit, lay_out

SCORES = st.decimals(min_value=0, max_value=10, places=4)
COURSES = st.lists(st.tuples(st.none() | SCORES, st.none() | SCORES), min_size=1, max_size=40)
WIDTH, HEIGHT = 100, 200
RANGE = (Decimal("7.2"), Decimal("8.6"))


def chart_of(course: list[tuple[Decimal | None, Decimal | None]]) -> TrendChart:
    """Return the chart of pairs (patient, therapist)."""
    numbers = range(1, len(course) + 1)
    visits = tuple(TrendVisit(number=str(n), day=f"{n} Nov", aloud="", read_out=("", "")) for n in numbers)
    lines = tuple(
        TrendLine(rater=rater, name=rater, values=values)
        for rater, values in zip(("patient", "therapist"), zip(*course, strict=True), strict=True)
    )
    return TrendChart(visits=visits, lines=lines, minimum=Decimal(0), maximum=Decimal(10), usual=RANGE)


@settings(deadline=None)
@given(COURSES)
def test_everything_stays_inside_the_frame(course: list[tuple[Decimal | None, Decimal | None]]) -> None:
    """No mark, gap, column or band leaves the frame, whatever the scores."""
    layout = lay_out(chart_of(course), width=WIDTH, height=HEIGHT)

    marks = [mark for line in layout.lines for mark in line.marks]
    assert all(0 < mark.x < WIDTH and 0 <= mark.y <= HEIGHT for mark in marks)
    assert all(0 < x < WIDTH for x in layout.gaps)
    assert all(0 <= column.left < column.x < column.left + column.width <= WIDTH + 0.1 for column in layout.columns)
    assert layout.band is not None
    assert (layout.band.y, layout.band.height) == (28.0, 28.0)


@settings(deadline=None)
@given(COURSES)
def test_coordinates_are_rounded_to_a_tenth(course: list[tuple[Decimal | None, Decimal | None]]) -> None:
    """Every coordinate is written with one decimal, so the page stays small and the same everywhere."""
    layout = lay_out(chart_of(course), width=WIDTH, height=HEIGHT)

    numbers = [number for line in layout.lines for mark in line.marks for number in (mark.x, mark.y)]
    numbers += [number for column in layout.columns for number in (column.left, column.width, column.x)]
    assert all(number == round(number, 1) for number in numbers)


@settings(deadline=None)
@given(COURSES)
def test_visits_keep_their_order_and_scores_their_heights(course: list[tuple[Decimal | None, Decimal | None]]) -> None:
    """A later visit is further right, and a higher score never lower on the page."""
    layout = lay_out(chart_of(course), width=WIDTH, height=HEIGHT)

    xs = [column.x for column in layout.columns]
    assert xs == sorted(set(xs))
    values = [value for value, _ in course if value is not None]
    heights = [mark.y for mark in layout.lines[0].marks]
    ranked = [y for _, y in sorted(zip(values, heights, strict=True), key=lambda pair: (pair[0], -pair[1]))]
    assert ranked == sorted(ranked, reverse=True)


@settings(deadline=None)
@given(COURSES)
def test_a_visit_without_a_score_splits_the_line(course: list[tuple[Decimal | None, Decimal | None]]) -> None:
    """Strokes join neighbouring visits only; each visit the patient has no score for is a gap."""
    layout = lay_out(chart_of(course), width=WIDTH, height=HEIGHT)

    for line, values in zip(layout.lines, zip(*course, strict=True), strict=True):
        assert len(line.strokes) == sum(one is not None and other is not None for one, other in pairwise(values))
    assert len(layout.gaps) == sum(value is None for value, _ in course)


@settings(deadline=None)
@given(COURSES)
def test_the_path_of_a_line_goes_over_its_strokes(course: list[tuple[Decimal | None, Decimal | None]]) -> None:
    """A path joins what the strokes join and nothing else, with a new start after each gap alone."""
    layout = lay_out(chart_of(course), width=WIDTH, height=HEIGHT)

    for line in layout.lines:
        parts = [
            [tuple(map(float, place.split())) for place in part.split("L")] for part in line.path.split("M") if part
        ]
        drawn = [(*start, *end) for part in parts for start, end in pairwise(part)]
        assert drawn == [tuple(stroke) for stroke in line.strokes]
        apart = sum(one[2:] != other[:2] for one, other in pairwise(line.strokes))
        assert len(parts) == apart + bool(line.strokes)


def test_a_small_chart_joins_its_values_by_one_path() -> None:
    """The values of a small chart are one path, as they have no gaps."""
    values = ((0, 0), (0.5, 27), (1, 0))
    points = [StripPoint(share=share, value=Decimal(value), read_out="") for share, value in values]

    strip = lay_strip(points, minimum=Decimal(0), maximum=Decimal(27), width=WIDTH, height=HEIGHT)

    assert strip.path == "M0 200.0L50.0 0.0L100 200.0"


@settings(deadline=None)
@given(COURSES)
def test_dates_that_are_shown_fit_and_the_newest_is_one_of_them(
    course: list[tuple[Decimal | None, Decimal | None]],
) -> None:
    """On every width no more dates are shown than fit, and the newest visit's always is."""
    layout = lay_out(chart_of(course), width=WIDTH, height=HEIGHT)

    for place, fit in LABELS_THAT_FIT.items():
        assert sum(place in column.shown_on for column in layout.columns) <= fit
        assert place in layout.columns[-1].shown_on


def test_the_read_out_rests_on_the_patients_newest_score() -> None:
    """The patient's newest score is read out unasked, without one the therapist's, and without any the last visit."""
    five = Decimal(5)
    courses = (([(five, None), (None, five)], 0), ([(None, five), (None, None)], 0), ([(None, None), (None, None)], 1))

    for course, rest in courses:
        columns = lay_out(chart_of(course), width=WIDTH, height=HEIGHT).columns
        assert [index for index, column in enumerate(columns) if column.rests] == [rest]


def test_without_a_usual_range_there_is_no_band() -> None:
    """Nothing is drawn that is not known."""
    chart = TrendChart(
        visits=(TrendVisit(number="1", day="1 Nov", aloud="", read_out=("", "")),),
        lines=(TrendLine(rater="patient", name="Thomas", values=(Decimal(5),)),),
        minimum=Decimal(0),
        maximum=Decimal(10),
    )

    layout = lay_out(chart, width=WIDTH, height=HEIGHT)

    assert layout.band is None
    assert [(mark.x, mark.y) for mark in layout.lines[0].marks] == [(50.0, 100.0)]
    assert [(tick.y, tick.label) for tick in layout.ticks] == [(200.0, "0"), (100.0, "5"), (0.0, "10")]
