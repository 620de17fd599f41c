"""An EHR's style document: what of it reaches the stylesheet, and that nothing becomes hard to read."""

import re
from itertools import pairwise
from typing import Any

import gallery
import pytest
from hypothesis import given
from hypothesis import strategies as st

from smart_app.web.look.colours import contrast, hex_of, mix, read_colour
from smart_app.web.look.palette import DARK, LIGHT, PAIRS, TEXT, legible
from smart_app.web.look.style import Look, read_look
from smart_app.web.look.stylesheet import stylesheet

STYLE = (gallery.WEB / "templates" / "style.css").read_text()
GOOD = {
    "color_background": "#f3ead9",
    "color_error": "#a01f1f",
    "color_highlight": "#8a3b12",
    "color_modal_backdrop": "#00000080",
    "color_success": "#205f3a",
    "color_text": "#3A2A1C",
    "dim_border_radius": "6px",
    "dim_font_size": "18px",
    "dim_spacing_size": "20px",
    "font_family_body": "Georgia, 'Times New Roman', serif",
    "font_family_heading": '"Open Sans", Sans-Serif',
}
# Put wherever a value can stand: none of it may come out again.
HOSTILE = [
    "url(https://sink.example.invalid/x)",
    "red; } body { display: none",
    "</style><script>alert(1)</script>",
    "expression(alert(1))",
    '@import "https://sink.example.invalid/x.css"',
    "#fff url(x)",
    "#18222d\n",
    "var(--paper)",
    "calc(1px * 9)",
    "\\23 fff",
    "#ffffff80",
    "rgb(0, 0, 0)",
    "１６px",
    "-1px",
    "1e3px",
    "",
    " ",
    None,
    7,
    True,
    ["#fff"],
    {"a": "#fff"},
]
RULE = re.compile(r"(?:@media [a-z(): -]+ \{ )?:root \{(?: --[a-z-]+: [#\w., \"%-]+;| color-scheme: dark;)+ \}(?: \})?")


def properties(block: str) -> dict[str, str]:
    """Return the custom properties of the stylesheet's first block after `block`."""
    text = STYLE.partition(block)[2].partition("}")[0]
    return dict(re.findall(r"--([a-z-]+): ([^;]+);", text))


@pytest.mark.parametrize(("block", "palette"), [(":root {", LIGHT), ("(prefers-color-scheme: dark) {", DARK)])
def test_our_palettes_are_those_of_the_stylesheet(block: str, palette: Any) -> None:
    """The colours that are judged are the ones that are shown, and they can be read."""
    shown = {name: read_colour(value) for name, value in properties(block).items() if value.startswith("#")}

    assert shown == palette
    assert legible(palette)


def test_every_colour_of_text_is_judged() -> None:
    """No text has a colour, and nothing a background, that no pair asks about."""
    ours = set(re.findall(r"[ {]color: var\(--([a-z-]+)\)", STYLE))
    backs = set(re.findall(r"background: var\(--([a-z-]+)\)", STYLE))

    judged = {pair.front for pair in PAIRS if pair.least == TEXT}
    assert ours - judged == set()
    assert backs - {pair.back for pair in PAIRS} - {"edge"} == set()  # the line of a slider


def test_a_good_style_is_taken_as_it_is() -> None:
    """Colours, sizes and fonts come out in our own notation; sizes grow with what the person has set."""
    look = read_look(GOOD)

    wanted = {"paper": "#f3ead9", "ink": "#3a2a1c", "accent": "#8a3b12", "stop": "#a01f1f", "ok": "#205f3a"}
    assert wanted.items() <= look.colours.items()
    assert look.colours["rated"] == hex_of(LIGHT["rated"])
    assert not look.dark
    assert look.shapes == {
        "radius": "0.375rem",
        "size": "112.5%",
        "space": "1.25rem",
        "body": '"Georgia", "Times New Roman", serif',
        "heading": '"Open Sans", sans-serif',
    }


def test_a_dark_style_begins_with_our_dark_colours() -> None:
    """What a dark style does not say comes from our dark palette, whatever the person's system is."""
    look = read_look({"color_background": "#1e1e1e", "color_text": "#ddd"})

    css = str(stylesheet(look))
    assert look.dark
    assert (look.colours["paper"], look.colours["ink"], look.colours["soft"]) == ("#1e1e1e", "#dddddd", "#b3bfc8")
    assert "color-scheme: dark" in css
    assert "prefers-color-scheme" not in css


@pytest.mark.parametrize(
    ("bad", "names"),
    [
        ({"color_text": "#cccccc"}, {"ink"}),
        ({"color_text": "#787068"}, {"ink"}),
        ({"color_highlight": "#ffff00"}, {"accent", "on-accent", "tint"}),
        ({"color_error": "#ff9999"}, {"stop"}),
        ({"color_success": "#eeeeee"}, {"ok"}),
        ({"color_background": "#808080"}, {"paper"}),
    ],
)
def test_a_colour_that_cannot_be_read_goes_alone(bad: dict[str, str], names: set[str]) -> None:
    """One bad colour is dropped; the others stay."""
    good = read_look(GOOD).colours

    look = read_look({**GOOD, **bad})

    ours = {name: hex_of(colour) for name, colour in LIGHT.items()}
    assert look.colours == {**good, **{name: ours[name] for name in names}}


any_colour = st.from_regex(r"\A#[0-9a-fA-F]{6}\Z")


@given(st.fixed_dictionaries({}, optional={name: any_colour for name in GOOD if name.startswith("color_")}))
def test_whatever_the_colours_everything_can_be_read(style: dict[str, str]) -> None:
    """No combination of colours makes a pair of ours hard to tell apart."""
    look = read_look(style)

    shown: Any = {name: read_colour(value) for name, value in look.colours.items()} or LIGHT
    texts = [(front, back) for front in ("ink", "soft", "accent", "stop") for back in ("paper", "card", "tint")]
    for front, back in [*texts, ("on-accent", "accent"), ("talk", "paper"), ("ink", "look-tint")]:
        assert contrast(shown[front], shown[back]) > 4.45  # as near as 8 bits a colour come to 4.5
    assert contrast(shown["ink"], mix(shown["rated"], shown["card"], 0.38)) > 4.45
    assert contrast(shown["rated"], shown["card"]) > 2.97


@pytest.mark.parametrize("value", HOSTILE, ids=repr)
@pytest.mark.parametrize("name", GOOD)
def test_whatever_else_is_said_is_dropped(name: str, value: Any) -> None:
    """Nothing but plain colours, lengths and names gets into the stylesheet, and the rest of the style still counts."""
    look = read_look({**GOOD, name: value})

    good = read_look(GOOD)
    css = str(stylesheet(look))
    assert all(RULE.fullmatch(line) for line in css.splitlines())
    assert "sink" not in css
    assert set(look.shapes) <= set(good.shapes)
    assert len(good.shapes) - len(look.shapes) <= 1


@pytest.mark.parametrize("values", [None, [], "x", 7, {}, {"--paper": "#000"}, {"color_background": {}}])
def test_a_document_that_says_nothing_changes_nothing(values: Any) -> None:
    """We look as always, and no rule is added."""
    assert (read_look(values), str(stylesheet(read_look(values)))) == (Look(), "")


@pytest.mark.parametrize(
    ("name", "theirs", "ours"),
    [
        ("dim_border_radius", "0px", "0rem"),
        ("dim_border_radius", "16px", "1rem"),
        ("dim_border_radius", "17px", None),
        ("dim_border_radius", "0.5em", "0.5rem"),
        ("dim_spacing_size", "7px", None),
        ("dim_spacing_size", "24px", "1.5rem"),
        ("dim_spacing_size", "12pt", "1rem"),
        ("dim_font_size", "15px", None),
        ("dim_font_size", "20px", "125%"),
        ("dim_font_size", "21px", None),
        ("dim_font_size", "16", None),
        ("font_family_body", "Wingdings, Symbol", None),
        ("font_family_body", "WebDings, Arial", '"Arial"'),
        ("font_family_body", "a" * 201, None),
        ("font_family_body", "Arial, x;y, 宋体, -apple-system, Lato", '"Arial", "Lato"'),
    ],
)
def test_sizes_have_bounds_and_fonts_have_letters(name: str, theirs: str, ours: str | None) -> None:
    """Text is never smaller than the person has set, nothing grows out of the page, no font shows pictures."""
    look = read_look({name: theirs})

    assert look.shapes == ({} if ours is None else {dict(zip(_NAMES, _OURS, strict=True))[name]: ours})


_NAMES = ("dim_border_radius", "dim_font_size", "dim_spacing_size", "font_family_body", "font_family_heading")
_OURS = ("radius", "size", "space", "body", "heading")


def test_contrast_is_that_of_wcag() -> None:
    """Black on white is 21, a colour on itself 1, #777 on white misses 4.5, more of a colour contrasts more."""
    white, grey = (1.0, 1.0, 1.0), read_colour("#777777")
    assert grey is not None

    assert contrast((0.0, 0.0, 0.0), white) == pytest.approx(21)
    assert contrast(grey, grey) == 1
    assert contrast(grey, white) == pytest.approx(4.478, abs=0.001)
    steps = [contrast(mix(grey, white, share / 4), white) for share in range(5)]
    assert all(one < other for one, other in pairwise(steps))
