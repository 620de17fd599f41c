"""The responses of one patient that are not scored found fast."""

from alembic import op

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    op.create_index(op.f("ix_harvest_refusals_ehr_patient"), "harvest_refusals", ["ehr", "patient"], unique=False)
