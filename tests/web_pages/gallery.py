"""Every page in every state as HTML, as the product renders it."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from page_states import PAGES

import smart_app.web

WEB = Path(smart_app.web.__file__).parent
TEMPLATES = Environment(
    loader=FileSystemLoader(WEB / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def render(name: str) -> str:
    """Return one page of the gallery as HTML."""
    template, page = PAGES[name]
    return TEMPLATES.get_template(template).render(
        page=page, nonce="n0nce", csrf_token="c5rf", base="/l/abc", asset=lambda file: f"/static/{file}"
    )
