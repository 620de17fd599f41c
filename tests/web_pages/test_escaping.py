"""Whatever is put into a page is text there; numbers are not looked at for it."""

from decimal import Decimal

import pytest
from gallery import TEMPLATES
from markupsafe import escape

HOSTILE = "<b title='x\">&amp;</b>"


class Loud(float):
    """A number that is written as markup."""

    def __str__(self) -> str:
        """Return markup."""
        return HOSTILE


class Named(str):
    """Text of a kind of its own."""


@pytest.mark.parametrize(
    "value",
    [
        HOSTILE,
        *"&<>'\"",
        "nothing to escape; 7.5 – 8 \x00\u2028",
        Named(HOSTILE),
        [HOSTILE],
        {HOSTILE: 1},
        Loud(1),
        None,
        True,
        0,
        -3,
        0.5,
        1e-7,
        float("nan"),
        Decimal("1.0"),
    ],
    ids=repr,
)
def test_a_value_is_put_as_jinja_puts_it(value: object) -> None:
    """Text of any kind is escaped, also when something that counts as a number brings it; numbers look the same."""
    template = TEMPLATES.from_string(
        "<p>{{ value }}</p>{% macro twice(x) %}{{ x }}{{ x }}{% endmacro %}{{ twice(value) }}"
    )

    shown = template.render(value=value)

    assert shown == f"<p>{escape(value)}</p>{escape(value) * 2}"


def test_what_is_told_once_stays_told_once() -> None:
    """What was escaped in one place is not escaped again in the next."""
    template = TEMPLATES.from_string("{% set said %}{{ value }}{% endset %}{{ said }}")

    assert template.render(value="<") == "&lt;"
