"""Clinic tablets, and where a handed-over form went on."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    op.create_table(
        "tablets",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("code_hash", sa.String(), nullable=False),
        sa.Column("invited_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("device_hash", sa.String(), nullable=True),
        sa.Column("registered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tablets")),
        sa.UniqueConstraint("code_hash", name=op.f("uq_tablets_code_hash")),
        sa.UniqueConstraint("device_hash", name=op.f("uq_tablets_device_hash")),
    )
    op.add_column("handovers", sa.Column("launch", sa.String(), nullable=True))
    op.add_column("handovers", sa.Column("tablet", sa.String(), nullable=True))
