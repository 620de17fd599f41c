"""What a request to the endpoint asks for: in JSON, by which parameters, and how many at a time."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from flask import request
from werkzeug.datastructures import MIMEAccept
from werkzeug.http import parse_options_header

from smart_app.web.fhir.refusals import FHIR_JSON, BadSearch, NotAcceptable

_JSON: Final = (FHIR_JSON, "application/json", "text/json")
_FORMATS: Final = frozenset({"json", *_JSON})
_FHIR_VERSIONS: Final = frozenset({"4.0", "4.0.1"})
_COUNT: Final = re.compile(r"[0-9]{1,6}")
_MOST: Final = 100
_NOT_CRITERIA: Final = frozenset({"_format", "_count", "_page"})


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A search: what was asked of what is known, how many may come at once, and where to go on."""

    criteria: tuple[tuple[str, str], ...]
    count: int
    page: str

    def address(self, base: str, kind: str, *, page: str = "") -> str:
        """Return the address of this search as it was understood, or of another page of it."""
        chosen = [*self.criteria, ("_count", str(self.count)), *([("_page", page)] if page else [])]
        return f"{base}/{kind}?{urlencode(chosen)}"


def check_format() -> None:
    """Raise NotAcceptable when the answer may not be JSON of FHIR R4; `_format` goes before the Accept header."""
    wanted = request.args.get("_format")
    if wanted is not None:
        # A + that was not encoded arrives as a space.
        if wanted.partition(";")[0].strip().replace(" ", "+") not in _FORMATS:
            raise NotAcceptable("_format")
        return
    accepted = request.accept_mimetypes
    if accepted and not any(_is_json(name, accepted) for name, _ in accepted):
        raise NotAcceptable("Accept")


def _is_json(name: str, accepted: MIMEAccept) -> bool:
    kind, options = parse_options_header(name)
    is_json = kind in _JSON or kind in ("*/*", "application/*")
    return is_json and accepted[name] > 0 and options.get("fhirversion", "4.0") in _FHIR_VERSIONS


def read_search(known: Collection[str]) -> Asked:
    """Return the search that this request asks for; what is not known is left out.

    Raises BadSearch for a modifier, a `_count` that is no number, and with `Prefer: handling=strict` for what is not
    known.
    """
    given = [(name, value) for name, value in request.args.items(multi=True) if value]
    for name, _ in given:
        plain, modified, _ = name.partition(":")
        if modified and plain in known:
            raise BadSearch("modifier")
    unknown = [name for name, _ in given if name not in known and name not in _NOT_CRITERIA]
    if unknown and "handling=strict" in request.headers.get("Prefer", "").replace(" ", "").split(","):
        raise BadSearch("unknown parameter")
    return Asked(
        criteria=tuple((name, value) for name, value in given if name in known),
        count=_count(request.args.get("_count", "")),
        page=request.args.get("_page", ""),
    )


def _count(value: str) -> int:
    if value and not _COUNT.fullmatch(value):
        raise BadSearch("_count")
    return min(int(value), _MOST) if value else _MOST
