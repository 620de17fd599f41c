"""Forms that were found due about a visit."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.create_table(
        "assignments",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("ehr", sa.String(), nullable=False),
        sa.Column("patient", sa.String(), nullable=False),
        sa.Column("encounter", sa.String(), nullable=False),
        sa.Column("form_url", sa.String(), nullable=False),
        sa.Column("form", sa.String(), nullable=False),
        sa.Column("rater", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("why", sa.String(), nullable=False),
        sa.Column("trigger", sa.String(), nullable=False),
        sa.Column("opens_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closes_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("assigned_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancelled_why", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_assignments")),
        sa.UniqueConstraint(
            "ehr", "patient", "encounter", "form_url", name=op.f("uq_assignments_ehr_patient_encounter_form_url")
        ),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_assignments_closes_at"), "assignments", ["closes_at"])
