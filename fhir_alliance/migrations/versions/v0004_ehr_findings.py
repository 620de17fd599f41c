"""What was found out about each EHR, with its date."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "ehr_findings",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("ehr", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("facts", sa.String(), nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ehr_findings")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_ehr_findings_ehr_kind"), "ehr_findings", ["ehr", "kind"], unique=False)
