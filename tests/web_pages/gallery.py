"""Every page in every state as HTML, as the product renders it."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from page_states import PAGES

import smart_app.web
from smart_app.web.escaping import PageTemplate
from smart_app.web.look.style import read_look
from smart_app.web.look.stylesheet import stylesheet
from smart_app.web.on_tablet import TabletHere
from smart_app.web.preferences import Print

WEB = Path(smart_app.web.__file__).parent
TEMPLATES = Environment(
    loader=FileSystemLoader(WEB / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    extensions=["jinja2.ext.i18n"],
)
TEMPLATES.template_class = PageTemplate
TEMPLATES.install_null_translations(newstyle=True)  # type: ignore[attr-defined]  # the extension adds it


# How EHRs want us to look: one of paper, one of the night.
LOOKS = {
    "": "",
    "large": "",
    "warm": stylesheet(
        read_look(
            {
                "color_background": "#f3ead9",
                "color_text": "#3a2a1c",
                "color_highlight": "#8a3b12",
                "color_error": "#a01f1f",
                "dim_border_radius": "2px",
                "dim_font_size": "20px",
                "dim_spacing_size": "24px",
                "font_family_body": "DejaVu Serif, serif",
                "font_family_heading": "DejaVu Sans Mono, monospace",
            }
        )
    ),
    "night": stylesheet(
        read_look(
            {
                "color_background": "#1e1e1e",
                "color_text": "#dddddd",
                "color_highlight": "#4fa3ff",
                "dim_border_radius": "14px",
            }
        )
    ),
}


TABLET = TabletHere(id="one", idle=600)


def render(name: str) -> str:
    """Return one page of the gallery as HTML; after a dot its name has the look of an EHR, or "large": "chart.warm"."""
    name, _, ehr = name.partition(".")
    template, page = PAGES[name]
    return TEMPLATES.get_template(template).render(
        page=page,
        nonce="n0nce",
        csrf_token="c5rf",
        base="/l/abc",
        asset=lambda file: f"/static/{file}",
        look=LOOKS[ehr],
        tablet=TABLET if name.startswith("tablet-") else None,
        languages=(),
        print=Print(large=ehr == "large", other="normal" if ehr == "large" else "large"),
    )
