"""Which therapist a form that is asked is about, and the patients of one therapist found fast."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"


def upgrade() -> None:
    op.add_column("assignments", sa.Column("therapist", sa.String(), nullable=False, server_default=""))
    op.create_index(op.f("ix_assignments_ehr_therapist"), "assignments", ["ehr", "therapist"], unique=False)
    op.create_index(op.f("ix_reasons_ehr_therapist"), "reasons", ["ehr", "therapist"], unique=False)
    op.create_index(
        op.f("ix_submissions_ehr_therapist_patient"), "submissions", ["ehr", "therapist", "patient"], unique=False
    )
