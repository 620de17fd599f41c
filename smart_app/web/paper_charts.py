"""The charts of a printed view: the trend with its marks, and small charts that share an axis."""

from collections.abc import Sequence
from typing import Final

from fhir_alliance.records.printing import FONT
from smart_app.web.layout.trend import Stroke, Tick, TrendLayout
from smart_app.web.pages.strips import Strip
from smart_app.web.pages.words import capital
from smart_app.web.paper import LEFT, WIDTH, Paper

_AXIS: Final = 6.0  # room for the numbers beside a drawing


def draw_trend(paper: Paper, drawing: TrendLayout, height: float = 40.0) -> None:
    """Draw the trend."""
    pdf, top, scale = paper.pdf, paper.y + 1.5, height / drawing.height
    left, width = LEFT + _AXIS, WIDTH - _AXIS
    across = width / 100
    if band := drawing.band:
        pdf.set_fill_color(226)
        pdf.rect(left, top + band.y * scale, width, band.height * scale, style="F")
    _ticks(paper, drawing.ticks, left, top, width, scale)
    for change in drawing.changes:
        x = left + change.x * across
        paper.line(x, top, x, top + height, width=0.3, dash=(0.6, 0.8))
        paper.text(change.label, x + 1, top + height - 1.5, size=6)
    for line in reversed(drawing.lines):
        own = line.rater == "patient"
        dash = None if own else (1.4, 1.0)
        _strokes(paper, line.strokes, left, top, across, scale, width=0.5 if own else 0.3, dash=dash)
        for mark in line.marks:
            paper.mark(left + mark.x * across, top + mark.y * scale, filled=own)
    _below(paper, drawing, left, top + height, across)


def draw_strips(paper: Paper, strips: Sequence[Strip], *, columns: int, height: float = 6.0) -> None:
    """Draw small charts, in columns that share their axis."""
    width = (WIDTH - (columns - 1) * 4) / columns
    for place, strip in enumerate(strips):
        if place % columns == 0:
            top, paper.y = paper.y + 3.2, paper.y + height + 4.6
        drawing, scale = strip.drawing, height / strip.drawing.height
        left, inner = LEFT + _AXIS + place % columns * (width + 4), width - _AXIS
        across, last = inner / 100, strip.drawing.cells[-1]
        _ticks(paper, drawing.ticks, left, top, inner, scale)
        _strokes(paper, drawing.strokes, left, top, across, scale, width=0.25)
        for cell in drawing.cells:
            paper.mark(left + cell.x * across, top + cell.y * scale, filled=columns > 1, radius=0.6)
        note = f" · {strip.note}" if strip.note else ""
        paper.pdf.set_font(FONT, size=6)
        value = f"; {last.read_out}"
        name = paper.fitted(f"{capital(strip.name)}{note}", inner - paper.pdf.get_string_width(value))
        paper.text(name + value, left, top - 0.9, size=6)


def _below(paper: Paper, drawing: TrendLayout, left: float, bottom: float, across: float) -> None:
    """Draw what stands on the axis: visits without a score, ruptures and repairs, numbers and dates."""
    for x in (left + each * across for each in drawing.gaps):
        for way in (1, -1):
            paper.line(x - 0.8, bottom - 2 - 0.8 * way, x + 0.8, bottom - 2 + 0.8 * way)
    paper.pdf.set_line_width(0.3)
    for sign in drawing.signs:
        x, y, up = left + sign.x * across, bottom + 2.2, -1 if sign.is_repair else 1
        paper.pdf.set_fill_color(0 if sign.is_marked else 255)
        half = 1.2 if sign.is_marked else 0.8
        paper.pdf.polygon([(x - half, y - up * half), (x + half, y - up * half), (x, y + up * half)], style="DF")
    lane = 4.0 if drawing.signs else 0.5
    for column in drawing.columns:
        if "wide" in column.shown_on:
            for place, words in enumerate((column.visit.number, column.visit.day), 1):
                paper.text(words, left + column.x * across, bottom + lane + place * 2.8, size=6, middle=True)
    paper.y = bottom + lane + 7


def _ticks(paper: Paper, ticks: Sequence[Tick], left: float, top: float, width: float, scale: float) -> None:
    """Draw the values of the axis."""
    for tick in ticks:
        y = top + tick.y * scale
        paper.line(left, y, left + width, y, width=0.1, grey=170)
        paper.text(tick.label, left - 4.5, y + 0.9, size=6)


def _strokes(
    paper: Paper, strokes: Sequence[Stroke], left: float, top: float, across: float, scale: float, *, width: float,
    dash: tuple[float, float] | None = None,
) -> None:  # fmt: skip
    """Draw the lines between values."""
    for each in strokes:
        x1, x2 = (left + x * across for x in (each.x1, each.x2))
        paper.line(x1, top + each.y1 * scale, x2, top + each.y2 * scale, width=width, dash=dash)
