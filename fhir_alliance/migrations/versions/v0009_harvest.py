"""Responses that others wrote: which version of one was scored, how far they were looked for, which are not scored."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.add_column("submissions", sa.Column("harvested_version", sa.String(), nullable=True))
    op.create_index(
        op.f("ix_submissions_ehr_response_id_harvested_version"),
        "submissions",
        ["ehr", "response_id", "harvested_version"],
        unique=True,
    )
    op.create_table(
        "harvest_rounds",
        sa.Column("ehr", sa.String(), nullable=False),
        sa.Column("looked_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tried_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("ehr", name=op.f("pk_harvest_rounds")),
    )
    op.create_table(
        "harvest_refusals",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("ehr", sa.String(), nullable=False),
        sa.Column("response", sa.String(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("patient", sa.String(), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_harvest_refusals")),
        sa.UniqueConstraint("ehr", "response", "version", name=op.f("uq_harvest_refusals_ehr_response_version")),
        sqlite_autoincrement=True,
    )
