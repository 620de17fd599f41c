"""The clinician's view as one page of PDF, drawn in black so that it reads on any printer."""

from datetime import datetime
from typing import Final

from fhir_alliance.records.printing import finish_pdf, open_pdf
from fhir_alliance.sentences import Counted, marked
from smart_app.web.pages.chart import ChartPage
from smart_app.web.pages.tables import ScoreTable
from smart_app.web.pages.words import capital, dated, hour_words, local_day
from smart_app.web.paper import BOTTOM, LINE, SOFT, WIDTH, Paper
from smart_app.web.paper_charts import draw_strips, draw_trend
from smart_app.web.saying import say

# The least that a question gets, in millimetres.
_QUESTION: Final = 60.0
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
    paper = Paper(open_pdf(page.instrument, at=at))
    sheet = _Sheet(paper, filed=filed)
    sheet.head(page, at)
    sheet.talk(page)
    if page.trend:
        paper.heading(say("%(score)s by visit", score=capital(page.trend.title)))
        sheet.legend(page)
        draw_trend(paper, page.trend.drawing)
        draw_strips(paper, page.beside, columns=1)
        draw_strips(paper, page.domains, columns=3)
    for table in page.scores[:1]:
        sheet.scores(table)
    sheet.companions(page)
    sheet.items(page)
    sheet.foot(page)
    return finish_pdf(paper.pdf, paper.said)


class _Sheet:
    """What is on the page, in its order."""

    def __init__(self, paper: Paper, *, filed: bool) -> None:
        self.paper, self.filed = paper, filed

    def head(self, page: ChartPage, at: datetime) -> None:
        """Say whose page it is, of when, and what the first line says, with the notes and the facts."""
        if banner := page.frame.banner:
            number = say("MRN …%(number)s", number=banner.mrn_tail) if banner.mrn_tail else ""
            born = say("born %(day)s", day=banner.born)
            self.paper.lines("   ".join(filter(None, (banner.name, born, number))), size=11)
        zone = page.frame.site.time_zone
        on, clock = dated(local_day(at, zone)), hour_words(at, zone)
        made = say("made %(day)s", day=on) if self.filed else say("made %(day)s, %(clock)s", day=on, clock=clock)
        said = (page.instrument, page.standing, page.frame.site.name, made)
        self.paper.lines(" · ".join(filter(None, said)), grey=SOFT)
        self.paper.lines(page.first_line, size=10)
        for note in page.notes:
            self.paper.lines(note)
        if page.facts:
            given = " · ".join(f"“{fact.question}” {fact.answer}" for fact in page.facts.facts)
            head = say("Answers as given: %(visit)s, %(day)s", visit=page.facts.visit, day=page.facts.day.text)
            self.paper.lines(f"{head}: {given}")

    def talk(self, page: ChartPage) -> None:
        """Say which reasons there are, by which rule, what could be asked about them, and what was agreed."""
        for reason in page.talk.reasons:
            asked = " · ".join(say("“%(words)s”", words=question) for question in reason.questions)
            could = f"{say('You could ask:')} {asked}" if asked else ""
            self.paper.lines(f"{reason.level}: {reason.sentence}")
            self.paper.lines(f"{reason.inputs[0]} {could}".rstrip(), grey=SOFT)
        if before := page.talk.agreed.before:
            how = f" {say('Looked at again:')} {before.said}." if before.said else ""
            self.paper.lines(f"{say('Agreed %(day)s', day=before.day.text)}: {before.text}.{how}")
        if page.talk.agreed.text:
            self.paper.lines(f"{say('Agreed at this visit')}: {page.talk.agreed.text}.")

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
        self.paper.lines(" · ".join(said), grey=SOFT)

    def scores(self, table: ScoreTable) -> None:
        """Write the scores of the last visits, as the view does."""
        self.paper.heading(say("Scores by visit"))
        rows = [(say("Visit"), say("Rated by"), say("Answered"), *map(capital, table.columns))]
        for each in table.visits:
            where = f"{each.visit.number or ''} {each.visit.day.text} {each.visit.sign}".strip()
            for place, row in enumerate(each.rows):
                cells = (cell or "–" for cell in row.cells)
                name = _marked(row.name, amended=row.amended)
                rows.append((where if place == 0 else "", name, row.answered, *cells))
        widths = self.paper.columns(rows, whole=3)
        for each_row in rows:
            self.paper.row(each_row, widths)

    def companions(self, page: ChartPage) -> None:
        """Write the totals that the record holds beside."""
        if not page.companions.rows:
            return
        self.paper.heading(say("Also in the record, newest last"))
        rest = (WIDTH - 58) / len(page.companions.days)
        self.paper.row((say("Total, and its range"), *(each.short for each in page.companions.days)), (58.0, rest))
        for row in page.companions.rows:
            self.paper.row((f"{row.name}, {row.between}", *row.cells), (58.0, rest))

    def items(self, page: ChartPage) -> None:
        """Write the answers, darker where lower, as many questions as fit."""
        if not page.items.rows:
            return
        self.paper.heading(say("Answers, newest last"))
        visits = page.items.visits
        days = [_marked(each.day.short, amended=each.amended) for each in visits]
        answers = (cell.text for row in page.items.rows for cell in row.cells)
        # Questions give way to answers as far as most of their words still stand there.
        wide = min(self.paper.widest((*days, *answers)), (WIDTH - _QUESTION) / len(visits))
        rest = min(max(wide, (WIDTH - 94) / len(visits)), 22.0)
        widths = (min(94.0, WIDTH - rest * len(visits)), rest)
        ends = say("From “%(least)s” to “%(most)s”", least=page.anchors[0], most=page.anchors[1])
        if any(each.number for each in visits):
            self.paper.row((say("Visit"), *(str(each.number or "") for each in visits)), widths)
        self.paper.row((ends, *days), widths)
        room = max(int((BOTTOM - 13 - self.paper.y) / LINE), 0)
        for row in page.items.rows[:room]:
            shades = (None, *(cell.shade for cell in row.cells))
            self.paper.row((row.text, *(cell.text for cell in row.cells)), widths, shades=shades)
        if len(page.items.rows) > room:
            more = say("%(number)s more questions are in the health record.", number=len(page.items.rows) - room)
            self.paper.lines(more, grey=SOFT)

    def foot(self, page: ChartPage) -> None:
        """Say how complete this is, and what it is not."""
        self.paper.y = max(self.paper.y + 1.5, BOTTOM - 8)
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
        corrected = page.items.any_amended or any(table.any_amended for table in page.scores[:1])
        legend = f"† {say('corrected later')}. " if corrected else ""
        self.paper.lines(f"{said}. {legend}{page.caveat} {page.window.left_out}".strip(), grey=SOFT)


def _marked(text: str, *, amended: bool) -> str:
    return f"{text} †" if amended else text
