"""Links by which patients answer without a sign-in."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.create_table(
        "patient_links",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("link_hash", sa.String(), nullable=False),
        sa.Column("launch", sa.String(), nullable=False),
        sa.Column("ehr", sa.String(), nullable=False),
        sa.Column("patient", sa.String(), nullable=False),
        sa.Column("form", sa.String(), nullable=False),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tries_left", sa.Integer(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_patient_links")),
        sa.ForeignKeyConstraint(["launch"], ["launches.handle"], name=op.f("fk_patient_links_launch_launches")),
        sa.UniqueConstraint("link_hash", name=op.f("uq_patient_links_link_hash")),
        sa.UniqueConstraint("launch", name=op.f("uq_patient_links_launch")),
    )
    op.create_index(op.f("ix_patient_links_ehr_patient"), "patient_links", ["ehr", "patient"])
