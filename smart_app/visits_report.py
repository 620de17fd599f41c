"""How forms are answered, as a table, as CSV and as JSON; what is hidden is *, empty, and null."""

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import date
from typing import Final

import orjson

from fhir_alliance.settings import Settings
from fhir_alliance.store import open_store
from fhir_alliance.visits.assignments import Assignments
from fhir_alliance.visits.figures import RECENT, WeekFigures, read_figures
from fhir_alliance.visits.planning import covering, newest_forms
from smart_app.catalogue_report import aligned
from smart_app.web.asked import site_catalogue
from smart_app.web.pages.figures import COLUMNS, NOTE, counts, parts_of, said
from smart_app.web.services import utc_now


def figures(
    site: Settings, *, ehr: str | None = None, first: date | None = None, last: date | None = None
) -> tuple[WeekFigures, ...]:
    """Count the forms of a site's patients, of one EHR or of all; StoreError when the database cannot be read."""
    zone = site.site.time_zone
    last = last or utc_now().astimezone(zone).date()
    engine = open_store(site.database)
    try:
        found = Assignments(engine, covering(newest_forms(site_catalogue(site).instruments).values()), utc_now)
        ehrs = [ehr] if ehr else list(site.ehrs)
        return read_figures(engine, found, ehrs, first=first or last - RECENT, last=last, zone=zone)
    finally:
        engine.dispose()


def _table(found: Sequence[WeekFigures]) -> Iterator[str]:
    if not found:
        yield "No form was due."
        return
    yield from aligned(
        [
            ("week from", "EHR", "clinic", *COLUMNS),
            *((str(each.week), each.ehr, each.clinic or "–", *map(said, counts(each))) for each in found),
        ]
    )
    for each in found:
        if parts := parts_of(each):
            yield f"\n{each.week}  {each.ehr}  {each.clinic or '–'}"
            yield from (f"  by {name}: {told}" for name, told in parts)
    if any(None in counts(each) for each in found):
        yield "\n" + NOTE


def _csv(found: Sequence[WeekFigures]) -> Iterator[str]:
    yield "week,ehr,clinic,what,name,count"
    for each in found:
        rows = [("forms", name, value) for name, value in zip(COLUMNS, counts(each), strict=True)]
        rows += [(what, name, value) for what, values in each.by.items() for name, value in values.items()]
        rows += [("reason", name, value) for name, value in each.reasons.items()]
        for row in rows:
            line = io.StringIO()
            csv.writer(line, lineterminator="").writerow([each.week, each.ehr, each.clinic, *row])
            yield line.getvalue()


def _json(found: Sequence[WeekFigures]) -> Iterator[str]:
    yield orjson.dumps([asdict(each) for each in found], option=orjson.OPT_INDENT_2).decode()


WRITERS: Final[Mapping[str, Callable[[Sequence[WeekFigures]], Iterator[str]]]] = {
    "table": _table,
    "csv": _csv,
    "json": _json,
}
"""Each yields the lines of one kind of output."""
