"""Reminders of forms that wait, and patients who do not wish for any."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    op.add_column("assignments", sa.Column("schedule", sa.String(), nullable=False, server_default="site"))
    op.add_column("patient_wishes", sa.Column("unreminded", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_table(
        "reminders",
        sa.Column("assignment", sa.Integer(), nullable=False),
        sa.Column("hours", sa.Integer(), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("link", sa.String(), nullable=True),
        sa.Column("link_hash", sa.String(), nullable=True),
        sa.Column("outcome", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("assignment", "hours", name=op.f("pk_reminders")),
        sa.ForeignKeyConstraint(["assignment"], ["assignments.id"], name=op.f("fk_reminders_assignment_assignments")),
        sa.ForeignKeyConstraint(["link"], ["patient_links.id"], name=op.f("fk_reminders_link_patient_links")),
        sa.UniqueConstraint("link_hash", name=op.f("uq_reminders_link_hash")),
    )
