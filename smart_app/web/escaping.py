"""How values get into pages: escaped, but for numbers, which have nothing in them to escape."""

from collections.abc import Callable, MutableMapping
from types import CodeType
from typing import Any

from jinja2 import Environment, Template
from markupsafe import escape


def escaped(value: object) -> str:
    """Return a value as text that may stand in a page.

    Escaping takes three times as long as a number's own text does, and a drawing is made of thousands of them.
    """
    return str(value) if type(value) in (float, int) else escape(value)


class PageTemplate(Template):
    """A template that puts its values into a page by `escaped`."""

    @classmethod
    def from_code(
        cls,
        environment: Environment,
        code: CodeType,
        globals: MutableMapping[str, Any],  # noqa: A002  # Jinja's own word
        uptodate: Callable[[], bool] | None = None,
    ) -> Template:
        """Return what Jinja makes of the code; it calls what has this name for each value."""
        made = super().from_code(environment, code, globals, uptodate)
        made.root_render_func.__globals__["escape"] = escaped
        return made
