"""A page of A4 in black: words, rows and lines at their places, and what was said on it."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

from fhir_alliance.records.printing import FONT, composed

if TYPE_CHECKING:
    from fpdf import FPDF

LEFT, WIDTH, TOP, BOTTOM = 14.0, 182.0, 11.0, 286.0
SOFT, INK = 110, 0
LINE: Final = 3.5
"""The height of a row."""

_CELL: Final = 6.5
_GAP: Final = 2.5
# A score, and a little of what it is called.
_LEAST: Final = 13.5
_SHADES: Final = (255, 240, 224, 206, 186)


class Paper:
    """One page, filled from top to bottom down to `y`; `said` are the texts on it. Lengths are in millimetres."""

    def __init__(self, pdf: "FPDF") -> None:
        self.pdf, self.y, self.said = pdf, TOP, list[str]()
        pdf.set_auto_page_break(auto=False)
        pdf.add_page()

    def heading(self, text: str) -> None:
        """Begin a part."""
        self.y += 1.5
        self.lines(text, size=8)

    def lines(self, text: str, *, size: float = 7, grey: int = INK) -> None:
        """Write a paragraph over the whole width."""
        self.pdf.set_font(FONT, size=size)
        self.pdf.set_text_color(grey)
        self.pdf.set_xy(LEFT, self.y)
        self.pdf.multi_cell(WIDTH, size * 0.5, self.keep(text), align="L")
        self.y = self.pdf.get_y() + 0.4

    def row(self, cells: Sequence[str], widths: Sequence[float], *, shades: Sequence[int | None] = ()) -> None:
        """Write one row of a table; the last of `widths` goes for all columns after it."""
        x = LEFT
        self.pdf.set_font(FONT, size=_CELL)
        self.pdf.set_text_color(INK)
        for place, cell in enumerate(cells):
            width = widths[min(place, len(widths) - 1)]
            shade = shades[place] if place < len(shades) else None
            if shade:
                self.pdf.set_fill_color(_SHADES[shade])
            self.pdf.set_xy(x, self.y)
            self.pdf.cell(width, LINE, self.fitted(cell, width - 2), fill=bool(shade))
            x += width
        self.y += LINE
        self.line(LEFT, self.y, x, self.y, width=0.1, grey=190)

    def text(self, text: str, x: float, y: float, *, size: float, middle: bool = False) -> None:
        """Write a few words at a place."""
        self.pdf.set_font(FONT, size=size)
        self.pdf.set_text_color(INK)
        said = self.keep(text)
        self.pdf.text(x - (self.pdf.get_string_width(said) / 2 if middle else 0), y, said)

    def line(
        self, x1: float, y1: float, x2: float, y2: float, *, width: float = 0.3, grey: int = INK,
        dash: tuple[float, float] | None = None,
    ) -> None:  # fmt: skip
        """Draw a line."""
        self.pdf.set_draw_color(grey)
        self.pdf.set_line_width(width)
        self.pdf.set_dash_pattern(*(dash or (0, 0)))
        self.pdf.line(x1, y1, x2, y2)
        self.pdf.set_dash_pattern()

    def mark(self, x: float, y: float, *, filled: bool, radius: float = 0.9) -> None:
        """Draw a value: a dot of the patient's, an open square of another's."""
        self.pdf.set_draw_color(INK)
        self.pdf.set_line_width(0.3)
        self.pdf.set_fill_color(INK if filled else 255)
        if filled:
            self.pdf.circle(x, y, radius, style="F")
        else:
            self.pdf.rect(x - radius, y - radius, 2 * radius, 2 * radius, style="DF")

    def widest(self, texts: Iterable[str]) -> float:
        """Return how wide a column has to be for all of these."""
        self.pdf.set_font(FONT, size=_CELL)
        return max(map(self._width, texts)) + _GAP

    def columns(self, rows: Sequence[Sequence[str]], *, whole: int) -> list[float]:
        """Return how wide the columns of a table are, each wide enough for its words and its share of the rest.

        Where there is too little room only the first ones, as many as are to be `whole`, are: of the others the widest
        give way.
        """
        needs = [self.widest(column) for column in zip(*rows, strict=True)]
        spare = WIDTH - sum(needs)
        if spare >= 0:
            return [need + spare / len(needs) for need in needs]
        first, others = needs[:whole], needs[whole:]
        over = max(sum(first) + _LEAST * len(others) - WIDTH, 0)
        longest = max(first)
        first[first.index(longest)] = longest - over
        return [*first, *_shared(others, WIDTH - sum(first))]

    def _width(self, text: str) -> float:
        return float(self.pdf.get_string_width(composed(text)))

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


def _shared(needs: Sequence[float], room: float) -> list[float]:
    """Share a room that is too small: who needs less than an equal part gets what it needs."""
    widths = list(needs)
    for left, place in enumerate(sorted(range(len(needs)), key=needs.__getitem__)):
        widths[place] = min(needs[place], room / (len(needs) - left))
        room -= widths[place]
    return widths
