"""Forms that are asked, as Tasks in an EHR."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"


def upgrade() -> None:
    op.create_table(
        "task_mirrors",
        sa.Column("ehr", sa.String(), nullable=False),
        sa.Column("assignment", sa.Integer(), nullable=False),
        sa.Column("shape", sa.String(), nullable=False),
        sa.Column("task", sa.String(), nullable=True),
        sa.Column("told", sa.String(), nullable=False),
        sa.Column("held", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("ehr", "assignment", "shape", name=op.f("pk_task_mirrors")),
    )
