"""What became of the answers that opened an alert."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.add_column("alerts", sa.Column("change", sa.String(), nullable=True))
    op.add_column("alerts", sa.Column("changed_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("alerts", sa.Column("withdrawn_told_at", sa.DateTime(timezone=True), nullable=True))
