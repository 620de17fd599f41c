"""What doctor says of filing the view in the chart: whether clinicians are offered it, and if not, why."""

from collections.abc import Iterator

from fhir_alliance.ehr.filing import hindrances
from fhir_alliance.settings import EhrSettings
from smart_app.doctor.lines import wrapped


def filing(ehr: EhrSettings, facts: frozenset[str], granted: frozenset[str] | None) -> Iterator[str]:
    """Yield the lines; what a clinician was `granted` is not known until one has signed in."""
    asked = frozenset(ehr.clinician.scopes.split()) if ehr.clinician and granted is None else granted
    found = list(hindrances(ehr.write, facts, asked or frozenset()))
    if found:
        yield from wrapped(f"“File in the chart” is not offered to clinicians: {'; '.join(found)}.")
    elif granted is None:
        yield from wrapped("“File in the chart” is offered to clinicians if they are granted the scopes asked for.")
    else:
        yield from wrapped(
            "“File in the chart” is offered to clinicians: the view as a PDF page, when they ask for it."
        )
    yield ""
