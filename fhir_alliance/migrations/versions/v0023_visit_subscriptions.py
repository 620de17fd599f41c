"""Subscriptions at EHRs that tell of visits."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"


def upgrade() -> None:
    op.create_table(
        "visit_subscriptions",
        sa.Column("ehr", sa.String(), nullable=False),
        sa.Column("topic", sa.String(), nullable=False),
        sa.Column("secret_hash", sa.String(), nullable=False),
        sa.Column("subscription", sa.String(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("last_event", sa.BigInteger(), nullable=False),
        sa.Column("highest_event", sa.BigInteger(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("heard_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("ehr", name=op.f("pk_visit_subscriptions")),
    )
