"""What clinicians did with CDS Hooks cards."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    op.create_table(
        "card_feedback",
        sa.Column("ehr", sa.String(), nullable=False),
        sa.Column("card", sa.String(), nullable=False),
        sa.Column("service", sa.String(), nullable=False),
        sa.Column("outcome", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=True),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("ehr", "card", name=op.f("pk_card_feedback")),
    )
