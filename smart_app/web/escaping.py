"""How values get into pages: escaped, but for what has nothing in it to escape."""

import re
from collections.abc import Callable, MutableMapping
from types import CodeType
from typing import Any, Final

from jinja2 import Environment, Template
from markupsafe import Markup, escape

# The characters that MarkupSafe writes in another way.
_MARKUP: Final = re.compile("[&<>'\"]").search


def escaped(value: Any) -> str:
    """Return a value as text that may stand in a page.

    A page is made of thousands of values, hardly any with something to escape, and what is markup already stays as it
    is: to see that takes a part of the time that escaping does.
    """
    kind = type(value)
    if kind is float or kind is int:
        return str(value)
    if kind is Markup or (kind is str and not _MARKUP(value)):
        return value  # type: ignore[no-any-return]  # a kind of text
    return escape(value)


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
