"""Visits that may have changed, how far they were looked through, and what is agreed with patients."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    op.create_table(
        "visit_looks",
        sa.Column("ehr", sa.String(), nullable=False),
        sa.Column("reference", sa.String(), nullable=False),
        sa.Column("trigger", sa.String(), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("wanted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("looked_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("ehr", "reference", name=op.f("pk_visit_looks")),
    )
    op.create_index(op.f("ix_visit_looks_ehr_wanted_at"), "visit_looks", ["ehr", "wanted_at"])
    op.create_table(
        "visit_rounds",
        sa.Column("ehr", sa.String(), nullable=False),
        sa.Column("looked_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tried_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("ehr", name=op.f("pk_visit_rounds")),
    )
    op.create_table(
        "patient_wishes",
        sa.Column("ehr", sa.String(), nullable=False),
        sa.Column("patient", sa.String(), nullable=False),
        sa.Column("pause_first", sa.Date(), nullable=True),
        sa.Column("pause_last", sa.Date(), nullable=True),
        sa.Column("never", sa.Boolean(), nullable=False),
        sa.Column("schedule", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("ehr", "patient", name=op.f("pk_patient_wishes")),
    )
