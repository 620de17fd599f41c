"""The part of doctor's table that says what the backend client may do: asked for, granted, and what is missing."""

from collections.abc import Iterator

from fhir_alliance.ehr.jobs import Job, jobs
from fhir_alliance.settings import EhrSettings
from smart_app.doctor.lines import wrapped


def job_table(ehr: EhrSettings, granted: frozenset[str] | None) -> Iterator[str]:
    """Yield the lines, at most 100 columns wide; nothing where no backend client is registered."""
    found = list(jobs(ehr, granted))
    if not found:
        return
    yield f"{'BACKEND CLIENT, by scopes':<35}ASKED  GRANTED  WHAT IS MISSING"
    for job in found:
        yield from _row(job)
    yield ""


def _row(job: Job) -> Iterator[str]:
    asked = "no" if job.unasked else "yes"
    granted = "?" if job.ungranted is None else "no" if job.ungranted else "yes"
    head = f"{job.what:<35}{asked:<7}{granted:<9}"
    missing = " ".join(dict.fromkeys((*job.unasked, *(job.ungranted or ())))) or "-"
    yield from wrapped(missing, first=head, indent=" " * len(head))
