"""The command `fhir-alliance`: every command by its name."""

import click

from smart_app.commands import (
    alerts,
    bulk,
    client_keys,
    doctor,
    ehr,
    harvest,
    instruments,
    keys,
    outbox,
    resources,
    site,
    tablets,
    visits,
)


@click.group()
@click.version_option(package_name="fhir-alliance")
def main() -> None:
    """Measure the therapeutic alliance at each visit, in the EHR that is already there."""


for _command in (
    *(site.begin, site.demo, site.serve, site.worker, site.publish),
    *(resources.package, resources.score, resources.validate),
    *(instruments.instruments, alerts.alerts, outbox.outbox, ehr.ehr, doctor.doctor, harvest.harvest, keys.keys),
    client_keys.client_keys,
    *(tablets.tablets, bulk.bulk, visits.visits),
):
    main.add_command(_command)


if __name__ == "__main__":
    main()
