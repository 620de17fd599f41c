"""The clinician's view as one page of PDF, drawn in black so that it reads on any printer."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final

from fhir_alliance.records.printing import FONT, composed, finish_pdf, open_pdf
from fhir_alliance.sentences import Counted, marked
from smart_app.web.layout.trend import Stroke, Tick, TrendLayout
from smart_app.web.pages.chart import ChartPage
from smart_app.web.pages.strips import Strip
from smart_app.web.pages.tables import ScoreTable
from smart_app.web.pages.words import capital, dated, hour_words, local_day
from smart_app.web.saying import say

if TYPE_CHECKING:
    from fpdf import FPDF

LEFT, WIDTH, TOP, BOTTOM = 14.0, 182.0, 11.0, 286.0
_CELL = 6.5
_AXIS: Final = 6.0  # room for the numbers beside a drawing
_LINE: Final = 3.5
_SOFT, _INK = 110, 0
_SHADES: Final = (255, 240, 224, 206, 186)
_MARKS: Final = {
    "patient": marked("dots, solid line: %(name)s"),
    "therapist": marked("squares, dashed line: %(name)s"),
}


def chart_pdf(page: ChartPage, *, at: datetime, filed: bool = False) -> bytes | None:
    """Return the view as one page of A4; None when a letter on it could not be printed right.

    What does not fit, of forms with very many questions, is counted on the page. Buttons and what opens on request are
    left out, as in print. `at` is when the page was made. One to be `filed` is of that day, whatever the hour, and says
    nothing of visits that were not rated.
    """
    sheet = _Sheet(open_pdf(page.instrument, at=at), filed=filed)
    sheet.head(page, at)
    sheet.talk(page)
    if page.trend:
        sheet.heading(say("%(score)s by visit", score=capital(page.trend.title)))
        sheet.legend(page)
        sheet.trend(page.trend.drawing)
        sheet.strips(page.beside, columns=1)
        sheet.strips(page.domains, columns=3)
    for table in page.scores[:1]:
        sheet.scores(table)
    sheet.companions(page)
    sheet.items(page)
    sheet.foot(page)
    return finish_pdf(sheet.pdf, sheet.said)


class _Sheet:
    """The page as it is drawn from top to bottom; `said` are the texts on it."""

    def __init__(self, pdf: "FPDF", *, filed: bool) -> None:
        self.pdf, self.y, self.said, self.filed = pdf, TOP, list[str](), filed
        pdf.set_auto_page_break(auto=False)
        pdf.add_page()

    def head(self, page: ChartPage, at: datetime) -> None:
        """Say whose page it is, of when, and what the first line says, with the notes and the facts."""
        if banner := page.frame.banner:
            number = say("MRN …%(number)s", number=banner.mrn_tail) if banner.mrn_tail else ""
            born = say("born %(day)s", day=banner.born)
            self.lines("   ".join(filter(None, (banner.name, born, number))), size=11)
        zone = page.frame.site.time_zone
        on, clock = dated(local_day(at, zone)), hour_words(at, zone)
        made = say("made %(day)s", day=on) if self.filed else say("made %(day)s, %(clock)s", day=on, clock=clock)
        said = (page.instrument, page.standing, page.frame.site.name, made)
        self.lines(" · ".join(filter(None, said)), grey=_SOFT)
        self.lines(page.first_line, size=10)
        for note in page.notes:
            self.lines(note)
        if page.facts:
            given = " · ".join(f"“{fact.question}” {fact.answer}" for fact in page.facts.facts)
            head = say("Answers as given: %(visit)s, %(day)s", visit=page.facts.visit, day=page.facts.day.text)
            self.lines(f"{head}: {given}")

    def talk(self, page: ChartPage) -> None:
        """Say which reasons there are, by which rule, what could be asked about them, and what was agreed."""
        for reason in page.talk.reasons:
            asked = " · ".join(say("“%(words)s”", words=question) for question in reason.questions)
            could = f"{say('You could ask:')} {asked}" if asked else ""
            self.lines(f"{reason.level}: {reason.sentence}")
            self.lines(f"{reason.inputs[0]} {could}".rstrip(), grey=_SOFT)
        if before := page.talk.agreed.before:
            how = f" {say('Looked at again:')} {before.said}." if before.said else ""
            self.lines(f"{say('Agreed %(day)s', day=before.day.text)}: {before.text}.{how}")
        if page.talk.agreed.text:
            self.lines(f"{say('Agreed at this visit')}: {page.talk.agreed.text}.")

    def heading(self, text: str) -> None:
        """Begin a part."""
        self.y += 1.5
        self.lines(text, size=8)

    def legend(self, page: ChartPage) -> None:
        """Say in words what each mark is."""
        trend = page.trend
        if trend is None:
            return
        said = [say(_MARKS[line.rater], name=line.name) for line in trend.drawing.lines if line.marks]
        if trend.usual:
            usual = {"range": trend.usual, "visits": trend.usual_visits}
            said.append(say("grey: usual range %(range)s (%(visits)s)", **usual))
        said += [f"×: {say('no score')}"] if trend.drawing.gaps else []
        if trend.drawing.signs:
            said.append(
                say("triangle down: marked rupture, up: repair; small and open: small fall, risen again (no finding)")
            )
        self.lines(" · ".join(said), grey=_SOFT)

    def trend(self, drawing: TrendLayout, height: float = 40.0) -> None:
        """Draw the trend."""
        pdf, top, scale = self.pdf, self.y + 1.5, height / drawing.height
        left, width = LEFT + _AXIS, WIDTH - _AXIS
        across = width / 100
        if band := drawing.band:
            pdf.set_fill_color(226)
            pdf.rect(left, top + band.y * scale, width, band.height * scale, style="F")
        self.ticks(drawing.ticks, left, top, width, scale)
        for change in drawing.changes:
            x = left + change.x * across
            self.line(x, top, x, top + height, width=0.3, dash=(0.6, 0.8))
            self.text(change.label, x + 1, top + height - 1.5, size=6)
        for line in reversed(drawing.lines):
            own = line.rater == "patient"
            dash = None if own else (1.4, 1.0)
            self.strokes(line.strokes, left, top, across, scale, width=0.5 if own else 0.3, dash=dash)
            for mark in line.marks:
                self.mark(left + mark.x * across, top + mark.y * scale, filled=own)
        self.below(drawing, left, top + height, across)

    def below(self, drawing: TrendLayout, left: float, bottom: float, across: float) -> None:
        """Draw what stands on the axis: visits without a score, ruptures and repairs, numbers and dates."""
        for x in (left + each * across for each in drawing.gaps):
            for way in (1, -1):
                self.line(x - 0.8, bottom - 2 - 0.8 * way, x + 0.8, bottom - 2 + 0.8 * way)
        self.pdf.set_line_width(0.3)
        for sign in drawing.signs:
            x, y, up = left + sign.x * across, bottom + 2.2, -1 if sign.is_repair else 1
            self.pdf.set_fill_color(0 if sign.is_marked else 255)
            half = 1.2 if sign.is_marked else 0.8
            self.pdf.polygon([(x - half, y - up * half), (x + half, y - up * half), (x, y + up * half)], style="DF")
        lane = 4.0 if drawing.signs else 0.5
        for column in drawing.columns:
            if "wide" in column.shown_on:
                for place, words in enumerate((column.visit.number, column.visit.day), 1):
                    self.text(words, left + column.x * across, bottom + lane + place * 2.8, size=6, middle=True)
        self.y = bottom + lane + 7

    def strips(self, strips: Sequence[Strip], *, columns: int, height: float = 6.0) -> None:
        """Draw small charts, in columns that share their axis."""
        width = (WIDTH - (columns - 1) * 4) / columns
        for place, strip in enumerate(strips):
            if place % columns == 0:
                top, self.y = self.y + 3.2, self.y + height + 4.6
            drawing, scale = strip.drawing, height / strip.drawing.height
            left, inner = LEFT + _AXIS + place % columns * (width + 4), width - _AXIS
            across, last = inner / 100, strip.drawing.cells[-1]
            self.ticks(drawing.ticks, left, top, inner, scale)
            self.strokes(drawing.strokes, left, top, across, scale, width=0.25)
            for cell in drawing.cells:
                self.mark(left + cell.x * across, top + cell.y * scale, filled=columns > 1, radius=0.6)
            note = f" · {strip.note}" if strip.note else ""
            self.pdf.set_font(FONT, size=6)
            value = f"; {last.read_out}"
            name = self.fitted(f"{capital(strip.name)}{note}", inner - self.pdf.get_string_width(value))
            self.text(name + value, left, top - 0.9, size=6)

    def scores(self, table: ScoreTable) -> None:
        """Write the scores of the last visits, as the view does."""
        self.heading(say("Scores by visit"))
        heads = (say("Visit"), say("Rated by"), say("Answered"), *map(capital, table.columns))
        rows = [row for each in table.visits for row in each.rows]
        answered = self.as_wide_as((heads[2], *(row.answered for row in rows)), most=24.0)
        room = WIDTH - 46.0 - answered - 13.5 * len(table.columns)
        widths = (46.0, self.as_wide_as((heads[1], *(row.name for row in rows)), most=room), answered)
        rest = (WIDTH - sum(widths)) / max(len(table.columns), 1)
        self.row(heads, widths, rest)
        for each in table.visits:
            where = f"{each.visit.number or ''} {each.visit.day.text} {each.visit.sign}".strip()
            for place, row in enumerate(each.rows):
                cells = (cell or "–" for cell in row.cells)
                self.row((where if place == 0 else "", row.name, row.answered, *cells), widths, rest)

    def companions(self, page: ChartPage) -> None:
        """Write the totals that the record holds beside."""
        if not page.companions.rows:
            return
        self.heading(say("Also in the record, newest last"))
        rest = (WIDTH - 58) / len(page.companions.days)
        self.row((say("Total, and its range"), *(each.short for each in page.companions.days)), (58.0,), rest)
        for row in page.companions.rows:
            self.row((f"{row.name}, {row.between}", *row.cells), (58.0,), rest)

    def items(self, page: ChartPage) -> None:
        """Write the answers, darker where lower, as many questions as fit."""
        if not page.items.rows:
            return
        self.heading(say("Answers, newest last"))
        rest = min((WIDTH - 94) / len(page.items.visits), 22.0)
        heads = (f"{each.number}: {each.day.short}" if each.number else each.day.short for each in page.items.visits)
        ends = say("From “%(least)s” to “%(most)s”", least=page.anchors[0], most=page.anchors[1])
        self.row((ends, *heads), (94.0,), rest)
        room = max(int((BOTTOM - 13 - self.y) / _LINE), 0)
        for row in page.items.rows[:room]:
            shades = (None, *(cell.shade for cell in row.cells))
            self.row((row.text, *(cell.text for cell in row.cells)), (94.0,), rest, shades=shades)
        if len(page.items.rows) > room:
            more = say("%(number)s more questions are in the health record.", number=len(page.items.rows) - room)
            self.lines(more, grey=_SOFT)

    def foot(self, page: ChartPage) -> None:
        """Say how complete this is, and what it is not."""
        self.y = max(self.y + 1.5, BOTTOM - 8)
        if self.filed and page.status.last:
            last_answer = say("last answer %(day)s", day=page.status.last.full)
            limit = say("Single answers are not part of this page")
            # A score never travels without its instrument and version, which the view tells elsewhere.
            said = f"{capital(last_answer)}. {limit}. {page.method[-1].rstrip('.')}"
        elif last := page.status.last:
            ago = f", {page.status.ago}" if page.status.ago else ""
            place = say("kept here") if page.status.kept else say("in the chart")
            answered = say(
                Counted(
                    "Answered %(answered)s of %(num)s visit",
                    "Answered %(answered)s of %(num)s visits",
                    page.status.visits,
                    answered=page.status.answered,
                )
            )
            said = f"{answered} · {say('last answer %(day)s', day=last.full)}{ago} · {place}"
        else:
            said = say("No answers in the chart yet")
        self.lines(f"{said}. {page.caveat} {page.window.left_out}".strip(), grey=_SOFT)

    def ticks(self, ticks: Sequence[Tick], left: float, top: float, width: float, scale: float) -> None:
        """Draw the values of the axis."""
        for tick in ticks:
            y = top + tick.y * scale
            self.line(left, y, left + width, y, width=0.1, grey=170)
            self.text(tick.label, left - 4.5, y + 0.9, size=6)

    def strokes(
        self, strokes: Sequence[Stroke], left: float, top: float, across: float, scale: float, *, width: float,
        dash: tuple[float, float] | None = None,
    ) -> None:  # fmt: skip
        """Draw the lines between values."""
        for each in strokes:
            x1, x2 = (left + x * across for x in (each.x1, each.x2))
            self.line(x1, top + each.y1 * scale, x2, top + each.y2 * scale, width=width, dash=dash)

    def mark(self, x: float, y: float, *, filled: bool, radius: float = 0.9) -> None:
        """Draw a value: a dot of the patient's, an open square of another's."""
        self.pdf.set_draw_color(_INK)
        self.pdf.set_line_width(0.3)
        self.pdf.set_fill_color(_INK if filled else 255)
        if filled:
            self.pdf.circle(x, y, radius, style="F")
        else:
            self.pdf.rect(x - radius, y - radius, 2 * radius, 2 * radius, style="DF")

    def line(
        self, x1: float, y1: float, x2: float, y2: float, *, width: float = 0.3, grey: int = _INK,
        dash: tuple[float, float] | None = None,
    ) -> None:  # fmt: skip
        """Draw a line."""
        self.pdf.set_draw_color(grey)
        self.pdf.set_line_width(width)
        self.pdf.set_dash_pattern(*(dash or (0, 0)))
        self.pdf.line(x1, y1, x2, y2)
        self.pdf.set_dash_pattern()

    def row(
        self, cells: Sequence[str], widths: Sequence[float], rest: float, *, shades: Sequence[int | None] = ()
    ) -> None:
        """Write one row of a table."""
        x = LEFT
        self.pdf.set_font(FONT, size=_CELL)
        self.pdf.set_text_color(_INK)
        for place, cell in enumerate(cells):
            width = widths[place] if place < len(widths) else rest
            shade = shades[place] if place < len(shades) else None
            if shade:
                self.pdf.set_fill_color(_SHADES[shade])
            self.pdf.set_xy(x, self.y)
            self.pdf.cell(width, _LINE, self.fitted(cell, width - 2), fill=bool(shade))
            x += width
        self.y += _LINE
        self.line(LEFT, self.y, x, self.y, width=0.1, grey=190)

    def lines(self, text: str, *, size: float = 7, grey: int = _INK) -> None:
        """Write a paragraph over the whole width."""
        self.pdf.set_font(FONT, size=size)
        self.pdf.set_text_color(grey)
        self.pdf.set_xy(LEFT, self.y)
        self.pdf.multi_cell(WIDTH, size * 0.5, self.keep(text), align="L")
        self.y = self.pdf.get_y() + 0.4

    def text(self, text: str, x: float, y: float, *, size: float, middle: bool = False) -> None:
        """Write a few words at a place."""
        self.pdf.set_font(FONT, size=size)
        self.pdf.set_text_color(_INK)
        said = self.keep(text)
        self.pdf.text(x - (self.pdf.get_string_width(said) / 2 if middle else 0), y, said)

    def as_wide_as(self, texts: Iterable[str], *, most: float) -> float:
        """Return how wide the column of a table has to be for its texts, `most` at most."""
        self.pdf.set_font(FONT, size=_CELL)
        return min(most, max(self.pdf.get_string_width(composed(text)) for text in texts) + 3)

    def fitted(self, text: str, width: float) -> str:
        """Return a text cut to a width, with dots where it was."""
        said = self.keep(text)
        if self.pdf.get_string_width(said) <= width:
            return said
        while said and self.pdf.get_string_width(f"{said}…") > width:
            said = said[:-1]
        return f"{said}…"

    def keep(self, text: str) -> str:
        """Return a text as it is printed, and remember it."""
        said = composed(text)
        self.said.append(said)
        return said
