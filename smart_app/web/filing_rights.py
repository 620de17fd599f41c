"""Whether the view may be filed in the chart of a launch: what its EHR states, and what it has granted."""

from fhir_alliance.ehr.filing import hindrances
from fhir_alliance.ehr.findings import Kind, last
from smart_app.web.launches import Launch
from smart_app.web.services import services


def may_file(launch: Launch) -> bool:
    """Whether nothing stands against it; an EHR whose statement was never read states nothing."""
    with services().engine.connect() as connection:
        stated = last(connection, launch.ehr.name, Kind.STATED)
    facts = stated.facts if stated else frozenset[str]()
    return not any(hindrances(launch.ehr.write, facts, services().grants.scopes(launch.grant)))
